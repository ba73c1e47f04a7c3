package keys

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestCensorsWhatIsInUse(t *testing.T) {
	s := &Secrets{}
	s.Add("")
	s.Add("host-key-123")
	if got := s.Censor("sent host-key-123 there"); got != "sent [key removed] there" {
		t.Errorf("got %q", got)
	}
}

func TestCensoredLog(t *testing.T) {
	var out strings.Builder
	s := &Secrets{}
	s.Add("")
	s.Add("k-123456")
	log := s.Log(slog.NewTextHandler(&out, nil)).With("plugin", "x")
	log.WithGroup("g").Info("say k-123456", "a", "k-123456", "err", errors.New("bad k-123456"), "n", 5, slog.Group("h", "b", "k-123456"))
	if got := out.String(); strings.Contains(got, "k-123456") || strings.Count(got, "[key removed]") != 4 || !strings.Contains(got, "plugin=x") || !strings.Contains(got, "g.n=5") {
		t.Errorf("got %s", got)
	}
	for i := range 40 {
		s.Add(fmt.Sprintf("key-%d", i))
	}
	if len(s.keys) != 32 {
		t.Errorf("%d keys are kept", len(s.keys))
	}
}
