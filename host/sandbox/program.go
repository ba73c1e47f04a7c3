package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

// ProgramDir is where a program and its companions are in their box.
const ProgramDir = "/opt/program"

// Executable is a file that may be executed, and the digest it must have.
type Executable struct {
	Path   string
	SHA256 [32]byte
}

// Program is a program that a plugin works with, such as a vendor's command line client. It can execute itself and its
// companions and nothing else, sees no more than is named here, and reaches no network but the host, at box.ProxyAddr.
// Its files are executed from private copies that nobody in the box can read, so that nobody there can look into it.
type Program struct {
	Executable
	// Companions are what it may start, found beside it in ProgramDir under their own names.
	Companions []Executable
	Args       []string
	// Env is its environment, beside PATH, HOME, TMPDIR and the addresses of the proxy.
	Env []string
	// Workspace is where it works: an open directory, known by Identity; "" is an empty one. It may change it if Write.
	Workspace, Identity string
	Write               bool
	// Dirs are directories it may write to, and Shown what it may read, each at its own path. Home and /tmp are new.
	Dirs, Shown []string
	// Libraries shows the system's, for a program that is not static. Its loader may be executed then, too.
	Libraries bool
	// Memory in bytes and Processes, which count threads too, bound what it may use; 0 is no bound.
	Memory, Processes int64
}

// Running is a started program. Its pipes are the caller's to close.
type Running struct {
	Process
	Stdin          *os.File
	Stdout, Stderr *os.File
	// Bridge takes what the program connects to at box.ProxyAddr.
	Bridge net.Listener
}

const (
	programHome = "/home/program"
	programWork = "/work"
)

// StartProgram starts a program in a box of its own; nothing less than the full sandbox will do. It ends with ctx, and
// with the host, with all that it started.
func (s *Sandbox) StartProgram(ctx context.Context, p Program) (*Running, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if report := s.Report(ctx); report.Level != policy.LevelFull {
		return nil, fmt.Errorf("%s can't be confined here: %s", filepath.Base(p.Path), report.Problem)
	}
	held := &placeholders{}
	spec, err := s.programBox(p, held)
	if err != nil {
		held.release()
		return nil, err
	}
	r := &Running{}
	var theirs []*os.File
	pipe := func(toProgram bool) *os.File {
		read, write, pipeErr := os.Pipe()
		if err = errors.Join(err, pipeErr); pipeErr != nil {
			return nil
		}
		if toProgram {
			read, write = write, read
		}
		theirs = append(theirs, write)
		return read
	}
	r.Stdin, r.Stdout, r.Stderr = pipe(true), pipe(false), pipe(false)
	defer func() {
		for _, f := range theirs {
			_ = f.Close()
		}
	}()
	var c *child
	if err == nil {
		c, err = s.start(spec.Walls, func() (*box.Spec, error) { return spec, nil }, theirs[0], theirs[1], theirs[2])
	}
	if err != nil {
		held.release()
		return nil, errors.Join(fmt.Errorf("start %s: %w", filepath.Base(p.Path), err), r.Stdin.Close(), r.Stdout.Close(), r.Stderr.Close())
	}
	r.Process = Process{pid: c.pid, done: c.done, end: func() string { return c.end }, kill: c.kill}
	r.Bridge = c.listener
	go func() {
		select {
		case <-ctx.Done():
			c.kill()
		case <-c.done:
		}
		_ = r.Bridge.Close()
		<-c.done
		held.release()
	}()
	return r, nil
}

// programBox describes the box of a program. What it needs in the workspace stays until held is released.
func (s *Sandbox) programBox(p Program, held *placeholders) (*box.Spec, error) {
	at := func(e Executable) string { return filepath.Join(ProgramDir, filepath.Base(e.Path)) }
	spec := &box.Spec{
		Walls: box.WallsFull, Only: true, Stdin: true, Listen: true,
		Args: append([]string{at(p.Executable)}, p.Args...), Dir: programWork,
		Temp: "/tmp", Home: programHome,
		Binds:  []box.Bind{{Path: "/tmp", Fresh: true}, {Path: programHome, Fresh: true}},
		Limits: box.Limits{Memory: p.Memory, Processes: p.Processes, Files: maxFiles, Temp: 256 << 20},
	}
	proxy := "http://" + box.ProxyAddr
	spec.Env = append([]string{
		"PATH=" + ProgramDir, "HOME=" + programHome, "TMPDIR=/tmp",
		"HTTP_PROXY=" + proxy, "HTTPS_PROXY=" + proxy, "http_proxy=" + proxy, "https_proxy=" + proxy,
		"NO_PROXY=localhost,127.0.0.1,::1", "no_proxy=localhost,127.0.0.1,::1",
	}, p.Env...)
	loader := ""
	seen := map[string]bool{}
	for _, e := range append([]Executable{p.Executable}, p.Companions...) {
		if seen[at(e)] {
			return nil, fmt.Errorf("two programs are called %s", filepath.Base(e.Path))
		}
		seen[at(e)] = true
		made, err := s.copies.of(filepath.Join(s.config.CacheDir, "programs"), e)
		if err != nil {
			return nil, err
		}
		if made.loader != "" {
			loader = made.loader
		}
		spec.Binds = append(spec.Binds, box.Bind{Path: at(e), From: made.path, Version: made.version, Exec: true})
	}
	if p.Libraries {
		spec.Binds, spec.Links = append(spec.Binds, libraries(loader)...), s.look().links
	} else if loader != "" {
		return nil, fmt.Errorf("%s needs the system's libraries, which it is not to see", p.Path)
	}
	for _, dir := range p.Shown {
		spec.Binds = append(spec.Binds, box.Bind{Path: dir})
	}
	for _, dir := range p.Dirs {
		spec.Binds = append(spec.Binds, box.Bind{Path: dir, Write: true})
	}
	if p.Workspace == "" {
		return spec, nil
	}
	if err := s.usable(p.Workspace); err != nil {
		return nil, err
	}
	spec.Dir, spec.Root, spec.Identity = p.Workspace, p.Workspace, p.Identity
	spec.Binds = append(spec.Binds, box.Bind{Path: p.Workspace, Write: p.Write})
	profile := policy.ProfileRO
	if p.Write {
		profile = policy.ProfileWork
		more, err := held.protect(p.Workspace, false)
		if err != nil {
			return nil, err
		}
		spec.Binds = append(spec.Binds, more...)
	}
	spec.Binds = append(spec.Binds, held.cover(lookInside(p.Workspace), profile, false)...)
	return spec, nil
}

// libraries are what programs load code from, with what it reads of the system. Of all that the system has to execute
// only the loader is.
func libraries(loader string) []box.Bind {
	var binds []box.Bind
	for _, dir := range []string{
		"/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/lib", "/nix", "/gnu",
	} {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			binds = append(binds, box.Bind{Path: dir, Exec: true, Optional: true})
		}
	}
	for _, path := range []string{
		"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/nsswitch.conf",
		"/usr/share/zoneinfo", "/usr/share/ca-certificates",
	} {
		real, err := filepath.EvalSymlinks(path)
		if err == nil && !slices.ContainsFunc(binds, func(b box.Bind) bool { return within(b.Path, real) }) {
			binds = append(binds, box.Bind{Path: path, From: real, Optional: true})
		}
	}
	if real, err := filepath.EvalSymlinks(loader); loader != "" && err == nil {
		binds = append(binds, box.Bind{Path: real, Exec: true})
	}
	return binds
}
