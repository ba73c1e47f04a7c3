package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// chat carries out a turn with Chat Completions.
func (t *turn) chat(ctx context.Context) error {
	body, err := t.chatRequest()
	if err != nil {
		return err
	}
	res, err := t.client.send(ctx, http.MethodPost, "/chat/completions", t.req.GetModel(), body)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	res.Body = t.watch.Over(res.Body)
	c := &completion{answer: newAnswer(t), requestID: requestID(res.Header)}
	if c.requestID != "" {
		t.stream.Reference(c.requestID, "")
	}
	err = t.client.events(ctx, res, func(data []byte) (bool, error) {
		if string(data) == "[DONE]" {
			return true, nil
		}
		var piece chunk
		if json.Unmarshal(data, &piece) != nil {
			return false, t.client.garbled(data)
		}
		if said := bareError(data, &piece); said != nil {
			piece.Error = said
		}
		return false, c.take(&piece)
	})
	// An answer whose end was said is whole, even if the connection broke after it.
	if c.reason == "" || ctx.Err() != nil {
		if err == nil {
			err = t.client.cut()
		}
		return err
	}
	return c.done()
}

// chunk is a piece of an answer, or a whole one.
type chunk struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Choices []struct {
		Index   int       `json:"index"`
		Delta   chatDelta `json:"delta"`
		Message chatDelta `json:"message"`
		Reason  string    `json:"finish_reason"`
		Error   *apiError `json:"error"`
	} `json:"choices"`
	Usage *struct {
		Input        int64 `json:"prompt_tokens"`
		Output       int64 `json:"completion_tokens"`
		CacheHit     int64 `json:"prompt_cache_hit_tokens"` // DeepSeek
		InputDetails struct {
			Cached int64 `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
		OutputDetails struct {
			Reasoning int64 `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	} `json:"usage"`
	Error *apiError `json:"error"`
}

// bareError finds an error that is a whole event of its own, with nothing around it.
func bareError(data []byte, piece *chunk) *apiError {
	if len(piece.Choices) > 0 || piece.Error != nil || piece.Usage != nil || piece.ID != "" || !containsAny(string(data), []string{"rror", "detail"}) {
		return nil
	}
	var bare struct{ Object, Type string }
	if json.Unmarshal(data, &bare) != nil || bare.Object != "error" && !strings.Contains(strings.ToLower(bare.Type), "error") {
		return nil
	}
	said := &apiError{}
	if json.Unmarshal(data, said) != nil || said.Message == "" {
		return nil
	}
	return said
}

type chatDelta struct {
	Content          chatText `json:"content"`
	Refusal          chatText `json:"refusal"`
	Reasoning        chatText `json:"reasoning"`
	ReasoningContent chatText `json:"reasoning_content"`
	ToolCalls        []struct {
		Index    int    `json:"index"`
		ID       string `json:"id"`
		Function struct {
			Name      string   `json:"name"`
			Arguments chatText `json:"arguments"`
		} `json:"function"`
		Attached json.RawMessage `json:"extra_content"`
	} `json:"tool_calls"`
}

// chatText is text, also where a server sends it as a list of parts. An object stays as it is.
type chatText string

// UnmarshalJSON never fails: what is no text is none.
func (t *chatText) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, (*string)(t))
	case '{':
		*t = chatText(data)
	case '[':
		var parts []struct {
			Text string `json:"text"`
		}
		_ = json.Unmarshal(data, &parts)
		for _, p := range parts {
			*t += chatText(p.Text)
		}
	}
	return nil
}

// completion follows one answer of Chat Completions.
type completion struct {
	*answer
	requestID, id string
	model         string
	reason        string
	used          *providerv1.Usage
	pending       []*pendingCall
	thoughtName   string
	thoughts      strings.Builder
}

// pendingCall is a call whose pieces are still coming.
type pendingCall struct {
	index     int
	id, name  string
	arguments strings.Builder
	attached  json.RawMessage
}

