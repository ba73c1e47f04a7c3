package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// record is a stream whose events are kept, as one line each.
type record struct {
	*Stream
	mu    sync.Mutex
	lines []string
	last  *providerv1.Event
}

func newRecord(ctx context.Context) *record {
	r := &record{}
	r.Stream = newStream(ctx, "run-1", &questions{}, slog.New(slog.DiscardHandler), func(ev *providerv1.Event) error {
		if _, err := proto.Marshal(ev); err != nil {
			return status.Error(codes.Internal, err.Error())
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.last = ev
		switch e := ev.GetEvent().(type) {
		case *providerv1.Event_Text:
			r.lines = append(r.lines, "text "+e.Text)
		case *providerv1.Event_Thought:
			r.lines = append(r.lines, "thought "+e.Thought)
		case *providerv1.Event_Error:
			r.lines = append(r.lines, "error "+strings.TrimPrefix(e.Error.GetCode().String(), "ERROR_CODE_"))
		default:
			r.lines = append(r.lines, eventName(ev))
		}
		return nil
	})
	return r
}

func (r *record) want(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if got, want := fmt.Sprintf("%q", r.lines), fmt.Sprintf("%q", want); got != want {
		t.Errorf("events:\n got %s\nwant %s", got, want)
	}
}

func TestTextIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(t.Context())
		r.Text("one ")
		r.want(t, "text one ")
		for range 15 {
			time.Sleep(time.Millisecond)
			r.Text("x")
		}
		r.want(t, "text one ")
		time.Sleep(time.Millisecond)
		synctest.Wait()
		r.want(t, "text one ", "text "+strings.Repeat("x", 15))
		time.Sleep(time.Second)
		r.Text("after a pause")
		r.want(t, "text one ", "text "+strings.Repeat("x", 15), "text after a pause")
		r.Done(nil)
		if err := r.finish(nil); err != nil {
			t.Error(err)
		}
	})
}

func TestOtherEventsKeepTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(t.Context())
		r.Thought("hm")
		r.Thought(", so")
		r.Text("a")
		r.Text("b")
		r.Usage(&providerv1.Usage{})
		r.Text("c")
		r.ToolCall(&providerv1.ToolCall{Name: "look"})
		r.Text("d")
		r.Done(nil)
		_ = r.finish(nil)
		r.want(t, "thought hm", "thought , so", "text a", "text b", "usage", "text c", "tool_call", "text d", "done")
		if reason := r.last.GetDone().GetReason(); reason != providerv1.Done_REASON_TOOL_CALLS {
			t.Errorf("done after a tool call says %v", reason)
		}
	})
}

func TestOneEnd(t *testing.T) {
	failure := Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "No key.")
	for name, test := range map[string]struct {
		run     func(s *Stream) error
		want    []string
		dropped string
	}{
		"done":                  {func(s *Stream) error { s.Done(nil); return nil }, []string{"done"}, ""},
		"background":            {func(s *Stream) error { s.Background("h", time.Second); return nil }, []string{"background"}, ""},
		"error":                 {func(*Stream) error { return failure }, []string{"error AUTH"}, ""},
		"wrapped error":         {func(*Stream) error { return fmt.Errorf("ask: %w", failure) }, []string{"error AUTH"}, ""},
		"no end":                {func(s *Stream) error { s.Text("a"); return nil }, []string{"text a", "error PLUGIN"}, ""},
		"done twice":            {func(s *Stream) error { s.Done(nil); s.Done(nil); return nil }, []string{"done"}, "done"},
		"text after the end":    {func(s *Stream) error { s.Done(nil); s.Text("a"); return nil }, []string{"done"}, "text"},
		"error after the end":   {func(s *Stream) error { s.Done(nil); return failure }, []string{"done"}, ""},
		"text and error":        {func(s *Stream) error { s.Text("a"); s.Text("b"); return io.ErrUnexpectedEOF }, []string{"text a", "text b", "error CUT"}, ""},
		"cancelled by nobody":   {func(*Stream) error { return context.Canceled }, []string{"error PLUGIN"}, ""},
		"error that is no text": {func(*Stream) error { return Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "bad \xff") }, []string{"error PROVIDER"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecord(t.Context())
			if err := r.finish(test.run(r.Stream)); err != nil {
				t.Error(err)
			}
			r.want(t, test.want...)
			if got := r.misused(); got != test.dropped {
				t.Errorf("dropped %q, want %q", got, test.dropped)
			}
			r.Text("too late")
			r.want(t, test.want...)
		})
	}
}

