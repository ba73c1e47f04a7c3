package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// keep runs a command and everything it starts until the command ends or our standard input closes, which it does even
// when the caller is killed. It returns the exit code.
func keep(command []string) int {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// Whoever stops the caller by a signal to its group means the command too, and that is what its going tells us.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	group(cmd)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "keep:", err)
		return 127
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(gone)
	}()
	var err error
	select {
	case err = <-ended:
		killGroup(cmd)
	case <-gone:
		killGroup(cmd)
		err = <-ended
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	}
	return 1
}
