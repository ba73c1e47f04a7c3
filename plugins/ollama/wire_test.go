package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// lineServer answers /api/chat with these lines, and then hangs up.
func lineServer(t *testing.T, lines ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		for _, line := range lines {
			_, _ = io.WriteString(w, line+"\n")
			_ = http.NewResponseController(w).Flush()
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestOddStreams(t *testing.T) {
	const (
		hello = `{"message":{"role":"assistant","content":"Hel"},"done":false}`
		think = `{"message":{"role":"assistant","content":"","thinking":"Hm."},"done":false}`
		stop  = `{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}`
		limit = `{"message":{"role":"assistant","content":""},"done":true,"done_reason":"length"}`
	)
	for _, c := range []struct {
		name  string
		lines []string
		code  providerv1.ErrorCode
		words []string
	}{
		{"engine died", []string{hello, `{"error":"an error was encountered while running the model: unexpected EOF"}`}, providerv1.ErrorCode_ERROR_CODE_PROVIDER, []string{"engine", "broke down"}},
		{"error as object", []string{hello, `{"error":{"message":"out of memory"}}`}, providerv1.ErrorCode_ERROR_CODE_PROVIDER, []string{"memory"}},
		{"unknown error", []string{hello, `{"error":"the moon is full."}`}, providerv1.ErrorCode_ERROR_CODE_PROVIDER, []string{"the moon is full"}},
		{"repetition", []string{hello, `{"error":"prediction aborted, token repeat limit reached"}`}, providerv1.ErrorCode_ERROR_CODE_PROVIDER, []string{"repeated itself"}},
		{"tool call garbled", []string{`{"error":"error parsing tool call: raw='{', err=unexpected end of JSON input"}`}, providerv1.ErrorCode_ERROR_CODE_PROVIDER, []string{"tool call"}},
		{"cut", []string{hello}, providerv1.ErrorCode_ERROR_CODE_CUT, []string{"what came of it is kept"}},
		{"nothing", nil, providerv1.ErrorCode_ERROR_CODE_CUT, nil},
		{"half a line", []string{hello, `{"message":{"con`}, providerv1.ErrorCode_ERROR_CODE_CUT, nil},
		{"only thought", []string{think, stop}, providerv1.ErrorCode_ERROR_CODE_EMPTY, []string{"only thought"}},
		{"thought to the limit", []string{think, limit}, providerv1.ErrorCode_ERROR_CODE_EMPTY, []string{"still thinking"}},
		{"blank", []string{`{"message":{"content":" \n"},"done":false}`, stop}, providerv1.ErrorCode_ERROR_CODE_EMPTY, nil},
		{"no memory", []string{`{"error":"model requires more system memory (8.0 GiB) than is available (2.0 GiB)"}`}, providerv1.ErrorCode_ERROR_CODE_PROVIDER, []string{"smaller model"}},
		{"fine", []string{hello, "", stop}, providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlugin(t, lineServer(t, c.lines...))
			got := p.run(t.Context(), t, p.ask("m", "hello"), nil)
			wantError(t, got.err, c.code, c.words...)
		})
	}
}

func TestCallsWithoutIDsAndWithQuotedArguments(t *testing.T) {
	p := newPlugin(t, lineServer(t,
		`{"message":{"tool_calls":[{"function":{"name":"a","arguments":{}}},{"function":{"name":"b","arguments":"{\"x\":1}"}}]},"done":false}`,
		`{"message":{"tool_calls":[{"function":{"name":"c"}}]},"done":false}`,
		`{"done":true,"done_reason":"stop"}`))
	got := p.run(t.Context(), t, p.ask("m", "hello"), nil)
	if got.err != nil || len(got.calls) != 3 {
		t.Fatalf("%v, %v", got.err, got.calls)
	}
	ids := map[string]bool{}
	for i, want := range []string{`a {}`, `b {"x":1}`, `c {}`} {
		call := got.calls[i]
		ids[call.GetId()] = true
		if call.GetName()+" "+call.GetArgumentsJson() != want {
			t.Errorf("call %v, want %s", call, want)
		}
	}
	if len(ids) != 3 || ids[""] {
		t.Errorf("ids %v", ids)
	}
}

// TestRequest compares what is sent with what it should be.
func TestRequest(t *testing.T) {
	sent := make(chan map[string]any, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Path != "/api/chat" || r.Method != http.MethodPost {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		sent <- body
		_, _ = io.WriteString(w, `{"message":{"content":"ok"},"done":true}`)
	}))
	t.Cleanup(server.Close)
	p := newPlugin(t, server.URL)
	// What other programs want behind the address does no harm.
	p.conn.BaseUrl += "/v1"
	p.conn.SettingsJson = `{"num_ctx": 8192, "keep_alive": "-1", "temperature": 0.5, "num_predict": 9, "think": false}`

	part := func(parts ...*providerv1.Part) []*providerv1.Part { return parts }
	thought := &providerv1.Part{Part: &providerv1.Part_Thought{Thought: "hm"}}
	req := &providerv1.RunRequest{
		RunId: "run", Connection: p.conn, Model: "m",
		Messages: []*providerv1.Message{
			{Role: providerv1.Role_ROLE_SYSTEM, Parts: part(textPart("Be brief."))},
			{Role: providerv1.Role_ROLE_USER, Parts: part(textPart("Look:"),
				&providerv1.Part{Part: &providerv1.Part_Image{Image: &providerv1.Blob{MediaType: "image/png", Data: []byte("png")}}},
				&providerv1.Part{Part: &providerv1.Part_File{File: &providerv1.Blob{Name: "a.txt", MediaType: "text/plain", Data: []byte("inside")}}})},
			{Role: providerv1.Role_ROLE_ASSISTANT, Parts: part(thought, textPart("Yes."))},
			{Role: providerv1.Role_ROLE_ASSISTANT},
			user("Now work."),
			{Role: providerv1.Role_ROLE_ASSISTANT, Parts: part(thought, callPart("c1", "a", `{"x":1}`), callPart("c2", "b", `not json`))},
			{Role: providerv1.Role_ROLE_TOOL, Parts: part(resultPart("c1", "", "one", false), resultPart("c2", "b", "two", true))},
		},
		Tools:   []*providerv1.Tool{{Name: "a", Description: "does a"}},
		Options: &providerv1.Options{MaxOutputTokens: proto.Int64(7), ReasoningEffort: "high", ResponseSchema: `{"type":"object"}`},
	}
	if got := p.run(t.Context(), t, req, nil); got.err != nil || got.text != "ok" {
		t.Fatalf("%v, %q", got.err, got.text)
	}
	want := `{
		"model": "m", "stream": true, "truncate": false, "think": "high", "keep_alive": -1, "format": {"type": "object"},
		"options": {"temperature": 0.5, "num_ctx": 8192, "num_predict": 7},
		"messages": [
			{"role": "system", "content": "Be brief."},
			{"role": "user", "content": "Look:\n\na.txt:\n` + "```\\ninside\\n```" + `", "images": ["cG5n"]},
			{"role": "assistant", "content": "Yes."},
			{"role": "user", "content": "Now work."},
			{"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [
				{"id": "c1", "function": {"index": 0, "name": "a", "arguments": {"x": 1}}},
				{"id": "c2", "function": {"index": 1, "name": "b", "arguments": {"input": "not json"}}}]},
			{"role": "tool", "content": "one", "tool_name": "a", "tool_call_id": "c1"},
			{"role": "tool", "content": "The tool failed: two", "tool_name": "b", "tool_call_id": "c2"}],
		"tools": [{"type": "function", "function": {"name": "a", "description": "does a", "parameters": {"type": "object", "properties": {}}}}]
	}`
	var wanted map[string]any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	a, _ := json.MarshalIndent(<-sent, "", " ")
	b, _ := json.MarshalIndent(wanted, "", " ")
	if string(a) != string(b) {
		t.Errorf("sent %s\nwant %s", a, b)
	}

	// The provider's limit holds where the message has none.
	req.Options.MaxOutputTokens = nil
	p.run(t.Context(), t, req, nil)
	if options, _ := (<-sent)["options"].(map[string]any); options["num_predict"] != 9.0 {
		t.Errorf("options %v", options)
	}

	// Nothing that was not asked for is sent.
	p.conn.SettingsJson = ""
	p.run(t.Context(), t, p.ask("m", "hello"), nil)
	a, _ = json.Marshal(<-sent)
	if string(a) != `{"messages":[{"content":"hello","role":"user"}],"model":"m","stream":true,"truncate":false}` {
		t.Errorf("sent %s", a)
	}
	title := p.ask("m", "hello")
	title.Purpose = providerv1.Purpose_PURPOSE_TITLE
	p.run(t.Context(), t, title, nil)
	if body := <-sent; body["think"] != false {
		t.Errorf("a title is thought about: %v", body)
	}
}

