package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

func TestOwnGroup(t *testing.T) {
	const hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n" +
		"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n"
	const part = "50 40 0:30 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
	for _, c := range []struct{ membership, mounts, top, own string }{
		{"4:memory:/a\n0::/user.slice/x.scope\n", hybrid, "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified/user.slice/x.scope"},
		{"0::/\n", hybrid, "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified"},
		{"0::/docker/abc/in\n", part, "/sys/fs/cgroup", "/sys/fs/cgroup/in"},
		{"0::/docker/abcdef\n", part, "", ""},
		{"4:memory:/a\n", strings.Replace(hybrid, "cgroup2 cgroup2", "cgroup cgroup", 1), "", ""},
	} {
		if top, own := ownGroup(c.membership, c.mounts); top != c.top || own != c.own {
			t.Errorf("%q: %q, %q", c.membership, top, own)
		}
	}
}

// needGroups skips where no control groups can be made.
func (p *place) needGroups() *groups {
	p.t.Helper()
	g := p.sandbox.findGroups()
	if g.dir == "" {
		p.t.Skipf("needs cgroup v2 with memory and pids where one may make groups, as in `systemd-run --user --scope -p Delegate=yes go test ./host/sandbox`: %s", g.problem)
	}
	return g
}

// limited runs a command with other limits than usual.
func (p *place) limited(command string, change func(l *box.Limits)) Result {
	p.t.Helper()
	g, err := policy.Chosen(command, p.root, p.root, policy.ProfileWork, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	held := &placeholders{}
	defer held.release()
	r, err := p.sandbox.carry(p.t.Context(), box.WallsFull, func() (*box.Spec, error) {
		spec, err := p.sandbox.box(g, "", box.WallsFull, held)
		if err == nil {
			change(&spec.Limits)
		}
		return spec, err
	}, nil, Options{Timeout: 30 * time.Second})
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// empty waits until no box has a group any more.
func (g *groups) empty(t *testing.T) {
	t.Helper()
	eventually(t, "the end of the groups", func() bool {
		left, err := filepath.Glob(filepath.Join(g.dir, "*", "cgroup.procs"))
		return err == nil && len(left) == 0
	})
}

func TestBoxInAControlGroup(t *testing.T) {
	p := newPlace(t)
	g := p.needGroups()
	p.probe()
	var in string
	p.run(policy.ProfileRO, "sleep 0.2", Options{Started: func(pid int) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
		in = string(b)
	}})
	if !strings.Contains(in, "/"+filepath.Base(g.dir)+"/") {
		t.Errorf("it is in %q", in)
	}
	if r := p.limited("./probe eat 20", func(l *box.Limits) { l.Memory = 300 << 20 }); r.ExitCode != 0 {
		t.Errorf("little memory: %+v", r)
	}
	if r := p.limited("./probe eat 2000; echo survived", func(l *box.Limits) { l.Memory = 300 << 20 }); r.ExitCode != 137 || !strings.Contains(r.Problem, "300 MiB of memory") {
		t.Errorf("memory: %+v", r)
	}
	// What it makes in /tmp is memory too.
	if r := p.limited("head -c 100000000 /dev/zero > /tmp/fill; echo survived", func(l *box.Limits) { l.Memory = 64 << 20 }); !strings.Contains(r.Problem, "64 MiB of memory") {
		t.Errorf("full /tmp: %+v", r)
	}
	if r := p.limited("for i in $(seq 200); do sleep 60 & done; echo all", func(l *box.Limits) { l.Processes = 40 }); !strings.Contains(r.Stderr.Text, "Resource temporarily unavailable") {
		t.Errorf("processes: %+v", r)
	}
	r := p.run(policy.ProfileWork, "setsid sleep 1000 & sleep 1000", Options{Timeout: time.Second})
	if !r.TimedOut {
		t.Errorf("timeout: %+v", r)
	}
	g.empty(t)
	if memory := p.sandbox.Report(t.Context()).Memory; !strings.Contains(memory, "held by the kernel") {
		t.Error(memory)
	}
	if err := p.sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(g.dir); err == nil {
		t.Errorf("%s stays", g.dir)
	}
}

// Without namespaces a process can leave everything but its group.
func TestBoxWithoutNamespacesEndsWithItsGroup(t *testing.T) {
	p := newPlace(t)
	g := p.needGroups()
	p.probe()
	ticks := filepath.Join(p.root, "ticks")
	spec := &box.Spec{Walls: box.WallsNone, Args: []string{"/bin/sh", "-c", "./probe daemon ticks; until [ -s ticks ]; do :; done"}, Dir: p.root, Env: []string{"PATH=/usr/bin:/bin"}}
	if _, err := p.sandbox.carry(t.Context(), spec.Walls, func() (*box.Spec, error) { return spec, nil }, nil, Options{}); err != nil {
		t.Fatal(err)
	}
	if !still(t, ticks) {
		t.Error("the daemon lives on")
	}
	g.empty(t)
}

func TestBoxGroupsOfAKilledHostAreRemoved(t *testing.T) {
	p := newPlace(t)
	g := p.needGroups()
	p.probe()
	host := exec.Command(os.Args[0])
	host.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "SANDBOX_TEST_PROGRAMS=" + programs, "SANDBOX_TEST_HOST=" + filepath.Dir(p.home)}
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if !strings.HasPrefix(line, "started ") {
		t.Fatalf("the host said %q", line)
	}
	left := filepath.Join(filepath.Dir(g.dir), groupPrefix+process(host.Process.Pid))
	if _, err := os.Stat(left); err != nil {
		t.Fatal(err)
	}
	sweepGroups(filepath.Dir(g.dir))
	if _, err := os.Stat(left); err != nil {
		t.Fatal("the groups of a living host are gone")
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	eventually(t, "the end of what the host left", func() bool {
		sweepGroups(filepath.Dir(g.dir))
		_, err := os.Stat(left)
		return os.IsNotExist(err)
	})
	if _, err := os.Stat(g.dir); err != nil {
		t.Error("the groups of this process are gone too")
	}
}
