package e2e

import (
	"strings"
	"testing"

	"github.com/openvibez/openvibez/e2e/ollamatest"
)

// A conversation outgrows the window of a model that a real Ollama serves: it is summarised and goes on.
func TestOllamaOutgrowsItsWindow(t *testing.T) {
	srv := ollamatest.Start(t)
	h := newHome(t, "OLLAMA_HOST="+srv.URL)
	h.start()
	// The host has found it by itself.
	h.must("provider", "set", "ollama", "num_ctx=1024")
	words := strings.Repeat("word ", 120)
	h.must("ask", "-p", "ollama", "-m", ollamatest.Plain, words)
	for range 4 {
		if r := h.cli("ask", "-c", words); r.code != 0 {
			t.Fatalf("exit code %d\n%s%s\n%s", r.code, r.stdout, r.stderr, h.must("run", "show", "last", "--json"))
		}
	}
	show := h.must("session", "show", "last")
	if !strings.Contains(show, "summary of what came before") || !strings.Contains(show, "does not fit into the window") {
		t.Errorf("nothing says that older messages are summarised:\n%s", show)
	}
	if n := strings.Count(show, "> word word"); n != 5 {
		t.Errorf("%d of 5 messages are kept", n)
	}
	if facts := h.must("run", "show", "last"); !strings.Contains(facts, " of 1024 tokens used") {
		t.Errorf("how full the window is:\n%s", facts)
	}
}
