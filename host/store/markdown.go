package store

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// ExportMarkdown writes a session for people to read: the newest version of each message and answer in its place, those that
// it replaced at the end. Attachments are named, not included.
func (s *Store) ExportMarkdown(ctx context.Context, sessionID string, w io.Writer) error {
	x, err := s.exported(ctx, sessionID)
	if err != nil {
		return err
	}
	m := &markdown{w: w, runs: map[string]*apiv1.Run{}}
	for i := range x.runs {
		p, err := x.runs[i].proto()
		if err != nil {
			return err
		}
		m.runs[p.Id] = p
	}
	m.put("# %s\n", line(x.session.Title))
	m.put("Session %s, begun %s, exported from OpenVibez.\n", x.session.ID, when(x.session.CreatedMS))
	if x.session.SystemPrompt != "" {
		m.put("## System prompt\n")
		m.text(x.session.SystemPrompt)
	}
	shown, replaced := arranged(x.runs)
	for i, id := range slices.Concat(shown, replaced) {
		if i == len(shown) {
			m.put("# Replaced versions\n")
			m.put("These were asked or answered anew; what stands above is the newest.\n")
		}
		err := s.eachEntry(ctx, x, id, func(e *apiv1.Entry) error {
			m.entry(e)
			return m.err
		})
		if err != nil {
			return err
		}
		m.endRun()
	}
	return m.err
}

// arranged gives the runs as people read them: of those that stand in for each other the newest, with all that goes on from
// it, in the place of the first. replaced are the others, oldest first. runs are in the order of their messages.
func arranged(runs []runRow) (shown, replaced []string) {
	head, chain := map[string]string{}, map[string]string{}
	newest, place := map[string]string{}, map[string]int{}
	for i := range runs {
		r := &runs[i]
		head[r.ID], chain[r.ID] = r.ID, r.ID
		if before := r.ContinuesRunID; before != "" {
			head[r.ID], chain[r.ID] = head[before], chain[before]
		} else if before := r.ReplacesRunID; before != "" {
			chain[r.ID] = chain[before]
		}
		c := chain[r.ID]
		if _, known := place[c]; !known {
			place[c] = i
		}
		// A message taken out of the queue stands in for nothing.
		if neverBegan := r.state() == cancelled && r.StartedMS == 0; head[r.ID] == r.ID && (newest[c] == "" || !neverBegan) {
			newest[c] = r.ID
		}
	}
	for i := range runs {
		if id := runs[i].ID; newest[chain[id]] == head[id] {
			shown = append(shown, id)
		} else {
			replaced = append(replaced, id)
		}
	}
	slices.SortStableFunc(shown, func(a, b string) int { return cmp.Compare(place[chain[a]], place[chain[b]]) })
	return shown, replaced
}

// markdown writes until it can't.
type markdown struct {
	w    io.Writer
	err  error
	runs map[string]*apiv1.Run
	// What the last heading was about.
	run, speaker string
}

// put writes a paragraph.
func (m *markdown) put(format string, args ...any) {
	if m.err != nil {
		return
	}
	if _, err := fmt.Fprintf(m.w, format+"\n", args...); err != nil {
		m.err = fmt.Errorf("write the export: %w", err)
	}
}

// line makes text fit one.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }

func when(ms int64) string { return time.UnixMilli(ms).Format("2006-01-02 15:04") }

// text writes Markdown of a person or model. A fence it leaves open is closed, so that it does not swallow what follows.
func (m *markdown) text(text string) {
	text = strings.TrimRight(text, "\n")
	if fence := openFence(text); fence != "" {
		text += "\n" + fence
	}
	m.put("%s\n", text)
}

// openFence gives what would close the code block a text ends in; empty if it ends in none.
func openFence(text string) string {
	open := ""
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimSuffix(l, "\r")
		bare := strings.TrimLeft(l, " ")
		if len(l)-len(bare) > 3 || bare == "" {
			continue
		}
		mark := bare[:len(bare)-len(strings.TrimLeft(bare, bare[:1]))]
		info := bare[len(mark):]
		switch {
		case len(mark) < 3 || mark[0] != '`' && mark[0] != '~':
		case open == "":
			if mark[0] != '`' || !strings.Contains(info, "`") {
				open = mark
			}
		case mark[0] == open[0] && len(mark) >= len(open) && strings.TrimSpace(info) == "":
			open = ""
		}
	}
	return open
}

