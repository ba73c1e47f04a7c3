package window

import "syscall"

// ownGroup keeps a Ctrl-C in the host's terminal from ending the person's window or browser.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// HasDisplay says why nothing can be shown on this machine: here it always can.
func HasDisplay(func(string) string) error { return nil }

func opener(what string) []string { return []string{"rundll32", "url.dll,FileProtocolHandler", what} }
