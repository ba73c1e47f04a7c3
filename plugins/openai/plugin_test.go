package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
	"github.com/openvibez/openvibez/sdk/sdktest"
)

// Settings that choose an API.
const (
	withResponses = `{"api":"responses"}`
	withChat      = `{"api":"chat"}`
)

// plugin is the provider as the host sees it: over gRPC, with the network behind a socket.
type plugin struct {
	providerv1.ProviderServiceClient
	conn *providerv1.Connection
}

func newPlugin(t testing.TB, url, settings string) *plugin {
	t.Helper()
	return newPluginOf(t, &openAI{}, url, settings)
}

func newPluginOf(t testing.TB, p *openAI, url, settings string) *plugin {
	t.Helper()
	sdktest.Network(t, nil, url)
	return &plugin{sdktest.Client(t, p), &providerv1.Connection{ProviderId: "test", BaseUrl: url, SettingsJson: settings}}
}

// ask is a request of one user message.
func (p *plugin) ask(model, text string) *providerv1.RunRequest {
	return &providerv1.RunRequest{RunId: "run", Connection: p.conn, Model: model, Messages: []*providerv1.Message{user(text)}, Options: &providerv1.Options{}}
}

// answerOf is what came of a run.
type answerOf struct {
	text, thought string
	deltas        int
	calls         []*providerv1.ToolCall
	statuses      []*providerv1.Status
	notices       []string
	reference     *providerv1.Reference
	usage         *providerv1.Usage
	done          *providerv1.Done
	background    *providerv1.Background
	err           *providerv1.Error
}

// eventStream is what Run and Poll give.
type eventStream interface {
	Recv() (*providerv1.Event, error)
}

// run collects a run. seen, unless nil, is told the answer as it grows.
func (p *plugin) run(ctx context.Context, t testing.TB, req *providerv1.RunRequest, seen func(*answerOf)) *answerOf {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	stream, err := p.Run(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	return collect(stream, seen)
}

func collect(stream eventStream, seen func(*answerOf)) *answerOf {
	a := &answerOf{}
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return a
		}
		if err != nil {
			a.err = sdk.FromStatus(err)
			return a
		}
		switch e := event.GetEvent().(type) {
		case *providerv1.Event_Text:
			a.text += e.Text
			a.deltas++
		case *providerv1.Event_Thought:
			a.thought += e.Thought
		case *providerv1.Event_ToolCall:
			a.calls = append(a.calls, e.ToolCall)
		case *providerv1.Event_Status:
			a.statuses = append(a.statuses, e.Status)
		case *providerv1.Event_Notice:
			a.notices = append(a.notices, e.Notice.GetText())
		case *providerv1.Event_Reference:
			a.reference = e.Reference
		case *providerv1.Event_Usage:
			a.usage = e.Usage
		case *providerv1.Event_Done:
			a.done = e.Done
		case *providerv1.Event_Background:
			a.background = e.Background
		case *providerv1.Event_Error:
			a.err = e.Error
		}
		if seen != nil {
			seen(a)
		}
	}
}

// message is the answer as the host hands it back in later turns.
func (a *answerOf) message() *providerv1.Message {
	m := &providerv1.Message{Role: providerv1.Role_ROLE_ASSISTANT, ProviderState: a.done.GetProviderState()}
	if a.thought != "" {
		m.Parts = append(m.Parts, &providerv1.Part{Part: &providerv1.Part_Thought{Thought: a.thought}})
	}
	if a.text != "" {
		m.Parts = append(m.Parts, textPart(a.text))
	}
	for _, c := range a.calls {
		m.Parts = append(m.Parts, &providerv1.Part{Part: &providerv1.Part_ToolCall{ToolCall: c}})
	}
	return m
}

func (a *answerOf) callWords() string {
	var words []string
	for _, c := range a.calls {
		words = append(words, c.GetName()+" "+c.GetArgumentsJson())
	}
	return strings.Join(words, "\n")
}

// wantError checks the code of an error, and that its message has these words.
func wantError(t *testing.T, got *providerv1.Error, code providerv1.ErrorCode, words ...string) {
	t.Helper()
	if got.GetCode() != code {
		t.Errorf("code %v, want %v: %q, detail %q", got.GetCode(), code, got.GetMessage(), got.GetDetail())
	}
	for _, w := range words {
		if !strings.Contains(got.GetMessage(), w) {
			t.Errorf("the message %q does not say %q", got.GetMessage(), w)
		}
	}
}

func user(text string) *providerv1.Message {
	return &providerv1.Message{Role: providerv1.Role_ROLE_USER, Parts: []*providerv1.Part{textPart(text)}}
}

func textPart(s string) *providerv1.Part {
	return &providerv1.Part{Part: &providerv1.Part_Text{Text: s}}
}

func results(parts ...*providerv1.ToolResult) *providerv1.Message {
	m := &providerv1.Message{Role: providerv1.Role_ROLE_TOOL}
	for _, r := range parts {
		m.Parts = append(m.Parts, &providerv1.Part{Part: &providerv1.Part_ToolResult{ToolResult: r}})
	}
	return m
}

func tool(name string, strict bool) *providerv1.Tool {
	return &providerv1.Tool{
		Name: name, Description: "Does " + name, Strict: strict,
		ParametersSchema: `{"type":"object","properties":{"zone":{"type":"string"},"city":{"type":"string"}},"required":["zone","city"],"additionalProperties":false}`,
	}
}

// recording reads the answer of a real server from testdata. The files hold bodies as they were after the transfer
// encoding, some with the request before them.
func recording(t *testing.T, name string) *http.Response {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	if _, after, found := bytes.Cut(file, []byte("\n<<< ")); found {
		_, file, _ = bytes.Cut(after, []byte("\n"))
	}
	head, body, _ := bytes.Cut(file, []byte("\n\n"))
	plain := strings.NewReplacer("Transfer-Encoding: chunked\n", "", "\nTransfer-Encoding: chunked", "").Replace(string(head))
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(plain+"\n\n"+string(body))), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// replay answers with a recording.
func replay(t *testing.T, name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		res := recording(t, name)
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
		_ = res.Body.Close()
	}
}
