package openaitest

import (
	"fmt"
	"net/http"
	"strings"
)

// sealed begins the reasoning that only this server can read.
const sealed = "sealed:"

// responses answers the Responses API.
func (s *Server) responses(w http.ResponseWriter, r *http.Request) {
	if given := s.given(); given != nil {
		given(w, r)
		return
	}
	body := requestOf(r.Context()).Body
	a, ok := s.checkResponses(w, body)
	if !ok || s.refusal(r.Context(), w, a) {
		return
	}
	how := script(a)
	d := &draft{server: s, how: how, response: s.response(body), summary: wantsSummary(body), sealed: wantsSealed(body)}
	switch {
	case body["background"] == true:
		s.later(w, d)
	case body["stream"] != true || how.fault == plainJSON:
		d.compose()
		writeJSON(w, http.StatusOK, d.response)
	default:
		d.compose()
		s.write(w, r, d.events, how, "")
	}
}

// response is an answer that has not begun.
func (s *Server) response(body map[string]any) map[string]any {
	return map[string]any{
		"id": s.newID("resp"), "object": "response", "created_at": 1795000000, "status": "in_progress", "background": body["background"] == true,
		"error": nil, "incomplete_details": nil, "instructions": body["instructions"], "model": body["model"], "output": []any{}, "store": body["store"] != false, "usage": nil,
	}
}

// draft is an answer being written, as events and as a whole.
type draft struct {
	server   *Server
	how      reply
	response map[string]any
	summary  bool
	sealed   bool
	events   []event
	output   []any
}

func (d *draft) event(name string, data map[string]any, delta bool) {
	data["type"], data["sequence_number"] = name, len(d.events)
	d.events = append(d.events, event{name: name, data: data, delta: delta})
}

func (d *draft) compose() {
	begun := clone(d.response)
	d.event("response.created", map[string]any{"response": begun}, false)
	d.event("response.in_progress", map[string]any{"response": begun}, false)
	if len(d.how.thought) > 0 {
		d.reasoning()
	}
	if len(d.how.text)+len(d.how.refusal) > 0 {
		d.message()
	}
	for _, c := range d.how.calls {
		d.function(c)
	}
	if f := d.how.failure; f != nil && f.Type == "error" {
		d.event("error", map[string]any{"code": f.Code, "message": f.Message, "param": nil}, false)
		return
	}
	d.response["output"] = d.output
	name := "response.completed"
	d.response["status"] = "completed"
	switch {
	case d.how.failure != nil:
		name = "response.failed"
		d.response["status"], d.response["error"] = "failed", map[string]any{"code": d.how.failure.Code, "message": d.how.failure.Message}
	case d.how.reason != "":
		name = "response.incomplete"
		d.response["status"] = "incomplete"
		d.response["incomplete_details"] = map[string]any{"reason": map[string]string{"length": "max_output_tokens", "filter": "content_filter"}[d.how.reason]}
	}
	d.response["usage"] = map[string]any{
		"input_tokens": 12, "input_tokens_details": map[string]any{"cached_tokens": 4},
		"output_tokens": 7, "output_tokens_details": map[string]any{"reasoning_tokens": 3}, "total_tokens": 19,
	}
	d.event(name, map[string]any{"response": clone(d.response)}, false)
}

// item adds one to the output, with the events between its beginning and its end.
func (d *draft) item(started, finished map[string]any, between func(at map[string]any)) {
	at := map[string]any{"output_index": len(d.output), "item_id": finished["id"]}
	d.event("response.output_item.added", map[string]any{"output_index": at["output_index"], "item": started}, false)
	between(at)
	d.event("response.output_item.done", map[string]any{"output_index": at["output_index"], "item": finished}, false)
	d.output = append(d.output, finished)
}

