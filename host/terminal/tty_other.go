//go:build !linux

package terminal

import "os"

// FlushInput can't drop a half line here; it is read with the rest of the line.
func FlushInput(*os.File) {}
