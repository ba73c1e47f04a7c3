package box

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Version tells what an open file is known by: nobody can change it, or put another in its place, and keep that.
func Version(fd int) (string, error) { return version(fd, "", unix.AT_EMPTY_PATH) }

// VersionAt tells what the file at a path is known by; that of a symbolic link is its own.
func VersionAt(path string) (string, error) {
	return version(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
}

func version(at int, path string, flags int) (string, error) {
	var s unix.Statx_t
	if err := unix.Statx(at, path, flags, unix.STATX_BASIC_STATS, &s); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d:%d %d %o %d.%d", s.Dev_major, s.Dev_minor, s.Ino, s.Mode, s.Ctime.Sec, s.Ctime.Nsec), nil
}
