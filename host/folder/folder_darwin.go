package folder

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Of tells which directory lies at path; a symbolic link is none.
func Of(path string) (ID, error) {
	var s unix.Stat_t
	if err := unix.Lstat(path, &s); err != nil {
		return ID{}, err
	}
	return of(&s, path)
}

// OfFile tells which directory is open.
func OfFile(f *os.File) (ID, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return ID{}, err
	}
	return of(&s, f.Name())
}

func of(s *unix.Stat_t, path string) (ID, error) {
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return ID{}, fmt.Errorf("%s is not a directory", path)
	}
	return ID{Device: int64(s.Dev), Inode: int64(s.Ino), Born: s.Btim.Nano()}, nil
}
