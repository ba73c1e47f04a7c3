package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/e2e/ollamatest"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
	"github.com/openvibez/openvibez/sdk/sdktest"
)

// TestRealServer talks to a real Ollama, one subtest after the other.
func TestRealServer(t *testing.T) {
	// Ollama keeps the slot of a caller that hung up just when a word was on its way; with slots to spare, a test that
	// cancels does not hold up the next one.
	server := ollamatest.StartWith(t, ollamatest.Config{Parallel: 16})

	t.Run("contract", func(t *testing.T) {
		sdktest.Run(t, sdktest.Config{
			Provider:     ollama{},
			Connection:   &providerv1.Connection{BaseUrl: server.URL},
			Model:        ollamatest.Tools,
			UnknownModel: ollamatest.NoModel,
			Prompts:      []string{"slow", "recall"},
		})
	})
	t.Run("contract of the program", func(t *testing.T) {
		program := filepath.Join(t.TempDir(), "openvibez-provider-ollama")
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		sdktest.Run(t, sdktest.Config{
			Command:      []string{program},
			Connection:   &providerv1.Connection{BaseUrl: server.URL},
			Model:        ollamatest.Thinking,
			UnknownModel: ollamatest.NoModel,
			Prompts:      []string{"think"},
		})
	})
	for _, c := range []struct {
		name string
		test func(*testing.T, *plugin)
	}{
		{"texts", realTexts},
		{"models", realModels},
		{"tools", realTools},
		{"images", realImages},
		{"options", realOptions},
		{"errors", realErrors},
		{"engine death", realEngineDeath},
		{"context too long", realContext},
		{"cancel", func(t *testing.T, p *plugin) { realCancel(t, p, server) }},
		{"one slot", func(t *testing.T, _ *plugin) {
			single := ollamatest.Start(t)
			realOneSlot(t, newPlugin(t, single.URL), single)
		}},
		{"diagnose", realDiagnose},
		{"delete", realDelete},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newPlugin(t, server.URL)) })
	}
	t.Run("server down", func(t *testing.T) {
		server.Stop()
		p := newPlugin(t, server.URL)
		got := p.run(t.Context(), t, p.ask(ollamatest.Tools, "hello"), nil)
		wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, server.URL, "`ollama serve`")
		_, err := p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn})
		wantError(t, sdk.FromStatus(err), providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, server.URL, "`ollama serve`")
	})
}

func realTexts(t *testing.T, p *plugin) {
	for _, c := range []struct{ model, say, text, thought string }{
		{ollamatest.Plain, "hello", "Hello from the scripted model.", ""},
		{ollamatest.Plain, "unicode", "Grüße aus Köln: 日本語, Ω≈ç√, 👩‍👩‍👧‍👦 family, e\u0301 combining, עברית.", ""},
		{ollamatest.Thinking, "think", "Four.", "Two plus two, let me see. That makes four.\n"},
		{"scripted-plain", "count 2000", "", ""},
	} {
		got := p.run(t.Context(), t, p.ask(c.model, c.say), nil)
		if got.err != nil || got.thought != c.thought || c.text != "" && got.text != c.text {
			t.Errorf("%s: %v, text %q, thought %q", c.say, got.err, got.text, got.thought)
		}
		if got.done.GetReason() != providerv1.Done_REASON_STOP || got.usage.GetInputTokens() == 0 || got.usage.GetOutputTokens() == 0 {
			t.Errorf("%s: %v, %v", c.say, got.done, got.usage)
		}
		if c.text == "" && !strings.HasSuffix(got.text, " 1999 2000 ") {
			t.Errorf("%s ends %q", c.say, got.text[max(0, len(got.text)-30):])
		}
	}
	req := p.ask(ollamatest.Plain, "system")
	req.Messages = append([]*providerv1.Message{{Role: providerv1.Role_ROLE_SYSTEM, Parts: []*providerv1.Part{textPart("Be brief.")}}}, req.Messages...)
	if got := p.run(t.Context(), t, req, nil); got.text != "My orders are: Be brief." {
		t.Errorf("system prompt: %v, %q", got.err, got.text)
	}
	wantError(t, p.run(t.Context(), t, p.ask(ollamatest.Plain, "empty"), nil).err, providerv1.ErrorCode_ERROR_CODE_EMPTY)
	wantError(t, p.run(t.Context(), t, p.ask(ollamatest.Thinking, "think-only"), nil).err, providerv1.ErrorCode_ERROR_CODE_EMPTY, "only thought")
}

