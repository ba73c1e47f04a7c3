package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/e2e/ollamatest"
)

// TestToolsWithOllama lets a model of a real Ollama run commands in the real sandbox.
func TestToolsWithOllama(t *testing.T) {
	srv := ollamatest.Start(t)
	h := newHome(t, "OLLAMA_HOST="+srv.URL)
	h.start()
	h.must("provider", "add", "ollama")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "readme"), []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.must("workspace", "trust", dir)
	if out := h.must("ask", "-p", "ollama", "-m", ollamatest.Tools, "-w", dir, "step"); !strings.Contains(out, "Two steps done.") {
		t.Errorf("the answer is %q", out)
	}
	show := h.must("run", "show", "last", "--json")
	for _, want := range []string{`exit code 0\nstdout:\none`, `exit code 0\nstdout:\ntwo`, `"outcome":"OUTCOME_EXITED"`, `"by":"AUTHOR_POLICY"`} {
		if !strings.Contains(show, want) {
			t.Errorf("the journal lacks %s:\n%s", want, show)
		}
	}
	// Arguments that do not fit are told to the model, and the run goes on.
	if out := h.must("ask", "-p", "ollama", "-m", ollamatest.Tools, "-w", dir, "two"); !strings.Contains(out, "This call can't be carried out: the arguments lack command") {
		t.Errorf("the answer is %q", out)
	}
}
