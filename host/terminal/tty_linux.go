package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

// FlushInput drops the half line that was typed and not sent.
func FlushInput(f *os.File) { _ = unix.IoctlSetInt(int(f.Fd()), unix.TCFLSH, unix.TCIFLUSH) }
