package ollamatest

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestServerAnswersFromScripts(t *testing.T) {
	server := Start(t)
	for _, c := range []struct{ model, say, want string }{
		{Plain, "hello", "Hello from the scripted model."},
		{Thinking, "think", "Four."},
		{Plain, "anything else", "You said: anything else."},
		{Plain, "count 3", "1 2 3 "},
	} {
		got, err := chat(t, t.Context(), server, c.model, c.say, func(string) {})
		if err != nil || got != c.want {
			t.Errorf("%s, %q: %q, %v", c.model, c.say, got, err)
		}
	}
	if journal := server.Journal(); !slices.Equal(journal[:2], []string{`start "hello"`, `end "hello"`}) {
		t.Errorf("journal: %q", journal)
	}
}

func TestHangingUpReachesTheEngine(t *testing.T) {
	server := Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := chat(t, ctx, server, Plain, "endless", func(text string) {
		if strings.Contains(text, "tock") {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("an endless answer ended")
	}
	for !slices.Contains(server.Journal(), `cancel "endless"`) {
		if t.Context().Err() != nil {
			t.Fatalf("journal: %q", server.Journal())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestStopEndsTheServer(t *testing.T) {
	server := StartWith(t, Config{Empty: true})
	server.Stop()
	if _, err := chat(t, t.Context(), server, Plain, "hello", func(string) {}); err == nil {
		t.Fatal("it still answers")
	}
}

// chat returns the answer, and shows it as it grows.
func chat(t *testing.T, ctx context.Context, s *Server, model, say string, grown func(string)) (string, error) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"model": model, "messages": []any{map[string]string{"role": "user", "content": say}}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/chat", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	var answer strings.Builder
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		var line struct {
			Message struct{ Content string }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return "", err
		}
		answer.WriteString(line.Message.Content)
		grown(answer.String())
	}
	return answer.String(), lines.Err()
}
