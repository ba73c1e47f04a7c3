package plugin

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestPluginLogIsCapped(t *testing.T) {
	var out bytes.Buffer
	l := newLineLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})).With("plugin", "x"))
	now := time.Unix(0, 0)
	l.now = func() time.Time { return now }
	_, _ = fmt.Fprintf(l, "begin %s\n", strings.Repeat("y", 1<<20))
	for i := range 1000 {
		_, _ = fmt.Fprintf(l, "line %d\n", i)
	}
	if n := strings.Count(out.String(), "\n"); n != logBurst {
		t.Errorf("%d lines logged, want %d", n, logBurst)
	}
	if out.Len() > logBurst*200+maxLogLine {
		t.Errorf("%d bytes logged", out.Len())
	}
	now = now.Add(time.Second)
	_, _ = l.Write([]byte("ha"))
	_, _ = l.Write([]byte("lf\n"))
	if got := out.String(); !strings.Contains(got, "lines=801") || !strings.Contains(got, "msg=half plugin=x") {
		t.Errorf("log ends with %s", got[len(got)-300:])
	}
	if tail := l.lastLines(); len(tail) != tailLines || tail[tailLines-1] != "half" {
		t.Errorf("last lines are %q", tail)
	}
}

func TestPluginLogKeepsSecretsOut(t *testing.T) {
	var out bytes.Buffer
	l := newLineLog(slog.New(slog.NewTextHandler(&out, nil)))
	_, _ = l.Write([]byte("Authorization: Bearer abcdefghijkl\nkey sk-proj-abcdefgh1234\nopenvibez-capability=XYZ123\n" +
		`{"@level":"error","@message":"it broke","@timestamp":"x"}` + "\n" + `{"@level":"debug","@message":"quiet"}` + "\nnicht \xff gültig\n"))
	got := out.String()
	for _, s := range []string{"abcdefgh", "XYZ123", "quiet"} {
		if strings.Contains(got, s) {
			t.Errorf("log has %q: %s", s, got)
		}
	}
	for _, s := range []string{"[removed]", `level=ERROR msg="it broke"`, "gültig"} {
		if !strings.Contains(got, s) {
			t.Errorf("log lacks %q: %s", s, got)
		}
	}
}
