package run

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// summaryText tells a model how to summarise; the conversation follows.
//
//go:embed summary.md
var summaryText string

const (
	// summaryHead goes before a summary where it stands in for entries.
	summaryHead = "Summary of what was said and done before, made because it did not fit any more:\n\n"
	// maxPieces bounds how many calls one summary takes.
	maxPieces = 6
	// leastRoom is how much of the conversation each call is shown at least, in bytes.
	leastRoom = 600
	// leastShown is what a model is shown of every entry at least, in bytes.
	leastShown = 300
)

// summariesOn tells whether the setting "summaries" lets older entries be summarised; it does unless it is false.
func (e *desk) summariesOn(ctx context.Context) (bool, error) {
	value, err := e.know.Setting(ctx, setting.Summaries)
	return setting.On(setting.Summaries, value), err
}

// summarised puts the journal's summaries in the place of what they cover, newest first. One whose entries are not all
// there, or that another run has come between since, is passed over: what it tells is not what the model is to know.
func summarised(journal []*apiv1.Entry, on bool) []*apiv1.Entry {
	var summaries, rest []*apiv1.Entry
	for _, e := range journal {
		if e.GetSummary() == nil {
			rest = append(rest, e)
		} else if on {
			summaries = append(summaries, e)
		}
	}
	slices.SortFunc(summaries, func(x, y *apiv1.Entry) int { return cmp.Compare(y.Seq, x.Seq) })
	for _, s := range summaries {
		from := slices.IndexFunc(rest, func(e *apiv1.Entry) bool { return e.GetSummary() == nil && e.Seq == s.GetSummary().FirstSeq })
		until := slices.IndexFunc(rest, func(e *apiv1.Entry) bool { return e.GetSummary() == nil && e.LastSeq == s.GetSummary().UntilSeq })
		if from < 0 || until < from || slices.ContainsFunc(rest[from:until+1], func(e *apiv1.Entry) bool { return e.Seq > s.Seq }) {
			continue
		}
		rest = slices.Concat(rest[:from], []*apiv1.Entry{s}, rest[until+1:])
	}
	return rest
}

// summarise lets the run's model put entries into fewer words and keeps those in the journal. Requests are to have at most
// limit tokens.
func (x *execution) summarise(ctx context.Context, entries []*apiv1.Entry, limit int64) error {
	e := x.desk
	x.say("summarising earlier messages")
	x.status = ""
	// The summary gets a tenth of the room, in tokens; a word has about six bytes.
	words := max(limit/14, 40)
	most := 8 * words
	room := max(int64(float64(limit)*0.85/e.learned.ratio(x.run))-int64(len(summaryText))-most, leastRoom)
	var text string
	used := &providerv1.Usage{}
	for _, piece := range pieces(entries, room) {
		prompt := fmt.Sprintf(summaryText, words)
		if text != "" {
			prompt += "\n\nWhat came before this part, already summarised:\n\n" + text
		}
		prompt += "\n\nThe conversation:\n\n" + piece
		x.sent = int64(len(prompt))
		answer, usage, err := e.ask(ctx, x.provider, &providerv1.RunRequest{
			RunId: "summary-" + x.run.Id, Model: x.run.Model, Purpose: providerv1.Purpose_PURPOSE_SUMMARY,
			Messages: []*providerv1.Message{{Role: providerv1.Role_ROLE_USER, Parts: []*providerv1.Part{textPart(prompt)}}},
		}, int(most))
		addUsage(used, usage)
		if err == nil && strings.TrimSpace(answer) == "" {
			err = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_EMPTY,
				"the conversation no longer fits into the window of %s, and it gave no summary of what came before; try again, or begin a new conversation", x.run.Model)
		}
		if err != nil {
			return errors.Join(err, x.countUsage(ctx, used))
		}
		if text = strings.TrimSpace(answer); int64(len(text)) > most {
			// What goes on for longer than asked would not fit again.
			text = strings.ToValidUTF8(text[:most], "") + "…"
		}
	}
	first, last := entries[0], entries[len(entries)-1]
	s := &apiv1.Summary{Text: text, FirstSeq: first.Seq, UntilSeq: last.LastSeq}
	if old := first.GetSummary(); old != nil {
		s.FirstSeq = old.FirstSeq
	}
	if old := last.GetSummary(); old != nil {
		s.UntilSeq = old.UntilSeq
	}
	added := []*apiv1.Entry{{Body: &apiv1.Entry_Summary{Summary: s}}}
	if used.InputTokens+used.OutputTokens > 0 {
		added = append(added, &apiv1.Entry{Body: &apiv1.Entry_Usage{Usage: used}})
	}
	added = append(added, notice(fmt.Sprintf("What was said before does not fit into the window of %s any more and is summarised for it. Here everything is kept.", x.run.Model)))
	if err := x.record(ctx, true, added...); err != nil {
		return err
	}
	x.say("")
	return nil
}

