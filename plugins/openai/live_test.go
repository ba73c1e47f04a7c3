package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/e2e/ollamatest"
	"github.com/openvibez/openvibez/e2e/openaitest"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
	"github.com/openvibez/openvibez/sdk/sdktest"
)

// TestRealServer talks to a real server that speaks as OpenAI does: an Ollama.
func TestRealServer(t *testing.T) {
	// Slots to spare: see the test of the Ollama plugin.
	server := ollamatest.StartWith(t, ollamatest.Config{Parallel: 16})
	program := filepath.Join(t.TempDir(), "openvibez-provider-openai")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	url := server.URL + "/v1"
	for _, settings := range []string{withResponses, withChat} {
		t.Run("contract of the program "+settings, func(t *testing.T) {
			sdktest.Run(t, sdktest.Config{
				Command:      []string{program},
				Connection:   &providerv1.Connection{BaseUrl: url, SettingsJson: settings},
				Model:        ollamatest.Tools,
				UnknownModel: ollamatest.NoModel,
				Prompts:      []string{"slow", "recall"},
			})
		})
		for _, c := range []struct {
			name string
			test func(*testing.T, *plugin)
		}{
			{"texts", realTexts},
			{"tools", realTools},
			{"options", realOptions},
			{"errors", realErrors},
			{"cancel", func(t *testing.T, p *plugin) { realCancel(t, p, server) }},
		} {
			t.Run(c.name+" "+settings, func(t *testing.T) { c.test(t, newPlugin(t, url, settings)) })
		}
	}
	t.Run("server down", func(t *testing.T) {
		server.Stop()
		p := newPlugin(t, url, "")
		got := p.run(t.Context(), t, p.ask(ollamatest.Tools, "hello"), nil)
		wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, url, "Start the server")
	})
}

func realTexts(t *testing.T, p *plugin) {
	for _, c := range []struct{ model, say, text, thought string }{
		{ollamatest.Plain, "hello", "Hello from the scripted model.", ""},
		{ollamatest.Plain, "unicode", "Grüße aus Köln: 日本語, Ω≈ç√, 👩‍👩‍👧‍👦 family, e\u0301 combining, עברית.", ""},
		{ollamatest.Thinking, "think", "Four.", "Two plus two, let me see. That makes four.\n"},
	} {
		got := p.run(t.Context(), t, p.ask(c.model, c.say), nil)
		if got.err != nil || got.text != c.text || got.thought != c.thought || got.done.GetReason() != providerv1.Done_REASON_STOP {
			t.Errorf("%s: %v, text %q, thought %q, %v", c.say, got.err, got.text, got.thought, got.done)
		}
		if got.usage.GetInputTokens() == 0 || got.usage.GetOutputTokens() == 0 || got.reference.GetResponseId() == "" {
			t.Errorf("%s: %v, %v", c.say, got.usage, got.reference)
		}
	}
	got := p.run(t.Context(), t, p.ask(ollamatest.Plain, "count 2000"), nil)
	if got.err != nil || !strings.HasSuffix(got.text, " 1999 2000 ") {
		t.Errorf("%v, %q", got.err, got.text[max(0, len(got.text)-30):])
	}
	wantError(t, p.run(t.Context(), t, p.ask(ollamatest.Plain, "empty"), nil).err, providerv1.ErrorCode_ERROR_CODE_EMPTY)
	wantError(t, p.run(t.Context(), t, p.ask(ollamatest.Thinking, "think-only"), nil).err, providerv1.ErrorCode_ERROR_CODE_EMPTY, "only thought")

	res, err := p.ListModels(t.Context(), &providerv1.ListModelsRequest{Connection: p.conn})
	if err != nil || len(res.GetModels()) != 5 {
		t.Errorf("%v, %v", err, res)
	}
}

