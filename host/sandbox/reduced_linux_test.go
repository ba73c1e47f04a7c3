package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

// Without namespaces Landlock and the filter hold files and the network.
func TestBoxReduced(t *testing.T) {
	p := newPlace(t)
	probes, err := p.sandbox.try(t.Context(), box.WallsReduced)
	if err != nil {
		t.Fatal(err)
	}
	if found := leaks(probes, essential()); found != "" {
		t.Fatalf("from inside one could %s", found)
	}
	p.sandbox.tested.Do(func() { p.sandbox.report = Report{Level: policy.LevelReduced, Problem: "for this test"} })
	p.probe()
	secret, bashrc := p.write(".ssh/id_rsa", "secret"), p.write(".bashrc", "#")
	p.write("work/file", "x")
	tcp := p.serve("tcp", "127.0.0.1:0")
	for _, c := range []struct {
		profile policy.Profile
		command string
		code    int
	}{
		{policy.ProfileRO, "cat file | wc -c && ls", 0},
		{policy.ProfileRO, "exec ./probe read " + secret, 1},
		{policy.ProfileRO, "exec ./probe write made", 1},
		{policy.ProfileRO, "exec ./probe chmod " + bashrc + " 600", 1},
		{policy.ProfileRO, "exec ./probe fchmodat2 file 600", 1},
		{policy.ProfileRO, "exec ./probe touch " + bashrc, 1},
		{policy.ProfileRO, "exec ./probe touch file", 1},
		{policy.ProfileRO, "exec ./probe chown " + bashrc, 1},
		{policy.ProfileRO, "exec ./probe setxattr " + bashrc, 1},
		{policy.ProfileRO, "exec ./probe truncate " + bashrc, 1},
		{policy.ProfileRO, "exec ./probe prlimit " + strconv.Itoa(os.Getpid()), 1},
		{policy.ProfileRO, "exec ./probe pidfd " + strconv.Itoa(os.Getpid()), 1},
		{policy.ProfileRO, "exec ./probe signal " + strconv.Itoa(os.Getpid()), 1},
		{policy.ProfileRO, "echo x > $XDG_CACHE_HOME || mkdir -p $XDG_CACHE_HOME && echo x > $XDG_CACHE_HOME/x", 0},
		{policy.ProfileWork, "echo x > made && chmod 755 made && touch made && exec ./probe write made", 0},
		{policy.ProfileWork, "mkdir -p $XDG_CACHE_HOME && ! test -e $XDG_CACHE_HOME/x", 0},
		{policy.ProfileWork, "exec ./probe write made", 0},
		{policy.ProfileWork, "echo x > $TMPDIR/x && echo x > ~/x", 0},
		{policy.ProfileWork, "exec ./probe tcp " + tcp, 1},
		{policy.ProfileWork, "exec ./probe write " + filepath.Join(p.home, "made"), 1},
	} {
		if r := p.run(c.profile, c.command, Options{}); r.ExitCode != c.code {
			t.Errorf("%s: exit code %d, %s%s", c.command, r.ExitCode, r.Stdout.Text, r.Stderr.Text)
		}
	}
	if r := p.run(policy.ProfileWork, "./probe daemon ticks; until [ -s ticks ]; do :; done", Options{}); r.ExitCode != 0 || !still(t, filepath.Join(p.root, "ticks")) {
		t.Errorf("a daemon lives on: %+v", r)
	}
	if _, err := p.try(t.Context(), policy.ProfileNet, "true", Options{}); err == nil || !strings.Contains(err.Error(), "can't limit") {
		t.Errorf("net: %v", err)
	}
}

func TestNoSandboxRunsNothing(t *testing.T) {
	p := newPlace(t)
	p.sandbox.config.Helper = filepath.Join(p.home, "missing")
	for _, profile := range []policy.Profile{policy.ProfileRO, policy.ProfileWork, policy.ProfileGit, policy.ProfileNet} {
		if _, err := p.try(t.Context(), profile, "touch made", Options{}); err == nil || !strings.Contains(err.Error(), "there is no sandbox here") {
			t.Errorf("%s: %v", profile, err)
		}
	}
	if _, err := os.Stat(filepath.Join(p.root, "made")); err == nil {
		t.Error("it ran")
	}
}
