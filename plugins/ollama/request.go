package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// chatRequest is the body of /api/chat.
type chatRequest struct {
	Model     string          `json:"model"`
	Messages  []chatMessage   `json:"messages"`
	Tools     []chatTool      `json:"tools,omitempty"`
	Format    json.RawMessage `json:"format,omitempty"`
	KeepAlive json.RawMessage `json:"keep_alive,omitempty"`
	Options   map[string]any  `json:"options,omitempty"`
	Think     any             `json:"think,omitempty"`
	Stream    bool            `json:"stream"`
	// False, else Ollama leaves out the oldest messages and cuts the last one without a word.
	Truncate bool `json:"truncate"`
}

type chatMessage struct {
	Role       string         `json:"role"`
	Content    string         `json:"content"`
	Thinking   string         `json:"thinking,omitempty"`
	Images     [][]byte       `json:"images,omitempty"`
	ToolCalls  []chatToolCall `json:"tool_calls,omitempty"`
	ToolName   string         `json:"tool_name,omitempty"`
	ToolCallID string         `json:"tool_call_id,omitempty"`
}

type chatToolCall struct {
	ID       string       `json:"id,omitempty"`
	Function chatFunction `json:"function"`
}

type chatFunction struct {
	Index int    `json:"index"`
	Name  string `json:"name"`
	// An object; Ollama does not take one in quotes.
	Arguments json.RawMessage `json:"arguments"`
}

type chatTool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters"`
	} `json:"function"`
}

func newChatRequest(req *providerv1.RunRequest, set *settings) (*chatRequest, error) {
	if req.GetModel() == "" {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "No model is chosen. Choose one of Ollama's models from the list.")
	}
	messages, err := chatMessages(req.GetMessages())
	if err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "There is nothing to answer: the conversation is empty. Write a message first.")
	}
	body := &chatRequest{
		Model:     req.GetModel(),
		Messages:  messages,
		KeepAlive: set.keepAlive,
		Options:   options(req.GetOptions(), set),
		Think:     think(req, set),
		Stream:    true,
	}
	for _, t := range req.GetTools() {
		tool, err := newTool(t)
		if err != nil {
			return nil, err
		}
		body.Tools = append(body.Tools, tool)
	}
	if schema := req.GetOptions().GetResponseSchema(); schema != "" {
		if !isObject([]byte(schema)) {
			return nil, badSetting("response_schema", "The form asked of the answer is no JSON Schema. Give an object such as {\"type\": \"object\"}.")
		}
		body.Format = json.RawMessage(schema)
	}
	return body, nil
}

// options are the numbers; what nobody set is left to the model's makers.
func options(o *providerv1.Options, set *settings) map[string]any {
	m := map[string]any{}
	switch {
	case o != nil && o.Temperature != nil:
		m["temperature"] = o.GetTemperature()
	case set.Temperature != nil:
		m["temperature"] = *set.Temperature
	}
	switch {
	case o.GetMaxOutputTokens() > 0:
		m["num_predict"] = o.GetMaxOutputTokens()
	case set.NumPredict != nil:
		m["num_predict"] = *set.NumPredict
	}
	if set.NumCtx != nil {
		m["num_ctx"] = *set.NumCtx
	}
	return m
}

// think is nil where the model does as it likes, which is to think if it can.
func think(req *providerv1.RunRequest, set *settings) any {
	switch effort := strings.ToLower(req.GetOptions().GetReasoningEffort()); effort {
	case "":
	case "none", "off", "false":
		return false
	case "on", "true":
		return true
	default:
		return effort
	}
	// A title is not worth minutes of thought. Models that can't think don't mind being told not to.
	if req.GetPurpose() == providerv1.Purpose_PURPOSE_TITLE || set.Think != nil && !*set.Think {
		return false
	}
	return nil
}

func newTool(t *providerv1.Tool) (chatTool, error) {
	tool := chatTool{Type: "function"}
	tool.Function.Name, tool.Function.Description = t.GetName(), t.GetDescription()
	tool.Function.Parameters = json.RawMessage(`{"type":"object","properties":{}}`)
	if schema := t.GetParametersSchema(); schema != "" {
		if !isObject([]byte(schema)) {
			return tool, badSetting("tools", "The tool %q does not say in JSON Schema what it takes. This is a mistake in the program that offers it.", t.GetName())
		}
		tool.Function.Parameters = json.RawMessage(schema)
	}
	return tool, nil
}

