package openaitest

import (
	"fmt"
	"net/http"
	"strings"
)

// chat answers Chat Completions.
func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	if given := s.given(); given != nil {
		given(w, r)
		return
	}
	body := requestOf(r.Context()).Body
	a, ok := s.checkChat(w, body)
	if !ok || s.refusal(r.Context(), w, a) {
		return
	}
	how := script(a)
	if how.failure != nil && how.failure.Type != "error" && len(how.text) == 0 {
		refuse(w, http.StatusTooManyRequests, *how.failure)
		return
	}
	id := s.newID("chatcmpl")
	reason := map[string]string{"": "stop", "length": "length", "filter": "content_filter"}[how.reason]
	var calls []any
	for i, c := range how.calls {
		reason = "tool_calls"
		calls = append(calls, map[string]any{"index": i, "id": s.newID("call"), "type": "function", "function": map[string]any{"name": c.name, "arguments": c.arguments}})
	}
	usage := map[string]any{
		"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19,
		"prompt_tokens_details": map[string]any{"cached_tokens": 4}, "completion_tokens_details": map[string]any{"reasoning_tokens": 3},
	}
	if body["stream"] != true || how.fault == plainJSON {
		message := map[string]any{"role": "assistant", "content": strings.Join(how.text, ""), "tool_calls": calls}
		writeJSON(w, http.StatusOK, map[string]any{
			"id": id, "object": "chat.completion", "model": a.model, "usage": usage,
			"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": reason}},
		})
		return
	}
	s.write(w, r, chatEvents(id, a.model, how, calls, reason, usage, includesUsage(body)), how, "[DONE]")
}

func chatEvents(id, model string, how reply, calls []any, reason string, usage map[string]any, tell bool) []event {
	var events []event
	add := func(choices []any, isDelta bool) *event {
		events = append(events, event{delta: isDelta, data: map[string]any{
			"id": id, "object": "chat.completion.chunk", "created": 1795000000, "model": model, "choices": choices,
		}})
		return &events[len(events)-1]
	}
	delta := func(d map[string]any, reason any) {
		_, isText := d["content"]
		add([]any{map[string]any{"index": 0, "delta": d, "logprobs": nil, "finish_reason": reason}}, isText && len(events) > 0)
	}
	delta(map[string]any{"role": "assistant", "content": "", "refusal": nil}, nil)
	for _, thought := range how.thought {
		for _, p := range pieces(thought) {
			delta(map[string]any{"reasoning_content": p}, nil)
		}
	}
	for _, p := range how.text {
		delta(map[string]any{"content": p}, nil)
	}
	for _, p := range how.refusal {
		delta(map[string]any{"refusal": p}, nil)
	}
	for _, c := range calls {
		// The head first, then the arguments in pieces.
		c := c.(map[string]any)
		function := c["function"].(map[string]any)
		head := map[string]any{"index": c["index"], "id": c["id"], "type": "function", "function": map[string]any{"name": function["name"], "arguments": ""}}
		delta(map[string]any{"tool_calls": []any{head}}, nil)
		for _, p := range pieces(function["arguments"].(string)) {
			delta(map[string]any{"tool_calls": []any{map[string]any{"index": c["index"], "function": map[string]any{"arguments": p}}}}, nil)
		}
	}
	if how.failure != nil {
		events = append(events, event{data: map[string]any{"error": how.failure.body()}})
		return events
	}
	if tell {
		delta(map[string]any{}, reason)
		add([]any{}, false).data["usage"] = usage
		if how.fault == unended {
			// Of an answer that is cut off, neither is said.
			events = events[:len(events)-1]
		}
		return events
	}
	delta(map[string]any{}, reason)
	return events
}

func includesUsage(body map[string]any) bool {
	options, _ := body["stream_options"].(map[string]any)
	return options["include_usage"] == true
}

var chatFields = map[string]bool{
	"model": true, "messages": true, "stream": true, "stream_options": true, "temperature": true, "max_completion_tokens": true, "max_tokens": true,
	"reasoning_effort": true, "verbosity": true, "service_tier": true, "tools": true, "tool_choice": true, "parallel_tool_calls": true, "response_format": true, "store": true,
}

// checkChat reads a request as OpenAI would, and refuses what it would.
func (s *Server) checkChat(w http.ResponseWriter, body map[string]any) (asked, bool) {
	a := asked{}
	if !known(w, body, chatFields) {
		return a, false
	}
	var ok bool
	if a.model, ok = checkModel(w, body); !ok {
		return a, false
	}
	if _, has := body["max_tokens"]; has && a.model == Chat {
		invalid(w, "unsupported_parameter", "max_tokens", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
		return a, false
	}
	if effort, _ := body["reasoning_effort"].(string); effort != "" && !checkEffort(w, a.model, "reasoning_effort", effort) {
		return a, false
	}
	format, _ := body["response_format"].(map[string]any)
	if spec, has := format["json_schema"].(map[string]any); has {
		a.schema = true
		if !checkSchema(w, "response_format", spec) {
			return a, false
		}
	}
	for _, tool := range list(body["tools"]) {
		function, _ := tool["function"].(map[string]any)
		if !checkSchema(w, "tools[0].function.parameters", map[string]any{"strict": function["strict"], "schema": function["parameters"]}) {
			return a, false
		}
		a.tools = append(a.tools, fmt.Sprint(function["name"]))
	}
	pending := map[string]bool{}
	for i, m := range list(body["messages"]) {
		role, _ := m["role"].(string)
		if role != "tool" && len(pending) > 0 {
			invalid(w, "", fmt.Sprintf("messages.[%d].role", i), "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.")
			return a, false
		}
		text, images, files := content(m["content"])
		switch role {
		case "system", "developer":
			a.system = join(a.system, text)
		case "user":
			a.text, a.results = text, nil
			a.lines = append(a.lines, text)
			a.images, a.files = images, files
		case "assistant":
			for _, c := range list(m["tool_calls"]) {
				pending[fmt.Sprint(c["id"])] = true
			}
		case "tool":
			id := fmt.Sprint(m["tool_call_id"])
			if !pending[id] {
				invalid(w, "", fmt.Sprintf("messages.[%d].role", i), "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
				return a, false
			}
			delete(pending, id)
			a.results = append(a.results, text)
		default:
			invalid(w, "invalid_value", fmt.Sprintf("messages[%d].role", i), fmt.Sprintf("Invalid value: '%s'.", role))
			return a, false
		}
	}
	return a, true
}
