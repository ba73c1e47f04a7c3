package sdktest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// turn is what a Run gave.
type turn struct {
	events  []*providerv1.Event
	err     error // nil: the stream was closed in order
	trailer metadata.MD
}

// request is a turn that says the messages, the last of which is the person's.
func (k *kit) request(model string, messages ...*providerv1.Message) *providerv1.RunRequest {
	return &providerv1.RunRequest{
		RunId: "run-" + strings.ToLower(rand.Text()[:16]), Connection: k.Connection, Model: model,
		Messages: messages, Options: &providerv1.Options{}, Purpose: providerv1.Purpose_PURPOSE_CHAT,
	}
}

func said(role providerv1.Role, text string) *providerv1.Message {
	return &providerv1.Message{Role: role, Parts: []*providerv1.Part{{Part: &providerv1.Part_Text{Text: text}}}}
}

// run carries out a turn to its end and answers its questions with a no. each, if not nil, is told how many events
// there are, from 0 on.
func (s *subject) run(ctx context.Context, req *providerv1.RunRequest, each func(n int)) turn {
	if each == nil {
		each = func(int) {}
	}
	var t turn
	stream, err := s.client.Run(ctx, req)
	if err != nil {
		t.err = err
		return t
	}
	for {
		each(len(t.events))
		ev, err := stream.Recv()
		if err != nil {
			t.trailer = stream.Trailer()
			if !errors.Is(err, io.EOF) {
				t.err = err
			}
			return t
		}
		t.events = append(t.events, ev)
		if q := ev.GetQuestion(); q != nil {
			if _, err := s.client.Answer(ctx, refusal(req.GetRunId(), q)); err != nil {
				t.err = fmt.Errorf("answer question %q: %w", q.GetId(), err)
				return t
			}
		}
	}
}

// refusal is the answer to a question that permits nothing.
func refusal(runID string, q *providerv1.Question) *providerv1.AnswerRequest {
	a := &providerv1.AnswerRequest{RunId: runID, QuestionId: q.GetId()}
	for _, c := range q.GetChoices() {
		if !c.GetAllows() {
			a.ChoiceId = c.GetId()
			return a
		}
	}
	if len(q.GetChoices()) > 0 {
		a.ChoiceId = q.GetChoices()[0].GetId()
	} else {
		a.Text = "no"
	}
	return a
}

func isEnd(ev *providerv1.Event) bool {
	return ev.GetDone() != nil || ev.GetError() != nil || ev.GetBackground() != nil
}

func (t turn) end() *providerv1.Event {
	for _, ev := range t.events {
		if isEnd(ev) {
			return ev
		}
	}
	return nil
}

func (t turn) text() string {
	var b strings.Builder
	for _, ev := range t.events {
		b.WriteString(ev.GetText())
	}
	return b.String()
}

func (t turn) calls() (n int) {
	for _, ev := range t.events {
		if ev.GetToolCall() != nil {
			n++
		}
	}
	return n
}

// order checks the rules for every turn, whole or broken off: what an event must hold, and that nothing follows an end.
func (t turn) order() (problems []string) {
	bad := func(i int, format string, args ...any) {
		problems = append(problems, fmt.Sprintf("event %d: ", i+1)+fmt.Sprintf(format, args...))
	}
	ended := 0
	calls := map[string]bool{}
	for i, ev := range t.events {
		if ended > 0 {
			bad(i, "comes after the end, which was event %d: %v", ended, ev)
			continue
		}
		if isEnd(ev) {
			ended = i + 1
		}
		switch e := ev.GetEvent().(type) {
		case nil:
			bad(i, "is empty or not of this protocol")
		case *providerv1.Event_Text:
			if e.Text == "" {
				bad(i, "is a text delta without text")
			}
		case *providerv1.Event_Thought:
			if e.Thought == "" {
				bad(i, "is a thought delta without text")
			}
		case *providerv1.Event_ToolCall:
			if id := e.ToolCall.GetId(); id == "" || calls[id] {
				bad(i, "is a tool call whose id %q is empty or was used before", id)
			}
			calls[e.ToolCall.GetId()] = true
			if e.ToolCall.GetName() == "" || !isObject(e.ToolCall.GetArgumentsJson()) {
				bad(i, "is a tool call without name, or whose arguments are no JSON object: %v", e.ToolCall)
			}
		case *providerv1.Event_Action:
			if e.Action.GetId() == "" || e.Action.GetTitle() == "" {
				bad(i, "is an action without id or title")
			}
		case *providerv1.Event_Notice:
			if e.Notice.GetText() == "" {
				bad(i, "is a notice without text")
			}
		case *providerv1.Event_Question:
			if e.Question.GetId() == "" || e.Question.GetText() == "" {
				bad(i, "is a question without id or text")
			}
		case *providerv1.Event_Done:
			reason := e.Done.GetReason()
			if reason == providerv1.Done_REASON_UNSPECIFIED {
				bad(i, "is a done without a reason")
			}
			if (len(calls) > 0) != (reason == providerv1.Done_REASON_TOOL_CALLS) && reason != providerv1.Done_REASON_LENGTH {
				bad(i, "says %v after %d tool calls", reason, len(calls))
			}
		case *providerv1.Event_Background:
			if e.Background.GetHandle() == "" {
				bad(i, "leaves work in the background without a handle to find it again")
			}
		case *providerv1.Event_Error:
			for _, p := range typed(e.Error) {
				bad(i, "%s", p)
			}
		}
	}
	if late := t.trailer.Get(sdk.TrailerDropped); len(late) > 0 {
		problems = append(problems, "the provider wrote events after the end of the turn: "+strings.Join(late, ","))
	}
	return problems
}

// whole checks a turn that nobody broke off.
func (t turn) whole() []string {
	problems := t.order()
	if t.err != nil {
		problems = append(problems, "the stream broke: "+t.err.Error())
	}
	if t.end() == nil {
		problems = append(problems, fmt.Sprintf("the stream of %d events has no end: no done, error or background", len(t.events)))
	}
	return problems
}

// answered checks a turn that must have worked.
func (t turn) answered() []string {
	problems := t.whole()
	end := t.end()
	if e := end.GetError(); e != nil {
		problems = append(problems, fmt.Sprintf("the turn ended with %v: %s (%s)", e.GetCode(), e.GetMessage(), e.GetDetail()))
	}
	if end.GetBackground() != nil {
		problems = append(problems, "the work was left in the background although options.background is not set")
	}
	if end.GetDone() != nil && strings.TrimSpace(t.text()) == "" && t.calls() == 0 {
		problems = append(problems, "the answer is empty: neither text nor a tool call")
	}
	if t.calls() > 0 {
		problems = append(problems, "a tool was called although none was offered")
	}
	return problems
}

// typed checks that an error says what it must.
func typed(e *providerv1.Error) (problems []string) {
	if _, known := providerv1.ErrorCode_name[int32(e.GetCode())]; !known || e.GetCode() == providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED {
		problems = append(problems, fmt.Sprintf("the error has no code of this protocol: %v", e))
	}
	if !strings.Contains(strings.TrimSpace(e.GetMessage()), " ") {
		problems = append(problems, fmt.Sprintf("the error has no words for a person: %v", e))
	}
	if strings.HasPrefix(e.GetDetail(), "panic: ") {
		problems = append(problems, "the provider panicked: "+e.GetDetail())
	}
	return problems
}

func isObject(s string) bool {
	var o map[string]any
	return json.Unmarshal([]byte(s), &o) == nil && o != nil
}
