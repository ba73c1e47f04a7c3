package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// controllers are what boxes are held by.
var controllers = []string{"memory", "pids"}

// groupParent finds a group in which this process may make others. It changes nothing that belongs to somebody else: it
// takes the nearest one whose controllers are on for what is in it, or one that was delegated to this process alone.
func groupParent() (string, error) {
	membership, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", fmt.Errorf("find its own: %w", err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("find mounts: %w", err)
	}
	top, own := ownGroup(string(membership), string(mounts))
	if top == "" {
		return "", errors.New("cgroup v2 is not mounted")
	}
	if lacks(own, "cgroup.controllers") != "" {
		return "", fmt.Errorf("cgroup v2 has no controller for %s here", lacks(own, "cgroup.controllers"))
	}
	if !writable(own) {
		return "", errors.New("this process's own group is not delegated to you (try systemd-run --user --scope -p Delegate=yes openvibez)")
	}
	if delegated(own) && alone(own) {
		leaf := filepath.Join(own, groupPrefix+"host")
		if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return "", fmt.Errorf("make a group for the host: %w", err)
		}
		if err := writeGroup(leaf, "cgroup.procs", "0"); err != nil {
			return "", err
		}
		return own, enableControllers(own)
	}
	for dir := own; ; dir = filepath.Dir(dir) {
		if isRealRoot(dir) {
			return dir, enableControllers(dir)
		}
		if !writable(dir) {
			break
		}
		if lacks(dir, "cgroup.subtree_control") == "" {
			return dir, nil
		}
		if dir == top {
			break
		}
	}
	return "", errors.New("no group around this process has controllers on (try systemd-run --user --scope -p Delegate=yes openvibez)")
}

// ownGroup reads where cgroup v2 is mounted and which group this process is in, as directories.
func ownGroup(membership, mounts string) (top, own string) {
	var at string
	for line := range strings.Lines(membership) {
		if p, is := strings.CutPrefix(strings.TrimSpace(line), "0::"); is {
			at = p
		}
	}
	for line := range strings.Lines(mounts) {
		// ID, parent, device, root, mount point, options, … - type, source, options
		before, after, _ := strings.Cut(strings.TrimSpace(line), " - ")
		fields := strings.Fields(before)
		if len(fields) < 5 || !strings.HasPrefix(after, "cgroup2 ") {
			continue
		}
		root, point := fields[3], fields[4]
		if rest, is := strings.CutPrefix(at, strings.TrimSuffix(root, "/")); is && (rest == "" || rest[0] == '/') {
			return point, path.Join(point, rest)
		}
	}
	return "", ""
}

// lacks names the controllers that a group's file does not list.
func lacks(dir, file string) string {
	b, _ := os.ReadFile(filepath.Join(dir, file))
	have := strings.Fields(string(b))
	return strings.Join(slices.DeleteFunc(slices.Clone(controllers), func(c string) bool { return slices.Contains(have, c) }), " and ")
}

func enableControllers(dir string) error {
	if lacks(dir, "cgroup.subtree_control") == "" {
		return nil
	}
	return writeGroup(dir, "cgroup.subtree_control", "+"+strings.Join(controllers, " +"))
}

// writable tells whether groups can be made in dir and processes be put into them.
func writable(dir string) bool {
	return unix.Access(dir, unix.W_OK) == nil && unix.Access(filepath.Join(dir, "cgroup.procs"), unix.W_OK) == nil
}

// isRealRoot tells of the one group that is neither limited nor has a type: it may hold processes and groups.
func isRealRoot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.type"))
	return errors.Is(err, os.ErrNotExist) && writable(dir)
}

// delegated tells whether systemd has left a group to whoever is in it.
func delegated(dir string) bool {
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		b := make([]byte, 8)
		if n, err := unix.Getxattr(dir, name, b); err == nil && string(b[:n]) == "1" {
			return true
		}
	}
	return false
}

// alone tells whether this process is the only one in a group, with nothing below it but its own.
func alone(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	return err == nil && strings.TrimSpace(string(b)) == fmt.Sprint(os.Getpid())
}

// try starts a program in the group.
func (g *group) try(program string) error {
	cmd := exec.Command(program, "probe", "")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(g.fd.Fd())}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start something in one: %w", err)
	}
	_ = cmd.Wait()
	return nil
}