func (d *draft) reasoning() {
	id := d.server.newID("rs")
	summary := []any{}
	for _, thought := range d.how.thought {
		if d.summary {
			summary = append(summary, map[string]any{"type": "summary_text", "text": thought})
		}
	}
	finished := map[string]any{"id": id, "type": "reasoning", "summary": summary}
	if d.sealed {
		finished["encrypted_content"] = sealed + strings.Join(d.how.thought, " ")
	}
	d.item(map[string]any{"id": id, "type": "reasoning", "summary": []any{}}, finished, func(at map[string]any) {
		for i, part := range summary {
			at := with(at, "summary_index", i)
			text := part.(map[string]any)["text"].(string)
			d.event("response.reasoning_summary_part.added", with(at, "part", map[string]any{"type": "summary_text", "text": ""}), false)
			for _, p := range pieces(text) {
				d.event("response.reasoning_summary_text.delta", with(at, "delta", p), false)
			}
			d.event("response.reasoning_summary_text.done", with(at, "text", text), false)
			d.event("response.reasoning_summary_part.done", with(at, "part", part), false)
		}
	})
}

func (d *draft) message() {
	id := d.server.newID("msg")
	deltas, name, part := d.how.text, "output_text", map[string]any{"type": "output_text", "text": strings.Join(d.how.text, ""), "annotations": []any{}, "logprobs": []any{}}
	field := "text"
	if len(d.how.refusal) > 0 {
		deltas, name, field = d.how.refusal, "refusal", "refusal"
		part = map[string]any{"type": "refusal", "refusal": strings.Join(d.how.refusal, "")}
	}
	item := func(status string, content ...any) map[string]any {
		return map[string]any{"id": id, "type": "message", "role": "assistant", "status": status, "content": content}
	}
	status := "completed"
	if d.how.reason != "" {
		status = "incomplete"
	}
	d.item(item("in_progress"), item(status, part), func(at map[string]any) {
		at = with(at, "content_index", 0)
		d.event("response.content_part.added", with(at, "part", map[string]any{"type": part["type"], field: ""}), false)
		for _, p := range deltas {
			data := with(at, "delta", p)
			if name == "output_text" {
				data["logprobs"], data["obfuscation"] = []any{}, "x7Fq"
			}
			d.event("response."+name+".delta", data, true)
		}
		if d.how.failure == nil {
			d.event("response."+name+".done", with(at, field, part[field]), false)
			d.event("response.content_part.done", with(at, "part", part), false)
		}
	})
}

func (d *draft) function(c call) {
	id, callID := d.server.newID("fc"), d.server.newID("call")
	item := func(status, arguments string) map[string]any {
		return map[string]any{"id": id, "type": "function_call", "status": status, "call_id": callID, "name": c.name, "arguments": arguments}
	}
	d.item(item("in_progress", ""), item("completed", c.arguments), func(at map[string]any) {
		for _, p := range pieces(c.arguments) {
			d.event("response.function_call_arguments.delta", with(at, "delta", p), false)
		}
		d.event("response.function_call_arguments.done", with(at, "arguments", c.arguments), false)
	})
}

func clone(m map[string]any) map[string]any {
	return with(m, "object", m["object"])
}

func with(m map[string]any, name string, value any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	out[name] = value
	return out
}

func wantsSummary(body map[string]any) bool {
	reasoning, _ := body["reasoning"].(map[string]any)
	return reasoning["summary"] != nil
}

func wantsSealed(body map[string]any) bool {
	include, _ := body["include"].([]any)
	for _, name := range include {
		if name == "reasoning.encrypted_content" {
			return true
		}
	}
	return false
}

var responsesFields = map[string]bool{
	"model": true, "input": true, "instructions": true, "stream": true, "store": true, "background": true, "include": true, "temperature": true, "max_output_tokens": true,
	"reasoning": true, "text": true, "tools": true, "tool_choice": true, "parallel_tool_calls": true, "service_tier": true, "metadata": true, "truncation": true, "previous_response_id": true,
}