func (c *completion) take(piece *chunk) error {
	if piece.Error != nil {
		return c.t.client.failed(*piece.Error, c.t.req.GetModel(), c.requestID)
	}
	if c.id == "" && piece.ID != "" {
		c.id = piece.ID
		c.t.stream.Reference(c.requestID, c.id)
	}
	if piece.Model != "" {
		c.model = piece.Model
	}
	if u := piece.Usage; u != nil {
		c.used = &providerv1.Usage{
			InputTokens: u.Input, OutputTokens: u.Output,
			CachedInputTokens: cmp.Or(u.InputDetails.Cached, u.CacheHit), ReasoningTokens: u.OutputDetails.Reasoning,
		}
	}
	for i := range piece.Choices {
		if choice := &piece.Choices[i]; choice.Index == 0 {
			if choice.Error != nil {
				return c.t.client.failed(*choice.Error, c.t.req.GetModel(), c.requestID)
			}
			c.delta(&choice.Delta)
			c.delta(&choice.Message)
			if choice.Reason != "" {
				c.reason = choice.Reason
			}
		}
	}
	return nil
}

func (c *completion) delta(d *chatDelta) {
	// Some servers send the same under both names.
	name, thought := "reasoning_content", d.ReasoningContent
	if thought == "" {
		name, thought = "reasoning", d.Reasoning
	}
	if thought != "" {
		c.thoughtName = name
		c.thoughts.WriteString(string(thought))
		c.add(place{kind: thoughtKind}, string(thought))
	}
	c.add(place{kind: textKind}, string(d.Content))
	c.add(place{kind: refusalKind}, string(d.Refusal))
	for i := range d.ToolCalls {
		piece := &d.ToolCalls[i]
		call := c.pendingFor(piece.Index, piece.ID, piece.Function.Name)
		if call.name == "" && piece.Function.Name != "" {
			call.name = piece.Function.Name
			c.t.stream.Status(providerv1.Status_KIND_WORKING, "writing a call of "+call.name)
		}
		call.arguments.WriteString(string(piece.Function.Arguments))
		if len(piece.Attached) > 0 {
			call.attached = piece.Attached
		}
	}
}

// pendingFor finds the call a piece belongs to. Calls are told apart by id first: there are servers that send index 0
// for each of them, and others that send no ids.
func (c *completion) pendingFor(index int, id, name string) *pendingCall {
	for i := len(c.pending) - 1; i >= 0; i-- {
		call := c.pending[i]
		if id != "" && call.id == id {
			return call
		}
		if id == "" && call.index == index && (name == "" || call.name == "" || call.name == name && !isObject([]byte(call.arguments.String()))) {
			return call
		}
	}
	if id == "" && name == "" && len(c.pending) > 0 {
		return c.pending[len(c.pending)-1]
	}
	call := &pendingCall{index: index, id: id}
	c.pending = append(c.pending, call)
	return call
}

// done ends the turn of an answer whose end was said.
func (c *completion) done() error {
	done := &providerv1.Done{Model: c.model}
	switch c.reason {
	case "length", "max_tokens":
		done.Reason = providerv1.Done_REASON_LENGTH
	case "content_filter":
		done.Reason = providerv1.Done_REASON_CONTENT_FILTER
	case "error":
		return c.t.client.failed(apiError{}, c.t.req.GetModel(), c.requestID)
	}
	kept := keptState{API: apiChat, Model: c.t.req.GetModel()}
	for _, call := range c.pending {
		if call.name == "" || done.Reason != providerv1.Done_REASON_UNSPECIFIED && !isObject([]byte(call.arguments.String())) {
			continue // broken off in the middle
		}
		if call.id == "" || c.calls[call.id] {
			call.id = "call_" + strings.ToLower(rand.Text()[:16])
		}
		if len(call.attached) > 0 {
			if kept.Attached == nil {
				kept.Attached = map[string]json.RawMessage{}
			}
			kept.Attached[call.id] = call.attached
		}
		c.call(call.id, call.name, call.arguments.String())
	}
	if len(c.calls) > 0 && c.thoughtName != "" {
		kept.ThoughtName, kept.Thought = c.thoughtName, c.thoughts.String()
	}
	if kept.ThoughtName != "" || kept.Attached != nil {
		done.ProviderState = kept.bytes()
	}
	c.usage(c.used)
	return c.finish(done)
}
