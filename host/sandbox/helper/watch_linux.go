package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// watchEvery is in milliseconds, and short, because memory fills at gigabytes a second.
const watchEvery = 50

// A watch looks at what all processes use together. It looks for as long as a command runs, and so keeps what it needs.
type watch struct {
	spec    *box.Spec
	last    time.Time
	parents map[int]int
	dirents []byte
	content []byte
}

func newWatch(s *box.Spec) *watch {
	return &watch{spec: s, last: time.Now(), parents: map[int]int{}, dirents: make([]byte, 8<<10), content: make([]byte, 512)}
}

// look says what is too much, if it is time to look.
func (w *watch) look() string {
	limits := w.spec.Limits
	if w.spec.Walls == box.WallsNone || limits.Held || limits.Memory == 0 && limits.Processes == 0 || time.Since(w.last) < watchEvery*time.Millisecond/2 {
		return ""
	}
	w.last = time.Now()
	processes, memory := w.usage()
	switch {
	case limits.Memory > 0 && memory > limits.Memory:
		return fmt.Sprintf("ended: it used more than the %d MiB of memory it may", limits.Memory>>20)
	case limits.Processes > 0 && processes > limits.Processes:
		return fmt.Sprintf("ended: it had more than the %d processes it may", limits.Processes)
	}
	return ""
}

// usage counts this process's descendants, and their memory in bytes. Memory that several share counts once for each
// only where it is a file's.
func (w *watch) usage() (processes, memory int64) {
	page := int64(os.Getpagesize())
	self := os.Getpid()
	w.processes()
	for pid := range w.parents {
		if pid == self || !descends(w.parents, pid, self) {
			continue
		}
		processes++
		resident, rest := number(after(w.read(pid, "statm")))
		shared, _ := number(rest)
		memory += (resident - shared) * page
	}
	if w.spec.Walls == box.WallsFull {
		for i, b := range w.spec.Binds {
			var st unix.Statfs_t
			covered := slices.ContainsFunc(w.spec.Binds[i+1:], func(o box.Bind) bool { return o.Path == b.Path })
			if b.Fresh && !covered && unix.Statfs(b.Path, &st) == nil {
				memory += int64(st.Blocks-st.Bfree) * st.Bsize
			}
		}
	}
	return processes, memory
}

func descends(parents map[int]int, pid, ancestor int) bool {
	if ancestor == 1 {
		return true
	}
	for range len(parents) {
		if pid = parents[pid]; pid == ancestor {
			return true
		}
		if pid <= 1 {
			return false
		}
	}
	return false
}

// processes finds all that there are, with their parents.
func (w *watch) processes() {
	clear(w.parents)
	dir, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(dir) }()
	for {
		n, err := unix.ReadDirent(dir, w.dirents)
		if err != nil || n <= 0 {
			return
		}
		// A record is an inode, an offset, its own length in two bytes, a type and a name.
		const length, name = 16, 19
		for b := w.dirents[:n]; len(b) > name; {
			size := int(binary.NativeEndian.Uint16(b[length:]))
			if pid, _ := number(b[name:size]); pid > 0 {
				stat := w.read(int(pid), "stat")
				// The name in parentheses may hold anything. What follows is the state, and the parent.
				parent, _ := number(after(after(stat[bytes.LastIndexByte(stat, ')')+1:])))
				w.parents[int(pid)] = int(parent)
			}
			b = b[size:]
		}
	}
}

// read gives the beginning of a process's file, until the next one is read.
func (w *watch) read(pid int, name string) []byte {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = unix.Close(fd) }()
	n, _ := unix.Read(fd, w.content)
	return w.content[:max(n, 0)]
}

// after gives what follows the next blank.
func after(b []byte) []byte { return b[bytes.IndexByte(b, ' ')+1:] }

// number reads the digits that b begins with, and gives what follows the blank behind them.
func number(b []byte) (n int64, rest []byte) {
	for i, c := range b {
		if c < '0' || c > '9' {
			return n, after(b[i:])
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}

// children are the processes whose parent is this one.
func children() []int {
	w := newWatch(&box.Spec{})
	w.processes()
	var found []int
	for pid, parent := range w.parents {
		if parent == os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}
