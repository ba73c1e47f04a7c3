// Package smalldisk makes small file systems for tests that fill them.
package smalldisk
