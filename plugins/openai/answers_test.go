package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/e2e/openaitest"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
	"github.com/openvibez/openvibez/sdk/sdktest"
)

func TestContract(t *testing.T) {
	for _, settings := range []string{withResponses, withChat} {
		t.Run(settings, func(t *testing.T) {
			server := openaitest.StartWith(t, openaitest.Config{Key: "sk-secret", Pause: 5 * time.Millisecond})
			sdktest.Run(t, sdktest.Config{
				Provider:     &openAI{},
				Connection:   &providerv1.Connection{BaseUrl: server.URL, SettingsJson: settings},
				Header:       map[string][]string{"Authorization": {"Bearer sk-secret"}},
				Model:        openaitest.Model,
				UnknownModel: openaitest.NoModel,
				Prompts:      []string{"slow", "recall"},
			})
		})
	}
}

// both runs a test against both APIs.
func both(t *testing.T, test func(t *testing.T, p *plugin, s *openaitest.Server)) {
	t.Helper()
	for _, settings := range []string{withResponses, withChat} {
		t.Run(settings, func(t *testing.T) {
			server := openaitest.Start(t)
			test(t, newPlugin(t, server.URL, settings), server)
		})
	}
}

func TestAnswers(t *testing.T) {
	const ok = providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED
	const whole = "These words come, whatever happens to them on their way."
	both(t, func(t *testing.T, p *plugin, _ *openaitest.Server) {
		responses := p.conn.GetSettingsJson() == withResponses
		for _, c := range []struct {
			say    string
			text   string
			reason providerv1.Done_Reason
			code   providerv1.ErrorCode
			words  []string
		}{
			{say: "hello", text: "Hello from the scripted OpenAI."},
			{say: "unicode", text: "Grüße aus Köln: 日本語, Ω≈ç√, 👩‍👩‍👧‍👦 family, עברית."},
			{say: "late 300", text: "Better late than never."},
			{say: "json-body", text: whole},
			{say: "unknown", text: whole},
			{say: "hold", text: whole},
			{say: "long 10", text: "It begins. " + strings.Repeat("x", 10<<20) + " It ends."},
			{say: "refuse", text: "I can't help with that."},
			{say: "length", text: "This is cut off in the mid", reason: providerv1.Done_REASON_LENGTH},
			{say: "filter", text: "This was said before", reason: providerv1.Done_REASON_CONTENT_FILTER},
			{say: "filter-all", code: providerv1.ErrorCode_ERROR_CODE_CONTENT_FILTERED, words: []string{"content rules"}},
			{say: "empty", code: providerv1.ErrorCode_ERROR_CODE_EMPTY, words: []string{"nothing at all"}},
			{say: "failed", text: "It went well until", code: providerv1.ErrorCode_ERROR_CODE_PROVIDER, words: []string{"kept", "Try again"}},
			{say: "error", text: "It went well until", code: providerv1.ErrorCode_ERROR_CODE_PROVIDER, words: []string{"kept"}},
			{say: "limited", code: providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED},
			{say: "cut", text: "These words come", code: providerv1.ErrorCode_ERROR_CODE_CUT, words: []string{"kept"}},
			{say: "unended", text: whole, code: providerv1.ErrorCode_ERROR_CODE_CUT},
			{say: "garble", text: "These words come", code: providerv1.ErrorCode_ERROR_CODE_PROVIDER, words: []string{"can't be read"}},
		} {
			t.Run(c.say, func(t *testing.T) {
				got := p.run(t.Context(), t, p.ask(openaitest.Model, c.say), nil)
				if c.code == ok && (got.text != c.text || got.done == nil) || !strings.HasPrefix(got.text, c.text) {
					t.Errorf("%v, done %v, text of %d %.100q", got.err, got.done, len(got.text), got.text)
				}
				if c.code == ok && got.err != nil || c.code != ok && got.done != nil {
					t.Errorf("error %v, done %v", got.err, got.done)
				}
				wantError(t, got.err, c.code, c.words...)
				if want := max(c.reason, providerv1.Done_REASON_STOP); got.done != nil && got.done.GetReason() != want {
					t.Errorf("reason %v", got.done.GetReason())
				}
				if got.reference.GetRequestId() == "" && got.err.GetRequestId() == "" {
					t.Error("the request's id is lost")
				}
				if c.code == ok && (got.usage.GetInputTokens() != 12 || got.usage.GetOutputTokens() != 7 || got.usage.GetCachedInputTokens() != 4 || got.usage.GetReasoningTokens() != 3) {
					t.Errorf("usage %v", got.usage)
				}
				if c.code == ok && got.reference.GetResponseId() == "" {
					t.Errorf("reference %v", got.reference)
				}
				if c.say == "refuse" && (len(got.notices) != 1 || !strings.Contains(got.notices[0], "refused")) {
					t.Errorf("notices %q", got.notices)
				}
				if c.say == "limited" && got.err.GetRetryAfterMs() != 1500 {
					t.Errorf("retry after %d", got.err.GetRetryAfterMs())
				}
			})
		}
		// What the Responses API says twice, in a different order or not at all can be put right; Chat Completions number
		// nothing.
		if responses {
			for _, say := range []string{"twice", "shuffle", "lost", "renumber"} {
				if got := p.run(t.Context(), t, p.ask(openaitest.Model, say), nil); got.err != nil || got.text != whole {
					t.Errorf("%s: %v, %q", say, got.err, got.text)
				}
			}
		}
	})
}

