package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// identify tells which directory lies at path, whatever is called so later. Where the file system knows when it was made,
// that is part of it: numbers of inodes are used again.
func identify(path string) (identity, error) {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_TYPE|unix.STATX_INO|unix.STATX_BTIME, &s); err != nil {
		return identity{}, err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return identity{}, fmt.Errorf("%s is not a directory", path)
	}
	id := identity{device: int64(unix.Mkdev(s.Dev_major, s.Dev_minor)), inode: int64(s.Ino)}
	if s.Mask&unix.STATX_BTIME != 0 {
		id.born = s.Btime.Sec*1e9 + int64(s.Btime.Nsec)
	}
	return id, nil
}
