package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// hostEnvironment is what a command gets that runs outside of any sandbox: where the person's things are, no keys.
func hostEnvironment(getenv func(string) string) []string {
	names := append(passedOn(), "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
		"XDG_DATA_HOME", "XDG_STATE_HOME", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "GOPATH", "GOROOT",
		"JAVA_HOME", "CARGO_HOME", "RUSTUP_HOME")
	if runtime.GOOS == "windows" {
		names = append(names, "SYSTEMROOT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMFILES", "TEMP", "TMP", "COMSPEC", "PATHEXT")
	}
	env := []string{"TERM=dumb", "NO_COLOR=1", "PAGER=cat", "GIT_PAGER=cat", "GIT_TERMINAL_PROMPT=0", "GIT_EDITOR=true", "EDITOR=true"}
	for _, name := range names {
		if v := getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// startBare starts a command without any sandbox or helper. What it starts is ended with it as far as it stays in its
// process group.
func (s *Sandbox) startBare(describe func() (*box.Spec, error), stdout, stderr *os.File) (*child, error) {
	spec, err := describe()
	if err != nil {
		return nil, err
	}
	program := spec.Args[0]
	if runtime.GOOS == "windows" {
		found, err := exec.LookPath("bash")
		if err != nil {
			return nil, fmt.Errorf("find a shell: %w; Git for Windows brings bash", err)
		}
		program = found
	}
	cmd := exec.Command(program, spec.Args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = spec.Dir, spec.Env, stdout, stderr
	setGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{pid: cmd.Process.Pid, done: make(chan struct{}), stop: func() { killGroup(cmd) }}
	s.keep(c)
	go func() {
		defer s.forget(c)
		defer close(c.done)
		_ = cmd.Wait()
		c.end = cmd.ProcessState.String()
		c.last = box.Report{Ended: true, Exit: exitCode(cmd.ProcessState)}
		c.kill()
	}()
	return c, nil
}
