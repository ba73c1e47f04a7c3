package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/openvibez/openvibez/e2e/ollamatest"
)

// TestFirstMinute is what a new user with nothing configured sees.
func TestFirstMinute(t *testing.T) {
	h := newHome(t)
	p := h.start()
	r := h.cli("ask", "hello", "there")
	if r.code != 0 || !strings.Contains(r.stdout, "hello there") || !strings.Contains(strings.ToLower(r.stdout), "canned") {
		t.Errorf("ask answered code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if out := p.output(); !strings.Contains(out, "#token=") || !strings.Contains(out, "openvibez ask") {
		t.Errorf("a host without a display does not say how to chat:\n%s", out)
	}
	if list := h.must("session", "list"); !strings.Contains(list, "hello there") {
		t.Errorf("the session is not listed by its first words:\n%s", list)
	}
}

// TestAskStartsHost holds a conversation with no host running before.
func TestAskStartsHost(t *testing.T) {
	h := newHome(t)
	if r := h.cliIn("from a pipe", "ask", "summarise:"); r.code != 0 || !strings.Contains(r.stdout, "from a pipe") {
		t.Fatalf("ask: code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	h.must("ask", "--continue", "and then?")
	show := h.must("session", "show", firstSession(t, h))
	if !strings.Contains(show, "from a pipe") || !strings.Contains(show, "and then?") {
		t.Errorf("the session lacks a message:\n%s", show)
	}
}

// TestKilledHostKeepsEverything is the first promise at its shortest.
func TestKilledHostKeepsEverything(t *testing.T) {
	h := newHome(t)
	p := h.start()
	h.must("provider", "add", "scripted")
	h.must("ask", "--provider", "scripted", "say kept from the first run")
	first := firstSession(t, h)
	done := make(chan result)
	go func() { done <- h.cli("ask", "--provider", "scripted", "say begun\nslow 2000 20") }()
	var id string
	wait(t, "the second answer to begin", func() bool {
		for _, s := range sessions(t, h) {
			if strings.HasPrefix(s.Title, "say begun") {
				id = s.ID
			}
		}
		return id != "" && strings.Contains(h.must("session", "show", id), "\nbegun")
	})
	p.kill()
	if r := <-done; r.code == 0 {
		t.Errorf("ask called the broken answer a success:\n%s", r.stdout)
	}
	h.start()
	show := h.must("session", "show", id)
	if !strings.Contains(show, "say begun") || !strings.Contains(show, "\nbegun") || !strings.Contains(strings.ToLower(show), "interrupted") {
		t.Errorf("after kill -9 the second session shows:\n%s", show)
	}
	if show := h.must("session", "show", first); !strings.Contains(show, "say kept") || !strings.Contains(show, "\nkept from the first run") {
		t.Errorf("after kill -9 the first session shows:\n%s", show)
	}
}

// TestOllama chats with a real Ollama server.
func TestOllama(t *testing.T) {
	srv := ollamatest.Start(t)
	h := newHome(t, "OLLAMA_HOST="+srv.URL)
	p := h.start()
	if out := p.output(); !strings.Contains(out, "Ollama") {
		t.Errorf("the running Ollama is not mentioned at the start:\n%s", out)
	}
	if !strings.Contains(h.must("provider", "list"), "Ollama") {
		h.must("provider", "add", "ollama")
	}
	models := h.must("provider", "models", "ollama")
	if !strings.Contains(models, srv.Models[0]) {
		t.Errorf("models of the real server: %s", models)
	}
	r := h.cli("ask", "--provider", "ollama", "--model", srv.Models[0], "hello")
	if r.code != 0 || strings.TrimSpace(r.stdout) == "" {
		t.Fatalf("ask: code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	r = h.cli("ask", "--provider", "ollama", "--model", "nope", "hello")
	if r.code == 0 || !strings.Contains(r.stderr, "nope") {
		t.Errorf("unknown model: code %d\n%s", r.code, r.stderr)
	}
	srv.Stop()
	r = h.cli("ask", "--provider", "ollama", "--model", srv.Models[0], "hello")
	if r.code == 0 || !strings.Contains(r.stderr, "ollama serve") {
		t.Errorf("server down: code %d\n%s", r.code, r.stderr)
	}
}

// TestSecondStart hands over to the first.
func TestSecondStart(t *testing.T) {
	h := newHome(t)
	p := h.start()
	if r := h.cli(); r.code != 0 {
		t.Errorf("second start: code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	select {
	case <-p.gone:
		t.Error("the second start ended the first")
	case <-time.After(200 * time.Millisecond):
	}
}

type session struct{ ID, Title string }

func sessions(t *testing.T, h *home) []session {
	t.Helper()
	var list []session
	dec := json.NewDecoder(strings.NewReader(h.must("session", "list", "--json")))
	for dec.More() {
		var s session
		if err := dec.Decode(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func firstSession(t *testing.T, h *home) string {
	t.Helper()
	list := sessions(t, h)
	if len(list) == 0 {
		t.Fatal("no sessions")
	}
	return list[0].ID
}