func realModels(t *testing.T, p *plugin) {
	summary, err := p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn})
	if err != nil || summary.GetSummary() != "Ollama, 5 models" {
		t.Errorf("check: %v, %v", summary, err)
	}
	res, err := p.ListModels(t.Context(), &providerv1.ListModelsRequest{Connection: p.conn})
	if err != nil {
		t.Fatal(err)
	}
	can := map[string][]providerv1.Capability{}
	for _, m := range res.GetModels() {
		can[m.GetId()] = m.GetCapabilities()
		if m.GetContextTokens() != 8192 || !m.GetLocal() || m.GetSizeBytes() == 0 || m.GetDetails() != "32, F32" {
			t.Errorf("model %v", m)
		}
	}
	for _, c := range []struct {
		model string
		is    providerv1.Capability
		want  bool
	}{
		{ollamatest.Tools, providerv1.Capability_CAPABILITY_TOOLS, true},
		{ollamatest.Plain, providerv1.Capability_CAPABILITY_TOOLS, false},
		{ollamatest.Thinking, providerv1.Capability_CAPABILITY_THINKING, true},
		{ollamatest.Tools, providerv1.Capability_CAPABILITY_THINKING, false},
		{ollamatest.Vision, providerv1.Capability_CAPABILITY_IMAGES, true},
		{ollamatest.Plain, providerv1.Capability_CAPABILITY_IMAGES, false},
	} {
		if slices.Contains(can[c.model], c.is) != c.want {
			t.Errorf("%s: %v %v", c.model, c.is, can[c.model])
		}
	}
}

func realTools(t *testing.T, p *plugin) {
	req := p.ask(ollamatest.Tools, "weather")
	req.Tools = []*providerv1.Tool{tool("get_weather"), tool("run_shell")}
	got := p.run(t.Context(), t, req, nil)
	if got.err != nil || len(got.calls) != 1 || got.calls[0].GetName() != "get_weather" || got.calls[0].GetArgumentsJson() != `{"city":"Paris"}` {
		t.Fatalf("%v, calls %v", got.err, got.calls)
	}
	if got.done.GetReason() != providerv1.Done_REASON_TOOL_CALLS {
		t.Errorf("done %v", got.done)
	}
	call := got.calls[0]
	req.Messages = append(req.Messages,
		&providerv1.Message{Role: providerv1.Role_ROLE_ASSISTANT, Parts: []*providerv1.Part{callPart(call.GetId(), call.GetName(), call.GetArgumentsJson())}},
		&providerv1.Message{Role: providerv1.Role_ROLE_TOOL, Parts: []*providerv1.Part{resultPart(call.GetId(), "", "21 degrees", false)}})
	if got := p.run(t.Context(), t, req, nil); got.text != "The tool says: get_weather: 21 degrees." {
		t.Errorf("%v, %q", got.err, got.text)
	}

	req = p.ask(ollamatest.Thinking, "two")
	req.Tools = []*providerv1.Tool{tool("get_weather"), tool("run_shell")}
	got = p.run(t.Context(), t, req, nil)
	if got.err != nil || len(got.calls) != 2 || got.calls[1].GetName() != "run_shell" || got.calls[0].GetId() == got.calls[1].GetId() || strings.TrimSpace(got.text) != "I will look at both." {
		t.Errorf("%v, calls %v, %q", got.err, got.calls, got.text)
	}

	for _, say := range []string{"unknown-tool", "broken-tool"} {
		req = p.ask(ollamatest.Tools, say)
		req.Tools = []*providerv1.Tool{tool("get_weather")}
		wantError(t, p.run(t.Context(), t, req, nil).err, providerv1.ErrorCode_ERROR_CODE_EMPTY, "tool")
	}
}

func realImages(t *testing.T, p *plugin) {
	picture := &providerv1.Part{Part: &providerv1.Part_Image{Image: &providerv1.Blob{Name: "a.png", MediaType: "image/png", Data: []byte("\x89PNG\r\n\x1a\n")}}}
	req := p.ask(ollamatest.Vision, "image")
	req.Messages[0].Parts = append(req.Messages[0].Parts, picture, picture)
	if got := p.run(t.Context(), t, req, nil); got.text != "I see 2 image(s)." {
		t.Errorf("%v, %q", got.err, got.text)
	}
	req.Model = ollamatest.Plain
	got := p.run(t.Context(), t, req, nil)
	wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "can't see images")
}