func TestSplitAndBrokenRunes(t *testing.T) {
	for name, test := range map[string]struct {
		write func(s *Stream)
		want  string
	}{
		"split":                   {func(s *Stream) { s.Text("5 \xe2\x82"); s.Text("\xac!") }, "5 €!"},
		"byte by byte":            {func(s *Stream) { s.Text("\xf0"); s.Text("\x9f"); s.Text("\x98"); s.Text("\x80") }, "😀"},
		"split around an event":   {func(s *Stream) { s.Text("\xe2\x82"); s.Usage(nil); s.Text("\xac") }, "€"},
		"split around a thought":  {func(s *Stream) { s.Text("\xe2\x82"); s.Thought("t"); s.Text("\xac") }, "€"},
		"never finished":          {func(s *Stream) { s.Text("a\xe2\x82") }, "a\uFFFD"},
		"invalid":                 {func(s *Stream) { s.Text("a\xffb") }, "a\uFFFDb"},
		"invalid continuation":    {func(s *Stream) { s.Text("a\xe2"); s.Text("b") }, "a\uFFFDb"},
		"only continuation bytes": {func(s *Stream) { s.Text("\x80\x80\x80\x80\x80") }, "\uFFFD"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecord(t.Context())
			test.write(r.Stream)
			r.Done(nil)
			if err := r.finish(nil); err != nil {
				t.Fatal(err)
			}
			var got string
			for _, line := range r.lines {
				if text, ok := strings.CutPrefix(line, "text "); ok {
					got += text
				}
			}
			if got != test.want {
				t.Errorf("text %q, want %q", got, test.want)
			}
		})
	}
}

// FuzzDeltas: however text is cut into deltas, what arrives is the text with its invalid bytes replaced.
func FuzzDeltas(f *testing.F) {
	f.Add([]byte("h\xc3\xa9llo 😀 \xff end\xe2\x82"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		r := newRecord(t.Context())
		for rest := text; len(rest) > 0; {
			n := min(len(rest), int(size)+1)
			r.Text(string(rest[:n]))
			rest = rest[n:]
		}
		r.Done(nil)
		_ = r.finish(nil)
		var got string
		for _, line := range r.lines {
			got += strings.TrimPrefix(strings.TrimPrefix(line, "done"), "text ")
		}
		// Runs of invalid bytes may be cut into several, so the number of replacements may differ.
		once := func(s string) string { return string([]rune(strings.ReplaceAll(s, replacement, ""))) }
		if !utf8.ValidString(got) || once(got) != once(strings.ToValidUTF8(string(text), replacement)) {
			t.Errorf("wrote %q, got %q", text, got)
		}
	})
}

func TestLongTextIsCutIntoPieces(t *testing.T) {
	r := newRecord(t.Context())
	long := strings.Repeat("€", longest)
	r.Text(long)
	r.Done(nil)
	_ = r.finish(nil)
	var got strings.Builder
	for _, line := range r.lines[:len(r.lines)-1] {
		piece := strings.TrimPrefix(line, "text ")
		if len(piece) > longest || !utf8.ValidString(piece) {
			t.Fatalf("a piece of %d bytes, valid %v", len(piece), utf8.ValidString(piece))
		}
		got.WriteString(piece)
	}
	if got.String() != long {
		t.Error("the text is not the same after being cut")
	}
}

func TestInvalidUTF8InEveryEvent(t *testing.T) {
	bad := "x\xff"
	r := newRecord(t.Context())
	r.Status(providerv1.Status_KIND_WORKING, bad)
	r.Plan(&providerv1.Plan_Step{Text: bad})
	r.Action(&providerv1.Action{Id: "1", Title: bad, Detail: bad})
	call := &providerv1.ToolCall{Name: "t", ArgumentsJson: bad}
	r.ToolCall(call)
	r.Reference(bad, bad)
	r.Notice(providerv1.Notice_LEVEL_INFO, bad)
	r.Done(&providerv1.Done{Model: bad, ProviderState: []byte(bad)})
	if err := r.finish(nil); err != nil {
		t.Fatal(err)
	}
	r.want(t, "status", "plan", "action", "tool_call", "reference", "notice", "done")
	if got := r.last.GetDone(); got.GetModel() != "x\uFFFD" || string(got.GetProviderState()) != bad {
		t.Errorf("done = %v: strings must be made valid, bytes left alone", got)
	}
	if call.GetArgumentsJson() != bad || call.GetId() != "" {
		t.Error("the caller's message was changed")
	}
}

