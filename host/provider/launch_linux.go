package provider

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

// launched is a plugin's process. What it starts dies with it, and it dies with the host.
type launched struct {
	pid int
	// Closed when the process has ended; end is set before.
	done chan struct{}
	end  string

	mu     sync.Mutex
	reaped bool
}

// launch starts cmd in a process group of its own, tied to the host by a lifeline: a pipe whose reading end the
// plugin watches (descriptor 3) and whose writing end closes when the host ends, however it ends. A plugin that does
// not watch it is told by SIGTERM.
func launch(cmd *exec.Cmd) (*launched, error) {
	watched, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make lifeline: %w", err)
	}
	cmd.ExtraFiles = []*os.File{watched}
	cmd.Env = append(cmd.Env, sdk.EnvLifeline+"=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}

	l := &launched{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The death signal belongs to the thread that forks, so that thread has to stay until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = held.Close() }()
		err := cmd.Start()
		_ = watched.Close()
		if err == nil {
			l.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		// Looking without reaping keeps the group's number taken while the rest of the group is killed.
		for {
			if err := unix.Waitid(unix.P_PID, l.pid, nil, unix.WEXITED|unix.WNOWAIT, nil); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		l.kill()
		l.mu.Lock()
		l.reaped = true
		l.end = ended(cmd)
		l.mu.Unlock()
		close(l.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return l, nil
}

// kill ends the process and what it started, at once. Killing one that has ended is no error.
func (l *launched) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.reaped {
		_ = syscall.Kill(-l.pid, syscall.SIGKILL)
	}
}
