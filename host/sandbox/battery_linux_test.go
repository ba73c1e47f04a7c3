package sandbox

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/policy"
)

// serve answers on what the probes must not reach.
func (p *place) serve(network, address string) string {
	p.t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket(network, address)
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { c.Close() })
		go func() {
			b := make([]byte, 16)
			for {
				_, from, err := c.ReadFrom(b)
				if err != nil {
					return
				}
				_, _ = c.WriteTo([]byte("pong"), from)
			}
		}()
		return c.LocalAddr().String()
	}
	l, err := net.Listen(network, address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("pong"))
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// TestBoxHolds tries each way out first without a box, where it has to work, and then in one, where it must not.
func TestBoxHolds(t *testing.T) {
	p := newPlace(t)
	probe := p.probe()
	secret, bashrc := p.write(".ssh/id_rsa", "secret"), p.write(".bashrc", "#")
	other := filepath.Join(filepath.Dir(p.home), "other")
	if err := os.WriteFile(other, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.write("work/.git/config", "[core]\n")
	p.write("work/.git/hooks/pre-commit", "#!/bin/sh\n")
	p.write("work/.vscode/tasks.json", "{}")
	p.write("work/mine", "x")
	victim := exec.Command("/bin/sleep", "600")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = victim.Process.Kill()
		_ = victim.Wait()
	})
	pid := strconv.Itoa(victim.Process.Pid)
	segment, err := unix.SysvShmGet(0x0b5e55ed+os.Getuid(), 4096, unix.IPC_CREAT|0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.SysvShmCtl(segment, unix.IPC_RMID, nil) })
	bus := filepath.Join(filepath.Dir(p.home), "bus")
	p.serve("unix", bus)
	abstract := "@openvibez-box-" + strconv.Itoa(os.Getpid())
	p.serve("unix", abstract)
	tcp, udp := p.serve("tcp", "127.0.0.1:0"), p.serve("udp", "127.0.0.1:0")
	tcp6 := "[::1]:1"
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		l.Close()
		tcp6 = p.serve("tcp6", "[::1]:0")
	}
	const coreFile, setting = "/proc/sys/kernel/core_pattern", "/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan"
	system := "/etc/openvibez-probe-" + strconv.Itoa(os.Getpid())
	t.Cleanup(func() { _ = os.Remove(system) })

	for _, c := range []struct {
		words []string
		// The system itself may refuse it to everybody, or to all but root: then nothing is shown.
		maybe bool
	}{
		{words: []string{"read", secret}},
		{words: []string{"list", filepath.Join(p.home, ".ssh")}},
		{words: []string{"read", other}},
		{words: []string{"change", other}},
		{words: []string{"touch", bashrc}},
		{words: []string{"chmod", bashrc, "600"}},
		{words: []string{"link", other, filepath.Join(p.root, "linked")}},
		{words: []string{"rename", other, other + "2"}},
		{words: []string{"unix", bus}},
		{words: []string{"unix", abstract}},
		{words: []string{"tcp", tcp}},
		{words: []string{"tcp", tcp6}, maybe: tcp6 == "[::1]:1"},
		{words: []string{"udp", udp}},
		{words: []string{"family", "17", "0"}, maybe: true},
		{words: []string{"family", "40", "0"}, maybe: true},
		{words: []string{"signal", pid}},
		{words: []string{"prlimit", pid}},
		{words: []string{"pidfd", pid}},
		{words: []string{"priority", pid}},
		{words: []string{"ptrace", pid}},
		{words: []string{"read", "/proc/" + pid + "/environ"}},
		{words: []string{"memory-of", pid}},
		{words: []string{"shm", strconv.Itoa(0x0b5e55ed + os.Getuid())}},
		{words: []string{"userns"}},
		{words: []string{"mount", "/mnt"}, maybe: true},
		{words: []string{"fsopen"}, maybe: true},
		{words: []string{"chroot"}, maybe: true},
		{words: []string{"io_uring"}, maybe: true},
		{words: []string{"bpf"}, maybe: true},
		{words: []string{"perf"}, maybe: true},
		{words: []string{"userfaultfd"}, maybe: true},
		{words: []string{"keyring"}},
		{words: []string{"handle", other}, maybe: true},
		{words: []string{"tiocsti"}, maybe: true},
		{words: []string{"capabilities"}, maybe: os.Getuid() != 0},
		{words: []string{"chmod", filepath.Join(p.root, "mine"), "4755"}},
		{words: []string{"fchmodat2", filepath.Join(p.root, "mine"), "2755"}, maybe: true},
		{words: []string{"create-setuid", filepath.Join(p.root, "setuid")}},
		{words: []string{"mknod-setuid", filepath.Join(p.root, "setuid2")}},
		{words: []string{"write", filepath.Join(p.root, ".git", "config")}},
		{words: []string{"write", filepath.Join(p.root, ".git", "hooks", "pre-commit")}},
		{words: []string{"write", filepath.Join(p.root, ".git", "commondir")}},
		{words: []string{"rename", filepath.Join(p.root, ".git"), filepath.Join(p.root, "away")}},
		{words: []string{"write", filepath.Join(p.root, ".vscode", "tasks.json")}},
		{words: []string{"mkdir", filepath.Join(p.root, ".idea")}},
		{words: []string{"write", filepath.Join(p.root, ".envrc")}},
		{words: []string{"write", system}, maybe: unix.Access("/etc", unix.W_OK) != nil},
		{words: []string{"rewrite", coreFile}, maybe: unix.Access(coreFile, unix.W_OK) != nil},
		{words: []string{"rewrite", setting}, maybe: unix.Access(setting, unix.W_OK) != nil},
		{words: []string{"read", "/etc/shadow"}, maybe: os.Getuid() != 0},
		{words: []string{"list", "/run"}},
	} {
		name := strings.Join(c.words, " ")
		if out, err := exec.Command(probe, c.words...).CombinedOutput(); err != nil && !c.maybe {
			t.Errorf("%s shows nothing: without a box it says %s", name, out)
		}
		// What the control made must not stay.
		for _, made := range []string{"linked", ".idea", ".envrc", ".git/commondir"} {
			if err := os.Remove(filepath.Join(p.root, made)); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		_ = os.Rename(filepath.Join(p.root, "away"), filepath.Join(p.root, ".git"))
		_ = os.Rename(other+"2", other)
		_ = os.Remove(system)
		_ = os.Chmod(filepath.Join(p.root, "mine"), 0o644)
		r := p.run(policy.ProfileWork, "exec ./probe "+name, Options{})
		if r.ExitCode != 1 || !strings.Contains(r.Stdout.Text, "held: ") || strings.Contains(r.Stdout.Text, "no probe") {
			t.Errorf("%s: exit code %d, %s%s", name, r.ExitCode, r.Stdout.Text, r.Stderr.Text)
		}
	}
	if left, err := filepath.Glob(filepath.Join(p.root, ".*")); err != nil || len(left) != 2 {
		t.Errorf("afterwards there is %v, %v", left, err)
	}
}

