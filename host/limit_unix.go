//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// outliveFileLimit makes a limit on the size of files an error of the write that meets it, not the host's end.
func outliveFileLimit() {
	// Not ignored: the programs it starts would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGXFSZ)
}