// checkResponses reads a request as OpenAI would, and refuses what it would.
func (s *Server) checkResponses(w http.ResponseWriter, body map[string]any) (asked, bool) {
	a := asked{}
	if !known(w, body, responsesFields) {
		return a, false
	}
	var ok bool
	if a.model, ok = checkModel(w, body); !ok {
		return a, false
	}
	a.system, _ = body["instructions"].(string)
	reasoning, _ := body["reasoning"].(map[string]any)
	if effort, _ := reasoning["effort"].(string); effort != "" && !checkEffort(w, a.model, "reasoning.effort", effort) {
		return a, false
	}
	if reasoning["summary"] != nil && a.model == Plain {
		invalid(w, "unsupported_parameter", "reasoning.summary", "Unsupported parameter: 'reasoning.summary' is not supported with this model.")
		return a, false
	}
	text, _ := body["text"].(map[string]any)
	if verbosity, has := text["verbosity"]; has && a.model == Plain && verbosity != "medium" {
		invalid(w, "unsupported_value", "text.verbosity", "Unsupported value: 'text.verbosity' does not support this value with this model.")
		return a, false
	}
	if format, _ := text["format"].(map[string]any); format["type"] == "json_schema" {
		a.schema = true
		if !checkSchema(w, "text.format.schema", format) {
			return a, false
		}
	}
	if body["background"] == true && body["store"] == false {
		invalid(w, "", "background", "Background responses must be stored.")
		return a, false
	}
	for _, tool := range list(body["tools"]) {
		// Left out, strict means true here.
		if !checkSchema(w, "tools[0].parameters", map[string]any{"strict": tool["strict"] != false, "schema": tool["parameters"]}) {
			return a, false
		}
		a.tools = append(a.tools, fmt.Sprint(tool["name"]))
	}
	if input, is := body["input"].(string); is {
		a.text = input
		a.lines = append(a.lines, input)
		return a, true
	}
	return a, s.checkInput(w, list(body["input"]), body["store"] == false, &a)
}

func (s *Server) checkInput(w http.ResponseWriter, input []map[string]any, stateless bool, a *asked) bool {
	called, answered := map[string]bool{}, map[string]bool{}
	for i, item := range input {
		id := fmt.Sprint(item["call_id"])
		switch item["type"] {
		case nil, "message":
			text, images, files := content(item["content"])
			switch item["role"] {
			case "user":
				a.text, a.results, a.images, a.files = text, nil, images, files
				a.lines = append(a.lines, text)
			case "system", "developer":
				a.system = join(a.system, text)
			}
		case "function_call":
			called[id] = true
		case "function_call_output":
			if !called[id] {
				invalid(w, "", "input", "No tool call found for function call output with call_id "+id+".")
				return false
			}
			answered[id] = true
			a.results = append(a.results, fmt.Sprint(item["output"]))
		case "reasoning":
			encrypted, _ := item["encrypted_content"].(string)
			switch {
			case encrypted == "" && stateless:
				refuse(w, http.StatusNotFound, apiError{Message: fmt.Sprintf("Item with id '%v' not found. Items are not persisted when `store` is set to false.", item["id"]), Type: "invalid_request_error"})
				return false
			case !strings.HasPrefix(encrypted, sealed):
				invalid(w, "invalid_encrypted_content", "", fmt.Sprintf("The encrypted content for item %v could not be verified.", item["id"]))
				return false
			case i+1 == len(input) || input[i+1]["type"] != "message" && input[i+1]["type"] != "function_call" && input[i+1]["type"] != "reasoning":
				invalid(w, "", "input", fmt.Sprintf("Item '%v' of type 'reasoning' was provided without its required following item.", item["id"]))
				return false
			}
		default:
			invalid(w, "invalid_value", fmt.Sprintf("input[%d].type", i), fmt.Sprintf("Invalid value: '%v'.", item["type"]))
			return false
		}
	}
	for id := range called {
		if !answered[id] {
			invalid(w, "", "input", "No tool output found for function call "+id+".")
			return false
		}
	}
	return true
}
