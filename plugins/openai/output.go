package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// outputPiece is a piece of a finished item.
type outputPiece struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Refusal string `json:"refusal"`
}

// outputEntry is one finished item of an answer.
type outputEntry struct {
	Type      string        `json:"type"`
	ID        string        `json:"id"`
	CallID    string        `json:"call_id"`
	Name      string        `json:"name"`
	Arguments string        `json:"arguments"`
	Status    string        `json:"status"`
	Phase     string        `json:"phase"`
	Content   []outputPiece `json:"content"`
	Summary   []outputPiece `json:"summary"`
	Encrypted string        `json:"encrypted_content"`
}

// item shows what was not shown yet of a finished item; show is given its pieces.
func (r *response) item(output int, raw json.RawMessage, show func(at place, whole string)) {
	var item outputEntry
	if json.Unmarshal(raw, &item) != nil {
		return
	}
	id := itemName(item.ID, output)
	switch item.Type {
	case "message":
		for i, piece := range item.Content {
			switch piece.Type {
			case "output_text":
				show(place{textKind, id, i}, piece.Text)
			case "refusal":
				show(place{refusalKind, id, i}, piece.Refusal)
			}
		}
	case "reasoning":
		for i, piece := range item.Summary {
			show(place{thoughtKind, id, i}, piece.Text)
		}
	case "function_call":
		if item.Status != "incomplete" && item.Name != "" {
			r.call(cmp.Or(item.CallID, item.ID), item.Name, item.Arguments)
		}
	}
}

// wholeResponse is a response at its end, or at a look at it.
type wholeResponse struct {
	ID         string            `json:"id"`
	Model      string            `json:"model"`
	Status     string            `json:"status"`
	Error      *apiError         `json:"error"`
	Output     []json.RawMessage `json:"output"`
	Incomplete *struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
	Usage *struct {
		Input        int64 `json:"input_tokens"`
		Output       int64 `json:"output_tokens"`
		InputDetails struct {
			Cached int64 `json:"cached_tokens"`
		} `json:"input_tokens_details"`
		OutputDetails struct {
			Reasoning int64 `json:"reasoning_tokens"`
		} `json:"output_tokens_details"`
	} `json:"usage"`
}

// whole ends the turn with a response that is at its end.
func (r *response) whole(raw json.RawMessage) error {
	r.ended = true
	var w wholeResponse
	if err := json.Unmarshal(raw, &w); err != nil {
		return r.t.client.garbled(raw)
	}
	r.refer(raw)
	for i, item := range w.Output {
		r.item(i, item, r.settle)
	}
	if u := w.Usage; u != nil {
		r.usage(&providerv1.Usage{InputTokens: u.Input, OutputTokens: u.Output, CachedInputTokens: u.InputDetails.Cached, ReasoningTokens: u.OutputDetails.Reasoning})
	}
	switch w.Status {
	case "completed":
		return r.finish(&providerv1.Done{Model: w.Model, ProviderState: r.state(w.Output)})
	case "incomplete":
		done := &providerv1.Done{Model: w.Model, Reason: providerv1.Done_REASON_LENGTH}
		if w.Incomplete != nil && w.Incomplete.Reason == "content_filter" {
			done.Reason = providerv1.Done_REASON_CONTENT_FILTER
		}
		return r.finish(done)
	case "cancelled":
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CANCELLED, "The answer was cancelled at %s.", r.t.client.shortName())
	}
	said := apiError{}
	if w.Error != nil {
		said = *w.Error
	}
	return r.t.client.failed(said, r.t.req.GetModel(), r.requestID)
}

// state is what later turns need of this one: its items as they were, if they are more than what was shown.
func (r *response) state(output []json.RawMessage) []byte {
	if len(output) == 0 {
		for _, i := range slices.Sorted(maps.Keys(r.items)) {
			output = append(output, r.items[i])
		}
	}
	kept := keptState{API: apiResponses, Model: r.t.req.GetModel()}
	more := false
	for _, raw := range output {
		var item outputEntry
		if json.Unmarshal(raw, &item) != nil {
			return nil
		}
		switch item.Type {
		case "reasoning":
			// Nothing is stored at the provider, so reasoning that did not come along is known to nobody.
			if item.Encrypted == "" && r.t.client.official {
				continue
			}
			more = true
		case "message":
			more = more || item.Phase != ""
		case "function_call":
			if item.CallID == "" {
				return nil
			}
		default:
			continue
		}
		kept.Items = append(kept.Items, raw)
	}
	if !more {
		return nil
	}
	return kept.bytes()
}