func TestRefusedBeforeSending(t *testing.T) {
	binary := &providerv1.Message{Role: providerv1.Role_ROLE_USER, Parts: []*providerv1.Part{
		{Part: &providerv1.Part_File{File: &providerv1.Blob{Name: "a.pdf", MediaType: "application/pdf", Data: []byte{0xff, 0}}}},
	}}
	for _, c := range []struct {
		name   string
		change func(*providerv1.RunRequest)
		code   providerv1.ErrorCode
		words  []string
	}{
		{"no address", func(r *providerv1.RunRequest) { r.Connection.BaseUrl = "" }, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, []string{"http://127.0.0.1:11434"}},
		{"no model", func(r *providerv1.RunRequest) { r.Model = "" }, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, []string{"model"}},
		{"no message", func(r *providerv1.RunRequest) { r.Messages = nil }, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, []string{"empty"}},
		{"a binary file", func(r *providerv1.RunRequest) { r.Messages = []*providerv1.Message{binary} }, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, []string{"a.pdf"}},
		{"settings", func(r *providerv1.RunRequest) { r.Connection.SettingsJson = `{"num_ctx":"big"}` }, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, []string{"settings"}},
		{"keep alive", func(r *providerv1.RunRequest) { r.Connection.SettingsJson = `{"keep_alive":"long"}` }, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, []string{`"long"`, "30m"}},
		{"schema", func(r *providerv1.RunRequest) { r.Options = &providerv1.Options{ResponseSchema: "yes"} }, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, []string{"JSON Schema"}},
		{"tool", func(r *providerv1.RunRequest) { r.Tools = []*providerv1.Tool{{Name: "a", ParametersSchema: "[]"}} }, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, []string{`"a"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlugin(t, "http://127.0.0.1:9")
			req := p.ask("m", "hello")
			c.change(req)
			wantError(t, p.run(t.Context(), t, req, nil).err, c.code, c.words...)
		})
	}
}

func TestPullAddsUpTheLayers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, line := range []string{
			`{"status":"pulling manifest"}`,
			`{"status":"pulling aaa","digest":"sha256:aaa","total":100}`,
			`{"status":"pulling aaa","digest":"sha256:aaa","total":100,"completed":100}`,
			`{"status":"pulling bbb","digest":"sha256:bbb","total":50,"completed":20}`,
			`{"status":"verifying sha256 digest"}`,
			`{"status":"success"}`,
		} {
			_, _ = io.WriteString(w, line+"\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(120 * time.Millisecond) // the SDK thins out what comes faster
		}
	}))
	t.Cleanup(server.Close)
	p := newPlugin(t, server.URL)
	stream, err := p.PullModel(t.Context(), &providerv1.PullModelRequest{Connection: p.conn, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	var steps []*providerv1.PullProgress
	for {
		step, err := stream.Recv()
		if err != nil {
			break
		}
		steps = append(steps, step)
	}
	if last := steps[len(steps)-1]; !last.GetFinished() || last.GetTotalBytes() != 150 || last.GetCompletedBytes() != 120 {
		t.Errorf("steps %v", steps)
	}
	if steps[1].GetStatus() != "downloading" || steps[1].GetTotalBytes() != 100 {
		t.Errorf("steps %v", steps)
	}
}

func TestPullWithoutInternet(t *testing.T) {
	p := newPlugin(t, replay(t, map[string]string{"/api/pull": "pull-offline"}).URL)
	stream, err := p.PullModel(t.Context(), &providerv1.PullModelRequest{Connection: p.conn, Model: "nope"})
	for err == nil {
		_, err = stream.Recv()
	}
	wantError(t, sdk.FromStatus(err), providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, "internet", `"nope"`)
}

func TestDiagnoseOfRecordedServer(t *testing.T) {
	p := newPlugin(t, replay(t, map[string]string{"/api/tags": "tags", "/api/ps": "ps-after"}).URL)
	res, err := p.Diagnose(t.Context(), &providerv1.DiagnoseRequest{Connection: p.conn})
	if err != nil {
		t.Fatal(err)
	}
	// This server has no /api/version: that is said, and the rest is not asked for.
	if facts := res.GetFacts(); len(facts) != 2 || facts[1].GetOk() || !strings.Contains(facts[1].GetValue(), "/api/version") {
		t.Errorf("facts %v", facts)
	}
}
