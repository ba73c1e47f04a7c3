package run

import (
	"context"
	"slices"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/run/textcalls"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// material is what requests of a run are made of.
type material struct {
	system  string
	journal []*apiv1.Entry
	options *providerv1.Options
	tools   []*providerv1.Tool
	// The model needs no text protocol.
	native bool
}

// gather reads what the next turn's request is made of.
func (x *execution) gather(ctx context.Context) (*material, error) {
	e := x.desk
	session, err := x.session, error(nil)
	if x.session = nil; session == nil {
		if session, err = e.know.Session(ctx, x.run.SessionId); err != nil {
			return nil, err
		}
	}
	m := &material{system: session.SystemPrompt}
	if m.journal, err = e.know.History(ctx, x.run.SessionId, x.run.Id); err != nil {
		return nil, err
	}
	if m.options, err = e.options(ctx, x.run); err != nil {
		return nil, err
	}
	if m.native, err = e.native(ctx, x.run); err != nil {
		return nil, err
	}
	w, err := e.workplace(ctx, session)
	if err != nil {
		return nil, err
	}
	window, _, err := x.window(ctx)
	if err != nil {
		return nil, err
	}
	if x.run.Options.GetBackground() {
		// Nobody is there to carry out its calls.
		m.native = true
		return m, nil
	}
	if m.tools = e.toolsFor(w, m.native, window, m.journal); len(m.tools) == 0 {
		m.native = true
	} else if w != nil {
		m.system = strings.TrimSpace(w.words() + "\n\n" + m.system)
	}
	if w != nil && w.workspace != nil {
		m.system = strings.TrimSpace(w.workspace.SystemPrompt + "\n\n" + m.system)
	}
	return m, nil
}

// build makes the next turn's request of a journal, in the order the model shall see it. The tools go along where the
// model has the capability; one that has not is told them in words, and x.filter will read its answer.
func (x *execution) build(m *material, journal []*apiv1.Entry) *providerv1.RunRequest {
	x.filter = nil
	req := &providerv1.RunRequest{RunId: x.run.Id, Model: x.run.Model, Options: m.options, Purpose: providerv1.Purpose_PURPOSE_CHAT}
	if m.native {
		req.Tools = m.tools
		req.Messages = withCorrection(messages(m.system, x.provider.Id, journal), x.correction)
		return req
	}
	_, plan := textcalls.Plans(m.journal)
	journal, _ = textcalls.Plans(journal)
	system := strings.TrimSpace(m.system) + "\n\n" + textcalls.Tools(m.tools)
	req.Messages = withCorrection(textcalls.Calls(messages(system, x.provider.Id, journal)), x.correction)
	x.filter = textcalls.New(plan, x.corrections)
	return req
}

// native tells whether the run's model needs no text protocol: it has tools of its own, or there are none.
func (e *desk) native(ctx context.Context, r *apiv1.Run) (bool, error) {
	if len(e.tools()) == 0 {
		return true, nil
	}
	m, err := e.know.Model(ctx, r.ProviderId, r.Model)
	return slices.Contains(m.GetModel().GetCapabilities(), providerv1.Capability_CAPABILITY_TOOLS), err
}

// messages turns a session's journal, in the order the model shall see it, into what a provider is sent.
func messages(system, providerID string, journal []*apiv1.Entry) []*providerv1.Message {
	var out []*providerv1.Message
	if system = strings.TrimSpace(system); system != "" {
		out = append(out, &providerv1.Message{
			Role:  providerv1.Role_ROLE_SYSTEM,
			Parts: []*providerv1.Part{{Part: &providerv1.Part_Text{Text: system}}},
		})
	}
	b := builder{out: out}
	for _, e := range journal {
		switch body := e.Body.(type) {
		case *apiv1.Entry_User:
			if parts := userParts(body.User); len(parts) > 0 {
				b.add(e.RunId, providerv1.Role_ROLE_USER, parts...)
			} else {
				b.goOn(e.RunId)
			}
		case *apiv1.Entry_Text:
			b.add(e.RunId, providerv1.Role_ROLE_ASSISTANT, &providerv1.Part{Part: &providerv1.Part_Text{Text: body.Text.Text}})
		case *apiv1.Entry_Thought:
			b.add(e.RunId, providerv1.Role_ROLE_ASSISTANT, &providerv1.Part{Part: &providerv1.Part_Thought{Thought: body.Thought.Text}})
		case *apiv1.Entry_Summary:
			b.add("", providerv1.Role_ROLE_USER, textPart(summaryHead+body.Summary.Text))
		case *apiv1.Entry_ToolCall:
			b.add(e.RunId, providerv1.Role_ROLE_ASSISTANT, &providerv1.Part{Part: &providerv1.Part_ToolCall{ToolCall: body.ToolCall}})
		case *apiv1.Entry_ToolOutput:
			b.add(e.RunId, providerv1.Role_ROLE_TOOL, &providerv1.Part{Part: &providerv1.Part_ToolResult{ToolResult: body.ToolOutput.Result}})
		case *apiv1.Entry_Turn:
			b.closeTurn(body.Turn, providerID)
		}
	}
	return answered(b.out)
}

// answered adds a result to each tool call that has none, since providers refuse a history without them: a turn that
// broke off had its calls never carried out.
func answered(in []*providerv1.Message) []*providerv1.Message {
	results := map[string]bool{}
	for _, m := range in {
		for _, p := range m.Parts {
			if r := p.GetToolResult(); r != nil {
				results[r.CallId] = true
			}
		}
	}
	var out []*providerv1.Message
	for _, m := range in {
		out = append(out, m)
		var missing []*providerv1.Part
		for _, p := range m.Parts {
			if c := p.GetToolCall(); c != nil && !results[c.Id] {
				missing = append(missing, &providerv1.Part{Part: &providerv1.Part_ToolResult{ToolResult: &providerv1.ToolResult{
					CallId: c.Id, Name: c.Name, Content: "This call was not carried out.", Failed: true,
				}}})
			}
		}
		if missing != nil {
			out = append(out, &providerv1.Message{Role: providerv1.Role_ROLE_TOOL, Parts: missing})
		}
	}
	return out
}

// What a model is told that was interrupted: in its answer, or in its work with tools.
const (
	goOnAnswer = "Your answer was cut off before it was complete. Go on exactly where it stopped, as if there had been no break: repeat nothing of it, begin nothing anew, and do not mention this."
	goOnWork   = "You were interrupted in the middle of this work. Go on with it. Where the outcome of a call is unknown, it may or may not have taken effect: find out before you make it again. Commands may have changed files that you read earlier: read them again before you rely on them."
)

// builder joins neighbouring parts of one turn into one message.
type builder struct {
	out []*providerv1.Message
	// The run and turn the last message belongs to; a closed turn takes no more parts.
	run    string
	closed bool
}

func (b *builder) add(runID string, role providerv1.Role, parts ...*providerv1.Part) {
	if n := len(b.out); n > 0 && !b.closed && b.run == runID && b.out[n-1].Role == role {
		last := b.out[n-1]
		for _, p := range parts {
			last.Parts = appendPart(last.Parts, p)
		}
		return
	}
	b.out = append(b.out, &providerv1.Message{Role: role, Parts: parts})
	b.run, b.closed = runID, false
}

// goOn begins a run that goes on from the one before: without words where nothing of an answer had come.
func (b *builder) goOn(runID string) {
	words := ""
	if n := len(b.out); n > 0 {
		switch b.out[n-1].Role {
		case providerv1.Role_ROLE_ASSISTANT:
			words = goOnAnswer
		case providerv1.Role_ROLE_TOOL:
			words = goOnWork
		}
	}
	if words != "" {
		b.add(runID, providerv1.Role_ROLE_USER, textPart(words))
	}
}

func (b *builder) closeTurn(t *apiv1.Turn, providerID string) {
	b.closed = true
	if n := len(b.out); n > 0 && b.out[n-1].Role == providerv1.Role_ROLE_ASSISTANT && t.ProviderId == providerID {
		b.out[n-1].ProviderState = t.ProviderState
	}
}

// appendPart joins text that was cut in the journal only because a message was queued while it was being written.
func appendPart(parts []*providerv1.Part, p *providerv1.Part) []*providerv1.Part {
	if n := len(parts); n > 0 {
		switch next := p.Part.(type) {
		case *providerv1.Part_Text:
			if last, ok := parts[n-1].Part.(*providerv1.Part_Text); ok {
				parts[n-1] = &providerv1.Part{Part: &providerv1.Part_Text{Text: last.Text + next.Text}}
				return parts
			}
		case *providerv1.Part_Thought:
			if last, ok := parts[n-1].Part.(*providerv1.Part_Thought); ok {
				parts[n-1] = &providerv1.Part{Part: &providerv1.Part_Thought{Thought: last.Thought + next.Thought}}
				return parts
			}
		}
	}
	return append(parts, p)
}

func userParts(m *apiv1.UserMessage) []*providerv1.Part {
	var parts []*providerv1.Part
	if m.Text != "" {
		parts = append(parts, &providerv1.Part{Part: &providerv1.Part_Text{Text: m.Text}})
	}
	for _, a := range m.Attachments {
		if strings.HasPrefix(a.MediaType, "image/") {
			parts = append(parts, &providerv1.Part{Part: &providerv1.Part_Image{Image: a}})
			continue
		}
		parts = append(parts, &providerv1.Part{Part: &providerv1.Part_File{File: a}})
	}
	return parts
}
