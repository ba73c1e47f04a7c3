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

// attempt is one way out of a box.
type attempt struct {
	words []string
	// The system itself may refuse it to everybody, or to all but root: then nothing is shown.
	maybe bool
	// It works in a box, but on what is the box's own; or it is what boxes are for.
	private, meant bool
}

// battery is a machine with things that a box must keep its process from, and all that is tried.
type battery struct {
	*place
	probe    string
	other    string
	system   string
	attempts []attempt
}

func newBattery(t testing.TB) *battery {
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
	p.write("work/vendor/x/.git/config", "[core]\n")
	p.write("work/vendor/x/.git/hooks/pre-commit", "#!/bin/sh\n")
	p.write("work/packages/a/.vscode/tasks.json", "{}")
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
	inside := filepath.Join(p.root, "inside.sock")
	p.serve("unix", inside)
	tcp, udp := p.serve("tcp", "127.0.0.1:0"), p.serve("udp", "127.0.0.1:0")
	tcp6 := "[::1]:1"
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		l.Close()
		tcp6 = p.serve("tcp6", "[::1]:0")
	}
	const coreFile, setting = "/proc/sys/kernel/core_pattern", "/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan"
	system := "/etc/openvibez-probe-" + strconv.Itoa(os.Getpid())
	t.Cleanup(func() { _ = os.Remove(system) })

	loader := "/lib64/ld-linux-x86-64.so.2"
	if _, err := os.Stat(loader); err != nil {
		loader = "/lib/ld-linux-aarch64.so.1"
	}
	in := func(names ...string) string { return filepath.Join(append([]string{p.root}, names...)...) }
	attempts := []attempt{
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
		{words: []string{"chown", bashrc}},
		{words: []string{"setxattr", bashrc}, maybe: true},
		{words: []string{"truncate", other}},
		{words: []string{"write", filepath.Join(p.home, ".ssh", "authorized_keys")}},
		{words: []string{"write", filepath.Join(p.home, "made")}, private: true},
		{words: []string{"write", "/tmp/made-by-the-battery"}, private: true},
		{words: []string{"write", "/var/tmp/made-by-the-battery"}, private: true},
		{words: []string{"write", "/dev/shm/made-by-the-battery"}, private: true},
		{words: []string{"mkdir", "/run/made-by-the-battery"}, maybe: true},
		{words: []string{"read", "/proc/" + pid + "/cmdline"}},
		{words: []string{"list", "/proc/" + pid + "/fd"}},
		{words: []string{"vmread", pid, "0"}, maybe: true},
		{words: []string{"list", "/var/log"}},
		{words: []string{"list", "/sys/fs/cgroup"}},
		{words: []string{"stdin"}, maybe: true},
		{words: []string{"tty"}, maybe: true},
		{words: []string{"descriptors"}, maybe: true},
		{words: []string{"forge", "1"}, maybe: true},
		{words: []string{"memory-of", "1"}, maybe: true},
		{words: []string{"write", in("vendor", "x", ".git", "hooks", "post-checkout")}},
		{words: []string{"write", in("vendor", "x", ".git", "config")}},
		{words: []string{"write", in("packages", "a", ".vscode", "tasks.json")}},
		{words: []string{"unix", inside}},
		{words: []string{"listen"}, private: true},
		// What commands are for: to run programs, those that they make too.
		{words: []string{"exec", "/usr/bin/env", "true"}, meant: true},
		{words: []string{"exec", loader, "/bin/true"}, meant: true, maybe: true},
		{words: []string{"memfd"}, meant: true},
		{words: []string{"exec", probe, "nothing"}, meant: true},
	}
	return &battery{place: p, probe: probe, other: other, system: system, attempts: attempts}
}

