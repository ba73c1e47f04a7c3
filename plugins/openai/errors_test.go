package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/e2e/openaitest"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestHTTPErrors(t *testing.T) {
	both(t, func(t *testing.T, p *plugin, _ *openaitest.Server) {
		for _, c := range []struct {
			say   string
			code  providerv1.ErrorCode
			retry int64
			words []string
		}{
			{"status 401", providerv1.ErrorCode_ERROR_CODE_AUTH, 0, []string{"does not accept the key", "enter a new one"}},
			{"status 403", providerv1.ErrorCode_ERROR_CODE_AUTH, 0, []string{"country"}},
			{"status 429 2", providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, 2000, []string{"Too many requests"}},
			{"status 429", providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, 67000, []string{"Too many requests"}},
			{"status 500", providerv1.ErrorCode_ERROR_CODE_PROVIDER, 0, []string{"failed on its side (500)", "Try again"}},
			{"status 502", providerv1.ErrorCode_ERROR_CODE_PROVIDER, 0, []string{"failed on its side (502)"}},
			{"status 503", providerv1.ErrorCode_ERROR_CODE_OVERLOADED, 0, []string{"overloaded"}},
			{"quota", providerv1.ErrorCode_ERROR_CODE_QUOTA, 0, []string{"nothing left to spend", "Add credit"}},
			{"context", providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, 0, []string{openaitest.Model, "Nothing was cut off"}},
			{"too-large", providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, 0, []string{"at once"}},
			{"policy", providerv1.ErrorCode_ERROR_CODE_CONTENT_FILTERED, 0, []string{"content rules"}},
			{"flaky 1", providerv1.ErrorCode_ERROR_CODE_OVERLOADED, 0, []string{"overloaded"}},
		} {
			got := p.run(t.Context(), t, p.ask(openaitest.Model, c.say), nil)
			for i, w := range c.words {
				c.words[i] = strings.Replace(w, "Add credit", "add credit", 1)
			}
			wantError(t, got.err, c.code, c.words...)
			if got.err.GetRetryAfterMs() != c.retry || got.err.GetRequestId() == "" || got.err.GetDetail() == "" && c.say != "status 502" {
				t.Errorf("%s: %v", c.say, got.err)
			}
		}
		// No retries of its own: the next attempt is the host's.
		if got := p.run(t.Context(), t, p.ask(openaitest.Model, "flaky 1"), nil); got.err != nil {
			t.Errorf("%v", got.err)
		}
		wantError(t, p.run(t.Context(), t, p.ask(openaitest.NoModel, "hello"), nil).err, providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, openaitest.NoModel, "Choose another")
		wantError(t, p.run(t.Context(), t, p.ask("", "hello"), nil).err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "No model")
		wantError(t, p.run(t.Context(), t, p.ask("m", ""), nil).err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "Write a message")
	})
}

