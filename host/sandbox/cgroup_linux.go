package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// groups gives each box a control group (cgroup v2) of its own, where this process may make some.
type groups struct {
	once sync.Once
	dir  string // this process's own, with one for each box in it
	last atomic.Int64
	// Why there are none.
	problem string
}

// A group holds one box to its limits. The nil group holds nothing.
type group struct {
	dir string
	fd  *os.File
}

const groupPrefix = "openvibez-"

// findGroups makes the group that the boxes' ones are in, the first time.
func (s *Sandbox) findGroups() *groups {
	g := &s.groups
	g.once.Do(func() {
		parent, err := groupParent()
		if err == nil {
			sweepGroups(parent)
			g.dir = filepath.Join(parent, groupPrefix+self())
			if err = os.Mkdir(g.dir, 0o755); err == nil {
				if err = s.tryGroups(g); err != nil {
					_ = os.Remove(g.dir)
				}
			}
		}
		if err != nil {
			g.dir, g.problem = "", err.Error()
		}
	})
	return g
}

// tryGroups starts something in a group. Kernels before 5.7 can't, nor can containers that keep a system call away.
func (s *Sandbox) tryGroups(g *groups) error {
	if err := enableControllers(g.dir); err != nil {
		return err
	}
	one, err := g.make()
	if err != nil {
		return err
	}
	defer one.remove()
	if err := one.limit(box.Limits{Memory: 1 << 30, Processes: 100}); err != nil {
		return err
	}
	return one.try(s.config.Helper)
}

// make makes a group for one box; nil if there are none.
func (g *groups) make() (*group, error) {
	if g.dir == "" {
		return nil, nil
	}
	dir := filepath.Join(g.dir, strconv.FormatInt(g.last.Add(1), 10))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make control group: %w", err)
	}
	fd, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open control group: %w", err), os.Remove(dir))
	}
	return &group{dir: dir, fd: fd}, nil
}

// words say who holds boxes to their memory, for the person.
func (g *groups) words() string {
	if g.dir == "" {
		return "looked at twenty times a second; the kernel could hold it in control groups, but " + g.problem
	}
	return "held by the kernel, in control groups below " + filepath.Dir(g.dir)
}

func (g *groups) close() {
	if g.dir != "" {
		_ = os.Remove(g.dir)
	}
}

// limit sets what all processes in the group may use together, the helper's own threads added.
func (g *group) limit(l box.Limits) error {
	if g == nil {
		return nil
	}
	if l.Memory > 0 {
		if err := writeGroup(g.dir, "memory.max", strconv.FormatInt(l.Memory, 10)); err != nil {
			return err
		}
		// Where there is no swap there is no such file.
		_ = writeGroup(g.dir, "memory.swap.max", "0")
		_ = writeGroup(g.dir, "memory.oom.group", "1")
	}
	if l.Processes > 0 {
		return writeGroup(g.dir, "pids.max", strconv.FormatInt(l.Processes+32, 10))
	}
	return nil
}

// problem says what the kernel ended the box for.
func (g *group) problem(l box.Limits) string {
	if g == nil {
		return ""
	}
	b, _ := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	for line := range strings.Lines(string(b)) {
		if n, is := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); is && n != "0" {
			return fmt.Sprintf("ended: it used more than the %d MiB of memory it may", l.Memory>>20)
		}
	}
	return ""
}

func (g *group) kill() {
	if g != nil {
		_ = writeGroup(g.dir, "cgroup.kill", "1")
	}
}

// remove ends what is in the group, and the group.
func (g *group) remove() {
	if g == nil {
		return
	}
	g.kill()
	_ = g.fd.Close()
	// What was killed takes a moment to be gone.
	for wait := time.Millisecond; wait < time.Second; wait *= 2 {
		if err := os.Remove(g.dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(wait)
	}
}

// sweepGroups removes what hosts left that did not end by themselves. What was in it has ended with them.
func sweepGroups(parent string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		name, is := strings.CutPrefix(e.Name(), groupPrefix)
		pid, _, two := strings.Cut(name, "-")
		n, err := strconv.Atoi(pid)
		if !is || !two || err != nil || !e.IsDir() || process(n) == name {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		left, _ := os.ReadDir(dir)
		for _, l := range left {
			if l.IsDir() {
				_ = os.Remove(filepath.Join(dir, l.Name()))
			}
		}
		// A group with something in it, or in use by a host in a process namespace of its own, stays.
		_ = os.Remove(dir)
	}
}

func self() string { return process(os.Getpid()) }

// process names a process for good: its number may come again, but not with the same start. "" is one that has ended.
func process(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// Behind the name, which may hold anything, the state is the third field and the start the 22nd.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fmt.Sprintf("%d-%s", pid, fields[19])
}

func writeGroup(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(value)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}
