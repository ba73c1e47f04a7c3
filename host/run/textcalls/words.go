package textcalls

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// protocolText tells a model how to use tools by text. The tools follow.
//
//go:embed protocol.md
var protocolText string

// maxQuote is how much of a broken line the model is shown again, in bytes.
const maxQuote = 4000

// Tools is the protocol and the tools, for the system message.
func Tools(tools []*providerv1.Tool) string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(protocolText))
	for _, t := range tools {
		b.WriteString("\n\n## " + t.Name + "\n")
		if t.Description != "" {
			b.WriteString("\n" + t.Description + "\n")
		}
		schema := t.ParametersSchema
		if schema == "" {
			schema = "{}"
		}
		b.WriteString("\nJSON Schema of its arguments: " + Compact(schema))
	}
	return b.String()
}

// Plans turns the journal's plans into the lines that made them, and gives the plan as it stands.
func Plans(journal []*apiv1.Entry) ([]*apiv1.Entry, []*providerv1.Plan_Step) {
	var plan []*providerv1.Plan_Step
	journal = slices.Clone(journal)
	for i, e := range journal {
		if e.GetPlan() == nil {
			continue
		}
		text := planLines(plan, e.GetPlan().Steps)
		plan = e.GetPlan().Steps
		journal[i] = &apiv1.Entry{RunId: e.RunId, Body: &apiv1.Entry_Text{Text: &apiv1.ModelText{Text: text}}}
	}
	return journal, plan
}

func planLines(old, steps []*providerv1.Plan_Step) string {
	lines := "\n"
	same := SameSteps(old, steps)
	if !same {
		v := struct {
			Steps []string `json:"steps"`
		}{}
		for _, s := range steps {
			v.Steps = append(v.Steps, s.Text)
		}
		lines += line(wordPlan, v)
	}
	for i, s := range steps {
		if s.State == providerv1.Plan_Step_STATE_DONE && (!same || old[i].State != s.State) {
			lines += line(wordStep, map[string]int{"index": i + 1})
		}
	}
	return lines
}

// Calls turns tool calls into the protocol's lines, and their results into lines of the user's role: never the
// system's, since what a tool gives is not to be obeyed. As a JSON string it can't pass for anything else.
func Calls(in []*providerv1.Message) []*providerv1.Message {
	for _, m := range in {
		switch m.Role {
		case providerv1.Role_ROLE_TOOL:
			m.Role = providerv1.Role_ROLE_USER
		case providerv1.Role_ROLE_ASSISTANT:
		default:
			continue
		}
		var parts []*providerv1.Part
		for _, p := range m.Parts {
			switch body := p.Part.(type) {
			case *providerv1.Part_ToolCall:
				p = textPart(callLine(body.ToolCall))
			case *providerv1.Part_ToolResult:
				p = textPart(resultLine(body.ToolResult))
			}
			if n := len(parts); n > 0 && p.GetText() != "" && parts[n-1].GetText() != "" && !strings.HasSuffix(parts[n-1].GetText(), "\n") {
				p = textPart("\n" + p.GetText())
			}
			parts = joined(parts, p)
		}
		for i, p := range parts {
			if p.GetText() != "" {
				parts[i] = textPart(strings.Trim(p.GetText(), "\n"))
			}
		}
		m.Parts = parts
	}
	return in
}

func callLine(c *providerv1.ToolCall) string {
	arguments := c.ArgumentsJson
	if arguments == "" {
		arguments = "{}"
	}
	return line(wordCall, struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}{c.Name, json.RawMessage(Compact(arguments))})
}

func resultLine(r *providerv1.ToolResult) string {
	return line(wordResult, struct {
		Name    string `json:"name"`
		Failed  bool   `json:"failed,omitempty"`
		Content string `json:"content"`
	}{r.Name, r.Failed, r.Content})
}

// askAgain answers a broken line.
func askAgain(word, written, why string) []*providerv1.Message {
	if len(written) > maxQuote {
		written = strings.ToValidUTF8(written[:maxQuote], "") + "…"
	}
	return []*providerv1.Message{
		{Role: providerv1.Role_ROLE_ASSISTANT, Parts: []*providerv1.Part{textPart(strings.TrimSpace(written))}},
		Problem("This " + word + " line can't be used: " + why + ". Nothing from it on was done or shown. Write it again, and what shall follow it."),
	}
}

// askOn answers a reply that neither did anything nor ended the work.
func askOn() []*providerv1.Message {
	return []*providerv1.Message{Problem("Go on: write the next TOOL_CALL line, or FINAL if everything is done.")}
}

// Problem is what a model is told about its use of the protocol, or its plan.
func Problem(text string) *providerv1.Message {
	return &providerv1.Message{Role: providerv1.Role_ROLE_USER, Parts: []*providerv1.Part{
		textPart(strings.TrimSpace(resultLine(&providerv1.ToolResult{Name: "protocol", Content: text, Failed: true}))),
	}}
}

func textPart(text string) *providerv1.Part {
	return &providerv1.Part{Part: &providerv1.Part_Text{Text: text}}
}

// joined adds a part; text goes on with the text before it.
func joined(parts []*providerv1.Part, p *providerv1.Part) []*providerv1.Part {
	if n := len(parts); n > 0 && p.GetText() != "" && parts[n-1].GetText() != "" {
		parts[n-1] = textPart(parts[n-1].GetText() + p.GetText())
		return parts
	}
	return append(parts, p)
}

// line writes a protocol line; v is always something that JSON can hold.
func line(word string, v any) string {
	var b bytes.Buffer
	b.WriteString(word + " ")
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return b.String()
}

// Compact puts JSON on one line; what is no JSON becomes a JSON string.
func Compact(s string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s)); err != nil {
		quoted, _ := json.Marshal(s)
		return string(quoted)
	}
	return b.String()
}
