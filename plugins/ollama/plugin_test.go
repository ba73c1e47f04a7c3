package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
	"github.com/openvibez/openvibez/sdk/sdktest"
)

// plugin is the provider as the host sees it: over gRPC, with the network behind a socket.
type plugin struct {
	providerv1.ProviderServiceClient
	conn *providerv1.Connection
}

func newPlugin(t *testing.T, url string) *plugin {
	t.Helper()
	sdktest.Network(t, nil, url)
	return &plugin{sdktest.Client(t, ollama{}), &providerv1.Connection{ProviderId: "test", BaseUrl: url}}
}

// ask is a request of one user message.
func (p *plugin) ask(model, text string) *providerv1.RunRequest {
	return &providerv1.RunRequest{RunId: "run", Connection: p.conn, Model: model, Messages: []*providerv1.Message{user(text)}}
}

// answer is what came of a run.
type answer struct {
	text, thought string
	calls         []*providerv1.ToolCall
	statuses      []*providerv1.Status
	usage         *providerv1.Usage
	done          *providerv1.Done
	err           *providerv1.Error
}

// run collects a run. seen, unless nil, is told the answer as it grows.
func (p *plugin) run(ctx context.Context, t *testing.T, req *providerv1.RunRequest, seen func(*answer)) *answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	stream, err := p.Run(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{}
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
		case *providerv1.Event_Thought:
			a.thought += e.Thought
		case *providerv1.Event_ToolCall:
			a.calls = append(a.calls, e.ToolCall)
		case *providerv1.Event_Status:
			a.statuses = append(a.statuses, e.Status)
		case *providerv1.Event_Usage:
			a.usage = e.Usage
		case *providerv1.Event_Done:
			a.done = e.Done
		case *providerv1.Event_Error:
			a.err = e.Error
		}
		if seen != nil {
			seen(a)
		}
	}
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

func callPart(id, name, arguments string) *providerv1.Part {
	return &providerv1.Part{Part: &providerv1.Part_ToolCall{ToolCall: &providerv1.ToolCall{Id: id, Name: name, ArgumentsJson: arguments}}}
}

func resultPart(id, name, content string, failed bool) *providerv1.Part {
	return &providerv1.Part{Part: &providerv1.Part_ToolResult{ToolResult: &providerv1.ToolResult{CallId: id, Name: name, Content: content, Failed: failed}}}
}

func tool(name string) *providerv1.Tool {
	return &providerv1.Tool{Name: name, Description: "Does " + name, ParametersSchema: `{"type":"object","properties":{"city":{"type":"string"}}}`}
}
