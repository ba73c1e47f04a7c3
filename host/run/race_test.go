package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// at once lets all functions begin together and waits for them.
func together(fs ...func()) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, f := range fs {
		all.Go(func() {
			<-start
			f()
		})
	}
	close(start)
	all.Wait()
}

func TestSendFiftyTimes(t *testing.T) {
	b := newBench(t)
	for _, session := range []string{"", b.send("", "say first").Session.Id} {
		ids := make([]string, 50)
		var fs []func()
		for i := range ids {
			fs = append(fs, func() {
				res, err := b.engine.Send(t.Context(), &apiv1.SendRequest{SessionId: session, ClientRequestId: "the same" + session, Text: "say once", Provider: "Scripted"}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = res.Run.Id
			})
		}
		together(fs...)
		if slices.Sort(ids); len(slices.Compact(ids)) != 1 {
			t.Errorf("one message became the runs %v", slices.Compact(ids))
			continue
		}
		b.end(ids[0])
		// In its end too, it stays the same.
		res, err := b.engine.Send(t.Context(), &apiv1.SendRequest{SessionId: session, ClientRequestId: "the same" + session, Text: "say once", Provider: "Scripted"}, nil)
		if err != nil || res.Run.Id != ids[0] {
			t.Errorf("sent once more: %v, %v", res, err)
		}
	}
}

// Whatever a person does to a run while it ends by itself, and in which order, it has one end, and everything that was
// accepted has one too.
func TestAllOrders(t *testing.T) {
	b := newBench(t)
	names := []string{"cancel", "retry", "continue", "cancel again"}
	n := 0
	for order := range permutations(names) {
		for _, prompt := range []string{"slow 3 1", "say begun\nslow 100000 5"} {
			n++
			res := b.send("", prompt)
			var mu sync.Mutex
			accepted := []*apiv1.Run{res.Run}
			act := func(name string) {
				var r *apiv1.Run
				var err error
				switch name {
				case "retry":
					var out *apiv1.RetryResponse
					out, err = b.engine.Retry(t.Context(), &apiv1.RetryRequest{RunId: res.Run.Id, ClientRequestId: fmt.Sprint("r", n)})
					r = out.GetRun()
				case "continue":
					var out *apiv1.ContinueResponse
					out, err = b.engine.Continue(t.Context(), &apiv1.ContinueRequest{RunId: res.Run.Id, ClientRequestId: fmt.Sprint("c", n)})
					r = out.GetRun()
				default:
					_, err = b.engine.Cancel(t.Context(), res.Run.Id)
					if err != nil {
						t.Errorf("cancel: %v", err)
					}
				}
				if r != nil {
					mu.Lock()
					accepted = append(accepted, r)
					mu.Unlock()
				} else if err != nil && !strings.Contains(err.Error(), "not ended") && !strings.Contains(err.Error(), "complete") && !strings.Contains(err.Error(), "never began") {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n%2 == 0 {
				for _, name := range order {
					act(name)
				}
			} else {
				var fs []func()
				for _, name := range order {
					fs = append(fs, func() { act(name) })
				}
				together(fs...)
			}
			for _, r := range accepted[1:] {
				if _, err := b.engine.Cancel(t.Context(), r.Id); err != nil {
					t.Error(err)
				}
			}
			for _, r := range accepted {
				b.end(r.Id)
			}
		}
	}
	if err := b.store.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}

func permutations(of []string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		var next func(done, left []string) bool
		next = func(done, left []string) bool {
			if len(left) == 0 {
				return yield(done)
			}
			for i := range left {
				if !next(append(slices.Clone(done), left[i]), slices.Concat(left[:i], left[i+1:])) {
					return false
				}
			}
			return true
		}
		next(nil, of)
	}
}

func TestManyDecideAtOnce(t *testing.T) {
	b := newBench(t)
	for range 5 {
		res := b.send("", "question may I?\nsay after")
		b.state(res.Run.Id, apiv1.RunState_RUN_STATE_WAITING_APPROVAL)
		asked, err := b.store.RunApprovals(t.Context(), res.Run.Id)
		if err != nil || len(asked) != 1 {
			t.Fatalf("%d questions, %v", len(asked), err)
		}
		var mu sync.Mutex
		var won []string
		var fs []func()
		for i := range 8 {
			fs = append(fs, func() {
				choice := asked[0].Question.Choices[i%2].Id
				_, err := b.engine.Decide(t.Context(), &apiv1.DecideRequest{ApprovalId: asked[0].Id, ChoiceId: choice}, apiv1.Author_AUTHOR_WINDOW)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, choice)
				} else if !errors.Is(err, store.ErrDecided) {
					t.Error(err)
				}
			})
		}
		together(fs...)
		if len(won) != 1 {
			t.Fatalf("%d answers won", len(won))
		}
		r := b.wantEnd(res.Run, completed, noError)
		if got := b.answer(r); !strings.Contains(got, "answered "+won[0]) {
			t.Errorf("the provider heard %q, and %q had won", got, won[0])
		}
	}
}

