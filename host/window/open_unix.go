//go:build unix

package window

import (
	"errors"
	"runtime"
	"syscall"
)

// ownGroup keeps a Ctrl-C in the host's terminal from ending the person's window or browser.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// HasDisplay says why nothing can be shown on this machine; nil if it can. getenv reads the environment.
func HasDisplay(getenv func(string) string) error {
	if runtime.GOOS == "darwin" || getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != "" {
		return nil
	}
	return errors.New("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)")
}

func opener(what string) []string {
	if runtime.GOOS == "darwin" {
		return []string{"open", what}
	}
	return []string{"xdg-open", what}
}
