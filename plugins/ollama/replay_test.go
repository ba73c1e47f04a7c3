package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// replay answers each path with a recording of a real server, by file name in testdata.
func replay(t *testing.T, byPath map[string]string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := byPath[r.URL.Path]
		if !ok {
			name = "err-path"
		}
		_, _ = io.Copy(io.Discard, r.Body)
		res := recording(t, name)
		defer func() { _ = res.Body.Close() }()
		if kind := res.Header.Get("Content-Type"); kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	t.Cleanup(server.Close)
	return server
}

// recording reads the answer in a file of testdata. The files hold bodies as they were after the transfer encoding.
func recording(t *testing.T, name string) *http.Response {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, file, _ = bytes.Cut(file, []byte("\n<<< "))
	_, file, _ = bytes.Cut(file, []byte("\n"))
	head, body, _ := bytes.Cut(file, []byte("\n\n"))
	plain := strings.NewReplacer("Transfer-Encoding: chunked\n", "", "\nTransfer-Encoding: chunked", "").Replace(string(head))
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(plain+"\n\n"+string(body))), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestRecordedAnswers(t *testing.T) {
	const ok = providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED
	for _, c := range []struct {
		file    string
		code    providerv1.ErrorCode
		text    string
		thought string
		calls   []string
		words   []string
		param   string
	}{
		{file: "chat-hello", text: "Hello from the scripted model. Nothing was downloaded."},
		{file: "chat-unicode", text: "Grüße"},
		{file: "think-default", text: "Four.", thought: "Two plus two, let me see. That makes four.\n"},
		{file: "chat-weather-tools", calls: []string{`get_weather {"city":"Paris"}`}},
		{file: "chat-two-tools", text: "I will look at both.\n", calls: []string{`get_weather {"city":"Rome"}`, `run_shell {"timeout":5,"command":"ls -la"}`}},
		{file: "think-tool", thought: "I need the shell for this.\n", calls: []string{`run_shell {"command":"date"}`}},
		{file: "num-predict-5", text: "tick tock goes the c"},
		{file: "chat-unknown-tool", code: providerv1.ErrorCode_ERROR_CODE_EMPTY, words: []string{"a tool that does not exist"}},
		{file: "chat-broken-tool", code: providerv1.ErrorCode_ERROR_CODE_EMPTY, words: []string{"broke off"}},
		{file: "chat-empty-script", code: providerv1.ErrorCode_ERROR_CODE_EMPTY, words: []string{"nothing at all"}},
		{file: "unload", code: providerv1.ErrorCode_ERROR_CODE_EMPTY},
		{file: "cancel-endless", code: providerv1.ErrorCode_ERROR_CODE_CUT, text: "tick tock", words: []string{"broke before"}},
		{file: "err-unknown-model", code: providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, words: []string{"`ollama pull some-model`"}},
		{file: "chat-tools-on-plain-model", code: providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, param: "tools", words: []string{"some-model can't use tools"}},
		{file: "think-on-no-thinking-model", code: providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, param: "reasoning_effort"},
		{file: "ctx-last-too-long-notruncate", code: providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, words: []string{"Nothing was cut off", "context length"}},
		{file: "format-bad", code: providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, param: "response_schema"},
		{file: "options-wrong-type", code: providerv1.ErrorCode_ERROR_CODE_PROVIDER, words: []string{`option "temperature" must be`}},
		{file: "chat-weather-args-as-string", code: providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, words: []string{"refused", "closing"}},
		{file: "err-host", code: providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, words: []string{"IP address"}},
		{file: "err-path", code: providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, words: []string{"/api/chat", "too old"}},
		{file: "root", code: providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, words: []string{"not as Ollama does"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			p := newPlugin(t, replay(t, map[string]string{"/api/chat": c.file}).URL)
			req := p.ask("some-model", "hello")
			req.Tools = []*providerv1.Tool{tool("get_weather"), tool("run_shell")}
			if c.file == "chat-empty-script" {
				req.Tools = nil
			}
			got := p.run(t.Context(), t, req, nil)
			if c.code != ok {
				wantError(t, got.err, c.code, c.words...)
				if got.done != nil || got.err.GetParameter() != c.param {
					t.Errorf("done %v, parameter %q", got.done, got.err.GetParameter())
				}
			} else if got.err != nil || got.done == nil || got.usage.GetInputTokens() == 0 || got.usage.GetOutputTokens() == 0 {
				t.Errorf("error %v, done %v, usage %v", got.err, got.done, got.usage)
			}
			if !strings.HasPrefix(got.text, c.text) || got.thought != c.thought {
				t.Errorf("text %q, thought %q", got.text, got.thought)
			}
			var calls []string
			for _, call := range got.calls {
				if call.GetId() == "" {
					t.Errorf("a call without an id: %v", call)
				}
				calls = append(calls, call.GetName()+" "+call.GetArgumentsJson())
			}
			if strings.Join(calls, "\n") != strings.Join(c.calls, "\n") {
				t.Errorf("calls %q", calls)
			}
			if len(calls) > 0 && got.done.GetReason() != providerv1.Done_REASON_TOOL_CALLS {
				t.Errorf("reason %v", got.done.GetReason())
			}
			if c.file == "num-predict-5" && got.done.GetReason() != providerv1.Done_REASON_LENGTH {
				t.Errorf("reason %v", got.done.GetReason())
			}
		})
	}
}

func TestRecordedModels(t *testing.T) {
	// An older server lists models without their capabilities; they are asked for one by one.
	old := strings.NewReplacer(`,"capabilities":["completion","tools","thinking"]`, "", `,"capabilities":["completion","tools"]`, "",
		`,"capabilities":["completion"]`, "", `"context_length":8192,`, "")
	tags := recording(t, "tags")
	list, err := io.ReadAll(tags.Body)
	_ = tags.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/tags":
			_, _ = io.WriteString(w, old.Replace(string(list)))
		case "/api/show":
			shown := recording(t, "show-scripted-think")
			_, _ = io.Copy(w, shown.Body)
			_ = shown.Body.Close()
		}
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		name, url string
		thinking  int // models that think
	}{
		{"new server", replay(t, map[string]string{"/api/tags": "tags"}).URL, 1},
		{"old server", server.URL, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlugin(t, c.url)
			res, err := p.ListModels(t.Context(), &providerv1.ListModelsRequest{Connection: p.conn})
			if err != nil {
				t.Fatal(err)
			}
			thinking := 0
			for _, m := range res.GetModels() {
				if !m.GetLocal() || m.GetContextTokens() != 8192 || m.GetSizeBytes() == 0 || m.GetDetails() != "402K, F32" || strings.HasSuffix(m.GetName(), ":latest") {
					t.Errorf("model %v", m)
				}
				for _, is := range m.GetCapabilities() {
					if is == providerv1.Capability_CAPABILITY_THINKING {
						thinking++
					}
				}
			}
			if len(res.GetModels()) != 3 || thinking != c.thinking {
				t.Errorf("%d models, %d think", len(res.GetModels()), thinking)
			}
		})
	}
}
