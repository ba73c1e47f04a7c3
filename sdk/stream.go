package sdk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Text is gathered for at most window, or until there is enough of it, and sent in pieces of at most longest bytes.
const (
	window  = 16 * time.Millisecond
	enough  = 64 << 10
	longest = 256 << 10
)

// part is one of the two kinds of text.
type part int

const (
	noPart part = iota - 1
	textPart
	thoughtPart
)

// Stream writes the events of one turn. It may be used from many goroutines; events arrive in the order of the calls.
//
// Text and thoughts are sent at once when they begin and then gathered for about 16 ms; any other event first sends what
// is gathered. A rune may be split over two deltas. What is not valid UTF-8 becomes U+FFFD.
//
// A turn has one end: Done, Background, or the error that Run returns. What is written after it is dropped, logged, and
// found by sdktest. When the host is slow, calls wait for it. When ctx of the turn is cancelled, calls return at once
// and drop what they are given, so a provider need only watch ctx where it waits for something itself.
type Stream struct {
	ctx       context.Context // of the turn; also ends when the host is gone or Run has returned
	cancel    context.CancelCauseFunc
	caller    context.Context // of the call alone: tells a cancel by the host
	runID     string
	send      func(*providerv1.Event) error
	questions *questions
	log       *slog.Logger

	mu      sync.Mutex
	part    part
	bufs    [2][]byte // by part; between calls a part not under way holds at most an unfinished rune
	flushed time.Time
	timer   *time.Timer
	armed   bool
	called  bool // a tool call was written
	ended   bool
	closed  bool  // Run has returned
	failed  error // of send
	dropped []string
}

func newStream(ctx context.Context, runID string, q *questions, log *slog.Logger, send func(*providerv1.Event) error) *Stream {
	s := &Stream{caller: ctx, runID: runID, send: send, questions: q, log: log, part: noPart}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	return s
}

// Status says what the provider is busy with. It replaces the status before it and is not kept.
func (s *Stream) Status(kind providerv1.Status_Kind, text string) {
	s.emit(&providerv1.Event{Event: &providerv1.Event_Status{Status: &providerv1.Status{Kind: kind, Text: text}}}, false)
}

// Text adds to the answer.
func (s *Stream) Text(delta string) { s.add(textPart, delta) }

// Thought adds to the model's thinking, or to the summary of it.
func (s *Stream) Thought(delta string) { s.add(thoughtPart, delta) }

// Plan is the whole plan as it stands; it replaces the plan before it.
func (s *Stream) Plan(steps ...*providerv1.Plan_Step) {
	s.emit(&providerv1.Event{Event: &providerv1.Event_Plan{Plan: &providerv1.Plan{Steps: steps}}}, false)
}

// Action is something the provider itself did or is doing. A later one with the same id replaces an earlier one; an
// empty id is made up.
func (s *Stream) Action(a *providerv1.Action) {
	a = proto.CloneOf(a)
	if a.GetId() == "" {
		a = orNew(a)
		a.Id = newID("action")
	}
	s.emit(&providerv1.Event{Event: &providerv1.Event_Action{Action: a}}, false)
}

// ToolCall is one complete call of a tool of the host. An empty id is made up, empty arguments are an empty object.
func (s *Stream) ToolCall(c *providerv1.ToolCall) {
	c = orNew(proto.CloneOf(c))
	if c.GetId() == "" {
		c.Id = newID("call")
	}
	if strings.TrimSpace(c.GetArgumentsJson()) == "" {
		c.ArgumentsJson = "{}"
	}
	s.emit(&providerv1.Event{Event: &providerv1.Event_ToolCall{ToolCall: c}}, false)
}

// Usage says what the turn used as a whole. The last one counts.
func (s *Stream) Usage(u *providerv1.Usage) {
	s.emit(&providerv1.Event{Event: &providerv1.Event_Usage{Usage: orNew(u)}}, false)
}

