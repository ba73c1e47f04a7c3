package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openvibez/openvibez/host/policy"
)

// BenchmarkTrue compares `true` in the full sandbox with plain starts of the same shell, turn by turn.
func BenchmarkTrue(b *testing.B) {
	p := newPlace(b)
	if r := p.sandbox.Report(b.Context()); r.Level != policy.LevelFull {
		b.Skipf("needs the full sandbox: %s", r.Problem)
	}
	p.run(policy.ProfileWork, "true", Options{})
	var plain, boxed []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := exec.Command("/bin/bash", "-c", "true").Run(); err != nil {
			b.Fatal(err)
		}
		plain = append(plain, time.Since(began))
		began = time.Now()
		p.run(policy.ProfileWork, "true", Options{})
		boxed = append(boxed, time.Since(began))
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2].Microseconds()) / 1000
	}
	b.ReportMetric(median(plain), "plain-ms")
	b.ReportMetric(median(boxed), "boxed-ms")
	b.ReportMetric(median(boxed)-median(plain), "added-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkHelper measures the memory of the helper beside a running command.
func BenchmarkHelper(b *testing.B) {
	p := newPlace(b)
	if r := p.sandbox.Report(b.Context()); r.Level != policy.LevelFull {
		b.Skipf("needs the full sandbox: %s", r.Problem)
	}
	var kilobytes int
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		_, err := p.try(ctx, policy.ProfileWork, "sleep 60", Options{Started: func(pid int) {
			defer cancel()
			// Long enough for the watchdog to have looked several times.
			time.Sleep(300 * time.Millisecond)
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				b.Fatal(err)
			}
			_, rest, _ := strings.Cut(string(status), "VmRSS:")
			if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
				b.Fatal(err)
			}
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(kilobytes)/1024, "MB-RSS")
	b.ReportMetric(0, "ns/op")
}
