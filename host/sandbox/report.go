package sandbox

import (
	"context"
	"fmt"
	"runtime"

	"github.com/openvibez/openvibez/host/policy"
)

// Report is what the sandbox can do on this system, as tried.
type Report struct {
	Level  policy.Level
	Probes []Probe
	// Problem says why the level is not "full", and Fix what helps.
	Problem, Fix string
	// Memory says who sees to it that boxes use no more memory than they may; "" where there are none.
	Memory string
}

// Probe is one thing that must not work from inside.
type Probe struct {
	Name string
	// OK says that it did not work.
	OK bool
	// Words are what happened instead.
	Words string
}

// Report tries the sandbox from inside, the first time that it is asked, and remembers what it found.
func (s *Sandbox) Report(ctx context.Context) Report {
	s.tested.Do(func() {
		s.report = s.test(context.WithoutCancel(ctx))
		if s.report.Level != policy.LevelFull {
			s.log.Warn("the sandbox is not complete", "level", s.report.Level, "problem", s.report.Problem)
		}
	})
	return s.report
}

// missing is the report where there is nothing to try.
func (s *Sandbox) missing() (Report, bool) {
	if runtime.GOOS != "linux" {
		return Report{
			Problem: "OpenVibez has a sandbox for Linux only",
			Fix:     "On " + runtime.GOOS + " every command is asked about, and plugins run with your rights.",
		}, true
	}
	if !exists(s.config.Helper) {
		return Report{
			Problem: fmt.Sprintf("the program openvibez-sandbox is not where it belongs (%s)", s.config.Helper),
			Fix:     "Put openvibez-sandbox beside openvibez; make build makes both.",
		}, true
	}
	return Report{}, false
}