func TestToolsAndTheirResults(t *testing.T) {
	both(t, func(t *testing.T, p *plugin, s *openaitest.Server) {
		req := p.ask(openaitest.Model, `tool get_weather {"zone":"CET","city":"Paris"} | run_shell {"command":"ls"} | now`)
		open := tool("run_shell", true)
		open.ParametersSchema = `{"type":"object","properties":{"command":{"type":"string"}}}`
		req.Tools = []*providerv1.Tool{tool("get_weather", true), open, {Name: "now"}}
		got := p.run(t.Context(), t, req, nil)
		if want := "get_weather {\"zone\":\"CET\",\"city\":\"Paris\"}\nrun_shell {\"command\":\"ls\"}\nnow {}"; got.callWords() != want {
			t.Fatalf("%v, calls %s", got.err, got.callWords())
		}
		if got.text != "I will look.\n" || got.done.GetReason() != providerv1.Done_REASON_TOOL_CALLS {
			t.Errorf("text %q, done %v", got.text, got.done)
		}
		if len(got.statuses) == 0 || !strings.Contains(got.statuses[0].GetText(), "get_weather") {
			t.Errorf("statuses %v", got.statuses)
		}
		// The schema that can be enforced is, the other is not; and their properties keep their order.
		sent := fmt.Sprint(s.Last().Body["tools"])
		if strings.Count(sent, "strict:true") != 1 {
			t.Errorf("tools %s", sent)
		}

		// Results of all but the last, in another order.
		req.Messages = append(req.Messages, got.message(), results(
			&providerv1.ToolResult{CallId: got.calls[1].GetId(), Name: "run_shell", Content: "a.txt"},
			&providerv1.ToolResult{CallId: got.calls[0].GetId(), Name: "get_weather", Content: "no such city", Failed: true},
			&providerv1.ToolResult{CallId: "call_of_nobody", Name: "ghost", Content: "boo"}))
		got = p.run(t.Context(), t, req, nil)
		if got.err != nil {
			t.Fatal(got.err)
		}
		if !strings.Contains(got.text, "ghost: boo") {
			t.Errorf("a stray result is not told: %q", got.text)
		}
	})
}

