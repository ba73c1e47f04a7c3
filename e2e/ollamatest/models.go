package ollamatest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The template does the dispatch: the engine finds the last user text, with a "+" for each tool result after it, at the
// end of the prompt, and the messages before it by the role in brackets.
const (
	tools = `{{- if .Tools }}[tools] {{ .Tools }}
{{ end }}`
	messages = `{{- $u := "" }}{{ $n := "" }}{{- range .Messages }}
{{- if eq .Role "user" }}{{ $u = .Content }}{{ $n = "" }}[user] {{ .Content }}
{{ else if eq .Role "system" }}[system] {{ .Content }}
{{ else if eq .Role "tool" }}{{ $n = printf "%s+" $n }}[tool] {{ .ToolName }}: {{ .Content }}
{{ else }}[assistant] `
	thinking  = `{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}`
	content   = `{{ .Content }}`
	toolCalls = `{{ if .ToolCalls }}<tool_call>{{ range .ToolCalls }}{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}{{ end }}</tool_call>{{ end }}`
	foot      = `
{{ end }}{{ end }}<|{{ $u }}{{ $n }}|>`
)

// contextTokens is what the models claim to be made for.
const contextTokens = 8192

type scriptedModel struct {
	name       string
	template   string
	parameters map[string]any
	vision     bool
}

var models = []scriptedModel{
	{name: Tools, template: tools + messages + content + toolCalls + foot},
	{name: Plain, template: messages + content + foot},
	{name: Thinking, template: tools + messages + thinking + content + toolCalls + foot},
	{name: Vision, template: messages + content + foot, vision: true},
	{name: Small, template: messages + content + foot, parameters: map[string]any{"num_ctx": 256}},
}

// importModels does over HTTP what `ollama create` does.
func (s *Server) importModels(ctx context.Context) error {
	for _, m := range models {
		if err := s.importModel(ctx, m); err != nil {
			return fmt.Errorf("import model %s: %w", m.name, err)
		}
		s.Models = append(s.Models, m.name)
	}
	return nil
}

func (s *Server) importModel(ctx context.Context, m scriptedModel) error {
	weights := gguf(m.name, m.vision)
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(weights))
	if err := s.post(ctx, "/api/blobs/"+digest, weights); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{
		"model":      m.name,
		"files":      map[string]string{"model.gguf": digest},
		"template":   m.template,
		"parameters": m.parameters,
		"stream":     false,
	})
	if err != nil {
		return err
	}
	return s.post(ctx, "/api/create", body)
}

func (s *Server) post(ctx context.Context, path string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 || strings.Contains(string(answer), `"error"`) {
		return fmt.Errorf("%s %s: %s", path, res.Status, answer)
	}
	return nil
}
