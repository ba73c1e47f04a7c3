package folder

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Of tells which directory lies at path; a symbolic link is none.
func Of(path string) (ID, error) { return statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW) }

// OfFile tells which directory is open.
func OfFile(f *os.File) (ID, error) { return OfDescriptor(int(f.Fd())) }

// OfDescriptor tells which directory is open, if only to be named.
func OfDescriptor(fd int) (ID, error) { return statx(fd, "", unix.AT_EMPTY_PATH) }

func statx(at int, path string, flags int) (ID, error) {
	var s unix.Statx_t
	if err := unix.Statx(at, path, flags, unix.STATX_TYPE|unix.STATX_INO|unix.STATX_BTIME, &s); err != nil {
		return ID{}, err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return ID{}, fmt.Errorf("%s is not a directory", path)
	}
	id := ID{Device: int64(unix.Mkdev(s.Dev_major, s.Dev_minor)), Inode: int64(s.Ino)}
	if s.Mask&unix.STATX_BTIME != 0 {
		id.Born = s.Btime.Sec*1e9 + int64(s.Btime.Nsec)
	}
	return id, nil
}