// TestThinkingGoesOn: in a round of calls the model is given back what it thought, sealed as it is.
func TestThinkingGoesOn(t *testing.T) {
	server := openaitest.Start(t)
	p := newPlugin(t, server.URL, withResponses)
	req := p.ask(openaitest.Model, "step")
	req.Options.ReasoningEffort = "high"
	req.Tools = []*providerv1.Tool{tool("run_shell", false)}
	for _, want := range []string{`run_shell {"command":"echo one"}`, `run_shell {"command":"echo two"}`} {
		got := p.run(t.Context(), t, req, nil)
		if got.err != nil || got.callWords() != want || len(got.done.GetProviderState()) == 0 {
			t.Fatalf("%v, %s, state %q", got.err, got.callWords(), got.done.GetProviderState())
		}
		req.Messages = append(req.Messages, got.message(), results(&providerv1.ToolResult{CallId: got.calls[0].GetId(), Content: "ok"}))
	}
	if got := p.run(t.Context(), t, req, nil); got.text != "Two steps done: ok, ok." {
		t.Fatalf("%v, %q", got.err, got.text)
	}
	kinds := func() (all []string) {
		for _, item := range server.Last().Body["input"].([]any) {
			kind, _ := item.(map[string]any)["type"].(string)
			all = append(all, kind)
		}
		return all
	}
	if got := strings.Join(kinds(), " "); got != " reasoning function_call function_call_output reasoning function_call function_call_output" {
		t.Errorf("items %q", got)
	}
	// Another model is given the calls, but not thoughts that it can't read.
	req.Model = openaitest.Plain
	req.Options.ReasoningEffort = ""
	if got := p.run(t.Context(), t, req, nil); got.err != nil {
		t.Fatal(got.err)
	}
	if got := strings.Join(kinds(), " "); got != " function_call function_call_output function_call function_call_output" {
		t.Errorf("items for another model %q", got)
	}
	// With another key the seals may not hold; then it goes on without.
	req.Model = openaitest.Model
	state := req.Messages[1].GetProviderState()
	req.Messages[1].ProviderState = []byte(strings.ReplaceAll(string(state), "sealed:", "strange:"))
	if got := p.run(t.Context(), t, req, nil); got.text != "Two steps done: ok, ok." {
		t.Errorf("%v, %q", got.err, got.text)
	}
	if body := server.Last().Body; body["store"] != false || fmt.Sprint(body["include"]) != "[reasoning.encrypted_content]" {
		t.Errorf("store %v, include %v", body["store"], body["include"])
	}
}