// Reference says what the provider calls this turn. Write it as soon as it is known; either may be empty.
func (s *Stream) Reference(requestID, responseID string) {
	s.emit(&providerv1.Event{Event: &providerv1.Event_Reference{Reference: &providerv1.Reference{RequestId: requestID, ResponseId: responseID}}}, false)
}

// Notice tells the person something that is not part of the answer.
func (s *Stream) Notice(level providerv1.Notice_Level, text string) {
	s.emit(&providerv1.Event{Event: &providerv1.Event_Notice{Notice: &providerv1.Notice{Level: level, Text: text}}}, false)
}

// Ask puts a question to the person and waits for the answer, however long it takes. An empty id is made up. It ends
// with an error when ctx or the turn does. A provider that asks lists FEATURE_ANSWER in Describe.
func (s *Stream) Ask(ctx context.Context, q *providerv1.Question) (*providerv1.AnswerRequest, error) {
	q = orNew(proto.CloneOf(q))
	if q.GetId() == "" {
		q.Id = newID("question")
	}
	answer, forget, err := s.questions.expect(s.runID, q.GetId())
	if err != nil {
		return nil, err
	}
	defer forget()
	if !s.emit(&providerv1.Event{Event: &providerv1.Event_Question{Question: q}}, false) {
		if err := context.Cause(s.ctx); err != nil {
			return nil, err
		}
		return nil, errors.New("ask a question after the turn's end")
	}
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.ctx.Done():
		return nil, context.Cause(s.ctx)
	}
}

// Done ends the turn: the model has answered. Nil will do: a reason that is not set becomes TOOL_CALLS after a tool
// call, else STOP.
func (s *Stream) Done(d *providerv1.Done) {
	d = orNew(proto.CloneOf(d))
	if d.GetReason() == providerv1.Done_REASON_UNSPECIFIED {
		s.mu.Lock()
		d.Reason = providerv1.Done_REASON_STOP
		if s.called {
			d.Reason = providerv1.Done_REASON_TOOL_CALLS
		}
		s.mu.Unlock()
	}
	s.emit(&providerv1.Event{Event: &providerv1.Event_Done{Done: d}}, true)
}

// Background ends the stream of a turn whose work goes on at the provider. The handle is all that Poll and
// CancelBackground will get; after is how long to wait before the first look, 0 leaves that to the host.
func (s *Stream) Background(handle string, after time.Duration) {
	b := &providerv1.Background{Handle: handle, PollAfterMs: max(0, after.Milliseconds())}
	s.emit(&providerv1.Event{Event: &providerv1.Event_Background{Background: b}}, true)
}

// add gathers a delta.
func (s *Stream) add(p part, delta string) {
	if delta == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open(p.String()) {
		return
	}
	begins := s.part != p
	if begins {
		s.flush()
		s.part = p
	}
	s.bufs[p] = append(s.bufs[p], delta...)
	wait := window - time.Since(s.flushed)
	if begins || wait <= 0 || len(s.bufs[p]) >= enough {
		s.flush()
		return
	}
	if !s.armed {
		s.armed = true
		if s.timer == nil {
			s.timer = time.AfterFunc(wait, s.tick)
		} else {
			s.timer.Reset(wait)
		}
	}
}

// tick sends what was gathered in a window.
func (s *Stream) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	if !s.ended && !s.closed {
		s.flush()
	}
}

// emit sends an event that is not text and reports whether it went out.
func (s *Stream) emit(ev *providerv1.Event, end bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open(eventName(ev)) {
		return false
	}
	s.flush()
	if end {
		s.flushRest()
	}
	ev = validUTF8(ev)
	if size := proto.Size(ev); size > MaxMessageBytes {
		s.failed = &tooLargeError{eventName(ev), size}
		s.cancel(s.failed)
		return false
	}
	if !s.write(ev) {
		return false
	}
	s.called = s.called || ev.GetToolCall() != nil
	s.ended = end
	return true
}

// open reports whether anything may still be written, and remembers what was written too late.
func (s *Stream) open(what string) bool {
	if s.ctx.Err() != nil && !s.ended {
		return false
	}
	if !s.ended && !s.closed {
		return true
	}
	if s.caller.Err() == nil && len(s.dropped) < 8 {
		s.dropped = append(s.dropped, what)
		s.log.Error("drop an event written after the end of the turn", "run", s.runID, "event", what)
	}
	return false
}

