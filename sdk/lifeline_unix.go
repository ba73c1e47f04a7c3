//go:build unix

package sdk

import (
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// followHost ends this process, and with it all that it started, when the host ends, however that happens: the host
// holds the other end of a pipe.
func followHost() {
	fd, err := strconv.Atoi(os.Getenv(EnvLifeline))
	if err != nil {
		return
	}
	syscall.CloseOnExec(fd)
	pipe := os.NewFile(uintptr(fd), "lifeline")
	if pipe == nil {
		return
	}
	end := func() {
		if syscall.Getpgrp() == os.Getpid() {
			_ = syscall.Kill(0, syscall.SIGKILL)
		}
		os.Exit(1)
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		end()
	}()
	go func() {
		_, _ = io.Copy(io.Discard, pipe)
		end()
	}()
}
