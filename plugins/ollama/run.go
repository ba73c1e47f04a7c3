package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func (ollama) Run(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
	set, err := parseSettings(req.GetConnection().GetSettingsJson())
	if err != nil {
		return err
	}
	c, err := newClient(req.GetConnection())
	if err != nil {
		return err
	}
	body, err := newChatRequest(req, set)
	if err != nil {
		return err
	}
	t := &turn{client: c, model: req.GetModel(), tools: len(body.Tools) > 0, stream: s}
	ctx, watch := sdk.WatchSilence(ctx, s, c.silence(body))
	defer watch.Stop()
	return c.lines(ctx, "/api/chat", req.GetModel(), body, func(line []byte) (bool, error) {
		watch.Alive()
		return t.line(line)
	})
}

// chatLine is one line of an answer.
type chatLine struct {
	Error       json.RawMessage `json:"error"`
	RemoteModel string          `json:"remote_model"`
	Message     struct {
		Content   string `json:"content"`
		Thinking  string `json:"thinking"`
		ToolCalls []struct {
			ID       string `json:"id"`
			Function struct {
				Name      string          `json:"name"`
				Arguments json.RawMessage `json:"arguments"`
			} `json:"function"`
		} `json:"tool_calls"`
	} `json:"message"`
	Done       bool   `json:"done"`
	DoneReason string `json:"done_reason"`
	// Left out where they are 0.
	PromptEvalCount       int64 `json:"prompt_eval_count"`
	PromptEvalCachedCount int64 `json:"prompt_eval_cached_count"`
	EvalCount             int64 `json:"eval_count"`
}

// turn follows one answer.
type turn struct {
	client *client
	stream *sdk.Stream
	model  string
	tools  bool // were offered

	said, thought bool
	calls         int
}

func (t *turn) line(raw []byte) (stop bool, err error) {
	var line chatLine
	if err := json.Unmarshal(raw, &line); err != nil {
		return false, t.client.garbled(raw)
	}
	if len(line.Error) > 0 {
		return false, t.client.failed(line.Error, t.model)
	}
	m := line.Message
	if m.Thinking != "" {
		t.thought = true
		t.stream.Thought(m.Thinking)
	}
	if m.Content != "" {
		t.said = t.said || strings.TrimSpace(m.Content) != ""
		t.stream.Text(m.Content)
	}
	for _, call := range m.ToolCalls {
		t.calls++
		t.stream.ToolCall(&providerv1.ToolCall{Id: call.ID, Name: call.Function.Name, ArgumentsJson: arguments(call.Function.Arguments)})
	}
	if !line.Done {
		return false, nil
	}
	t.stream.Usage(&providerv1.Usage{
		InputTokens:       line.PromptEvalCount,
		CachedInputTokens: line.PromptEvalCachedCount,
		OutputTokens:      line.EvalCount,
	})
	if !t.said && t.calls == 0 {
		return true, t.empty(&line)
	}
	done := &providerv1.Done{Model: line.RemoteModel}
	if line.DoneReason == "length" {
		done.Reason = providerv1.Done_REASON_LENGTH
	}
	t.stream.Done(done)
	return true, nil
}

// empty says why nothing came, as far as can be told: Ollama reports success.
func (t *turn) empty(line *chatLine) error {
	e := func(format string, args ...any) error {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_EMPTY, format, args...).WithDetail("done_reason " + line.DoneReason)
	}
	switch {
	case line.DoneReason == "length" && t.thought:
		return e("%s was still thinking when it came to the output limit, so there is no answer. Allow more output, a longer context or less thinking, then try again.", t.model)
	case line.DoneReason == "length":
		return e("%s came to the output limit before it said anything. Allow more output or a longer context, then try again.", t.model)
	case t.thought:
		return e("%s only thought and gave no answer. Try again, or ask for less thinking.", t.model)
	case t.tools && line.EvalCount > 0:
		return e("%s answered nothing that can be shown. It most likely called a tool that does not exist, or broke off in the middle of a call. Try again, or choose a model better at tools.", t.model)
	}
	return e("%s answered nothing at all. Try again, rephrase, or choose another model.", t.model)
}

// arguments gives the JSON object of a call. Some servers in between put it into quotes.
func arguments(raw json.RawMessage) string {
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil && isObject([]byte(quoted)) {
		return quoted
	}
	if !isObject(raw) {
		return string(object(string(raw)))
	}
	return string(raw)
}