func realTools(t *testing.T, p *plugin) {
	offered := []*providerv1.Tool{tool("get_weather", true), tool("run_shell", false)}
	req := p.ask(ollamatest.Tools, "weather")
	req.Tools = offered
	got := p.run(t.Context(), t, req, nil)
	if got.err != nil || got.callWords() != `get_weather {"city":"Paris"}` || got.done.GetReason() != providerv1.Done_REASON_TOOL_CALLS {
		t.Fatalf("%v, %s, %v", got.err, got.callWords(), got.done)
	}
	req.Messages = append(req.Messages, got.message(), results(&providerv1.ToolResult{CallId: got.calls[0].GetId(), Name: "get_weather", Content: "21 degrees"}))
	if got := p.run(t.Context(), t, req, nil); !strings.Contains(got.text, "21 degrees") {
		t.Errorf("%v, %q", got.err, got.text)
	}

	req = p.ask(ollamatest.Thinking, "two")
	req.Tools = offered
	got = p.run(t.Context(), t, req, nil)
	if got.err != nil || len(got.calls) != 2 || got.calls[1].GetName() != "run_shell" || got.calls[0].GetId() == got.calls[1].GetId() || strings.TrimSpace(got.text) != "I will look at both." {
		t.Fatalf("%v, %s, %q", got.err, got.callWords(), got.text)
	}
	req.Messages = append(req.Messages, got.message(), results(
		&providerv1.ToolResult{CallId: got.calls[0].GetId(), Content: "warm"}, &providerv1.ToolResult{CallId: got.calls[1].GetId(), Content: "a.txt"}))
	if got := p.run(t.Context(), t, req, nil); got.text != "Both tools answered." {
		t.Errorf("%v, %q", got.err, got.text)
	}

	// What was thought before a call goes back with it.
	req = p.ask(ollamatest.Thinking, "think-tool")
	req.Tools = offered
	got = p.run(t.Context(), t, req, nil)
	if got.err != nil || len(got.calls) != 1 || got.thought == "" || len(got.done.GetProviderState()) == 0 {
		t.Fatalf("%v, %s, %q, %s", got.err, got.callWords(), got.thought, got.done.GetProviderState())
	}
	req.Messages = append(req.Messages, got.message(), results(&providerv1.ToolResult{CallId: got.calls[0].GetId(), Content: "noon"}))
	if got := p.run(t.Context(), t, req, nil); !strings.Contains(got.text, "noon") {
		t.Errorf("%v, %q", got.err, got.text)
	}
}

func realOptions(t *testing.T, p *plugin) {
	req := p.ask(ollamatest.Plain, "count 100")
	req.Options = &providerv1.Options{MaxOutputTokens: proto.Int64(3), Temperature: proto.Float64(0.1)}
	got := p.run(t.Context(), t, req, nil)
	// Ollama's Responses API says completed where it stopped at the limit.
	if got.err != nil || got.text != "1 2 3 " {
		t.Errorf("%v, %q, %v", got.err, got.text, got.done)
	}
	if p.conn.GetSettingsJson() == withChat && got.done.GetReason() != providerv1.Done_REASON_LENGTH {
		t.Errorf("%v", got.done)
	}
	req = p.ask(ollamatest.Plain, "json")
	req.Options = &providerv1.Options{ResponseSchema: `{"type":"object","properties":{"answer":{"type":"integer"}}}`}
	if got := p.run(t.Context(), t, req, nil); got.text != `{"answer": 42, "unit": "none"}` {
		t.Errorf("%v, %q", got.err, got.text)
	}
	req = p.ask(ollamatest.Vision, "image")
	req.Messages[0].Parts = append(req.Messages[0].Parts, &providerv1.Part{Part: &providerv1.Part_Image{Image: &providerv1.Blob{MediaType: "image/png", Data: []byte("\x89PNG\r\n\x1a\n")}}})
	// Ollama's Chat Completions make two messages of one with an image, which is more than the script understands.
	if got := p.run(t.Context(), t, req, nil); got.err != nil || p.conn.GetSettingsJson() == withResponses && got.text != "I see 1 image(s)." {
		t.Errorf("%v, %q", got.err, got.text)
	}
	// Ollama knows no work in the background and answers at once.
	if p.conn.GetSettingsJson() == withResponses {
		req = p.ask(ollamatest.Plain, "hello")
		req.Options.Background = true
		if got := p.run(t.Context(), t, req, nil); got.text != "Hello from the scripted model." {
			t.Errorf("%v, %q", got.err, got.text)
		}
	}
}

func realErrors(t *testing.T, p *plugin) {
	got := p.run(t.Context(), t, p.ask(ollamatest.NoModel, "hello"), nil)
	wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, ollamatest.NoModel)

	req := p.ask(ollamatest.Plain, "hello")
	req.Tools = []*providerv1.Tool{tool("get_weather", false)}
	got = p.run(t.Context(), t, req, nil)
	wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "can't use tools")
	if got.err.GetParameter() != "tools" {
		t.Errorf("parameter %q", got.err.GetParameter())
	}

	got = p.run(t.Context(), t, p.ask(ollamatest.Tools, "die"), nil)
	if got.done != nil || !strings.HasPrefix(got.text, "These are my last wor") {
		t.Errorf("%v, %q", got.done, got.text)
	}
	wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_CUT, "kept")

	p.conn.SettingsJson = strings.TrimSuffix(p.conn.GetSettingsJson(), "}") + `,"reasoning_effort":"high"}`
	got = p.run(t.Context(), t, p.ask(ollamatest.Plain, "hello"), nil)
	if got.err != nil || got.text != "Hello from the scripted model." {
		t.Errorf("%v, %q, %q", got.err, got.text, got.notices)
	}
}

