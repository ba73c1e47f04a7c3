package place

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Executable is this program's file, behind any links to it: what belongs to it lies beside it.
func Executable() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own file: %w", err)
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	return exe, nil
}

// WindowProgram is where the window of exe is.
func WindowProgram(exe string) string {
	name := "openvibez-window"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(filepath.Dir(exe), name)
}

// SandboxHelper is where the helper of exe is.
func SandboxHelper(exe string) string { return filepath.Join(filepath.Dir(exe), "openvibez-sandbox") }

// RealDir is a directory behind any links to it.
func RealDir(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is no directory", abs)
	}
	return abs, nil
}
