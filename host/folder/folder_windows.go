package folder

import (
	"fmt"
	"os"
	"syscall"
)

// Of tells which directory lies at path, here by when it was made; a symbolic link is none.
func Of(path string) (ID, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return ID{}, err
	}
	return of(info, path)
}

// OfFile tells which directory is open.
func OfFile(f *os.File) (ID, error) {
	info, err := f.Stat()
	if err != nil {
		return ID{}, err
	}
	return of(info, f.Name())
}

func of(info os.FileInfo, path string) (ID, error) {
	if !info.IsDir() {
		return ID{}, fmt.Errorf("%s is not a directory", path)
	}
	id := ID{}
	if s, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		id.Born = s.CreationTime.Nanoseconds()
	}
	return id, nil
}