func chatMessages(messages []*providerv1.Message) ([]chatMessage, error) {
	lastUser := -1
	for i, m := range messages {
		if m.GetRole() == providerv1.Role_ROLE_USER {
			lastUser = i
		}
	}
	var out []chatMessage
	tools := map[string]string{} // name by call id
	for i, m := range messages {
		switch m.GetRole() {
		case providerv1.Role_ROLE_TOOL:
			out = append(out, toolMessages(m, tools)...)
		case providerv1.Role_ROLE_ASSISTANT:
			// What was thought for earlier questions only takes up room; in a round of tool calls models build on it.
			if a := assistantMessage(m, i > lastUser, tools); a.Content != "" || a.Thinking != "" || len(a.ToolCalls) > 0 {
				out = append(out, a)
			}
		default:
			said, err := plainMessage(m)
			if err != nil {
				return nil, err
			}
			if said.Content != "" || len(said.Images) > 0 {
				out = append(out, said)
			}
		}
	}
	return out, nil
}

// plainMessage is one of the system or the user.
func plainMessage(m *providerv1.Message) (chatMessage, error) {
	out := chatMessage{Role: "user"}
	if m.GetRole() == providerv1.Role_ROLE_SYSTEM {
		out.Role = "system"
	}
	var texts []string
	for _, p := range m.GetParts() {
		switch part := p.GetPart().(type) {
		case *providerv1.Part_Text:
			texts = append(texts, part.Text)
		case *providerv1.Part_Image:
			out.Images = append(out.Images, part.Image.GetData())
		case *providerv1.Part_File:
			text, err := fileText(part.File)
			if err != nil {
				return out, err
			}
			texts = append(texts, text)
		}
	}
	out.Content = strings.Join(texts, "\n\n")
	return out, nil
}

// fileText puts a file into the conversation, which is the only way Ollama has.
func fileText(file *providerv1.Blob) (string, error) {
	if !utf8.Valid(file.GetData()) || strings.ContainsRune(string(file.GetData()), 0) {
		err := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER,
			"Ollama's models read text and images, and %q is neither. Leave it out, or paste what it says.", file.GetName())
		err.Proto.Parameter = "files"
		return "", err
	}
	fence := "```"
	for strings.Contains(string(file.GetData()), fence) {
		fence += "`"
	}
	return fmt.Sprintf("%s:\n%s\n%s\n%s", file.GetName(), fence, file.GetData(), fence), nil
}

func assistantMessage(m *providerv1.Message, thoughts bool, tools map[string]string) chatMessage {
	out := chatMessage{Role: "assistant"}
	for _, p := range m.GetParts() {
		switch part := p.GetPart().(type) {
		case *providerv1.Part_Text:
			out.Content += part.Text
		case *providerv1.Part_Thought:
			if thoughts {
				out.Thinking += part.Thought
			}
		case *providerv1.Part_ToolCall:
			call := part.ToolCall
			tools[call.GetId()] = call.GetName()
			out.ToolCalls = append(out.ToolCalls, chatToolCall{ID: call.GetId(), Function: chatFunction{
				Index: len(out.ToolCalls), Name: call.GetName(), Arguments: object(call.GetArgumentsJson()),
			}})
		}
	}
	return out
}

func toolMessages(m *providerv1.Message, tools map[string]string) []chatMessage {
	var out []chatMessage
	for _, p := range m.GetParts() {
		result := p.GetToolResult()
		if result == nil {
			continue
		}
		message := chatMessage{Role: "tool", Content: result.GetContent(), ToolName: result.GetName(), ToolCallID: result.GetCallId()}
		if message.ToolName == "" {
			message.ToolName = tools[result.GetCallId()]
		}
		if result.GetFailed() {
			message.Content = "The tool failed: " + message.Content
		}
		out = append(out, message)
	}
	return out
}

// object keeps arguments that are a JSON object and wraps what is not.
func object(arguments string) json.RawMessage {
	switch {
	case isObject([]byte(arguments)):
		return json.RawMessage(arguments)
	case strings.TrimSpace(arguments) == "":
		return json.RawMessage("{}")
	}
	wrapped, _ := json.Marshal(map[string]string{"input": arguments})
	return wrapped
}

func isObject(text []byte) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(text, &fields) == nil && fields != nil
}