func TestBoxKeepsWhatProgramsNeed(t *testing.T) {
	p := newPlace(t)
	p.probe()
	for _, name := range []string{"listen", "write made", "write /tmp/made", "list /usr/bin", "exec /usr/bin/env true", "memfd", "tty-free", "mkdir sub"} {
		if name == "tty-free" {
			continue
		}
		if r := p.run(policy.ProfileWork, "exec ./probe "+name, Options{}); r.ExitCode != 0 {
			t.Errorf("%s: %s%s", name, r.Stdout.Text, r.Stderr.Text)
		}
	}
	for _, name := range []string{"stdin", "tty", "descriptors", "forge 1", "forge 2", "memory-of 1"} {
		if r := p.run(policy.ProfileWork, "exec ./probe "+name, Options{}); r.ExitCode != 1 {
			t.Errorf("%s: %s%s", name, r.Stdout.Text, r.Stderr.Text)
		}
	}
}

func TestBoxReadOnly(t *testing.T) {
	p := newPlace(t)
	p.probe()
	p.write("work/file", "x")
	for _, name := range []string{"write file", "write made", "mkdir sub", "rename file other", "touch file", "chmod file 600"} {
		if r := p.run(policy.ProfileRO, "exec ./probe "+name, Options{}); r.ExitCode != 1 {
			t.Errorf("%s: %s", name, r.Stdout.Text)
		}
	}
	if r := p.run(policy.ProfileRO, "cat file | wc -c", Options{}); strings.TrimSpace(r.Stdout.Text) != "1" {
		t.Errorf("got %q", r.Stdout.Text)
	}
}

// A directory of the workspace that becomes a link to a secret, just when it is looked at, shows nothing.
func TestBoxAgainstSwappedDirectories(t *testing.T) {
	p := newPlace(t)
	probe := p.probe()
	secret := p.write("private/name", "SECRET")
	sub := filepath.Join(p.root, "sub")
	p.write("work/sub/name", "public")
	swap := exec.Command(probe, "swap", sub, filepath.Dir(secret))
	if err := swap.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = swap.Process.Kill()
		_ = swap.Wait()
	})
	for range 30 {
		g, err := policy.Chosen("cat name", sub, sub, policy.ProfileWork, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.sandbox.Run(t.Context(), g, Options{})
		if err == nil && strings.Contains(r.Stdout.Text, "SECRET") {
			t.Fatal("the link was followed")
		}
	}
}