func TestThoughts(t *testing.T) {
	server := openaitest.Start(t)
	p := newPlugin(t, server.URL, withChat)
	got := p.run(t.Context(), t, p.ask(openaitest.Model, "think"), nil)
	if got.text != "Four." || !strings.Contains(got.thought, "Two plus two, let me see.") {
		t.Errorf("%v, %q, %q", got.err, got.text, got.thought)
	}
	wantError(t, p.run(t.Context(), t, p.ask(openaitest.Model, "think-only"), nil).err, providerv1.ErrorCode_ERROR_CODE_EMPTY, "only thought")
	wantError(t, p.run(t.Context(), t, p.ask(openaitest.Model, "think-length"), nil).err, providerv1.ErrorCode_ERROR_CODE_EMPTY, "still thinking")

	// Thoughts go back with calls, under the name they came with, and not with answers to earlier questions.
	req := p.ask(openaitest.Model, "step")
	req.Tools = []*providerv1.Tool{tool("run_shell", false)}
	got = p.run(t.Context(), t, req, nil)
	req.Messages = append(req.Messages, got.message(), results(&providerv1.ToolResult{CallId: got.calls[0].GetId(), Content: "ok"}))
	if _, err := p.Run(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	p.run(t.Context(), t, req, nil)
	sent := server.Last().Body["messages"].([]any)[1].(map[string]any)
	if sent["reasoning_content"] != "Step one is next." {
		t.Errorf("sent back %v", sent)
	}
	req.Messages = append(req.Messages, user("hello"))
	p.run(t.Context(), t, req, nil)
	if sent := server.Last().Body["messages"].([]any)[1].(map[string]any); sent["reasoning_content"] != nil {
		t.Errorf("sent back %v", sent)
	}
}

func TestOptions(t *testing.T) {
	both(t, func(t *testing.T, p *plugin, s *openaitest.Server) {
		chat := p.conn.GetSettingsJson() == withChat
		req := p.ask(openaitest.Model, "json")
		req.Messages = append([]*providerv1.Message{{Role: providerv1.Role_ROLE_SYSTEM, Parts: []*providerv1.Part{textPart("Be brief.")}}}, req.Messages...)
		req.Options = &providerv1.Options{
			Temperature: proto.Float64(0.5), MaxOutputTokens: proto.Int64(100), ReasoningEffort: "low",
			ResponseSchema: `{"type":"object","properties":{"answer":{"type":"integer"}},"required":["answer"],"additionalProperties":false}`,
		}
		if got := p.run(t.Context(), t, req, nil); got.text != `{"answer": 42}` {
			t.Fatalf("%v, %q", got.err, got.text)
		}
		body := s.Last().Body
		limit, effort, format := "max_output_tokens", any("low"), "text"
		if chat {
			limit, format = "max_tokens", "response_format"
		} else {
			effort = map[string]any{"effort": "low"}
		}
		sent := body["reasoning"]
		if chat {
			sent = body["reasoning_effort"]
		}
		if body["temperature"] != 0.5 || body[limit] != 100.0 || fmt.Sprint(sent) != fmt.Sprint(effort) || !strings.Contains(fmt.Sprint(body[format]), "strict:true") {
			t.Errorf("sent %v", body)
		}
		// A schema that can't be enforced is sent as a wish.
		req.Options = &providerv1.Options{ResponseSchema: `{"type":"object","properties":{"answer":{"type":"integer"}}}`}
		if got := p.run(t.Context(), t, req, nil); got.text != `{"answer": 42}` {
			t.Errorf("%v, %q", got.err, got.text)
		}
		req.Messages[1] = user("system")
		req.Options = nil
		if got := p.run(t.Context(), t, req, nil); got.text != "My orders are: Be brief." {
			t.Errorf("%v, %q", got.err, got.text)
		}
		req = p.ask(openaitest.Model, "image")
		req.Messages[0].Parts = append(req.Messages[0].Parts,
			&providerv1.Part{Part: &providerv1.Part_Image{Image: &providerv1.Blob{Name: "a.png", MediaType: "image/png", Data: []byte("\x89PNG")}}},
			&providerv1.Part{Part: &providerv1.Part_File{File: &providerv1.Blob{Name: "a.pdf", MediaType: "application/pdf", Data: []byte("%PDF")}}})
		if got := p.run(t.Context(), t, req, nil); got.text != "I see 1 image(s) and 1 file(s)." {
			t.Errorf("%v, %q", got.err, got.text)
		}
		req = p.ask(openaitest.Model, "See below.")
		req.Messages[0].Parts = append(req.Messages[0].Parts, &providerv1.Part{Part: &providerv1.Part_File{File: &providerv1.Blob{Name: "a.txt", Data: []byte("inside")}}})
		if got := p.run(t.Context(), t, req, nil); !strings.Contains(got.text, "a.txt:\n```\ninside\n```") {
			t.Errorf("%v, %q", got.err, got.text)
		}
	})
}

// TestWhatAServerDoesNotTake: what the plugin adds by itself is left out where it is refused, and remembered.
func TestWhatAServerDoesNotTake(t *testing.T) {
	both(t, func(t *testing.T, p *plugin, s *openaitest.Server) {
		api := strings.TrimSuffix(p.conn.GetSettingsJson(), "}")
		p.conn.SettingsJson = api + `,"reasoning_effort":"low"}`
		for i, requests := range []int{2, 1} {
			before := len(s.Requests())
			got := p.run(t.Context(), t, p.ask(openaitest.Plain, "hello"), nil)
			if got.err != nil || len(s.Requests())-before != requests {
				t.Errorf("%v after %d requests", got.err, len(s.Requests())-before)
			}
			if i == 0 && (len(got.notices) != 1 || !strings.Contains(got.notices[0], `reasoning effort "low"`)) {
				t.Errorf("notices %q", got.notices)
			}
		}
		// What was asked for is not left out in silence.
		req := p.ask(openaitest.Plain, "hello")
		req.Options.ReasoningEffort = "high"
		got := p.run(t.Context(), t, req, nil)
		wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "reasoning effort")
		if got.err.GetParameter() != "reasoning_effort" {
			t.Errorf("parameter %q", got.err.GetParameter())
		}
		req = p.ask(openaitest.Chat, "hello")
		req.Options.MaxOutputTokens = proto.Int64(100)
		if got := p.run(t.Context(), t, req, nil); got.err != nil {
			t.Error(got.err)
		}
		got = p.run(t.Context(), t, p.ask(openaitest.Model, "verify"), nil)
		if got.err != nil || got.text != "You said: verify." || len(got.notices) != 1 || !strings.Contains(got.notices[0], "one piece") {
			t.Errorf("%v, %q, %q", got.err, got.text, got.notices)
		}
	})
}

