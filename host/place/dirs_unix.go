//go:build unix

package place

import (
	"fmt"
	"os"
	"syscall"
)

// checkOwn refuses a directory of somebody else's.
func checkOwn(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at runtime directory: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a directory of yours: remove it, or set OPENVIBEZ_HOME to a directory that is", dir)
	}
	return nil
}

// CheckPrivate refuses a runtime directory that somebody else made in a shared place, and closes one of ours to others.
func CheckPrivate(dir string) error {
	if err := checkOwn(dir); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at runtime directory: %w", err)
	}
	if info.Mode().Perm() != 0o700 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("make %s private: %w", dir, err)
		}
	}
	return nil
}
