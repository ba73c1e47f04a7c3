package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// watchEvery is short, because memory fills at gigabytes a second.
const watchEvery = 50 * time.Millisecond

// watch looks at what all processes use together and says once when that is too much.
func watch(s *box.Spec, tooMuch chan<- string) {
	if s.Limits.Memory == 0 && s.Limits.Processes == 0 {
		return
	}
	for {
		time.Sleep(watchEvery)
		processes, memory := usage(s)
		switch {
		case s.Limits.Memory > 0 && memory > s.Limits.Memory:
			tooMuch <- fmt.Sprintf("ended: it used more than the %d MiB of memory it may", s.Limits.Memory>>20)
			return
		case s.Limits.Processes > 0 && processes > s.Limits.Processes:
			tooMuch <- fmt.Sprintf("ended: it had more than the %d processes it may", s.Limits.Processes)
			return
		}
	}
}

// usage counts this process's descendants, and their memory in bytes. Memory that several share counts once for each
// only where it is a file's.
func usage(s *box.Spec) (processes, memory int64) {
	page := int64(os.Getpagesize())
	self := os.Getpid()
	parents := map[int]int{}
	for pid := range allProcesses() {
		parents[pid] = parentOf(pid)
	}
	for pid := range parents {
		if pid == self || !descends(parents, pid, self) {
			continue
		}
		processes++
		statm := readProc(pid, "statm")
		fields := bytes.Fields(statm)
		if len(fields) < 3 {
			continue
		}
		resident, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		shared, _ := strconv.ParseInt(string(fields[2]), 10, 64)
		memory += (resident - shared) * page
	}
	if s.Walls == box.WallsFull {
		for _, dir := range []string{"/tmp", s.Home} {
			var st unix.Statfs_t
			if dir != "" && unix.Statfs(dir, &st) == nil {
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

func allProcesses() map[int]struct{} {
	found := map[int]struct{}{}
	dir, err := os.Open("/proc")
	if err != nil {
		return found
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			found[pid] = struct{}{}
		}
	}
	return found
}

// children are the processes whose parent is this one.
func children() []int {
	var found []int
	for pid := range allProcesses() {
		if parentOf(pid) == os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}

func parentOf(pid int) int {
	stat := readProc(pid, "stat")
	// The name in parentheses may hold anything.
	_, rest, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	fields := bytes.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}

func readProc(pid int, name string) []byte {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = unix.Close(fd) }()
	b := make([]byte, 512)
	n, _ := unix.Read(fd, b)
	return b[:max(n, 0)]
}
