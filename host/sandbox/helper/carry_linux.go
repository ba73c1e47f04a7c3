package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// A runner starts the process of a box and stays beside it until one of both ends.
type runner struct {
	spec     *box.Spec
	root     *os.File // the workspace, nil if that does not matter
	plugin   *os.File
	listener int
	child    int
	ended    int // a pidfd of the child
}

// carry starts the process and waits. It returns the process's exit code; when this process then ends, the kernel ends
// all that is left in its process namespace. It waits in one place, without help of other threads: each would take time
// to start, and the thread that stands behind the walls is the one that may send signals.
func (r *runner) carry() (int, error) {
	if r.spec.Walls != box.WallsFull {
		// What loses its parent becomes this one's child, and can be found.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return 0, fmt.Errorf("adopt orphans: %w", err)
		}
	}
	if err := r.start(); err != nil {
		return 0, err
	}
	listener := -1
	if r.spec.Listen {
		listener = r.listener
	}
	// A host that is gone does not listen; its lifeline says so.
	_ = tell(box.Report{Started: true}, listener)
	if listener >= 0 {
		_ = unix.Close(listener)
	}
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	w := newWatch(r.spec)
	for {
		wait := []unix.PollFd{{Fd: int32(r.ended), Events: unix.POLLIN}, {Fd: box.FdLifeline, Events: unix.POLLIN}}
		if n, err := unix.Poll(wait, watchEvery); err != nil && !errors.Is(err, unix.EINTR) {
			return 0, fmt.Errorf("wait: %w", err)
		} else if n <= 0 {
			wait[0].Revents, wait[1].Revents = 0, 0
		}
		for len(signals) > 0 {
			_ = unix.Kill(-r.child, (<-signals).(syscall.Signal))
		}
		if wait[1].Revents != 0 && hostGone() {
			r.clear()
			return 128 + int(unix.SIGKILL), nil
		}
		if code, ended := r.reap(); ended {
			r.clear()
			_ = tell(box.Report{Ended: true, Exit: code}, -1)
			return code, nil
		}
		if words := w.look(); words != "" {
			r.clear()
			_ = tell(box.Report{Ended: true, Exit: 128 + int(unix.SIGKILL), Problem: words}, -1)
			return exitProblem, nil
		}
	}
}

// start forks on the thread that stands behind the walls, and then keeps nothing of what it gave the process.
func (r *runner) start() error {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open /dev/null: %w", err)
	}
	defer func() { _ = null.Close() }()
	attr := &syscall.ProcAttr{Env: r.spec.Env, Files: []uintptr{null.Fd(), 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &r.ended}}
	if r.spec.Stdin {
		attr.Files[0] = 0
	}
	name, args := "", r.spec.Args
	if r.plugin != nil {
		// Descriptor 3 is where a second stage looks for its spec, 4 is the plugin's program.
		name, args = "/proc/self/exe", []string{"openvibez-sandbox", "plugin"}
		attr.Files = append(attr.Files, box.FdSpec, r.plugin.Fd())
		// It takes the plugin's own environment from the spec.
		attr.Env = []string{"GOMAXPROCS=1", "GOGC=off"}
	} else {
		name = args[0]
	}
	if r.spec.Walls != box.WallsFull {
		attr.Sys.Pdeathsig = unix.SIGKILL
	}
	if r.child, err = syscall.ForkExec(name, args, attr); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	if r.ended < 0 {
		if r.ended, err = unix.PidfdOpen(r.child, 0); err != nil {
			return fmt.Errorf("watch the process: %w", err)
		}
	}
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return fmt.Errorf("let go of output: %w", err)
		}
	}
	return nil
}

// reap collects what has ended, and tells if the process itself is among it.
func (r *runner) reap() (code int, ended bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return code, ended
		}
		if pid != r.child {
			continue
		}
		ended = true
		if code = status.ExitStatus(); status.Signaled() {
			code = 128 + int(status.Signal())
		}
	}
}

// clear ends everything that is left: what was started, and what that started, however far it went away. The kernel
// would do it when this process ends, but takes its time to undo the namespaces first.
func (r *runner) clear() {
	if r.spec.Walls == box.WallsFull {
		// Nobody else is in this process namespace, and nothing that forks meanwhile gets away.
		_ = unix.Kill(-1, unix.SIGKILL)
		for {
			if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}
	for {
		for _, pid := range children() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		_, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if errors.Is(err, unix.ECHILD) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// hostGone tells whether the lifeline has ended.
func hostGone() bool {
	n, err := unix.Read(box.FdLifeline, make([]byte, 1))
	return n <= 0 && !errors.Is(err, unix.EINTR)
}
