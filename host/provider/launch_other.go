//go:build !linux

package provider

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/openvibez/openvibez/sdk"
)

// launched is a plugin's process.
type launched struct {
	pid int
	// Closed when the process has ended; end is set before.
	done chan struct{}
	end  string

	process *os.Process
}

// launch starts cmd. Where descriptors can be inherited the plugin watches a lifeline (descriptor 3) and ends with the
// host; what the plugin itself starts is not followed here.
func launch(cmd *exec.Cmd) (*launched, error) {
	watched, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make lifeline: %w", err)
	}
	if runtime.GOOS != "windows" {
		cmd.ExtraFiles = []*os.File{watched}
		cmd.Env = append(cmd.Env, sdk.EnvLifeline+"=3")
	}
	err = cmd.Start()
	_ = watched.Close()
	if err != nil {
		_ = held.Close()
		return nil, err
	}
	l := &launched{pid: cmd.Process.Pid, done: make(chan struct{}), process: cmd.Process}
	go func() {
		l.end = ended(cmd)
		_ = held.Close()
		close(l.done)
	}()
	return l, nil
}

// kill ends the process at once. Killing one that has ended is no error.
func (l *launched) kill() {
	_ = l.process.Kill()
}
