package sandbox

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"slices"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

// Plugin is a program that may touch nothing but what is named here. It must be static: it sees no libraries.
type Plugin struct {
	Path string
	// SHA256 is the digest it must have; zero is not checked.
	SHA256 [32]byte
	// Dir is its own directory, and its working directory. It can make sockets there, and files, but only empty ones.
	Dir string
	// Sockets is a directory with the sockets that the host serves it; "" is none.
	Sockets string
	// Env is its whole environment.
	Env []string
	// Memory in bytes and Processes, which count threads too, bound what it may use; 0 is no bound.
	Memory, Processes int64
	// Unconfined starts it with all the rights of the person.
	Unconfined bool
}

// Process is a started plugin.
type Process struct {
	pid  int
	done <-chan struct{}
	end  func() string
	kill func()
}

// PID is the number of the process that stands for the plugin: its own, or that of the helper beside it.
func (p *Process) PID() int { return p.pid }

// Done is closed when the plugin has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// End says how it ended, once it has: "exit status 3", "signal: killed".
func (p *Process) End() string { return p.end() }

// Kill ends it at once, with what it started. Killing what has ended is no error.
func (p *Process) Kill() { p.kill() }

// StartPlugin starts a plugin with the walls that this system has; without any it has to be Unconfined. What it prints
// goes to stdout and stderr, which stay the caller's to close. It lives no longer than the host.
func (s *Sandbox) StartPlugin(p Plugin, stdout, stderr *os.File) (*Process, error) {
	if p.Unconfined {
		return s.startUnconfined(p, stdout, stderr)
	}
	report := s.Report(context.Background())
	if report.Level == policy.LevelNone {
		return nil, fmt.Errorf("plugins can't be confined here: %s", report.Problem)
	}
	spec := &box.Spec{
		Walls: box.WallsFull, Env: p.Env, Dir: p.Dir, Reads: true,
		Binds:  []box.Bind{{Path: "/tmp", Fresh: true}, {Path: p.Dir, Write: true}},
		Plugin: &box.Plugin{Path: p.Path},
		Limits: box.Limits{Memory: p.Memory, Processes: p.Processes, Temp: 16 << 20, Files: 1024},
	}
	if p.Sockets != "" {
		spec.Binds = slices.Insert(spec.Binds, 1, box.Bind{Path: p.Sockets})
	}
	if report.Level == policy.LevelReduced {
		spec.Walls, spec.Binds = box.WallsReduced, spec.Binds[1:]
	}
	if p.SHA256 != [32]byte{} {
		spec.Plugin.SHA256 = hex.EncodeToString(p.SHA256[:])
	}
	c, err := s.start(spec.Walls, func() (*box.Spec, error) { return spec, nil }, nil, stdout, stderr)
	if err != nil {
		return nil, err
	}
	return &Process{pid: c.pid, done: c.done, end: func() string { return c.end }, kill: c.kill}, nil
}