func TestCancelAndSilence(t *testing.T) {
	both(t, func(t *testing.T, p *plugin, s *openaitest.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		got := p.run(ctx, t, p.ask(openaitest.Model, "endless"), func(a *answerOf) {
			if strings.Contains(a.text, "tock") {
				cancel()
			}
		})
		if got.err.GetCode() != providerv1.ErrorCode_ERROR_CODE_CANCELLED {
			t.Errorf("%v", got.err)
		}
		for deadline := time.Now().Add(time.Minute); s.Open() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the request goes on after the cancel")
			}
		}
		impatient := newPluginOf(t, &openAI{quiet: 20 * time.Millisecond, given: 200 * time.Millisecond}, s.URL, p.conn.GetSettingsJson())
		got = impatient.run(t.Context(), t, impatient.ask(openaitest.Model, "stall"), nil)
		wantError(t, got.err, providerv1.ErrorCode_ERROR_CODE_TIMEOUT, "has sent nothing for", "kept")
		if !strings.HasPrefix(got.text, "These words") || len(got.statuses) == 0 || got.statuses[0].GetKind() != providerv1.Status_KIND_WAITING {
			t.Errorf("text %q, statuses %v", got.text, got.statuses)
		}
	})
}

func TestBackground(t *testing.T) {
	server := openaitest.StartWith(t, openaitest.Config{Looks: 1})
	p := newPlugin(t, server.URL, withResponses)
	begin := func(text string) (*answerOf, string) {
		req := p.ask(openaitest.Model, text)
		req.Options.Background = true
		got := p.run(t.Context(), t, req, nil)
		if got.err != nil || got.background.GetHandle() == "" || got.background.GetPollAfterMs() == 0 || got.reference.GetResponseId() == "" {
			t.Fatalf("%v, %v, %v", got.err, got.background, got.reference)
		}
		return got, got.background.GetHandle()
	}
	poll := func(handle string) *answerOf {
		stream, err := p.Poll(t.Context(), &providerv1.PollRequest{RunId: "run", Connection: p.conn, Handle: handle})
		if err != nil {
			t.Fatal(err)
		}
		return collect(stream, nil)
	}
	_, handle := begin("think")
	got := poll(handle)
	if got.background.GetHandle() != handle {
		t.Fatalf("%v, %v", got.err, got.background)
	}
	if got = poll(handle); got.text != "Four." || got.done == nil || got.usage.GetOutputTokens() != 7 {
		t.Errorf("%v, %q, %v", got.err, got.text, got.usage)
	}
	_, handle = begin("failed")
	poll(handle)
	wantError(t, poll(handle).err, providerv1.ErrorCode_ERROR_CODE_PROVIDER)

	first, handle := begin("hello")
	for range 2 {
		if _, err := p.CancelBackground(t.Context(), &providerv1.CancelBackgroundRequest{Connection: p.conn, Handle: handle}); err != nil {
			t.Fatal(err)
		}
	}
	if s := server.Status(first.reference.GetResponseId()); s != "cancelled" {
		t.Errorf("the work is %s", s)
	}
	wantError(t, poll(handle).err, providerv1.ErrorCode_ERROR_CODE_CANCELLED)
	wantError(t, poll(`{"id":"resp_of_nobody","model":"m"}`).err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "no longer knows")
	wantError(t, poll("nonsense").err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "damaged")
	if _, err := p.CancelBackground(t.Context(), &providerv1.CancelBackgroundRequest{Connection: p.conn, Handle: `{"id":"resp_of_nobody"}`}); err != nil {
		t.Errorf("cancelling what is gone: %v", err)
	}
}