func realOptions(t *testing.T, p *plugin) {
	req := p.ask(ollamatest.Plain, "count 100")
	req.Options = &providerv1.Options{MaxOutputTokens: proto.Int64(3), Temperature: proto.Float64(0.1)}
	got := p.run(t.Context(), t, req, nil)
	if got.text != "1 2 3 " || got.done.GetReason() != providerv1.Done_REASON_LENGTH {
		t.Errorf("%v, %q, %v", got.err, got.text, got.done)
	}
	req = p.ask(ollamatest.Plain, "json")
	req.Options = &providerv1.Options{ResponseSchema: `{"type":"object","properties":{"answer":{"type":"integer"}}}`}
	if got := p.run(t.Context(), t, req, nil); got.text != `{"answer": 42, "unit": "none"}` {
		t.Errorf("%v, %q", got.err, got.text)
	}
	for _, effort := range []string{"none", "low", "high"} {
		req = p.ask(ollamatest.Thinking, "hello")
		req.Options = &providerv1.Options{ReasoningEffort: effort}
		if got := p.run(t.Context(), t, req, nil); got.err != nil {
			t.Errorf("%s: %v", effort, got.err)
		}
	}
	p.conn.SettingsJson = `{"keep_alive": "30m", "num_ctx": 2048, "think": false}`
	if got := p.run(t.Context(), t, p.ask(ollamatest.Plain, "hello"), nil); got.err != nil {
		t.Error(got.err)
	}
	res, err := p.ListModels(t.Context(), &providerv1.ListModelsRequest{Connection: p.conn})
	if err != nil || res.GetModels()[0].GetContextTokens() != 2048 {
		t.Errorf("%v, %v", err, res)
	}
}

func realErrors(t *testing.T, p *plugin) {
	got := p.run(t.Context(), t, p.ask(ollamatest.NoModel, "hello"), nil)
	wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "`ollama pull "+ollamatest.NoModel+"`")

	req := p.ask(ollamatest.Plain, "hello")
	req.Tools = []*providerv1.Tool{tool("get_weather")}
	got = p.run(t.Context(), t, req, nil)
	wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "can't use tools")
	if got.err.GetParameter() != "tools" {
		t.Errorf("parameter %q", got.err.GetParameter())
	}
	for _, c := range []struct{ model, effort, words string }{
		{ollamatest.Plain, "high", "can't think"},
		{ollamatest.Thinking, "rather much", "none, low, medium, high and max"},
	} {
		req = p.ask(c.model, "hello")
		req.Options = &providerv1.Options{ReasoningEffort: c.effort}
		got = p.run(t.Context(), t, req, nil)
		wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, c.words)
		if got.err.GetParameter() != "reasoning_effort" {
			t.Errorf("parameter %q", got.err.GetParameter())
		}
	}
}

func realEngineDeath(t *testing.T, p *plugin) {
	got := p.run(t.Context(), t, p.ask(ollamatest.Tools, "die"), nil)
	wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_PROVIDER, "engine", ollamatest.Tools)
	if got.text != "These are my last wor" || got.done != nil {
		t.Errorf("text %q, done %v", got.text, got.done)
	}
	wantError(t, p.run(t.Context(), t, p.ask(ollamatest.Tools, "die-early"), nil).err, providerv1.ErrorCode_ERROR_CODE_PROVIDER, "engine")
	if got := p.run(t.Context(), t, p.ask(ollamatest.Tools, "hello"), nil); got.err != nil {
		t.Errorf("after the engine's death: %v", got.err)
	}
}

func realContext(t *testing.T, p *plugin) {
	got := p.run(t.Context(), t, p.ask(ollamatest.Small, strings.Repeat("word ", 400)), nil)
	wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "room for 256", "context length")
	if got.err.GetContextTokens() != 256 {
		t.Errorf("the window is told as %d tokens", got.err.GetContextTokens())
	}
	// With a history it is the same: the oldest messages are not dropped in silence.
	req := p.ask(ollamatest.Small, "hello")
	req.Messages = append([]*providerv1.Message{
		user(strings.Repeat("word ", 400)),
		{Role: providerv1.Role_ROLE_ASSISTANT, Parts: []*providerv1.Part{textPart("Yes.")}},
	}, req.Messages...)
	wantError(t, p.run(t.Context(), t, req, nil).err, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG)
	// What the words advise helps.
	p.conn.SettingsJson = `{"num_ctx": 4096}`
	if got := p.run(t.Context(), t, req, nil); got.text != "Hello from the scripted model." {
		t.Errorf("%v, %q", got.err, got.text)
	}
}

