//go:build unix

package client

import (
	"syscall"
)

// ownSession makes a process independent of the terminal it was started from.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
