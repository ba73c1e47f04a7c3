package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// flushInput drops the half line that was typed and not sent.
func flushInput(f *os.File) { _ = unix.IoctlSetInt(int(f.Fd()), unix.TCFLSH, unix.TCIFLUSH) }
