package run

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// How much is kept of a tool's output that is shortened, in bytes: of older ones, and of the newest.
const (
	keptOfOld = 2000
	keptOfNew = 12000
	// maxRounds bounds how often one request is made smaller.
	maxRounds = 4
)

// fitting is how a run's requests are made to fit the model's window.
type fitting struct {
	// Which tool outputs are shortened: those of earlier runs, those before the last calls, all.
	level int
	// What has been said about that.
	said int
	// The provider has found a request too long, and a request may have at most so many tokens since.
	refused bool
	limit   int64
}

// fit makes the next turn's request, and makes it smaller where it would not fit into the model's window: first the
// outputs of tools are shortened, then the oldest entries are summarised. The journal keeps everything, and says what
// the model does not see.
func (x *execution) fit(ctx context.Context) (*providerv1.RunRequest, error) {
	on, err := x.desk.summariesOn(ctx)
	if err != nil {
		return nil, err
	}
	for round := 0; ; round++ {
		m, err := x.gather(ctx)
		if err != nil {
			return nil, err
		}
		window, answer, err := x.window(ctx)
		if err != nil {
			return nil, err
		}
		limit := window - answer
		if x.fitting.limit > 0 && (window == 0 || x.fitting.limit < limit) {
			limit = x.fitting.limit
		}
		journal := summarised(m.journal, on)
		req, list, shortened := x.shorten(m, journal, limit)
		if limit <= 0 || x.tokens(size(req)) <= limit {
			return req, x.sayShortened(ctx, shortened)
		}
		newest := lastMessage(list)
		alone := x.tokens(size(x.build(m, list[newest:min(newest+1, len(list))])))
		if alone > max(window, limit) {
			return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG,
				"this message is too long for %s: with what goes along it has about %d tokens, and there is room for about %d. Shorten it or its attachments, or choose a model with more context",
				x.run.Model, alone, max(window, limit))
		}
		from, to := old(list, newest, func(n int64) bool { return x.tokens(n) <= (limit-alone)/2 })
		if on && from < to && round < maxRounds {
			if err := x.summarise(ctx, list[from:to], limit); err != nil {
				return nil, err
			}
			continue
		}
		if estimate := x.tokens(size(req)); !on && (x.fitting.refused || estimate > window+window/4) {
			return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG,
				"the conversation is too long for %s: it has about %d tokens, and there is room for about %d. Let older messages be summarised (`openvibez settings set summaries true`), begin a new conversation, or choose a model with more context",
				x.run.Model, estimate, limit)
		}
		// It is an estimate: the provider knows.
		return x.build(m, list), x.sayShortened(ctx, shortened)
	}
}

// shorten makes a request in which tool outputs are shortened as far as it takes, and no further.
func (x *execution) shorten(m *material, journal []*apiv1.Entry, limit int64) (req *providerv1.RunRequest, list []*apiv1.Entry, shortened int) {
	for {
		list, shortened = x.shortened(journal)
		req = x.build(m, list)
		if limit <= 0 || x.tokens(size(req)) <= limit || x.fitting.level == 3 {
			return req, list, shortened
		}
		x.fitting.level++
	}
}

// beside tells of entries that may stand between the outputs of calls.
func beside(e *apiv1.Entry) bool {
	switch e.Body.(type) {
	case *apiv1.Entry_Notice, *apiv1.Entry_Summary, *apiv1.Entry_Question, *apiv1.Entry_Decision, *apiv1.Entry_FileChange, *apiv1.Entry_Plan:
		return true
	}
	return false
}

