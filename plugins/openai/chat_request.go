package main

import (
	"cmp"
	"encoding/json"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// chatMessage is one message of Chat Completions.
type chatMessage struct {
	Role string `json:"role"`
	// Text, a list of parts, or nothing beside calls.
	Content    any        `json:"content"`
	ToolCalls  []chatCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`

	// What a server wants back of its thoughts in a round of calls, under the name it gave them.
	ReasoningContent string `json:"reasoning_content,omitempty"`
	Reasoning        string `json:"reasoning,omitempty"`
}

type chatCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
	// What a server attached to the call and wants back with it.
	Attached json.RawMessage `json:"extra_content,omitempty"`
}

// chatRequest is the turn as Chat Completions want it.
func (t *turn) chatRequest() (map[string]any, error) {
	o, x := t.req.GetOptions(), t.extras
	body := map[string]any{"model": t.req.GetModel(), "messages": t.chatMessages(), "stream": x.stream}
	if x.usage && x.stream {
		body["stream_options"] = map[string]any{"include_usage": true}
	}
	if o != nil && o.Temperature != nil {
		body["temperature"] = o.GetTemperature()
	}
	if o.GetMaxOutputTokens() > 0 {
		body[x.limit] = o.GetMaxOutputTokens()
	}
	for name, value := range map[string]string{"reasoning_effort": x.effort, "verbosity": x.verbosity, "service_tier": x.tier} {
		if value != "" {
			body[name] = value
		}
	}
	var tools []any
	for _, tool := range t.req.GetTools() {
		schema, strict, err := toolSchema(tool)
		if err != nil {
			return nil, err
		}
		function := map[string]any{"name": tool.GetName(), "description": tool.GetDescription(), "parameters": schema}
		if strict && x.strict {
			function["strict"] = true
		}
		tools = append(tools, map[string]any{"type": "function", "function": function})
	}
	if len(tools) > 0 {
		body["tools"] = tools
	}
	schema, strict, err := answerSchema(o)
	if err != nil {
		return nil, err
	}
	if schema != nil {
		format := map[string]any{"name": "answer", "schema": schema}
		if strict && x.strict {
			format["strict"] = true
		}
		body["response_format"] = map[string]any{"type": "json_schema", "json_schema": format}
	}
	return body, nil
}

func (t *turn) chatMessages() []chatMessage {
	messages := t.req.GetMessages()
	lastUser := -1
	for i, m := range messages {
		if m.GetRole() == providerv1.Role_ROLE_USER {
			lastUser = i
		}
	}
	var out []chatMessage
	called := map[string]bool{}
	for i, m := range messages {
		switch m.GetRole() {
		case providerv1.Role_ROLE_SYSTEM:
			if text := texts(m); text != "" {
				out = append(out, chatMessage{Role: "system", Content: text})
			}
		case providerv1.Role_ROLE_ASSISTANT:
			// What was thought for earlier questions only takes up room; in a round of calls some servers want it back.
			said, ok := t.chatAnswer(m, i > lastUser)
			if !ok {
				continue
			}
			out = append(out, said)
			results := resultsAfter(messages[i+1:])
			for _, call := range said.ToolCalls {
				called[call.ID] = true
				if results[call.ID] == nil {
					out = append(out, chatMessage{Role: "tool", ToolCallID: call.ID, Content: noResult})
				}
			}
		case providerv1.Role_ROLE_TOOL:
			for _, p := range m.GetParts() {
				r := p.GetToolResult()
				switch {
				case r == nil:
				case called[r.GetCallId()]:
					out = append(out, chatMessage{Role: "tool", ToolCallID: r.GetCallId(), Content: resultText(r)})
				default:
					// A result of no known call would be refused.
					out = append(out, chatMessage{Role: "user", Content: "Result of the tool " + r.GetName() + ": " + resultText(r)})
				}
			}
		default:
			if content := chatContent(m); content != nil {
				out = append(out, chatMessage{Role: "user", Content: content})
			}
		}
	}
	return out
}

// chatAnswer is a turn of the model; false if there was nothing in it.
func (t *turn) chatAnswer(m *providerv1.Message, withThoughts bool) (chatMessage, bool) {
	out := chatMessage{Role: "assistant"}
	kept, _ := readState(m.GetProviderState(), apiChat)
	text := ""
	for _, p := range m.GetParts() {
		switch part := p.GetPart().(type) {
		case *providerv1.Part_Text:
			text += part.Text
		case *providerv1.Part_ToolCall:
			call := chatCall{ID: part.ToolCall.GetId(), Type: "function", Attached: kept.Attached[part.ToolCall.GetId()]}
			call.Function.Name, call.Function.Arguments = part.ToolCall.GetName(), object(part.ToolCall.GetArgumentsJson())
			out.ToolCalls = append(out.ToolCalls, call)
		}
	}
	if text != "" {
		out.Content = text
	}
	if withThoughts && len(out.ToolCalls) > 0 && kept.Model == t.req.GetModel() {
		switch thought := cmp.Or(kept.Thought, thoughts(m)); kept.ThoughtName {
		case "reasoning_content":
			out.ReasoningContent = thought
		case "reasoning":
			out.Reasoning = thought
		}
	}
	return out, text != "" || len(out.ToolCalls) > 0
}

// chatContent is text where there is only that, for not every server reads lists.
func chatContent(m *providerv1.Message) any {
	var parts []any
	text, onlyText := "", true
	say := func(s string) {
		if s == "" {
			return
		}
		if text != "" {
			text += "\n\n"
		}
		text += s
		parts = append(parts, map[string]any{"type": "text", "text": s})
	}
	for _, p := range m.GetParts() {
		switch part := p.GetPart().(type) {
		case *providerv1.Part_Text:
			say(part.Text)
		case *providerv1.Part_Image:
			onlyText = false
			parts = append(parts, map[string]any{"type": "image_url", "image_url": map[string]any{"url": dataURL(part.Image, "image/png")}})
		case *providerv1.Part_File:
			if inside, ok := fileText(part.File); ok {
				say(inside)
				continue
			}
			onlyText = false
			parts = append(parts, map[string]any{"type": "file", "file": map[string]any{
				"filename": fileName(part.File), "file_data": dataURL(part.File, "application/octet-stream"),
			}})
		}
	}
	switch {
	case !onlyText:
		return parts
	case text != "":
		return text
	}
	return nil
}