// watcher follows a session as clients do: from any revision on, and until it is told to leave.
type watcher struct {
	entries map[int64]*apiv1.Entry
	rev     int64
}

func (w *watcher) look(ctx context.Context, s *store.Store, session string) error {
	for {
		changes, rev, err := s.Changes(ctx, store.ChangesQuery{After: w.rev, SessionID: session, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_ENTRIES}, Limit: 7})
		if err != nil {
			return err
		}
		for _, c := range changes {
			e := c.GetEntry()
			maps.DeleteFunc(w.entries, func(seq int64, _ *apiv1.Entry) bool { return seq >= e.GetSeq() && seq <= e.GetLastSeq() })
			w.entries[e.GetSeq()] = e
		}
		w.rev = rev
		if len(changes) < 7 {
			return nil
		}
	}
}

func (w *watcher) text() string {
	var s strings.Builder
	for _, seq := range slices.Sorted(maps.Keys(w.entries)) {
		s.WriteString(w.entries[seq].GetText().GetText() + w.entries[seq].GetChunk().GetText())
	}
	return s.String()
}

func TestWatchersJoinAndLeave(t *testing.T) {
	b := newBench(t)
	res := b.send("", "slow 300 2")
	var watching sync.WaitGroup
	for i := range 12 {
		watching.Go(func() {
			w := &watcher{entries: map[int64]*apiv1.Entry{}}
			for looked := 0; ; looked++ {
				changed := b.store.Changed()
				r, err := b.store.Run(context.Background(), res.Run.Id)
				if err == nil {
					err = w.look(context.Background(), b.store, res.Session.Id)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if r.EndedMs != 0 {
					break
				}
				if i%3 == 0 && looked%5 == 4 {
					// It left, and comes back knowing nothing.
					w = &watcher{entries: map[int64]*apiv1.Entry{}}
				}
				// Some look at every change, others rarely.
				for range i {
					<-changed
					changed = b.store.Changed()
					if r, err := b.store.Run(context.Background(), res.Run.Id); err != nil || r.EndedMs != 0 {
						break
					}
				}
			}
			if err := w.look(context.Background(), b.store, res.Session.Id); err != nil {
				t.Error(err)
			}
			if got, want := w.text(), b.answer(res.Run); got != want {
				t.Errorf("watcher %d has %d bytes of text, the journal %d", i, len(got), len(want))
			}
		})
	}
	b.wantEnd(res.Run, completed, noError)
	watching.Wait()
}

// Cancel does not wait for a plugin that hears nothing, and closes the provider's connection in its place.
func TestCancelClosesTheConnection(t *testing.T) {
	b := newBench(t)
	came, gone := make(chan struct{}, 10), make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	defer server.Close()
	p, err := b.store.AddProvider(t.Context(), &apiv1.Provider{Plugin: "scripted", Name: "Far", BaseUrl: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for _, prompt := range []string{"fetch /hang", "say begun\nfetch /hang", "fetch-deaf /hang"} {
		res, err := b.engine.Send(t.Context(), &apiv1.SendRequest{ClientRequestId: prompt, Text: prompt, Provider: p.Id}, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-came
		if r, err := b.engine.Cancel(t.Context(), res.Run.Id); err != nil || r.State != cancelled {
			t.Errorf("cancel of %q: %v, %v", prompt, r, err)
		}
		<-gone
		if strings.HasPrefix(prompt, "say") && strings.TrimSpace(b.answer(res.Run)) != "begun" {
			t.Errorf("the text so far is %q", b.answer(res.Run))
		}
	}
}

func TestMalformedEvents(t *testing.T) {
	b := newBench(t)
	p, err := b.store.AddProvider(t.Context(), &apiv1.Provider{Plugin: "raw", Name: "Raw", DefaultModel: "any"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.SyncModels(t.Context(), p.Id, []*providerv1.Model{{Id: "any"}}); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		prompt, text string
		state        apiv1.RunState
		code         providerv1.ErrorCode
	}{
		{"text a\nnothing\ntext b\ndone", "ab", completed, noError},
		{"text a\nlarge", "a", failed, providerv1.ErrorCode_ERROR_CODE_PLUGIN},
		{"text a\nerror", "a", failed, providerv1.ErrorCode_ERROR_CODE_PLUGIN},
		{"text a", "a", failed, providerv1.ErrorCode_ERROR_CODE_PLUGIN},
		{"text a\ndone\ntext late\ndone\nerror", "a", completed, noError},
		{"done", "", failed, providerv1.ErrorCode_ERROR_CODE_EMPTY},
	} {
		res, err := b.engine.Send(t.Context(), &apiv1.SendRequest{ClientRequestId: fmt.Sprint("raw", i), Text: tt.prompt, Provider: p.Id}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := b.end(res.Run.Id)
		if r.State != tt.state || r.Error.GetCode() != tt.code || b.answer(r) != tt.text {
			t.Errorf("%q ended as %v with %v and the text %q", tt.prompt, r.State, r.Error, b.answer(r))
		}
	}
}

// Tools are not run again, and nothing that came is repeated, when the turn after them has to be tried again.
func TestRetriedTurnRepeatsNothing(t *testing.T) {
	b := newBench(t)
	res, err := b.engine.Send(t.Context(), &apiv1.SendRequest{
		ClientRequestId: "again", Text: "say before\ntool look {}\nafter the tool\nonce error OVERLOADED\nsay after", Provider: "Scripted", Model: "remote",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := b.wantEnd(res.Run, completed, noError)
	calls, outputs := 0, 0
	for _, e := range b.entries(r.SessionId) {
		if e.GetToolCall() != nil {
			calls++
		}
		if e.GetToolOutput() != nil {
			outputs++
		}
	}
	if calls != 1 || outputs != 1 || b.answer(r) != "before\nafter\n" {
		t.Errorf("%d calls, %d outputs, text %q", calls, outputs, b.answer(r))
	}
}

// A limit is waited out to its end, over a restart, and shows until when.
func TestLimitOverARestartKeepsItsTime(t *testing.T) {
	b := newBench(t)
	res := b.send("", "once error RATE_LIMITED 3000\nsay after")
	before := b.state(res.Run.Id, apiv1.RunState_RUN_STATE_WAITING_LIMIT)
	b.close()
	b.open()
	after, err := b.store.Run(t.Context(), res.Run.Id)
	if err != nil || after.ResumeMs != before.ResumeMs {
		t.Errorf("it was to go on at %d, and is at %d: %v", before.ResumeMs, after.GetResumeMs(), err)
	}
	r := b.wantEnd(res.Run, completed, noError)
	if r.EndedMs < before.ResumeMs {
		t.Errorf("it went on %d ms early", before.ResumeMs-r.EndedMs)
	}
	if time.UnixMilli(before.ResumeMs).Before(time.UnixMilli(before.CreatedMs).Add(3 * time.Second)) {
		t.Error("it was not left alone for as long as the provider asked")
	}
}
