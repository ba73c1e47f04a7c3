package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetProgram lets go of the pages of the program's own file that are mapped only because a start reads nearly all of
// it. What is needed again comes back from the page cache by itself.
func forgetProgram() error {
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer exe.Close()
	head := make([]byte, 18)
	if _, err := io.ReadFull(exe, head); err != nil {
		return err
	}
	const fixed = 2 // ET_EXEC: nothing in the read-only pages was changed when it was loaded
	if head[16] != fixed || head[17] != 0 {
		return nil
	}
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uintptr
		var rights string
		if !strings.HasSuffix(lines.Text(), path) {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil || rights[1] != '-' {
			continue
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); errno != 0 {
			return errno
		}
	}
	return nil
}
