package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// identify tells which directory lies at path, whatever is called so later.
func identify(path string) (identity, error) {
	var s unix.Stat_t
	if err := unix.Lstat(path, &s); err != nil {
		return identity{}, err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return identity{}, fmt.Errorf("%s is not a directory", path)
	}
	return identity{device: int64(s.Dev), inode: int64(s.Ino), born: s.Btim.Nano()}, nil
}