func TestNilEvents(t *testing.T) {
	r := newRecord(t.Context())
	r.Plan()
	r.Action(nil)
	r.ToolCall(nil)
	r.Usage(nil)
	r.Text("")
	r.Done(nil)
	if err := r.finish(nil); err != nil {
		t.Fatal(err)
	}
	r.want(t, "plan", "action", "tool_call", "usage", "done")
}

func TestCancelDropsQuietly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := newRecord(ctx)
	r.Text("a")
	cancel()
	r.Text("b")
	r.Done(nil)
	if err := r.finish(ctx.Err()); status.Code(err) != codes.Canceled {
		t.Errorf("finish gives %v, want Canceled", err)
	}
	r.want(t, "text a")
	if got := r.misused(); got != "" {
		t.Errorf("what is written after a cancel counts as misuse: %s", got)
	}
}

func TestLostHostStopsTheProvider(t *testing.T) {
	lost := status.Error(codes.Unavailable, "the host hung up")
	s := newStream(t.Context(), "run-1", &questions{}, slog.New(slog.DiscardHandler), func(*providerv1.Event) error { return lost })
	s.Text("a")
	select {
	case <-s.ctx.Done():
	default:
		t.Error("the ctx of Run goes on although the host is gone")
	}
	if err := s.finish(context.Cause(s.ctx)); !errors.Is(err, lost) {
		t.Errorf("finish gives %v", err)
	}
}

func TestAsk(t *testing.T) {
	asked := func(r *record) string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.last.GetQuestion().GetId()
	}
	t.Run("answered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRecord(t.Context())
			go func() {
				synctest.Wait()
				a := &providerv1.AnswerRequest{RunId: "run-1", QuestionId: asked(r), Text: "yes"}
				if r.questions.answer(&providerv1.AnswerRequest{RunId: "other", QuestionId: asked(r)}) {
					t.Error("an answer for another run was taken")
				}
				if !r.questions.answer(a) || r.questions.answer(a) {
					t.Error("the first answer must be taken, the second not")
				}
			}()
			a, err := r.Ask(t.Context(), &providerv1.Question{Text: "May I?"})
			if err != nil || a.GetText() != "yes" {
				t.Errorf("Ask gives %v, %v", a, err)
			}
			r.Done(nil)
			_ = r.finish(nil)
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			r := newRecord(ctx)
			go func() { synctest.Wait(); cancel() }()
			if _, err := r.Ask(t.Context(), nil); !errors.Is(err, context.Canceled) {
				t.Errorf("Ask gives %v, want it cancelled", err)
			}
			if r.questions.answer(&providerv1.AnswerRequest{RunId: "run-1", QuestionId: asked(r)}) {
				t.Error("the question still waits for an answer")
			}
		})
	})
	t.Run("after the end", func(t *testing.T) {
		r := newRecord(t.Context())
		r.Done(nil)
		if _, err := r.Ask(t.Context(), nil); err == nil {
			t.Error("Ask after the end gives no error")
		}
	})
	t.Run("same question twice", func(t *testing.T) {
		q := &questions{}
		if _, _, err := q.expect("r", "q"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := q.expect("r", "q"); err == nil {
			t.Error("a second question with the same id was taken")
		}
	})
}

func TestManyWriters(t *testing.T) {
	r := newRecord(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				r.Text("é")
				r.Thought("z")
				r.Usage(nil)
			}
		})
	}
	wg.Wait()
	r.Done(nil)
	if err := r.finish(nil); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(r.lines, "")
	if e, z, u := strings.Count(all, "é"), strings.Count(all, "z"), strings.Count(all, "usage"); e != 4000 || z != 4000 || u != 4000 {
		t.Errorf("arrived: %d texts, %d thoughts, %d usages; want 4000 of each", e, z, u)
	}
}

// BenchmarkStreamText writes deltas at full speed; sends/op shows how many messages they become.
func BenchmarkStreamText(b *testing.B) {
	for name, delta := range map[string]string{"4B": "abc ", "60B": strings.Repeat("word ", 12)} {
		b.Run(name, func(b *testing.B) {
			sends := 0
			s := newStream(b.Context(), "run-1", &questions{}, slog.New(slog.DiscardHandler), func(*providerv1.Event) error { sends++; return nil })
			b.ReportAllocs()
			for b.Loop() {
				s.Text(delta)
			}
			s.Done(nil)
			_ = s.finish(nil)
			b.ReportMetric(float64(sends)/float64(b.N), "sends/op")
		})
	}
}
