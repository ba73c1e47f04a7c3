//go:build unix

package sdktest

import (
	"fmt"
	"os/exec"
	"syscall"
)

// ownGroup lets a program lead a process group, so that what it starts can be found.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends what is left of the group.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// groupLeft says whether processes of the group are still there, empty if not.
func groupLeft(cmd *exec.Cmd) string {
	if cmd.Process == nil || syscall.Kill(-cmd.Process.Pid, 0) != nil {
		return ""
	}
	return fmt.Sprintf("processes that the program started are left running in process group %d", cmd.Process.Pid)
}
