package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

const (
	exitMisuse = 2
	// exitProblem says that there is a Problem to read in the report.
	exitProblem = 125
)

func main() {
	// Landlock, capabilities and seccomp belong to threads; the one that starts the process also waits for it and signals it.
	runtime.LockOSThread()
	switch {
	case len(os.Args) == 3 && os.Args[1] == "probe":
		os.Exit(probe(os.Args[2]))
	case len(os.Args) == 2 && os.Args[1] == "plugin":
		os.Exit(becomePlugin())
	}
	s, err := awaitSpec()
	if err != nil {
		fmt.Fprintln(os.Stderr, "openvibez-sandbox is started by OpenVibez; try: openvibez sandbox run --help")
		os.Exit(exitMisuse)
	}
	// Nothing that was inherited by accident reaches the program.
	if err := unix.CloseRange(box.FdSpec, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		os.Exit(fail(fmt.Errorf("close descriptors: %w", err)))
	}
	code, err := run(s)
	if err != nil {
		code = fail(err)
	}
	os.Exit(code)
}

// awaitSpec waits until the host has written down what to do.
func awaitSpec() (*box.Spec, error) {
	for {
		n, err := unix.Read(box.FdReport, make([]byte, 1))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, err
		case n == 0:
			// It thought better of it, or is gone.
			os.Exit(exitProblem)
		}
		return readSpec()
	}
}

// readSpec reads what to do, from its beginning: a plugin's second stage reads it again.
func readSpec() (*box.Spec, error) {
	f := os.NewFile(box.FdSpec, "spec")
	if f == nil {
		return nil, os.ErrInvalid
	}
	if seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0); err != nil || seals&unix.F_SEAL_WRITE == 0 {
		return nil, os.ErrInvalid
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read spec: %w", err)
	}
	b, s := make([]byte, info.Size()), &box.Spec{}
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil, fmt.Errorf("read spec: %w", err)
	}
	if err := s.Decode(b); err != nil {
		return nil, fmt.Errorf("read spec: %w", err)
	}
	return s, nil
}

func run(s *box.Spec) (int, error) {
	r := &runner{spec: s}
	if s.Plugin != nil {
		if err := r.openPlugin(); err != nil {
			return 0, err
		}
	}
	if s.Walls == box.WallsFull {
		// Where memory runs out, it is not the host that pays.
		if fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_WRONLY|unix.O_CLOEXEC, 0); err == nil {
			_, _ = unix.Write(fd, []byte("500"))
			_ = unix.Close(fd)
		}
		if err := unix.Sethostname([]byte("openvibez")); err != nil {
			return 0, fmt.Errorf("set host name: %w", err)
		}
		if err := loopbackUp(); err != nil {
			return 0, fmt.Errorf("start loopback: %w", err)
		}
		if err := makeRoot(s); err != nil {
			return 0, err
		}
	}
	if err := r.enter(); err != nil {
		return 0, err
	}
	if s.Listen {
		fd, err := listenProxy()
		if err != nil {
			return 0, fmt.Errorf("listen for the proxy: %w", err)
		}
		r.listener = fd
	}
	if err := setLimits(s); err != nil {
		return 0, err
	}
	if s.Walls != box.WallsNone {
		// What the process could read of this one: environment, memory, descriptors.
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
			return 0, fmt.Errorf("hide from the process: %w", err)
		}
		if s.Walls == box.WallsFull {
			if err := dropCapabilities(); err != nil {
				return 0, err
			}
		}
		if s.Plugin == nil {
			if err := wallOff(s, r.root, nil); err != nil {
				return 0, err
			}
		}
	}
	return r.carry()
}

// wallOff puts up what lasts for good: Landlock, then seccomp.
func wallOff(s *box.Spec, root, plugin *os.File) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	if err := landlockOff(s, root, plugin); err != nil {
		return fmt.Errorf("set up Landlock: %w", err)
	}
	if err := loadFilter(makeFilter(s)); err != nil {
		return fmt.Errorf("load system call filter: %w", err)
	}
	return nil
}

// fail reports why there is no box.
func fail(err error) int {
	if tell(box.Report{Problem: err.Error()}, -1) != nil {
		fmt.Fprintln(os.Stderr, "openvibez-sandbox:", strings.TrimSpace(err.Error()))
	}
	return exitProblem
}

// tell sends a report to the host, with a descriptor unless that is -1.
func tell(r box.Report, fd int) error {
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	return unix.Sendmsg(box.FdReport, r.Encode(), rights, nil, unix.MSG_NOSIGNAL)
}
