package plugin

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// BenchmarkConfinedStart compares the time from starting the OpenAI plugin to its first answer, with and without
// confinement, one after the other.
func BenchmarkConfinedStart(b *testing.B) {
	if r := box.Report(b.Context()); r.Level != policy.LevelFull {
		b.Skipf("plugins can't be confined here: %s", r.Problem)
	}
	dir := b.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, fileName("openai")), "github.com/openvibez/openvibez/plugins/openai")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	sockets, err := os.MkdirTemp("", "ovb")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(sockets) }()
	m := New(Config{PluginDirs: []string{dir}, RuntimeDir: sockets, Logger: slog.New(slog.DiscardHandler), Getenv: func(string) string { return "" }})
	defer m.Close()
	f, err := m.locate("openai")
	if err != nil {
		b.Fatal(err)
	}
	p, err := m.plugin("openai")
	if err != nil {
		b.Fatal(err)
	}
	installed := f
	if installed.sha256, err = sumOfFile(f.path); err != nil {
		b.Fatal(err)
	}
	none := m.sandbox
	start := func(s *sandbox.Sandbox, f file) time.Duration {
		m.sandbox, m.verified = s, &verified{files: map[file]bool{}}
		begin := time.Now()
		proc, err := m.startProcess(f, p)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := proc.rpc.Describe(context.Background(), &providerv1.DescribeRequest{}); err != nil {
			b.Fatal(err)
		}
		took := time.Since(begin)
		proc.close()
		return took
	}
	const rounds = 40
	var plain, confined, first []time.Duration
	for b.Loop() {
		for range rounds {
			plain = append(plain, start(none, f))
			confined = append(confined, start(box, f))
			first = append(first, start(box, installed))
		}
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2].Microseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(plain), "plain-ms")
	b.ReportMetric(median(confined), "confined-ms")
	b.ReportMetric(median(first), "confined-and-hashed-ms")
	b.ReportMetric(median(confined)-median(plain), "added-ms")
	// On a busy machine the fastest starts tell more.
	b.ReportMetric(float64((slices.Min(confined)-slices.Min(plain)).Microseconds())/1000, "fastest-added-ms")
}
