package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/sdk"
)

// startUnconfined starts a plugin in a process group of its own, tied to the host by a lifeline that the plugin itself
// watches (descriptor 3). One that does not is told by SIGTERM.
func (s *Sandbox) startUnconfined(p Plugin, stdout, stderr *os.File) (*Process, error) {
	watched, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make lifeline: %w", err)
	}
	cmd := exec.Command(p.Path)
	cmd.Dir, cmd.Env = p.Dir, append(p.Env[:len(p.Env):len(p.Env)], sdk.EnvLifeline+"=3")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.ExtraFiles = []*os.File{watched}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}

	var mu sync.Mutex
	reaped, end, done := false, "", make(chan struct{})
	kill := func() {
		mu.Lock()
		defer mu.Unlock()
		if !reaped {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	started := make(chan error, 1)
	go func() {
		// The death signal belongs to the thread that forks, so that thread has to stay until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = held.Close() }()
		err := cmd.Start()
		_ = watched.Close()
		started <- err
		if err != nil {
			return
		}
		// Looking without reaping keeps the group's number taken while the rest of the group is killed.
		for errors.Is(unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
			continue
		}
		kill()
		mu.Lock()
		reaped = true
		_ = cmd.Wait()
		end = cmd.ProcessState.String()
		mu.Unlock()
		close(done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start plugin: %w", err)
	}
	return &Process{pid: cmd.Process.Pid, done: done, end: func() string { return end }, kill: kill}, nil
}
