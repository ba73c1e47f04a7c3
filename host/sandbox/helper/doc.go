// Command openvibez-sandbox starts one process in a box and ends with it. Only OpenVibez calls it.
package main
