//go:build !linux

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/openvibez/openvibez/host/sandbox/box"
	"github.com/openvibez/openvibez/sdk"
)

// start has nothing to start with: there is no helper for this system.
func (s *Sandbox) start(box.Walls, func() (*box.Spec, error), *os.File, *os.File, *os.File) (*child, error) {
	return nil, errors.New("there is no sandbox on " + runtime.GOOS)
}

// startUnconfined starts a plugin. Where descriptors can be inherited it watches a lifeline (descriptor 3) and ends with
// the host; what the plugin itself starts is not followed here.
func (s *Sandbox) startUnconfined(p Plugin, stdout, stderr *os.File) (*Process, error) {
	watched, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make lifeline: %w", err)
	}
	cmd := exec.Command(p.Path)
	cmd.Dir, cmd.Env = p.Dir, p.Env[:len(p.Env):len(p.Env)]
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if runtime.GOOS != "windows" {
		cmd.ExtraFiles = []*os.File{watched}
		cmd.Env = append(cmd.Env, sdk.EnvLifeline+"=3")
	}
	err = cmd.Start()
	_ = watched.Close()
	if err != nil {
		_ = held.Close()
		return nil, fmt.Errorf("start plugin: %w", err)
	}
	end, done := "", make(chan struct{})
	go func() {
		_ = cmd.Wait()
		end = cmd.ProcessState.String()
		_ = held.Close()
		close(done)
	}()
	return &Process{pid: cmd.Process.Pid, done: done, end: func() string { return end }, kill: func() { _ = cmd.Process.Kill() }}, nil
}