// code writes a block that nothing in it can end.
func (m *markdown) code(language, text string) {
	longest, n := 2, 0
	for _, r := range text {
		if r != '`' {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	fence := strings.Repeat("`", longest+1)
	m.put("%s%s\n%s\n%s\n", fence, language, strings.TrimRight(text, "\n"), fence)
}

// quote writes text as said aside.
func (m *markdown) quote(head, text string) {
	text = strings.TrimRight(text, "\n")
	if fence := openFence(text); fence != "" {
		text += "\n" + fence
	}
	m.put("> *%s*\n>\n> %s\n", head, strings.ReplaceAll(text, "\n", "\n> "))
}

// span writes a few words as code in a line.
func span(text string) string {
	text = line(text)
	if !strings.Contains(text, "`") {
		return "`" + text + "`"
	}
	fence := "``"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + " " + text + " " + fence
}

// speak writes a heading when somebody else goes on.
func (m *markdown) speak(speaker string, e *apiv1.Entry) {
	if m.run != e.RunId {
		m.endRun()
		m.run, m.speaker = e.RunId, ""
	}
	if m.speaker == speaker {
		return
	}
	m.speaker = speaker
	m.put("## %s, %s\n", line(speaker), when(e.CreatedMs))
}

// endRun says how a run ended that did not simply complete.
func (m *markdown) endRun() {
	r := m.runs[m.run]
	if r == nil || r.State == completed {
		return
	}
	words := stateName(r.State)
	if r.Error.GetMessage() != "" {
		words += ": " + line(r.Error.Message)
	}
	m.put("*[%s]*\n", words)
	m.run = ""
}

func (m *markdown) entry(e *apiv1.Entry) {
	if e.GetTurn() != nil || e.GetUsage() != nil {
		return
	}
	if u := e.GetUser(); u != nil {
		m.speak("You", e)
		m.text(u.Text)
		for _, a := range u.Attachments {
			m.put("- Attachment %s, %s, %d bytes\n", span(a.Name), line(a.MediaType), len(a.Data))
		}
		return
	}
	model := m.runs[e.RunId].GetModel()
	if model == "" {
		model = "Model"
	}
	m.speak(model, e)
	switch body := e.Body.(type) {
	case *apiv1.Entry_Text:
		m.text(body.Text.Text)
	case *apiv1.Entry_Thought:
		m.quote("Thought", body.Thought.Text)
	case *apiv1.Entry_Plan:
		for _, s := range body.Plan.Steps {
			mark := " "
			if s.State == providerv1.Plan_Step_STATE_DONE {
				mark = "x"
			}
			m.put("- [%s] %s", mark, line(s.Text))
		}
		m.put("")
	case *apiv1.Entry_ToolCall:
		m.put("**%s**\n", line(body.ToolCall.Name))
		m.code("json", body.ToolCall.ArgumentsJson)
	case *apiv1.Entry_ToolOutput:
		r := body.ToolOutput.GetResult()
		if words := outcomeWords(body.ToolOutput); words != "" {
			m.put("*%s %s:*\n", line(r.GetName()), words)
		}
		m.code("", r.GetContent())
	case *apiv1.Entry_Action:
		m.put("*%s*\n", line(body.Action.Title))
	case *apiv1.Entry_Question:
		m.put("**Asked:** %s\n", line(body.Question.Text))
		if body.Question.Subject != "" {
			m.code("", body.Question.Subject)
		}
	case *apiv1.Entry_Decision:
		did := "no"
		if body.Decision.Allowed {
			did = "yes"
		}
		m.put("**Answered:** %s (%s)\n", line(strings.Join([]string{did, body.Decision.ChoiceId, body.Decision.Text}, " ")), authorWords(body.Decision.By))
	case *apiv1.Entry_FileChange:
		did := "Changed"
		switch body.FileChange.Kind {
		case apiv1.FileChange_KIND_CREATED:
			did = "Created"
		case apiv1.FileChange_KIND_DELETED:
			did = "Deleted"
		}
		m.put("**%s** %s\n", did, span(body.FileChange.Path))
		if body.FileChange.Diff != "" {
			m.code("diff", body.FileChange.Diff)
		}
	case *apiv1.Entry_Notice:
		m.put("*%s*\n", line(body.Notice.Text))
	case *apiv1.Entry_Summary:
		m.quote("Summary of what came before, for the model", body.Summary.Text)
	}
}

// outcomeWords say how a call ended; empty where it was done.
func outcomeWords(o *apiv1.ToolOutput) string {
	switch o.Outcome {
	case apiv1.ToolOutput_OUTCOME_EXITED:
		return fmt.Sprintf("ended with exit code %d", o.ExitCode)
	case apiv1.ToolOutput_OUTCOME_TIMED_OUT:
		return "took too long and was ended"
	case apiv1.ToolOutput_OUTCOME_FAILED:
		return "failed"
	case apiv1.ToolOutput_OUTCOME_REFUSED:
		return "was not carried out"
	case apiv1.ToolOutput_OUTCOME_DENIED:
		return "was denied"
	case apiv1.ToolOutput_OUTCOME_UNANSWERED:
		return "was not carried out, since nobody answered"
	case apiv1.ToolOutput_OUTCOME_UNAVAILABLE:
		return "is not available"
	case apiv1.ToolOutput_OUTCOME_CANCELLED:
		return "was stopped"
	case apiv1.ToolOutput_OUTCOME_UNKNOWN:
		return "began, and its outcome is unknown"
	}
	return ""
}

func authorWords(by apiv1.Author) string {
	switch by {
	case apiv1.Author_AUTHOR_POLICY:
		return "by policy"
	case apiv1.Author_AUTHOR_RULE:
		return "by a rule"
	case apiv1.Author_AUTHOR_WINDOW:
		return "in the window"
	case apiv1.Author_AUTHOR_CLI:
		return "in a terminal"
	case apiv1.Author_AUTHOR_NOTIFICATION:
		return "in a notification"
	case apiv1.Author_AUTHOR_TIMEOUT:
		return "nobody answered in time"
	case apiv1.Author_AUTHOR_CANCEL:
		return "the run was cancelled"
	case apiv1.Author_AUTHOR_RESTART, apiv1.Author_AUTHOR_END:
		return "the run ended first"
	}
	return "unknown"
}