// TestWordsOfOpenAI checks what is made of errors of OpenAI itself, which nobody can provoke here.
func TestWordsOfOpenAI(t *testing.T) {
	c, err := newClient(&providerv1.Connection{BaseUrl: "https://api.openai.com"})
	if err != nil {
		t.Fatal(err)
	}
	if c.base != "https://api.openai.com/v1" || !c.official || c.api != apiResponses {
		t.Errorf("client %+v", c)
	}
	for _, e := range []struct {
		status  int
		header  http.Header
		body    string
		code    providerv1.ErrorCode
		param   string
		retry   time.Duration
		message string
	}{
		{401, nil, `{"error":{"message":"You didn't provide an API key.","type":"invalid_request_error","param":null,"code":null}}`, providerv1.ErrorCode_ERROR_CODE_AUTH, "", 0, "wants a key and got none. Enter one in this provider's settings; it can be made at https://platform.openai.com/api-keys."},
		{401, nil, `{"error":{"message":"Incorrect API key provided: sk-x.","code":"invalid_api_key"}}`, providerv1.ErrorCode_ERROR_CODE_AUTH, "", 0, "enter a new one from https://platform.openai.com/api-keys."},
		{429, nil, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}`, providerv1.ErrorCode_ERROR_CODE_QUOTA, "", 0, "Add credit or raise its limit at https://platform.openai.com/settings/organization/billing"},
		{429, http.Header{"Retry-After": {"20"}}, `{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}`, providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, "", 20 * time.Second, "Too many requests"},
		{429, nil, `{"error":{"message":"Rate limit reached for x on requests per min (RPM): Limit 3. Please try again in 20s. Visit us.","code":"rate_limit_exceeded"}}`, providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, "", 20 * time.Second, ""},
		{429, nil, `{"error":{"message":"Please try again in 1m2.5s.","code":"rate_limit_exceeded"}}`, providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, "", 62500 * time.Millisecond, ""},
		{429, http.Header{"X-Ratelimit-Reset-Requests": {"8.64s"}, "X-Ratelimit-Reset-Tokens": {"6m0s"}}, `{"error":{"message":"slow","code":"rate_limit_exceeded"}}`, providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, "", 8640 * time.Millisecond, ""},
		{400, nil, `{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model.","type":"invalid_request_error","param":"temperature","code":"unsupported_parameter"}}`, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "temperature", 0, "gpt-x does not take a temperature"},
		{400, nil, `{"error":{"message":"Unsupported value: 'reasoning.effort' does not support 'none' with this model.","param":"reasoning.effort","code":"unsupported_value"}}`, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "reasoning_effort", 0, "reasoning effort"},
		{400, nil, `{"error":{"message":"Your organization must be verified to generate reasoning summaries.","param":"reasoning.summary","code":"unsupported_value"}}`, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "reasoning_summary", 0, ""},
		{400, nil, `{"error":{"message":"Your organization must be verified to stream this model.","param":"stream","code":"unsupported_value"}}`, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "stream", 0, ""},
		{400, nil, `{"error":{"message":"Your organization must be verified to use the model gpt-x.","code":"unsupported_value"}}`, providerv1.ErrorCode_ERROR_CODE_AUTH, "", 0, "Verify the organization"},
		{400, nil, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}}`, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "max_tokens", 0, ""},
		{400, nil, `{"error":{"message":"Invalid schema for response_format 'answer'","param":"text.format.schema","code":"invalid_json_schema"}}`, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "text.format.schema", 0, "Invalid schema"},
		{422, nil, `{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs are not permitted","type":"extra_forbidden"}]}`, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "stream_options", 0, ""},
		{400, nil, `{"error":"registry.ollama.ai/library/x does not support tools"}`, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "tools", 0, "can't use tools"},
		{400, nil, `{"error":{"message":"This model's maximum context length is 8192 tokens."}}`, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "", 0, "too long for gpt-x"},
		{404, nil, `{"error":{"message":"The model 'gpt-x' does not exist or you do not have access to it.","code":"model_not_found"}}`, providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "", 0, `no model "gpt-x"`},
		{404, nil, `404 page not found`, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "", 0, "/v1"},
		{413, nil, ``, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "", 0, "at once"},
		{529, nil, `{"error":{"message":"Overloaded"}}`, providerv1.ErrorCode_ERROR_CODE_OVERLOADED, "", 0, "overloaded"},
	} {
		res := &http.Response{StatusCode: e.status, Header: e.header, Body: io.NopCloser(strings.NewReader(e.body))}
		if res.Header == nil {
			res.Header = http.Header{}
		}
		res.Header.Set("X-Request-Id", "req_1")
		got := sdk.FromStatus(c.about("gpt-x").Refuse(res))
		wantError(t, got, e.code, e.message)
		if strings.Contains(e.body, "8192 tokens") && got.GetContextTokens() != 8192 {
			t.Errorf("the window is told as %d tokens", got.GetContextTokens())
		}
		if got.GetParameter() != e.param || got.GetRetryAfterMs() != e.retry.Milliseconds() || got.GetRequestId() != "req_1" || got.GetHttpStatus() != int32(e.status) {
			t.Errorf("%s: %v", e.body, got)
		}
	}
}

func TestOddServers(t *testing.T) {
	hello := func(w http.ResponseWriter, lines ...string) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, line := range lines {
			fmt.Fprintf(w, "data: %s\n\n", line)
		}
	}
	said := func(delta string) string { return `{"id":"c","choices":[{"index":0,"delta":` + delta + `}]}` }
	end := func(reason string) string {
		return `{"choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
	}
	both := func(first, second string) string {
		return said(`{"tool_calls":[`+first+`]}`) + "|" + said(`{"tool_calls":[`+second+`]}`)
	}
	for _, c := range []struct {
		name, lines string
		text        string
		calls       string
		code        providerv1.ErrorCode
	}{
		{name: "all calls have index 0", lines: both(`{"index":0,"id":"a","function":{"name":"x","arguments":"{\"n\":1}"}}`, `{"index":0,"id":"b","function":{"name":"y","arguments":"{}"}}`) + "|" + end("tool_calls"), calls: "x {\"n\":1}\ny {}"},
		{name: "no ids", lines: both(`{"index":0,"function":{"name":"x","arguments":"{\"n\":1}"}}`, `{"index":0,"function":{"name":"x","arguments":"{\"n\":2}"}}`) + "|" + end("stop"), calls: "x {\"n\":1}\nx {\"n\":2}"},
		{name: "id again and again", lines: both(`{"index":0,"id":"a","function":{"name":"x","arguments":"{\"n\""}}`, `{"index":0,"id":"a","function":{"name":"x","arguments":":1}"}}`) + "|" + end("tool_calls"), calls: `x {"n":1}`},
		{name: "pieces by turns", lines: both(`{"index":0,"id":"a","function":{"name":"x","arguments":"{"}},{"index":1,"id":"b","function":{"name":"y","arguments":"{"}}`, `{"index":0,"function":{"arguments":"\"n\":1}"}},{"index":1,"function":{"arguments":"}"}}`) + "|" + end("tool_calls"), calls: "x {\"n\":1}\ny {}"},
		{name: "arguments as object", lines: said(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":{"n":1}}}]}`) + "|" + end("tool_calls"), calls: `x {"n":1}`},
		{name: "a call cut off", lines: said(`{"content":"So: ","tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{\"n"}}]}`) + "|" + end("length"), text: "So: "},
		{name: "content in parts", lines: said(`{"content":[{"type":"text","text":"In "},{"type":"text","text":"parts"}]}`) + "|" + end("stop"), text: "In parts"},
		{name: "the same thought twice", lines: said(`{"reasoning":"Hm.","reasoning_content":"Hm.","content":null}`) + "|" + said(`{"content":"Yes"}`) + "|" + end("stop"), text: "Yes"},
		{name: "several choices", lines: `{"choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":"yes"},"finish_reason":"stop"}]}`, text: "yes"},
		{name: "no finish reason", lines: said(`{"content":"Half"}`), text: "Half", code: providerv1.ErrorCode_ERROR_CODE_CUT},
		{name: "nothing", lines: "", code: providerv1.ErrorCode_ERROR_CODE_CUT},
		{name: "error of another server", lines: said(`{"content":"Half"}`) + `|{"error":{"code":429,"message":"Upstream is busy"},"choices":[]}`, text: "Half", code: providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED},
		{name: "error in words", lines: `{"error":"the moon is full"}`, code: providerv1.ErrorCode_ERROR_CODE_PROVIDER},
		{name: "finished with error", lines: said(`{"content":"Half"}`) + "|" + end("error"), text: "Half", code: providerv1.ErrorCode_ERROR_CODE_PROVIDER},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := openaitest.Start(t)
			p := newPlugin(t, server.URL, withChat)
			server.Answer(func(w http.ResponseWriter, _ *http.Request) {
				hello(w, append(strings.Split(c.lines, "|"), "[DONE]")...)
			})
			got := p.run(t.Context(), t, p.ask("m", "hello"), nil)
			wantError(t, got.err, c.code)
			if got.text != c.text || got.callWords() != c.calls {
				t.Errorf("text %q, calls %s", got.text, got.callWords())
			}
			ids := map[string]bool{}
			for _, call := range got.calls {
				ids[call.GetId()] = true
			}
			if len(ids) != len(got.calls) || ids[""] {
				t.Errorf("ids %v", ids)
			}
			if c.name == "the same thought twice" && got.thought != "Hm." {
				t.Errorf("thought %q", got.thought)
			}
		})
	}
}

