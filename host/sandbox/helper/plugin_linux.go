package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// fdPlugin is where the second stage finds the plugin's program.
const fdPlugin = 4

// openPlugin opens the program once: what is checked is what is executed, whatever the path may name by then.
func (r *runner) openPlugin() error {
	p := r.spec.Plugin
	f, err := os.Open(p.Path)
	if err != nil {
		return fmt.Errorf("open plugin: %w", err)
	}
	if p.SHA256 != "" {
		sum := sha256.New()
		if _, err := io.Copy(sum, f); err != nil {
			return fmt.Errorf("read plugin: %w", err)
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != p.SHA256 {
			return fmt.Errorf("%s is not the program that was approved: its SHA-256 is %s, approved was %s", p.Path, got, p.SHA256)
		}
	}
	r.plugin = f
	return nil
}

// becomePlugin is the second stage: behind walls that let nothing be started it could not have been started itself.
func becomePlugin() int {
	s, err := readSpec()
	if err != nil || s.Plugin == nil {
		fmt.Fprintln(os.Stderr, "openvibez-sandbox: nothing to become")
		return exitMisuse
	}
	unix.CloseOnExec(3)
	unix.CloseOnExec(fdPlugin)
	program := os.NewFile(fdPlugin, s.Plugin.Path)
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, "openvibez-sandbox: hide:", err)
		return exitProblem
	}
	if err := wallOff(s, nil, program); err != nil {
		fmt.Fprintln(os.Stderr, "openvibez-sandbox:", err)
		return exitProblem
	}
	err = unix.Exec(fmt.Sprintf("/proc/self/fd/%d", fdPlugin), append([]string{s.Plugin.Path}, s.Args...), s.Env)
	fmt.Fprintln(os.Stderr, "openvibez-sandbox: start plugin:", err)
	return exitProblem
}
