package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestFloodingTurnIsEnded(t *testing.T) {
	m := newManager(t, nil, "scripted")
	for _, what := range []string{"text", "notices"} {
		turn, err := run(t.Context(), m, &apiv1.Provider{Plugin: "scripted"}, userSays("flood "+what))
		if err != nil {
			t.Fatal(err)
		}
		bytes, events := 0, 0
		var last *providerv1.Event
		for {
			e, err := turn.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			bytes, events, last = bytes+len(e.GetText()), events+1, e
		}
		wantWords(t, last.GetError(), providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the Scripted plugin sent more than one answer can be", "what came so far is kept")
		if bytes > maxTurnBytes || events > maxTurnEvents+1 {
			t.Errorf("%s: %d bytes in %d events came through", what, bytes, events)
		}
		turn.Close()
	}
	if a := say(t, m, "scripted", "say fine"); a.text != "fine\n" {
		t.Errorf("after the floods: %q, %v", a.text, a.err)
	}
}

// A plugin that prints without end is slowed down, and others don't notice.
func TestFloodedLogHoldsThePluginBack(t *testing.T) {
	m := newManager(t, nil, "scripted", "other")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	turn, err := run(ctx, m, &apiv1.Provider{Plugin: "scripted"}, userSays("say begun\nshout"))
	if err != nil {
		t.Fatal(err)
	}
	if e, err := turn.Recv(); err != nil || e.GetText() != "begun\n" {
		t.Fatalf("got %v, %v", e, err)
	}
	speed := turn.call.proc.stderr.speed
	speed.ReserveN(time.Now(), readBurst)
	eventually(t, "the host to hold it back", func() bool { return speed.Tokens() < 0 })
	if a := say(t, m, "other", "say fine"); a.text != "fine\n" {
		t.Errorf("the other plugin gave %q, %v", a.text, a.err)
	}
	lines := m.Logs("scripted", 2000)
	if size := len(strings.Join(lines, "")); len(lines) > maxKeptLines || size > maxKeptBytes || !strings.Contains(lines[len(lines)-1], "shout") {
		t.Errorf("%d lines and %d bytes are kept", len(lines), size)
	}
	cancel()
	take(t, turn)
}

func TestLogsOfAPlugin(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Authorization")) }))
	defer upstream.Close()
	m := newManager(t, map[string]string{"K": "key-0123456789"}, "scripted", "crashstart")
	who := &apiv1.Provider{Plugin: "scripted", BaseUrl: upstream.URL, KeySource: "env:K"}
	turn, err := run(t.Context(), m, who, userSays("fetch /\nlog hello\nlog the key is key-0123456789\nfetch https://elsewhere.example"))
	if err != nil {
		t.Fatal(err)
	}
	take(t, turn)
	eventually(t, "its lines", func() bool { return strings.Contains(strings.Join(m.Logs("scripted", 100), "\n"), "the key is") })
	all := strings.Join(m.Logs("scripted", 100), "\n")
	for _, want := range []string{"plugin started", "msg=hello", `the key is [key removed]`, "request of a plugin refused", "elsewhere.example"} {
		if !strings.Contains(all, want) {
			t.Errorf("the log lacks %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, "key-0123456789") {
		t.Error("the key is in the log")
	}
	if last := m.Logs("scripted", 1); len(last) != 1 {
		t.Errorf("the last line: %q", last)
	}
	for range 1 + maxRestarts {
		_, _ = run(t.Context(), m, &apiv1.Provider{Plugin: "crashstart"}, userSays("say x"))
	}
	all = strings.Join(m.Logs("crashstart", 100), "\n")
	for _, want := range []string{"no licence found", "plugin did not start", "plugin is switched off"} {
		if !strings.Contains(all, want) {
			t.Errorf("the log lacks %q:\n%s", want, all)
		}
	}
	if m.Logs("../x", 1) != nil {
		t.Error("a name that is none is taken")
	}
}

func TestKeptLinesAreBounded(t *testing.T) {
	k := &kept{}
	for i := range 3 * maxKeptLines {
		_, _ = fmt.Fprintf(k, "line %d\n", i)
	}
	if l := k.last(5000); len(l) != maxKeptLines || l[len(l)-1] != "line 2999" {
		t.Errorf("%d lines, the last %q", len(l), l[len(l)-1])
	}
	for range 100 {
		_, _ = k.Write([]byte(strings.Repeat("x", maxLogLine)))
	}
	if k.bytes > maxKeptBytes || len(k.last(5000)) != maxKeptBytes/maxLogLine {
		t.Errorf("%d bytes in %d lines", k.bytes, len(k.last(5000)))
	}
}

func TestLyingDescriptions(t *testing.T) {
	f := file{id: "acme", path: "/p"}
	for words, d := range map[string]*providerv1.DescribeResponse{
		"its name":        {Id: "acme", Name: strings.Repeat("x", 101)},
		"can't be shown":  {Id: "acme", Name: "Open\u202eAI"},
		"its version":     {Id: "acme", Version: "1\n2"},
		"its description": {Id: "acme", Description: "\x1b[31mred"},
		"101 origins":     {Id: "acme", Origins: make([]string, 101)},
		`itself "other"`:  {Id: "other"},
	} {
		wantError(t, sound(d, f), providerv1.ErrorCode_ERROR_CODE_PLUGIN, words, "/p describes itself wrongly")
	}
	if err := sound(&providerv1.DescribeResponse{Id: "acme", Name: "Ä Bücherei — 本", Description: "One. Two…"}, f); err != nil {
		t.Error(err)
	}
}