// shortened is the journal with the tool outputs shortened that the level says, and how many those are.
func (x *execution) shortened(journal []*apiv1.Entry) ([]*apiv1.Entry, int) {
	if x.fitting.level == 0 {
		return journal, 0
	}
	// The outputs at the end are what the model asked for last.
	last := len(journal)
	for last > 0 && (journal[last-1].GetToolOutput() != nil || beside(journal[last-1])) {
		last--
	}
	n := 0
	journal = slices.Clone(journal)
	for i, e := range journal {
		keep := keptOfOld
		switch {
		case e.GetToolOutput() == nil:
			continue
		case i >= last && x.fitting.level < 3, e.RunId == x.run.Id && x.fitting.level < 2:
			continue
		case i >= last:
			keep = keptOfNew
		}
		result := e.GetToolOutput().GetResult()
		if len(result.GetContent()) <= keep+keep/4 {
			continue
		}
		n++
		cut := proto.CloneOf(e)
		cut.GetToolOutput().Result.Content = headAndTail(result.Content, keep)
		journal[i] = cut
	}
	return journal, n
}

// headAndTail keeps about so many bytes of a text, half at each end.
func headAndTail(text string, keep int) string {
	head, tail := keep/2, len(text)-keep/2
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return fmt.Sprintf("%s\n[… %d bytes left out to fit your context window …]\n%s", text[:head], tail-head, text[tail:])
}

// sayShortened tells the person that the model does not see everything.
func (x *execution) sayShortened(ctx context.Context, n int) error {
	if n <= x.fitting.said {
		return nil
	}
	x.fitting.said = n
	what := "One output of a tool is"
	if n > 1 {
		what = fmt.Sprintf("%d outputs of tools are", n)
	}
	return x.note(ctx, fmt.Sprintf("%s shortened for %s, to fit its window. Here everything is kept.", what, x.run.Model))
}

// note appends words for the person. It is no part of an answer: the turn may still be tried again.
func (x *execution) note(ctx context.Context, text string) error {
	return x.record(ctx, false, notice(text))
}

// lastMessage is where the message stands that the run answers.
func lastMessage(journal []*apiv1.Entry) int {
	for i := len(journal) - 1; i >= 0; i-- {
		if m := journal[i].GetUser(); m != nil && len(userParts(m)) > 0 {
			return i
		}
	}
	return 0
}

// old finds the entries to summarise, from and to: what is before the newest message, or if that is nothing but a summary,
// the older of the work on it. What fits says may stay is kept, if a place to cut is found for that.
func old(journal []*apiv1.Entry, newest int, fits func(bytes int64) bool) (from, to int) {
	cuts := cuttable(journal)
	// What each entry and all behind it weigh.
	behind := make([]int64, len(journal)+1)
	for i := len(journal) - 1; i >= 0; i-- {
		behind[i] = behind[i+1] + weight(journal[i])
	}
	cut := func(from, to int) (int, int) {
		for i := from + 1; i < to; i++ {
			if cuts[i] && fits(behind[i]) {
				return from, i
			}
		}
		return from, to
	}
	said := slices.ContainsFunc(journal[:newest], func(e *apiv1.Entry) bool { return e.GetSummary() == nil && weight(e) > 0 })
	if said {
		return cut(0, newest)
	}
	// The calls made last and their results stay in any case.
	last := max(len(journal)-1, newest+1)
	for last > newest+1 && !cuts[last] {
		last--
	}
	return cut(newest+1, last)
}

// cuttable tells before which entries a journal may be cut: before messages, and where work with tools goes on after the
// results of all calls so far.
func cuttable(journal []*apiv1.Entry) []bool {
	cuts := make([]bool, len(journal))
	open := map[string]bool{}
	results := false
	for i, e := range journal {
		switch body := e.Body.(type) {
		case *apiv1.Entry_User:
			cuts[i] = i > 0 && len(userParts(body.User)) > 0
			clear(open)
			results = false
		case *apiv1.Entry_ToolOutput:
			delete(open, body.ToolOutput.GetResult().GetCallId())
			results = true
		case *apiv1.Entry_Text, *apiv1.Entry_Thought, *apiv1.Entry_ToolCall:
			cuts[i] = results && len(open) == 0
			results = false
			if call := e.GetToolCall(); call != nil {
				open[call.Id] = true
			}
		}
	}
	return cuts
}
