package sandbox

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"
	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/e2e/keyringtest"
	"github.com/openvibez/openvibez/host/policy"
)

// Other hosts, in a network of this test's own, are out of reach.
func TestBoxReachesNoOtherHost(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip: apt install iproute2")
	}
	// The thread is never given back: it ends in the namespace that it went into.
	runtime.LockOSThread()
	enter := func() *os.File {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Skipf("needs network namespaces: %v", err)
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	ip := func(with *os.File, line string) {
		t.Helper()
		cmd := exec.Command("ip", strings.Fields(line)...)
		cmd.ExtraFiles = []*os.File{with}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", line, err, out)
		}
	}
	other := enter()
	here := enter()
	ip(other, "link add ov0 type veth peer name ov1")
	ip(other, "link set ov1 netns /proc/self/fd/3")
	for _, line := range []string{"link set lo up", "link set ov0 up", "addr add 198.18.0.1/30 dev ov0", "addr add fd00:5b::1/64 dev ov0 nodad"} {
		ip(here, line)
	}
	p := newPlace(t)
	if err := unix.Setns(int(other.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"link set ov1 up", "addr add 198.18.0.2/30 dev ov1", "addr add fd00:5b::2/64 dev ov1 nodad"} {
		ip(other, line)
	}
	probes := [][]string{
		{"tcp", p.serve("tcp", "198.18.0.2:0")}, {"udp", p.serve("udp", "198.18.0.2:0")}, {"tcp", p.serve("tcp", "[fd00:5b::2]:0")},
	}
	if err := unix.Setns(int(here.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	probe := p.probe()
	for _, words := range probes {
		if out, err := exec.Command(probe, words...).CombinedOutput(); err != nil {
			t.Errorf("%v shows nothing: without a box it says %s", words, out)
		}
		for _, profile := range []policy.Profile{policy.ProfileRO, policy.ProfileWork, policy.ProfileNet} {
			r := p.run(profile, "exec ./probe "+strings.Join(words, " "), Options{})
			if r.ExitCode != 1 || !strings.Contains(r.Stdout.Text, "held: ") {
				t.Errorf("%v in %s: exit code %d, %s%s", words, profile, r.ExitCode, r.Stdout.Text, r.Stderr.Text)
			}
		}
	}
}

// A command that may reach one host reaches it through the proxy, and no other.
func TestBoxReachesGrantedHosts(t *testing.T) {
	p := newPlace(t)
	p.probe()
	server := p.serve("tcp", "127.0.0.1:0")
	p.sandbox.dialer = PublicDialer{
		Lookup: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{public}, nil },
		Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", server)
		},
	}
	for _, c := range []struct {
		to, answer string
	}{
		{"granted.example:8080", "HTTP/1.1 200"}, {"granted.example:80", "HTTP/1.1 403"}, {"other.example:8080", "HTTP/1.1 403"}, {"93.184.215.14:8080", "HTTP/1.1 403"}, {server, "HTTP/1.1 403"},
	} {
		g, err := policy.Chosen("exec ./probe proxy "+c.to, p.root, p.root, policy.ProfileNet, []string{"granted.example:8080"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.sandbox.Run(t.Context(), g, Options{})
		if err != nil {
			t.Fatal(err)
		}
		granted := strings.HasSuffix(c.answer, "200")
		if !strings.Contains(r.Stdout.Text, c.answer) || strings.Contains(r.Stdout.Text, "pong") != granted || granted && len(r.Refused) > 0 {
			t.Errorf("%s: exit code %d, refused %v, %s%s", c.to, r.ExitCode, r.Refused, r.Stdout.Text, r.Stderr.Text)
		}
	}
}

// What lies in the keychain can be read by everything that the person runs, without a question; not by what runs in a box.
func TestBoxReadsNoKeychain(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	p := newPlace(t)
	probe := p.probe()
	if err := keyring.Set("openvibez-probe", "tester", "the secret"); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(probe, "keychain", bus.Address, "tester").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the secret") {
		t.Fatalf("without a box it says %s, %v", out, err)
	}
	for _, profile := range []policy.Profile{policy.ProfileRO, policy.ProfileWork, policy.ProfileGit, policy.ProfileNet} {
		r := p.run(profile, "exec ./probe keychain "+bus.Address+" tester", Options{})
		if r.ExitCode != 1 || !strings.Contains(r.Stdout.Text, "held: ") || strings.Contains(r.Stdout.Text, "secret") {
			t.Errorf("%s: exit code %d, %s%s", profile, r.ExitCode, r.Stdout.Text, r.Stderr.Text)
		}
	}
}

// A second name for a file makes nothing writable that was not: all that is only shown is of another mount than the
// workspace. A file that somebody has linked into the workspace before is a file of the workspace.
func TestBoxAgainstHardLinks(t *testing.T) {
	p := newPlace(t)
	probe := p.probe()
	p.repository()
	config := filepath.Join(p.root, ".git", "config")
	before, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"link", "link-open"} {
		second := filepath.Join(p.root, how)
		if out, err := exec.Command(probe, how, config, second).CombinedOutput(); err != nil {
			t.Errorf("%s shows nothing: without a box it says %s", how, out)
		}
		_ = os.Remove(second)
		for _, from := range []string{config, "/usr/bin/env", "/etc/passwd"} {
			for _, to := range []string{second, "/tmp/second", "$HOME/second"} {
				r := p.run(policy.ProfileWork, "exec ./probe "+how+" "+from+" "+to, Options{})
				if r.ExitCode != 1 || !strings.Contains(r.Stdout.Text, "held: ") {
					t.Errorf("%s %s %s: exit code %d, %s%s", how, from, to, r.ExitCode, r.Stdout.Text, r.Stderr.Text)
				}
			}
		}
	}
	outside := p.write("outside", "x")
	// While a directory is swapped for a link to the one outside, a command links what it finds there and writes to it.
	sub := filepath.Join(p.root, "sub")
	p.write("work/sub/outside", "public")
	swap := exec.Command(probe, "swap", sub, filepath.Dir(outside))
	if err := swap.Start(); err != nil {
		t.Fatal(err)
	}
	r := p.run(policy.ProfileWork, "for i in $(seq 200); do ./probe link-change sub/outside l$i; rm -f l$i; done; true", Options{})
	_ = swap.Process.Kill()
	_ = swap.Wait()
	if now, err := os.ReadFile(outside); err != nil || string(now) != "x" || r.ExitCode != 0 || !strings.Contains(r.Stdout.Text, "reached") {
		t.Errorf("the file outside holds %q, %v; exit code %d, %.300s", now, err, r.ExitCode, r.Stdout.Text)
	}
	// The honest part: what the person has linked in, is in.
	if err := os.Link(outside, filepath.Join(p.root, "linked")); err != nil {
		t.Fatal(err)
	}
	if r := p.run(policy.ProfileWork, "echo changed > linked", Options{}); r.ExitCode != 0 {
		t.Errorf("a file that was linked in before: %s", r.Stderr.Text)
	}
	if r := p.run(policy.ProfileRO, "echo changed > linked", Options{}); r.ExitCode == 0 {
		t.Error("ro writes to a linked file")
	}
	if after, err := os.ReadFile(config); err != nil || string(after) != string(before) {
		t.Errorf("git's configuration is %q, %v", after, err)
	}
}
