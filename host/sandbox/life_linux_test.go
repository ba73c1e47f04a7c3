package sandbox

import (
	"bufio"
	"context"
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

// still tells whether the daemon that writes to a file has stopped.
func still(t *testing.T, path string) bool {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The daemon writes every 5 ms; a loaded machine may need longer, and then this only finds less.
	time.Sleep(200 * time.Millisecond)
	after, err := os.ReadFile(path)
	return err == nil && string(before) == string(after)
}

func TestBoxEndsWithAllThatItStarted(t *testing.T) {
	p := newPlace(t)
	p.probe()
	ticks := filepath.Join(p.root, "ticks")
	wait := " until [ -s ticks ]; do :; done;"

	r := p.run(policy.ProfileWork, "./probe daemon ticks;"+wait+" echo done", Options{})
	if r.ExitCode != 0 || !strings.HasSuffix(r.Stdout.Text, "done\n") || !still(t, ticks) {
		t.Errorf("at its end: %+v", r)
	}
	_ = os.Remove(ticks)
	r = p.run(policy.ProfileWork, "./probe daemon ticks;"+wait+" nohup sleep 1000", Options{Timeout: 2 * time.Second})
	if !r.TimedOut || r.ExitCode != 137 || !still(t, ticks) {
		t.Errorf("at its timeout: %+v", r)
	}
	_ = os.Remove(ticks)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if b, err := os.ReadFile(ticks); err == nil && len(b) > 0 {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if r, err := p.try(ctx, policy.ProfileWork, "./probe daemon ticks; sleep 1000", Options{}); err != nil || r.ExitCode != 137 || !still(t, ticks) {
		t.Errorf("at its cancel: %+v, %v", r, err)
	}
}

func TestBoxEndsWithTheHost(t *testing.T) {
	p := newPlace(t)
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
	var pid int
	if _, err := fmt.Sscanf(line, "started %d", &pid); err != nil {
		t.Fatalf("the host said %q", line)
	}
	for _, name := range []string{"ticks", "more"} {
		eventually(t, name, func() bool {
			b, err := os.ReadFile(filepath.Join(p.root, name))
			return err == nil && len(b) > 0
		})
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	eventually(t, "the end of the helper", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	for _, name := range []string{"ticks", "more"} {
		if !still(t, filepath.Join(p.root, name)) {
			t.Errorf("what writes %s lives on", name)
		}
	}
}

func TestBoxLimits(t *testing.T) {
	p := newPlace(t)
	p.probe()
	if r := p.limited("./probe eat 2000 & wait $!; echo survived", func(l *box.Limits) { l.Memory = 300 << 20 }); !strings.Contains(r.Problem, "300 MiB of memory") {
		t.Errorf("memory: %+v", r)
	}
	if r := p.limited("./probe eat 20 && echo fine", func(l *box.Limits) { l.Memory = 300 << 20 }); r.ExitCode != 0 {
		t.Errorf("little memory: %+v", r)
	}
	// It ends by itself where no more processes are to be had, or it is ended.
	r := p.limited("bomb() { bomb | bomb & }; bomb; while :; do :; done", func(l *box.Limits) { l.Processes = 100 })
	if !r.TimedOut && !strings.Contains(r.Problem, "100 processes") && !strings.Contains(r.Stderr.Text, "Resource temporarily unavailable") {
		t.Errorf("fork bomb: %+v", r)
	}
	r = p.limited("dd if=/dev/zero of=/tmp/fill bs=1M count=200; ls -l /tmp/fill; dd if=/dev/zero of=$HOME/fill bs=1M count=200", func(l *box.Limits) { l.Temp = 32 << 20 })
	if r.ExitCode == 0 || !strings.Contains(r.Stderr.Text, "No space left") {
		t.Errorf("full disk: %+v", r)
	}
}

func TestBoxOutput(t *testing.T) {
	p := newPlace(t)
	r := p.run(policy.ProfileWork, "seq 1000000; printf 'last\\n'", Options{MaxOutput: 1000})
	if !strings.HasPrefix(r.Stdout.Text, "1\n2\n") || !strings.HasSuffix(r.Stdout.Text, "\nlast\n") || !strings.Contains(r.Stdout.Text, "of 6888901 bytes left out") || len(r.Stdout.Text) > 1200 {
		t.Errorf("flood: %d bytes, %q", len(r.Stdout.Text), r.Stdout.Text)
	}
	r = p.run(policy.ProfileWork, `head -c 100000 /bin/ls; printf 'caf\xe9\n' >&2`, Options{})
	if !r.Stdout.Binary || r.Stdout.Text != "[binary output, 100000 bytes, not shown]" || r.Stderr.Text != `caf\xe9`+"\n" {
		t.Errorf("binary: %+v", r)
	}
	r = p.run(policy.ProfileWork, `for i in $(seq 3000); do printf 'äö'; done`, Options{MaxOutput: 101})
	if strings.Contains(r.Stdout.Text, `\x`) || strings.ContainsRune(r.Stdout.Text, '\uFFFD') {
		t.Errorf("cut characters: %q", r.Stdout.Text)
	}
}

func TestNothingRunsWithoutAGrant(t *testing.T) {
	p := newPlace(t)
	if _, err := p.sandbox.Run(t.Context(), policy.Grant{}, Options{}); err == nil {
		t.Error("the zero grant runs")
	}
	g, err := policy.Chosen("true", p.home, p.home, policy.ProfileRO, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.sandbox.Run(t.Context(), g, Options{}); err == nil || !strings.Contains(err.Error(), "holds your home directory") {
		t.Errorf("home as a workspace: %v", err)
	}
}
