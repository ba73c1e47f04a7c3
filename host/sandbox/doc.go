// Package sandbox runs granted commands and plugins, and nothing else.
package sandbox
