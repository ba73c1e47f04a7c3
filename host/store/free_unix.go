//go:build linux || darwin

package store

import "golang.org/x/sys/unix"

// freeBytes is how much room the disk of a file has for us, where that is known.
func freeBytes(path string) (free uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true //nolint:gosec // a block has a size
}