func TestWrongAddresses(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>Hello</html>")
	}))
	t.Cleanup(page.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		url   string
		code  providerv1.ErrorCode
		words string
	}{
		{page.URL, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "not as OpenAI does"},
		{gone.URL, providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, gone.URL},
	} {
		for _, settings := range []string{withResponses, withChat} {
			p := newPlugin(t, c.url, settings)
			wantError(t, p.run(t.Context(), t, p.ask("m", "hello"), nil).err, c.code, c.words)
			_, err := p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn})
			wantError(t, sdk.FromStatus(err), c.code, c.words)
		}
	}
	p := newPlugin(t, page.URL, `{"api":"telepathy"}`)
	_, err := p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn})
	wantError(t, sdk.FromStatus(err), providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "telepathy")
	p.conn.BaseUrl = "api.openai.com"
	_, err = p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn})
	wantError(t, sdk.FromStatus(err), providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST)
}

func TestKeys(t *testing.T) {
	server := openaitest.StartWith(t, openaitest.Config{Key: "sk-secret"})
	p := newPlugin(t, server.URL, withResponses)
	_, err := p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn})
	wantError(t, sdk.FromStatus(err), providerv1.ErrorCode_ERROR_CODE_AUTH, "wants a key and got none")
	wantError(t, p.run(t.Context(), t, p.ask(openaitest.Model, "hello"), nil).err, providerv1.ErrorCode_ERROR_CODE_AUTH, "wants a key and got none")
}

