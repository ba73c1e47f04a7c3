package main

import (
	"strings"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// kind of a piece of an answer.
type kind byte

const (
	textKind kind = iota
	thoughtKind
	refusalKind
)

// place is where in an answer a piece belongs: the item, and the piece's index in it.
type place struct {
	kind  kind
	item  string
	index int
}

// answer shows an answer as it comes. It knows how much of each piece was shown, so that what got lost on the way can be
// made good when the whole piece comes.
type answer struct {
	t      *turn
	pieces map[place]*strings.Builder
	closed map[place]bool // pieces that were shown as a whole
	last   place
	into   *strings.Builder
	// what was shown of any piece
	said, thought, refused bool
	ends                   [2]byte // last byte of text and thought
	calls                  map[string]bool
}

func newAnswer(t *turn) *answer {
	return &answer{t: t, pieces: map[place]*strings.Builder{}, closed: map[place]bool{}, calls: map[string]bool{}}
}

// add shows more of a piece.
func (a *answer) add(at place, delta string) {
	if delta == "" {
		return
	}
	if a.into == nil || a.last != at {
		if a.closed[at] {
			return
		}
		a.last, a.into = at, a.pieces[at]
		if a.into == nil {
			a.into = &strings.Builder{}
			a.pieces[at] = a.into
			a.separate(at.kind)
		}
	}
	a.into.WriteString(delta)
	a.t.begun = true
	if at.kind == thoughtKind {
		a.thought = true
		a.ends[1] = delta[len(delta)-1]
		a.t.stream.Thought(delta)
		return
	}
	if !a.said {
		a.said = strings.TrimSpace(delta) != ""
	}
	a.refused = a.refused || at.kind == refusalKind
	a.ends[0] = delta[len(delta)-1]
	a.t.stream.Text(delta)
}

// separate begins a new paragraph after an earlier piece.
func (a *answer) separate(k kind) {
	switch {
	case k == thoughtKind && a.ends[1] != 0 && a.ends[1] != '\n':
		a.t.stream.Thought("\n\n")
	case k != thoughtKind && a.ends[0] != 0 && a.ends[0] != '\n':
		a.t.stream.Text("\n\n")
	}
}

// complete shows what is missing of a piece that is now known as a whole.
func (a *answer) complete(at place, whole string) {
	shown := ""
	if into := a.pieces[at]; into != nil {
		shown = into.String()
	}
	if rest, ok := strings.CutPrefix(whole, shown); ok {
		a.add(at, rest)
	}
	a.closed[at], a.into = true, nil
}

// settle is complete for a piece from the end of an answer, where servers other than OpenAI may number items anew: a piece
// that was shown is known by its text, too.
func (a *answer) settle(at place, whole string) {
	if a.pieces[at] == nil {
		for other, shown := range a.pieces {
			if other.kind == at.kind && shown.String() == whole {
				return
			}
			if other.kind == at.kind && !a.closed[other] && strings.HasPrefix(whole, shown.String()) {
				at = other
			}
		}
	}
	a.complete(at, whole)
}

// call shows a call of a tool, once.
func (a *answer) call(id, name, arguments string) {
	if a.calls[id] {
		return
	}
	a.calls[id] = true
	a.t.begun = true
	a.t.stream.ToolCall(&providerv1.ToolCall{Id: id, Name: name, ArgumentsJson: object(arguments)})
}

// usage is told as soon as it is known.
func (a *answer) usage(u *providerv1.Usage) {
	if u != nil {
		a.t.stream.Usage(u)
	}
}

// finish ends the turn: with done, or with an error where there is nothing to show.
func (a *answer) finish(done *providerv1.Done) error {
	a.t.watch.End()
	model := a.t.req.GetModel()
	nothing := !a.said && len(a.calls) == 0
	switch reason := done.GetReason(); {
	case reason == providerv1.Done_REASON_CONTENT_FILTER && (nothing || len(a.calls) > 0):
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CONTENT_FILTERED, "%s held the answer back because of its content rules. Change the message and try again.", a.t.client.name())
	case nothing && reason == providerv1.Done_REASON_LENGTH && a.thought:
		return empty("%s was still thinking when it came to the output limit, so there is no answer. Allow more output or less reasoning, then try again.", model)
	case nothing && reason == providerv1.Done_REASON_LENGTH:
		return empty("%s came to the output limit before it said anything. Allow more output or less reasoning, then try again.", model)
	case nothing && a.thought:
		return empty("%s only thought and gave no answer. Try again, or ask for less reasoning.", model)
	case nothing:
		return empty("%s answered nothing at all. Try again, rephrase, or choose another model.", model)
	}
	if a.refused {
		a.t.note(providerv1.Notice_LEVEL_WARNING, model+" refused to answer this.")
	}
	a.t.tellNotes()
	if done.GetModel() == model {
		done.Model = ""
	}
	a.t.stream.Done(done)
	return nil
}

func empty(format string, args ...any) error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_EMPTY, format, args...)
}