// tidy takes away what an attempt without a box has made.
func (b *battery) tidy() {
	for _, made := range []string{"linked", ".idea", ".envrc", ".git/commondir", "vendor/x/.git/hooks/post-checkout"} {
		if err := os.Remove(filepath.Join(b.root, made)); err != nil && !errors.Is(err, os.ErrNotExist) {
			b.t.Fatal(err)
		}
	}
	for _, made := range []string{
		b.system, filepath.Join(b.home, "made"), filepath.Join(b.home, ".ssh", "authorized_keys"), "/run/made-by-the-battery",
		"/tmp/made-by-the-battery", "/var/tmp/made-by-the-battery", "/dev/shm/made-by-the-battery",
	} {
		_ = os.Remove(made)
	}
	_ = os.Rename(filepath.Join(b.root, "away"), filepath.Join(b.root, ".git"))
	_ = os.Rename(b.other+"2", b.other)
	_ = os.Chmod(filepath.Join(b.root, "mine"), 0o644)
}

// score is what came of a battery: held, done to what is the box's own, and got through.
type score struct{ held, private, reached int }

func (s *score) count(a attempt, held bool) {
	switch {
	case held:
		s.held++
	case a.private:
		s.private++
	default:
		s.reached++
	}
}

// TestBoxHolds tries each way out first without a box, where it has to work, and then in one, where it must not.
func TestBoxHolds(t *testing.T) {
	b := newBattery(t)
	var s score
	for _, a := range b.attempts {
		name := strings.Join(a.words, " ")
		if out, err := exec.Command(b.probe, a.words...).CombinedOutput(); err != nil && !a.maybe {
			t.Errorf("%s shows nothing: without a box it says %s", name, out)
		}
		// What the control made must not stay.
		b.tidy()
		r := b.run(policy.ProfileWork, "exec ./probe "+name, Options{})
		held := r.ExitCode == 1 && strings.Contains(r.Stdout.Text, "held: ") && !strings.Contains(r.Stdout.Text, "no probe")
		if s.count(a, held); !held && !a.private && !a.meant {
			t.Errorf("%s: exit code %d, %s%s", name, r.ExitCode, r.Stdout.Text, r.Stderr.Text)
		}
		for _, made := range []string{filepath.Join(b.home, "made"), "/tmp/made-by-the-battery", "/var/tmp/made-by-the-battery", "/dev/shm/made-by-the-battery"} {
			if _, err := os.Stat(made); err == nil {
				t.Errorf("%s made %s outside", name, made)
			}
		}
	}
	t.Logf("%d tried: %d held, %d on what is the box's own, %d got through", len(b.attempts), s.held, s.private, s.reached)
	if s.held < 64 || s.reached > 5 {
		t.Errorf("%d held, %d got through", s.held, s.reached)
	}
	if left, err := filepath.Glob(filepath.Join(b.root, ".*")); err != nil || len(left) != 2 {
		t.Errorf("afterwards there is %v, %v", left, err)
	}
}

// BenchmarkBattery counts what the box and bubblewrap hold of the same attempts, in one run.
func BenchmarkBattery(b *testing.B) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		b.Skip("needs bubblewrap: sudo apt-get install bubblewrap")
	}
	all := newBattery(b)
	if r := all.sandbox.Report(b.Context()); r.Level != policy.LevelFull {
		b.Skipf("needs the full sandbox: %s", r.Problem)
	}
	var ours, theirs score
	for b.Loop() {
		ours, theirs = score{}, score{}
		for _, a := range all.attempts {
			r := all.run(policy.ProfileWork, "exec ./probe "+strings.Join(a.words, " "), Options{})
			ours.count(a, r.ExitCode != 0)
			git := filepath.Join(all.root, ".git")
			cmd := exec.Command(bwrap, append([]string{
				"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", all.root, all.root, "--ro-bind", git, git,
				"--unshare-all", "--new-session", "--die-with-parent", "--chdir", all.root, all.probe,
			}, a.words...)...)
			theirs.count(a, cmd.Run() != nil)
			all.tidy()
		}
	}
	b.ReportMetric(float64(len(all.attempts)), "tried")
	b.ReportMetric(float64(ours.held), "held")
	b.ReportMetric(float64(ours.reached), "reached")
	b.ReportMetric(float64(theirs.held), "bwrap-held")
	b.ReportMetric(float64(theirs.reached), "bwrap-reached")
	b.ReportMetric(0, "ns/op")
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