func TestModels(t *testing.T) {
	server := openaitest.Start(t)
	p := newPlugin(t, server.URL, "")
	res, err := p.ListModels(t.Context(), &providerv1.ListModelsRequest{Connection: p.conn})
	if err != nil || len(res.GetModels()) != 4 || res.GetModels()[0].GetId() != openaitest.Model || !res.GetModels()[0].GetLocal() {
		t.Errorf("%v, %v", err, res)
	}
	check, err := p.Check(t.Context(), &providerv1.CheckRequest{Connection: p.conn})
	if err != nil || !strings.HasSuffix(check.GetSummary(), "4 models") {
		t.Errorf("%v, %v", err, check)
	}
	facts, err := p.Diagnose(t.Context(), &providerv1.DiagnoseRequest{Connection: p.conn})
	if err != nil || len(facts.GetFacts()) != 4 || !strings.Contains(facts.GetFacts()[1].GetValue(), "Chat Completions, chosen") {
		t.Errorf("%v, %v", err, facts)
	}

	// What OpenAI lists is more than what can be talked to, and less than what is known.
	var listed []listedModel
	for i, id := range []string{
		"gpt-4o", "gpt-5", "gpt-6-sol", "gpt-5.4-2026-03-05", "gpt-5-chat-latest", "o3-mini", "gpt-9-nova", "gpt-3.5-turbo-instruct", "gpt-realtime", "gpt-4o-transcribe",
		"gpt-image-2", "text-embedding-3-large", "whisper-1", "gpt-4o-search-preview", "o3-deep-research", "chatgpt-image-latest", "ft:gpt-4o-mini-2024-07-18:me::abc",
	} {
		listed = append(listed, listedModel{ID: id, Created: float64(i)})
	}
	models := (&client{official: true}).describeAll(listed)
	var ids []string
	by := map[string]*providerv1.Model{}
	for _, m := range models {
		ids = append(ids, m.GetId())
		by[m.GetId()] = m
	}
	if got := strings.Join(ids, " "); got != "ft:gpt-4o-mini-2024-07-18:me::abc gpt-9-nova o3-mini gpt-5-chat-latest gpt-5.4-2026-03-05 gpt-6-sol gpt-5 gpt-4o" {
		t.Errorf("models %s", got)
	}
	can := func(id string, c providerv1.Capability) bool { return slices.Contains(by[id].GetCapabilities(), c) }
	if !by["gpt-6-sol"].GetRecommended() || by["gpt-5"].GetRecommended() {
		t.Error("another model is recommended")
	}
	if m := by["gpt-5.4-2026-03-05"]; m.GetContextTokens() != 1050000 || !proto.Equal(m.GetPrice(), &providerv1.Price{Input: 2500000, CachedInput: 250000, Output: 15000000}) {
		t.Errorf("%v", m)
	}
	if m := by["gpt-9-nova"]; m.GetContextTokens() != 0 || m.GetPrice() != nil || !can("gpt-9-nova", providerv1.Capability_CAPABILITY_THINKING) {
		t.Errorf("%v", m)
	}
	if can("gpt-4o", providerv1.Capability_CAPABILITY_THINKING) || can("gpt-5-chat-latest", providerv1.Capability_CAPABILITY_THINKING) || can("o3-mini", providerv1.Capability_CAPABILITY_IMAGES) || !can("gpt-4o", providerv1.Capability_CAPABILITY_IMAGES) {
		t.Errorf("%v", by)
	}
}

