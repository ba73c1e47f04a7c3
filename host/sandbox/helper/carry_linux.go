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
	plugin   *os.File
	listener int
	child    int
}

// carry starts the process and waits. It returns the process's exit code; when this process then ends, the kernel ends
// all that is left in its process namespace.
func (r *runner) carry() (int, error) {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, unix.SIGCHLD, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	if r.spec.Walls != box.WallsFull {
		// What loses its parent becomes this one's child, and can be found.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return 0, fmt.Errorf("adopt orphans: %w", err)
		}
	}
	hostGone, tooMuch := make(chan struct{}), make(chan string, 1)
	go followHost(hostGone)
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
	if r.spec.Walls != box.WallsNone {
		go watch(r.spec, tooMuch)
	}
	for {
		select {
		case s := <-signals:
			if s != unix.SIGCHLD {
				_ = unix.Kill(-r.child, s.(syscall.Signal))
				continue
			}
			if code, ended := r.reap(); ended {
				r.clear()
				_ = tell(box.Report{Ended: true, Exit: code}, -1)
				return code, nil
			}
		case words := <-tooMuch:
			r.clear()
			_ = tell(box.Report{Ended: true, Exit: 128 + int(unix.SIGKILL), Problem: words}, -1)
			return exitProblem, nil
		case <-hostGone:
			r.clear()
			return 128 + int(unix.SIGKILL), nil
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
	attr := &syscall.ProcAttr{Env: r.spec.Env, Files: []uintptr{null.Fd(), 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true}}
	name, args := "", r.spec.Args
	if r.plugin != nil {
		// Descriptor 3 is where a second stage looks for its spec, 4 is the plugin's program.
		name, args = "/proc/self/exe", []string{"openvibez-sandbox", "plugin"}
		attr.Files = append(attr.Files, box.FdSpec, r.plugin.Fd())
	} else {
		name = args[0]
	}
	if r.spec.Walls != box.WallsFull {
		attr.Sys.Pdeathsig = unix.SIGKILL
	}
	if r.child, err = syscall.ForkExec(name, args, attr); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
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

// clear ends everything that is left where no namespace does it: what was started, and what that started, however far
// it went away.
func (r *runner) clear() {
	if r.spec.Walls == box.WallsFull {
		return
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

// followHost waits for the lifeline to end.
func followHost(gone chan<- struct{}) {
	b := make([]byte, 1)
	for {
		n, err := unix.Read(box.FdLifeline, b)
		if n > 0 || errors.Is(err, unix.EINTR) {
			continue
		}
		close(gone)
		return
	}
}
