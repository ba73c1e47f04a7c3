package sandbox

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/openvibez/openvibez/host/policy"
)

func TestReportIsFullHere(t *testing.T) {
	p := newPlace(t)
	r := p.sandbox.Report(t.Context())
	if r.Level != policy.LevelFull {
		t.Fatalf("level %s: %s\n%v", r.Level, r.Problem, r.Probes)
	}
	for _, probe := range r.Probes {
		t.Log(probe)
	}
}

func TestRun(t *testing.T) {
	p := newPlace(t)
	r := p.run(policy.ProfileWork, "echo out; echo err >&2; echo x > made; exit 3", Options{})
	if r.ExitCode != 3 || r.Stdout.Text != "out\n" || r.Stderr.Text != "err\n" || r.TimedOut || r.Problem != "" {
		t.Errorf("got %+v", r)
	}
	if made, err := os.ReadFile(filepath.Join(p.root, "made")); err != nil || string(made) != "x\n" {
		t.Errorf("made %q, %v", made, err)
	}
}

// The first build of a workspace takes longer than later ones.
func TestRunIsColdUntilTheFirstBuild(t *testing.T) {
	p := newPlace(t)
	if p.sandbox.Cold(p.root) {
		t.Error("there is nothing to build")
	}
	p.write("work/go.mod", "module example.org/app\n")
	if !p.sandbox.Cold(p.root) {
		t.Error("nothing was built yet")
	}
	p.run(policy.ProfileWork, "mkdir -p $GOCACHE", Options{})
	if p.sandbox.Cold(p.root) {
		t.Error("it was built")
	}
}