func TestOtherServersModels(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[
			{"id":"a/b","name":"A: B","context_length":131072,"created":"yesterday","pricing":{"prompt":"0.0000025","completion":"0.00001","input_cache_read":"0.00000025"},
			 "architecture":{"input_modalities":["text","image"]},"supported_parameters":["tools","reasoning","structured_outputs"]},
			{"id":"vllm","max_model_len":32768},{"id":"a/b"},{"object":"model"},"nonsense"]}`)
	}))
	t.Cleanup(server.Close)
	p := newPlugin(t, server.URL, "")
	res, err := p.ListModels(t.Context(), &providerv1.ListModelsRequest{Connection: p.conn})
	if err != nil || len(res.GetModels()) != 2 {
		t.Fatalf("%v, %v", err, res)
	}
	want := &providerv1.Model{
		Id: "a/b", Name: "A: B", ContextTokens: 131072, Local: true, Price: &providerv1.Price{Input: 2500000, CachedInput: 250000, Output: 10000000},
		Capabilities: []providerv1.Capability{providerv1.Capability_CAPABILITY_TOOLS, providerv1.Capability_CAPABILITY_THINKING, providerv1.Capability_CAPABILITY_IMAGES, providerv1.Capability_CAPABILITY_STRUCTURED_OUTPUT},
	}
	if got := res.GetModels()[0]; !proto.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := res.GetModels()[1]; got.GetContextTokens() != 32768 {
		t.Errorf("%v", got)
	}
}

// What a server says in the middle of an answer reaches the person, in whatever shape it comes.
func TestErrorsAmongEvents(t *testing.T) {
	const said = "Worker local total request limit reached (33/32)"
	for name, event := range map[string]string{
		"beside choices":         `data: {"id":"g","choices":[],"error":{"code":502,"message":"` + said + `"}}`,
		"from the server behind": `data: {"id":"g","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"` + said + `"}}}`,
		"in a choice":            `data: {"id":"g","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"` + said + `"}}]}`,
		"an event of its own":    "event: error\ndata: " + `{"message":"` + said + `","type":"server_error"}`,
		"an object":              `data: {"object":"error","message":"` + said + `","type":"BadRequestError","code":400}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n"+event+"\n\n")
		}))
		p := newPlugin(t, server.URL, withChat)
		if got := p.run(t.Context(), t, p.ask("m", "hi"), nil); got.text != "Hel" || got.err == nil || !strings.Contains(got.err.Detail+got.err.Message, said) {
			t.Errorf("%s: %q, %v", name, got.text, got.err)
		}
		server.Close()
	}
}