func (x *execution) countUsage(ctx context.Context, u *providerv1.Usage) error {
	if u.InputTokens+u.OutputTokens == 0 {
		return nil
	}
	return x.write.patiently(ctx, func(st *store.Store) error {
		return st.CountUsage(context.WithoutCancel(ctx), x.run.Id, x.run.Model, u)
	})
}

func addUsage(sum, u *providerv1.Usage) {
	sum.InputTokens += u.GetInputTokens()
	sum.OutputTokens += u.GetOutputTokens()
	sum.CachedInputTokens += u.GetCachedInputTokens()
	sum.ReasoningTokens += u.GetReasoningTokens()
	sum.Estimated = sum.Estimated || u.GetEstimated()
}

// pieces puts entries into words, in parts of at most room bytes. Where there would be too many parts, the longest words
// lose their middle.
func pieces(entries []*apiv1.Entry, room int64) []string {
	var lines []string
	for _, e := range entries {
		if line := inOneLine(e); line != "" {
			lines = append(lines, line)
		}
	}
	most := max(int(room*maxPieces)/max(len(lines), 1), leastShown)
	var parts []string
	var part strings.Builder
	for _, line := range lines {
		if longest := min(most, int(room)); len(line) > longest+longest/4 {
			line = headAndTail(line, longest)
		}
		if part.Len() > 0 && int64(part.Len()+len(line)) > room {
			parts = append(parts, part.String())
			part.Reset()
		}
		part.WriteString(line + "\n\n")
	}
	return append(parts, part.String())
}

func inOneLine(e *apiv1.Entry) string {
	switch body := e.Body.(type) {
	case *apiv1.Entry_User:
		line := body.User.Text
		for _, a := range body.User.Attachments {
			line += fmt.Sprintf(" [attached: %s, %s]", a.Name, a.MediaType)
		}
		if line != "" {
			return "Person: " + line
		}
	case *apiv1.Entry_Text:
		return "Assistant: " + body.Text.Text
	case *apiv1.Entry_ToolCall:
		return "Assistant called the tool " + body.ToolCall.Name + " with " + body.ToolCall.ArgumentsJson
	case *apiv1.Entry_ToolOutput:
		return "The tool answered: " + headOnly(body.ToolOutput.GetResult().GetContent())
	case *apiv1.Entry_Summary:
		return "Summary of what came before: " + body.Summary.Text
	}
	return ""
}

func headOnly(text string) string {
	if len(text) <= keptOfOld {
		return text
	}
	return headAndTail(text, keptOfOld)
}

// ask lets a model answer beside a run's own turns; at most most bytes of the answer are taken.
func (e *desk) ask(ctx context.Context, p *apiv1.Provider, req *providerv1.RunRequest, most int) (string, *providerv1.Usage, error) {
	t, err := e.providers.Run(ctx, p, req)
	if err != nil {
		return "", nil, err
	}
	defer t.Close()
	var answer strings.Builder
	var usage *providerv1.Usage
	for {
		ev, err := t.Recv()
		if errors.Is(err, io.EOF) {
			return answer.String(), usage, nil
		}
		if err != nil {
			return "", usage, err
		}
		if failure := ev.GetError(); failure != nil {
			return "", usage, &sdk.Error{Proto: failure}
		}
		if u := ev.GetUsage(); u != nil {
			usage = u
		}
		if answer.Len() < most {
			answer.WriteString(ev.GetText())
		}
	}
}
