package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/openai/openai-go/v3/option"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// respond carries out a turn with the Responses API.
func (t *turn) respond(ctx context.Context) error {
	background := t.req.GetOptions().GetBackground()
	body, err := t.responsesRequest(background)
	if err != nil {
		return err
	}
	res, err := t.client.through(t.req.GetModel(), func(into option.RequestOption) error {
		opts := []option.RequestOption{into}
		if !background && t.extras.stream {
			opts = append(opts, option.WithJSONSet("stream", true), option.WithHeader("Accept", "text/event-stream"))
		}
		_, err := t.client.responses.New(ctx, body, opts...)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	r := t.response(res)
	if background {
		return r.later(res)
	}
	o := newOrder(r.event)
	err = t.client.events(ctx, res, func(data []byte) (bool, error) {
		if string(data) == "[DONE]" {
			return true, nil
		}
		ev, err := readEvent(data)
		if err != nil {
			return false, t.client.garbled(data)
		}
		if ev.Object == "response" {
			return true, r.whole(data)
		}
		return o.take(ev, data)
	})
	if err == nil && !r.ended {
		_, err = o.flush()
	}
	if err == nil && !r.ended {
		return t.client.cut()
	}
	return err
}

// response follows one answer of the Responses API.
type response struct {
	*answer
	requestID string
	id        string
	ended     bool
	items     map[int]json.RawMessage
	told      providerv1.Status_Kind
}

func (t *turn) response(res *http.Response) *response {
	res.Body = t.watch.Over(res.Body)
	r := &response{answer: newAnswer(t), requestID: requestID(res.Header), items: map[int]json.RawMessage{}}
	if r.requestID != "" {
		t.stream.Reference(r.requestID, "")
	}
	return r
}

// event is one event of a stream, as far as it matters here.
type event struct {
	Type         string          `json:"type"`
	Object       string          `json:"object"`
	Sequence     *int64          `json:"sequence_number"`
	OutputIndex  int             `json:"output_index"`
	ContentIndex int             `json:"content_index"`
	SummaryIndex int             `json:"summary_index"`
	ItemID       string          `json:"item_id"`
	Delta        string          `json:"delta"`
	Text         string          `json:"text"`
	Refusal      string          `json:"refusal"`
	Item         json.RawMessage `json:"item"`
	Response     json.RawMessage `json:"response"`
	Error        json.RawMessage `json:"error"`

	raw  []byte // of an error
	hash uint64
}

// readEvent reads an event. One of an unknown kind may have other things under the same names.
func readEvent(data []byte) (*event, error) {
	ev := &event{}
	err := json.Unmarshal(data, ev)
	if err != nil {
		only := &event{}
		var kind struct {
			Type     string `json:"type"`
			Sequence *int64 `json:"sequence_number"`
		}
		if json.Unmarshal(data, &kind) != nil || kind.Type == "" || handled[kind.Type] {
			return nil, err
		}
		only.Type, only.Sequence = kind.Type, kind.Sequence
		return only, nil
	}
	if ev.Type == "error" || ev.Type == "" && len(ev.Error) > 0 {
		ev.Type, ev.raw = "error", slices.Clone(data)
	}
	return ev, nil
}

// handled are the kinds of events that must be readable.
var handled = map[string]bool{
	"response.output_text.delta": true, "response.refusal.delta": true, "response.reasoning_summary_text.delta": true, "response.reasoning_text.delta": true,
	"response.output_item.done": true, "response.completed": true, "response.incomplete": true, "response.failed": true,
}

// ends tells whether nothing follows an event.
func (ev *event) ends() bool {
	switch ev.Type {
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled", "error":
		return true
	}
	return false
}

// item names the item an event is about.
func (ev *event) item() string { return itemName(ev.ItemID, ev.OutputIndex) }

func itemName(id string, output int) string {
	if id == "" {
		return strconv.Itoa(output)
	}
	return id
}

func (r *response) event(ev *event) (stop bool, err error) {
	switch ev.Type {
	case "response.output_text.delta":
		r.add(place{textKind, ev.item(), ev.ContentIndex}, ev.Delta)
	case "response.reasoning_summary_text.delta":
		r.add(place{thoughtKind, ev.item(), ev.SummaryIndex}, ev.Delta)
	case "response.reasoning_text.delta":
		r.add(place{thoughtKind, ev.item(), rawThought + ev.ContentIndex}, ev.Delta)
	case "response.refusal.delta":
		r.add(place{refusalKind, ev.item(), ev.ContentIndex}, ev.Delta)
	case "response.output_text.done":
		r.complete(place{textKind, ev.item(), ev.ContentIndex}, ev.Text)
	case "response.reasoning_summary_text.done":
		r.complete(place{thoughtKind, ev.item(), ev.SummaryIndex}, ev.Text)
	case "response.refusal.done":
		r.complete(place{refusalKind, ev.item(), ev.ContentIndex}, ev.Refusal)
	case "response.created", "response.queued", "response.in_progress":
		r.refer(ev.Response)
	case "response.output_item.added":
		r.tell(ev.Item)
	case "response.output_item.done":
		r.items[ev.OutputIndex] = ev.Item
		r.item(ev.OutputIndex, ev.Item, r.complete)
	case "error":
		r.ended = true
		said := apiError{}
		if len(ev.Error) > 0 && string(ev.Error) != "null" {
			_ = json.Unmarshal(ev.Error, &said)
		} else {
			_ = json.Unmarshal(ev.raw, &said)
		}
		if said.Type == "error" {
			said.Type = ""
		}
		return true, r.t.client.failed(said, r.t.req.GetModel(), r.requestID)
	default:
		if ev.ends() {
			return true, r.whole(ev.Response)
		}
	}
	return false, nil
}

// rawThought keeps the places of thoughts as they were from those of their summaries.
const rawThought = 1 << 20

// refer tells the response's id, once.
func (r *response) refer(raw json.RawMessage) {
	var head struct {
		ID string `json:"id"`
	}
	if r.id == "" && json.Unmarshal(raw, &head) == nil && head.ID != "" {
		r.id = head.ID
		r.t.stream.Reference(r.requestID, r.id)
	}
}

// tell says what the model is busy with where nothing is to be seen of it.
func (r *response) tell(raw json.RawMessage) {
	var item struct {
		Type string `json:"type"`
		Name string `json:"name"`
	}
	_ = json.Unmarshal(raw, &item)
	status, text := providerv1.Status_KIND_UNSPECIFIED, ""
	switch item.Type {
	case "reasoning":
		status, text = providerv1.Status_KIND_THINKING, "thinking"
	case "function_call":
		status, text = providerv1.Status_KIND_WORKING, "writing a call of "+item.Name
	}
	if status != r.told && status != providerv1.Status_KIND_UNSPECIFIED {
		r.t.stream.Status(status, text)
	}
	r.told = status
}
