//go:build unix

package tool

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a file the owner of the one whose place it takes, where this user may.
func keepOwner(dir *os.Root, name string, seen fs.FileInfo) {
	if s, ok := seen.Sys().(*syscall.Stat_t); ok && (int(s.Uid) != os.Geteuid() || int(s.Gid) != os.Getegid()) {
		_ = dir.Lchown(name, int(s.Uid), int(s.Gid))
	}
}
