package store

import (
	"fmt"
	"os"
	"syscall"
)

// identify tells which directory lies at path, whatever is called so later: here by when it was made.
func identify(path string) (identity, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return identity{}, err
	}
	if !info.IsDir() {
		return identity{}, fmt.Errorf("%s is not a directory", path)
	}
	id := identity{}
	if s, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		id.born = s.CreationTime.Nanoseconds()
	}
	return id, nil
}
