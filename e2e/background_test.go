package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/e2e/openaitest"
)

// An answer that is worked on at the provider is there after the host was killed; one that is cancelled is stopped there.
func TestBackground(t *testing.T) {
	srv := openaitest.StartWith(t, openaitest.Config{Key: "sk-test", Looks: 1})
	h := newHome(t, "TEST_API_KEY=sk-test")
	p := h.start()
	h.must("provider", "add", "openai", "--name", "far", "--url", srv.URL, "--key-env", "TEST_API_KEY", "--set", "api=responses")
	ask := func(text string) (run string, response func() string) {
		run = strings.TrimSpace(h.must("ask", "--new", "--background", "-p", "far", "-m", openaitest.Plain, text))
		return run, func() string {
			var line struct {
				Run struct{ ResponseID, State string }
			}
			first, _, _ := strings.Cut(h.must("run", "show", run, "--json"), "\n")
			if err := json.Unmarshal([]byte(first), &line); err != nil {
				t.Fatal(err, first)
			}
			return line.Run.ResponseID
		}
	}
	run, response := ask("hello")
	id := response()
	if got := srv.Status(id); got != "queued" && got != "in_progress" {
		t.Fatalf("the work %q is %q at the provider", id, got)
	}
	p.kill()
	h.start()
	wait(t, "the answer", func() bool { return strings.Contains(h.must("run", "show", run), "completed") })
	if shown := h.must("run", "show", run); strings.Count(shown, "hello") < 2 {
		t.Errorf("no answer is shown:\n%s", shown)
	}
	run, response = ask("never mind")
	h.must("run", "cancel", run)
	if got := srv.Status(response()); got != "cancelled" {
		t.Errorf("the work is %q at the provider", got)
	}
}