// flush sends the gathered text up to its last whole rune.
func (s *Stream) flush() {
	if s.part == noPart {
		return
	}
	buf := s.bufs[s.part]
	n := len(buf) - unfinished(buf)
	if n == 0 {
		return
	}
	s.writeText(s.part, buf[:n])
	s.bufs[s.part] = append(buf[:0], buf[n:]...)
	s.flushed = time.Now()
}

// flushRest sends runes that were never finished, as U+FFFD.
func (s *Stream) flushRest() {
	for _, p := range []part{thoughtPart, textPart} {
		if len(s.bufs[p]) > 0 {
			s.writeText(p, s.bufs[p])
			s.bufs[p] = nil
		}
	}
}

func (s *Stream) writeText(p part, b []byte) {
	text := strings.ToValidUTF8(string(b), replacement)
	for text != "" {
		piece := text
		if len(piece) > longest {
			piece = piece[:longest-unfinished([]byte(piece[longest-utf8.UTFMax:longest]))]
		}
		text = text[len(piece):]
		if p == thoughtPart {
			s.write(&providerv1.Event{Event: &providerv1.Event_Thought{Thought: piece}})
		} else {
			s.write(&providerv1.Event{Event: &providerv1.Event_Text{Text: piece}})
		}
	}
}

func (s *Stream) write(ev *providerv1.Event) bool {
	if s.failed != nil || s.ctx.Err() != nil {
		return false
	}
	if err := s.send(ev); err != nil {
		s.failed = err
		s.cancel(err)
		return false
	}
	return true
}

// finish ends the turn after Run has returned err, and gives what the call itself returns.
func (s *Stream) finish(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.cancel(errors.New("the turn has ended"))
	defer func() {
		s.closed = true
		if s.timer != nil {
			s.timer.Stop()
		}
	}()
	if s.caller.Err() != nil {
		return status.FromContextError(s.caller.Err()).Err()
	}
	if s.ended {
		if err != nil {
			s.log.Warn("drop the error returned after the end of the turn", "run", s.runID, "error", err)
		}
		return nil
	}
	var tooLarge *tooLargeError
	if errors.As(s.failed, &tooLarge) {
		return s.send(endOf(tooLarge))
	}
	end := endOf(err)
	s.flush()
	s.flushRest()
	if s.failed != nil {
		return s.failed
	}
	return s.send(end)
}

// tooLargeError is an event that does not fit a message.
type tooLargeError struct {
	event string
	size  int
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("The plugin wrote a %s of %d MiB; the limit is %d MiB.", e.event, e.size>>20, MaxMessageBytes>>20)
}

// endOf is the error event for a turn that Run left without an end.
func endOf(err error) *providerv1.Event {
	var (
		typed    *Error
		tooLarge *tooLargeError
	)
	e := Classify(err)
	switch {
	case err == nil:
		e = Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin ended without saying done. This is a mistake in the plugin; the text so far is kept.")
	case errors.As(err, &tooLarge):
		e = Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "%w", tooLarge)
	case !errors.As(err, &typed) && e.Code() == providerv1.ErrorCode_ERROR_CODE_CANCELLED:
		e = Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin stopped its own work although nobody cancelled it.").WithDetail(err.Error())
	}
	return &providerv1.Event{Event: &providerv1.Event_Error{Error: e.wire()}}
}

func (p part) String() string {
	if p == thoughtPart {
		return "thought"
	}
	return "text"
}

// eventName is the event's field in the protocol.
func eventName(ev *providerv1.Event) string {
	m := ev.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); f != nil {
		return string(f.Name())
	}
	return "nothing"
}

// orNew is m, or an empty message in place of nil.
func orNew[T any](m *T) *T {
	if m == nil {
		return new(T)
	}
	return m
}

func newID(kind string) string {
	return kind + "_" + strings.ToLower(rand.Text()[:16])
}