func realCancel(t *testing.T, p *plugin, server *ollamatest.Server) {
	ctx, cancel := context.WithCancel(t.Context())
	got := p.run(ctx, t, p.ask(ollamatest.Plain, "endless "+p.conn.GetSettingsJson()[8:10]), func(a *answerOf) {
		if strings.Contains(a.text, "tock") {
			cancel()
		}
	})
	if got.err.GetCode() != providerv1.ErrorCode_ERROR_CODE_CANCELLED {
		t.Errorf("%v", got.err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		journal := strings.Join(server.Journal(), "\n")
		if strings.Count(journal, "cancel ") >= strings.Count(journal, `start "endless`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the engine goes on:\n%s", journal)
		}
	}
	if got := p.run(t.Context(), t, p.ask(ollamatest.Plain, "hello"), nil); got.err != nil {
		t.Error(got.err)
	}
}

// TestRecordedAnswers replays what a real server of an older version sent.
func TestRecordedAnswers(t *testing.T) {
	const ok = providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED
	for _, c := range []struct {
		file, settings string
		text, thought  string
		calls          string
		code           providerv1.ErrorCode
		words          string
	}{
		{file: "v1-responses-stream", settings: withResponses, text: "Hello from the scripted model. Nothing was downloaded."},
		{file: "v1-responses-think-stream", settings: withResponses, text: "Four.", thought: "Two plus two, let me see. That makes four.\n"},
		{file: "v1-responses-tools-stream", settings: withResponses, calls: `get_weather {"city":"Paris"}`},
		{file: "v1-responses-tool-result-stream", settings: withResponses, text: "It is 21 degrees in Paris."},
		{file: "v1-responses-engine-killed", settings: withResponses, text: "tick tock", code: providerv1.ErrorCode_ERROR_CODE_CUT, words: "kept"},
		{file: "v1-responses-unknown-model", settings: withResponses, code: providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, words: "some-model"},
		{file: "v1-chat-stream", settings: withChat, text: "Hello from the scripted model. Nothing was downloaded."},
		{file: "v1-chat-stream-usage", settings: withChat, text: "Hello from the scripted model. Nothing was downloaded."},
		{file: "v1-think-stream", settings: withChat, text: "Four.", thought: "Two plus two, let me see. That makes four.\n"},
		{file: "v1-tools-stream", settings: withChat, calls: `get_weather {"city":"Paris"}`},
		{file: "v1-two-tools-stream", settings: withChat, text: "I will look at both.\n", calls: "get_weather {\"city\":\"Rome\"}\nrun_shell {\"command\":\"ls -la\",\"timeout\":5}"},
		{file: "v1-engine-killed", settings: withChat, text: "tick tock", code: providerv1.ErrorCode_ERROR_CODE_CUT, words: "kept"},
		{file: "v1-unknown-model-stream", settings: withChat, code: providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, words: "some-model"},
		{file: "v1-tools-plain-model", settings: withChat, code: providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, words: "can't use tools"},
		{file: "v1-think-effort-bogus", settings: withChat, code: providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, words: "can't think as hard"},
	} {
		t.Run(c.file, func(t *testing.T) {
			server := openaitest.Start(t)
			server.Answer(replay(t, c.file))
			p := newPlugin(t, server.URL, c.settings)
			got := p.run(t.Context(), t, p.ask("some-model", "hello"), nil)
			wantError(t, got.err, c.code, c.words)
			if !strings.HasPrefix(got.text, c.text) || got.thought != c.thought || got.callWords() != c.calls {
				t.Errorf("text %q, thought %q, calls %s", got.text, got.thought, got.callWords())
			}
			if c.code == ok && got.done == nil {
				t.Error("not done")
			}
		})
	}
	server := openaitest.Start(t)
	p := newPlugin(t, server.URL, "")
	if _, err := p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn}); err != nil {
		t.Error(sdk.FromStatus(err))
	}
}