func realCancel(t *testing.T, p *plugin, server *ollamatest.Server) {
	ctx, cancel := context.WithCancel(t.Context())
	got := p.run(ctx, t, p.ask(ollamatest.Plain, "endless"), func(a *answer) {
		if strings.Contains(a.text, "tock") {
			cancel()
		}
	})
	if got.err.GetCode() != providerv1.ErrorCode_ERROR_CODE_CANCELLED {
		t.Errorf("%v", got.err)
	}
	waitFor(t, server, `cancel "endless"`)
	// The engine has one slot, so an answer proves that it is free.
	if got := p.run(t.Context(), t, p.ask(ollamatest.Plain, "hello"), nil); got.err != nil {
		t.Error(got.err)
	}
	// Before the first word it is no different.
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		waitFor(t, server, `start "hang"`)
		cancel()
	}()
	p.run(ctx, t, p.ask(ollamatest.Plain, "hang"), nil)
	waitFor(t, server, `cancel "hang"`)
}

func realOneSlot(t *testing.T, p *plugin, server *ollamatest.Server) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := make(chan *answer, 1)
	go func() { first <- p.run(ctx, t, p.ask(ollamatest.Thinking, "endless slot"), nil) }()
	waitFor(t, server, `start "endless slot"`)

	second := p.run(t.Context(), t, p.ask(ollamatest.Thinking, "hello"), func(a *answer) {
		if len(a.statuses) > 0 {
			cancel() // what it waits for
		}
	})
	if second.err != nil || second.text != "Hello from the scripted model." {
		t.Errorf("the second: %v, %q", second.err, second.text)
	}
	if len(second.statuses) == 0 || second.statuses[0].GetKind() != providerv1.Status_KIND_WAITING || !strings.Contains(second.statuses[0].GetText(), "busy") {
		t.Errorf("the second was told %v", second.statuses)
	}
	if a := <-first; !strings.HasPrefix(a.text, "tick tock") {
		t.Errorf("the first: %v, %q", a.err, a.text)
	}
}

func realDiagnose(t *testing.T, p *plugin) {
	p.run(t.Context(), t, p.ask(ollamatest.Plain, "hello"), nil)
	res, err := p.Diagnose(t.Context(), &providerv1.DiagnoseRequest{Connection: p.conn})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, f := range res.GetFacts() {
		if !f.GetOk() {
			t.Errorf("fact %v", f)
		}
		words = append(words, f.GetName()+": "+f.GetValue())
	}
	all := strings.Join(words, "\n")
	for _, want := range []string{"address: " + p.conn.GetBaseUrl(), "server: Ollama", "models: 5", "in memory: " + ollamatest.Plain + ", context of", "for another"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}

func realDelete(t *testing.T, p *plugin) {
	if _, err := p.DeleteModel(t.Context(), &providerv1.DeleteModelRequest{Connection: p.conn, Model: ollamatest.Small}); err != nil {
		t.Fatal(err)
	}
	_, err := p.DeleteModel(t.Context(), &providerv1.DeleteModelRequest{Connection: p.conn, Model: ollamatest.Small})
	wantError(t, sdk.FromStatus(err), providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "nothing to delete")
}

// TestLoadingIsTold: a model that is not in memory yet takes its time, and the person knows why.
func TestLoadingIsTold(t *testing.T) {
	server := ollamatest.StartWith(t, ollamatest.Config{LoadTime: 3 * time.Second})
	p := newPlugin(t, server.URL)
	got := p.run(t.Context(), t, p.ask(ollamatest.Plain, "hello"), nil)
	if got.err != nil || len(got.statuses) == 0 || got.statuses[0].GetKind() != providerv1.Status_KIND_LOADING_MODEL || !strings.Contains(got.statuses[0].GetText(), "scripted-plain") {
		t.Errorf("%v, told %v", got.err, got.statuses)
	}
}

func TestFreshServerHasNoModels(t *testing.T) {
	server := ollamatest.StartWith(t, ollamatest.Config{Empty: true})
	p := newPlugin(t, server.URL)
	res, err := p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn})
	if err != nil || !strings.Contains(res.GetSummary(), "`ollama pull") {
		t.Errorf("%v, %v", res, err)
	}
}

// waitFor waits until the engine's journal has the line.
func waitFor(t *testing.T, server *ollamatest.Server, line string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !slices.Contains(server.Journal(), line); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("no %s in the engine's journal %q", line, server.Journal())
			return
		}
	}
}
