package main

import "encoding/json"

// keptState is what a turn leaves for later ones, in Done.provider_state.
type keptState struct {
	API   string `json:"api"`
	Model string `json:"model"`
	// Items of the Responses API as they came, in order.
	Items []json.RawMessage `json:"items,omitempty"`
	// Of Chat Completions: the thoughts with the name under which the server sent them, and what it attached to calls.
	ThoughtName string                     `json:"thought_name,omitempty"`
	Thought     string                     `json:"thought,omitempty"`
	Attached    map[string]json.RawMessage `json:"attached,omitempty"`
}

func readState(state []byte, api string) (keptState, bool) {
	var kept keptState
	if len(state) == 0 || json.Unmarshal(state, &kept) != nil || kept.API != api {
		return keptState{}, false
	}
	return kept, true
}

func (k keptState) bytes() []byte {
	encoded, err := json.Marshal(k)
	if err != nil {
		return nil
	}
	return encoded
}

// keptItems gives the items of an earlier turn and the ids of the calls among them. Reasoning is for the model that
// did it; what goes to another goes without, and without the ids by which items belong to their reasoning.
func (t *turn) keptItems(state []byte) (items []json.RawMessage, calls []string, ok bool) {
	kept, ok := readState(state, apiResponses)
	if !ok || len(kept.Items) == 0 {
		return nil, nil, false
	}
	whole := t.extras.state && kept.Model == t.req.GetModel()
	for _, raw := range kept.Items {
		var item map[string]json.RawMessage
		var kind, callID string
		if json.Unmarshal(raw, &item) != nil || json.Unmarshal(item["type"], &kind) != nil {
			return nil, nil, false
		}
		if kind == "function_call" && json.Unmarshal(item["call_id"], &callID) == nil {
			calls = append(calls, callID)
		}
		if !whole {
			if kind == "reasoning" {
				continue
			}
			delete(item, "id")
			var err error
			if raw, err = json.Marshal(item); err != nil {
				return nil, nil, false
			}
		}
		items = append(items, raw)
	}
	return items, calls, true
}
