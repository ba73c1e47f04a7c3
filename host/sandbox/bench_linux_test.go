package sandbox

import (
	"os/exec"
	"slices"
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
