package store

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

var everyState = []apiv1.RunState{queued, running, waitingApproval, waitingLimit, waitingBackground, paused, completed, failed, cancelled, interrupted}

// runIn makes a run in a session of its own and brings it to a state, leaving open text, a tool call without a result
// and, where it waits for approval, a question.
func wait(t testing.TB, s *Store, runID string, state apiv1.RunState) (*apiv1.Run, error) {
	if state == waitingBackground {
		return s.LeaveRunning(t.Context(), runID, "handle", time.UnixMilli(77), "until later")
	}
	return s.Wait(t.Context(), runID, state, time.UnixMilli(77), "until later")
}

func runIn(t testing.TB, s *Store, state apiv1.RunState) *apiv1.Run {
	t.Helper()
	run := send(t, s, "", "please")
	if state == queued {
		return run
	}
	run = must[*apiv1.Run](t)(s.StartRun(t.Context(), run.Id))
	must[[]*apiv1.Entry](t)(s.Append(t.Context(), run.Id, true, toolCall("call")))
	chunk(t, s, run.Id, "so far")
	var err error
	switch state {
	case running:
	case waitingApproval:
		_, err = s.Ask(t.Context(), run.Id, &apiv1.Approval{Question: &providerv1.Question{Id: "q", Text: "may I?"}, Why: "it writes"})
	case waitingLimit, waitingBackground, paused:
		_, err = wait(t, s, run.Id, state)
	default:
		_, err = s.EndRun(t.Context(), run.Id, End{State: state})
	}
	if err != nil {
		t.Fatal(err)
	}
	run = must[*apiv1.Run](t)(s.Run(t.Context(), run.Id))
	if run.State != state {
		t.Fatalf("run is %v, want %v", run.State, state)
	}
	return run
}

func TestRecover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	s := openAt(t, path)
	runs := map[apiv1.RunState]*apiv1.Run{}
	for _, state := range everyState {
		runs[state] = runIn(t, s, state)
	}
	marked := runIn(t, s, running)
	must[*apiv1.Run](t)(s.RequestCancel(t.Context(), marked.Id))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if n := must[int](t)(s.Recover(t.Context())); n != 3 {
		t.Errorf("%d runs ended, want 3", n)
	}
	for state, before := range runs {
		after := must[*apiv1.Run](t)(s.Run(t.Context(), before.Id))
		if after.State != AfterRestart(state) {
			t.Errorf("%v became %v", state, after.State)
		}
		if Final(after.State) != (after.EndedMs > 0) || (after.State == interrupted && state != interrupted) != (after.Error != nil) {
			t.Errorf("%v: %v", state, after)
		}
		if state == waitingLimit && (after.ResumeMs != 77 || after.Status != "until later") {
			t.Errorf("waiting: %v", after)
		}
	}
	wantJournal(t, s, runs[running].SessionId, "1-1:user(please) 2-2:*apiv1.Entry_ToolCall 3-3:text(so far) 4-4:output(call,false)")
	wantJournal(t, s, runs[waitingApproval].SessionId, "1-1:user(please) 2-2:*apiv1.Entry_ToolCall 3-3:text(so far) 4-4:*apiv1.Entry_Question 5-5:decision(AUTHOR_RESTART,false) 6-6:output(call,false)")
	wantJournal(t, s, runs[waitingLimit].SessionId, "1-1:user(please) 2-2:*apiv1.Entry_ToolCall 3-3:text(so far)")
	if got := must[*apiv1.Run](t)(s.Run(t.Context(), marked.Id)); got.State != cancelled || got.Error != nil {
		t.Errorf("marked run: %v", got)
	}
	open := must[[]*apiv1.Run](t)(s.OpenRuns(t.Context()))
	if len(open) != 4 {
		t.Errorf("%d open runs", len(open))
	}
	if n := must[int](t)(s.Recover(t.Context())); n != 0 {
		t.Errorf("a second recovery ended %d runs", n)
	}
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRequestCancel(t *testing.T) {
	s := fresh(t)
	for _, state := range everyState {
		run := runIn(t, s, state)
		got := must[*apiv1.Run](t)(s.RequestCancel(t.Context(), run.Id))
		if got.State != AfterCancel(state) || got.CancelRequested == Final(state) {
			t.Errorf("%v became %v", state, got)
		}
		rev := s.Rev()
		again := must[*apiv1.Run](t)(s.RequestCancel(t.Context(), run.Id))
		if again.State != got.State || Final(got.State) && s.Rev() != rev {
			t.Errorf("%v again: %v", state, again)
		}
		if state == running {
			end := must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed}))
			if end.State != completed {
				t.Errorf("the end that came first: %v", end)
			}
		}
	}
	_, err := s.RequestCancel(t.Context(), "nope")
	wantErr(t, err, ErrNotFound)
}

func TestMoves(t *testing.T) {
	s := fresh(t)
	for _, from := range everyState {
		for _, to := range []apiv1.RunState{completed, failed, cancelled, interrupted} {
			run := runIn(t, s, from)
			got, err := s.EndRun(t.Context(), run.Id, End{State: to, Error: &providerv1.Error{Code: providerv1.ErrorCode_ERROR_CODE_AUTH, Message: "no key"}})
			switch {
			case Final(from):
				wantErr(t, err, ErrEnded)
				if got.GetState() != from {
					t.Errorf("ended %v came back as %v", from, got)
				}
			case Allowed(from, to):
				if err != nil || got.State != to || got.Error.GetMessage() != "no key" || got.Status != "" {
					t.Errorf("%v to %v: %v, %v", from, to, got, err)
				}
			default:
				wantErr(t, err, ErrConflict, stateName(from))
			}
		}
		for _, to := range []apiv1.RunState{waitingLimit, waitingBackground, paused} {
			run := runIn(t, s, from)
			_, err := wait(t, s, run.Id, to)
			if (err == nil) != Allowed(from, to) {
				t.Errorf("%v to %v: %v", from, to, err)
			}
		}
		run := runIn(t, s, from)
		_, err := s.Resume(t.Context(), run.Id)
		if (err == nil) != (from == waitingLimit || from == paused) {
			t.Errorf("resume %v: %v", from, err)
		}
		run = runIn(t, s, from)
		_, err = s.StartRun(t.Context(), run.Id)
		if (err == nil) != (from == queued) {
			t.Errorf("start %v: %v", from, err)
		}
	}
	run := send(t, s, "", "x")
	wantErr(t, s.AppendChunk(t.Context(), run.Id, apiv1.Chunk_KIND_TEXT, "x"), ErrConflict)
	wantErr(t, s.AppendChunk(t.Context(), run.Id, 0, "x"), ErrInvalid)
	_, err := s.EndRun(t.Context(), run.Id, End{State: running})
	wantErr(t, err, ErrInvalid)
	_, err = s.Wait(t.Context(), run.Id, running, time.Time{}, "")
	wantErr(t, err, ErrInvalid)
	_, err = s.Append(t.Context(), run.Id, false, &apiv1.Entry{})
	wantErr(t, err, ErrInvalid)
}

func TestWaitingOfAMarkedRun(t *testing.T) {
	s := fresh(t)
	for _, to := range []apiv1.RunState{waitingLimit, paused, waitingBackground} {
		run := runIn(t, s, running)
		must[*apiv1.Run](t)(s.RequestCancel(t.Context(), run.Id))
		got, err := wait(t, s, run.Id, to)
		if to == waitingBackground {
			if err != nil || got.State != to || !got.CancelRequested {
				t.Errorf("%v: %v, %v", to, got, err)
			}
			continue
		}
		wantErr(t, err, ErrEnded)
		if got.GetState() != cancelled {
			t.Errorf("%v: %v", to, got)
		}
	}
	run := runIn(t, s, running)
	must[*apiv1.Run](t)(s.RequestCancel(t.Context(), run.Id))
	_, err := s.Ask(t.Context(), run.Id, &apiv1.Approval{Question: &providerv1.Question{}})
	wantErr(t, err, ErrEnded)
}

func TestOneRunAtATime(t *testing.T) {
	s := fresh(t)
	a := started(t, s, "", "a")
	b := send(t, s, a.SessionId, "b")
	c := send(t, s, a.SessionId, "c")
	_, err := s.StartRun(t.Context(), b.Id)
	wantErr(t, err, ErrConflict, "under way")
	must[*apiv1.Run](t)(s.Wait(t.Context(), a.Id, waitingLimit, time.UnixMilli(5), ""))
	_, err = s.StartRun(t.Context(), b.Id)
	wantErr(t, err, ErrConflict)
	must[*apiv1.Run](t)(s.RequestCancel(t.Context(), a.Id))
	must[*apiv1.Run](t)(s.RequestCancel(t.Context(), b.Id))
	if got := must[*apiv1.Run](t)(s.NextQueued(t.Context(), a.SessionId)); got.Id != c.Id {
		t.Errorf("next: %v", got)
	}
	must[*apiv1.Run](t)(s.StartRun(t.Context(), c.Id))
	if got, err := s.NextQueued(t.Context(), a.SessionId); got != nil || err != nil {
		t.Errorf("next of none: %v, %v", got, err)
	}
	if all := must[[]*apiv1.Run](t)(s.SessionRuns(t.Context(), a.SessionId)); len(all) != 3 || all[2].Id != c.Id {
		t.Errorf("runs: %v", all)
	}
	if err := s.SetReference(t.Context(), c.Id, "req", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.SetReference(t.Context(), c.Id, "", "res"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetStatus(t.Context(), c.Id, "thinking"); err != nil {
		t.Fatal(err)
	}
	if got := must[*apiv1.Run](t)(s.Run(t.Context(), c.Id[:10])); got.RequestId != "req" || got.ResponseId != "res" || got.Status != "thinking" {
		t.Errorf("run: %v", got)
	}
}

func TestApprovals(t *testing.T) {
	s := fresh(t)
	run := runIn(t, s, running)
	ask := func(id string) *apiv1.Approval {
		t.Helper()
		return must[*apiv1.Approval](t)(s.Ask(t.Context(), run.Id, &apiv1.Approval{Question: &providerv1.Question{Id: id, Text: "may I?"}, Why: "why", Profile: apiv1.Profile_PROFILE_WORK, ExpiresMs: 9}))
	}
	state := func() apiv1.RunState {
		t.Helper()
		return must[*apiv1.Run](t)(s.Run(t.Context(), run.Id)).State
	}
	one, two := ask("one"), ask("two")
	if got := must[*apiv1.Approval](t)(s.Approval(t.Context(), one.Id)); got.State != pending || got.Question.Text != "may I?" || got.Profile != apiv1.Profile_PROFILE_WORK || got.ExpiresMs != 9 {
		t.Errorf("approval: %v", got)
	}
	got := must[*apiv1.Approval](t)(s.Decide(t.Context(), one.Id, &apiv1.Decision{ChoiceId: "yes", Allowed: true, By: apiv1.Author_AUTHOR_CLI}))
	if got.State != apiv1.ApprovalState_APPROVAL_STATE_ALLOWED || got.Decision.QuestionId != "one" || got.Decision.ApprovalId != one.Id || state() != waitingApproval {
		t.Errorf("decided: %v, run %v", got, state())
	}
	late, err := s.Decide(t.Context(), one.Id, &apiv1.Decision{By: apiv1.Author_AUTHOR_WINDOW})
	wantErr(t, err, ErrDecided)
	if !late.GetDecision().GetAllowed() || late.Decision.By != apiv1.Author_AUTHOR_CLI {
		t.Errorf("late: %v", late)
	}
	must[*apiv1.Approval](t)(s.Decide(t.Context(), two.Id, &apiv1.Decision{By: apiv1.Author_AUTHOR_TIMEOUT}))
	if state() != running {
		t.Errorf("run is %v", state())
	}
	three := ask("three")
	must[*apiv1.Run](t)(s.RequestCancel(t.Context(), run.Id))
	if got := must[*apiv1.Approval](t)(s.Approval(t.Context(), three.Id)); got.State != apiv1.ApprovalState_APPROVAL_STATE_VOID || got.Decision.By != apiv1.Author_AUTHOR_CANCEL {
		t.Errorf("void: %v", got)
	}
	_, err = s.Decide(t.Context(), three.Id, &apiv1.Decision{Allowed: true})
	wantErr(t, err, ErrDecided, "ended")
	_, err = s.Decide(t.Context(), "nope", &apiv1.Decision{})
	wantErr(t, err, ErrNotFound)
	wantJournal(t, s, run.SessionId, "1-1:user(please) 2-2:*apiv1.Entry_ToolCall 3-3:text(so far) 4-4:*apiv1.Entry_Question 5-5:*apiv1.Entry_Question 6-6:decision(AUTHOR_CLI,true) 7-7:decision(AUTHOR_TIMEOUT,false) 8-8:*apiv1.Entry_Question 9-9:decision(AUTHOR_CANCEL,false) 10-10:output(call,false)")
}

// Whatever races, exactly one wins and the others are told.
func TestRaces(t *testing.T) {
	s := fresh(t)
	race := func(n int, f func(i int) error) (won, lost int) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				err := f(i)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case errors.Is(err, ErrEnded), errors.Is(err, ErrDecided):
					lost++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		return won, lost
	}
	for range 10 {
		run := runIn(t, s, running)
		ends := []apiv1.RunState{completed, failed, cancelled, interrupted}
		won, lost := race(8, func(i int) error {
			if i%2 == 1 {
				got, err := s.RequestCancel(t.Context(), run.Id)
				if err != nil || got == nil {
					t.Error(got, err)
				}
				return ErrEnded
			}
			_, err := s.EndRun(t.Context(), run.Id, End{State: ends[i/2]})
			return err
		})
		if won != 1 || lost != 7 {
			t.Errorf("%d ends", won)
		}
		asking := runIn(t, s, waitingApproval)
		var id string
		if err := s.read(t.Context(), func(v view) error {
			return v.one("SELECT id FROM approvals WHERE run_id = ?", []any{asking.Id}, &id)
		}); err != nil {
			t.Fatal(err)
		}
		won, lost = race(4, func(i int) error {
			_, err := s.Decide(t.Context(), id, &apiv1.Decision{By: apiv1.Author(1 + i)})
			return err
		})
		if won != 1 || lost != 3 {
			t.Errorf("%d decisions", won)
		}
	}
	created := 0
	var mu sync.Mutex
	race(8, func(int) error {
		_, _, made, err := s.Send(t.Context(), Send{ClientRequestID: "the same", Text: "hi"})
		if made {
			mu.Lock()
			created++
			mu.Unlock()
		}
		return err
	})
	if created != 1 {
		t.Errorf("%d sessions of one message", created)
	}
}

func TestTitles(t *testing.T) {
	for text, want := range map[string]string{
		"hello":          "hello",
		"  a \t b\n\nc ": "a b c",
		"":               "",
		"\x01\x02":       "",
		"die Größe " + strings.Repeat("ä", 40) + " x y z und mehr": "die Größe " + strings.Repeat("ä", 40) + " x y z und…",
		strings.Repeat("x", 60):                          strings.Repeat("x", 60),
		strings.Repeat("x", 61):                          strings.Repeat("x", 60) + "…",
		strings.Repeat("漢", 100):                         strings.Repeat("漢", 60) + "…",
		strings.Repeat("x", 59) + "e\u0301\u0301" + "yy": strings.Repeat("x", 59) + "…",
		strings.Repeat("x", 58) + "👩\u200d💻yyy":          strings.Repeat("x", 58) + "…",
		strings.Repeat("x", 60) + " y":                   strings.Repeat("x", 60) + "…",
		"a\u202eb\u2066c":                                "abc",
		"a\u2028b\u0085c":                                "a b c",
		strings.Repeat("\u0301", 100):                    strings.Repeat("\u0301", 60) + "…",
		strings.Repeat("e ", 5000):                       strings.Repeat("e ", 29) + "e…",
	} {
		if got := titleOf(text); got != want {
			t.Errorf("title of %.80q\n got %q\nwant %q", text, got, want)
		}
	}
}

// A message may begin its run in the same change, where nothing of its session is open.
func TestSendStarts(t *testing.T) {
	s := fresh(t)
	starting := func(session, id string) *apiv1.Run {
		t.Helper()
		_, run, _, err := s.Send(t.Context(), Send{SessionID: session, ClientRequestID: id, Text: "go", ProviderID: "p", Model: "m", Start: true})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	first := starting("", "s1")
	if first.State != running || first.StartedMs == 0 {
		t.Errorf("the first is %v", first)
	}
	if again := starting("", "s1"); again.Id != first.Id {
		t.Errorf("sent again it is %v", again)
	}
	second := starting(first.SessionId, "s2")
	if second.State != queued || second.StartedMs != 0 {
		t.Errorf("behind an open one it is %v", second)
	}
	must[*apiv1.Run](t)(s.EndRun(t.Context(), first.Id, End{State: completed}))
	if third := starting(first.SessionId, "s3"); third.State != queued {
		t.Errorf("behind a queued one it is %v", third)
	}
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWorkLeftRunning(t *testing.T) {
	s := fresh(t)
	run := runIn(t, s, running)
	_, err := s.Job(t.Context(), run.Id)
	wantErr(t, err, ErrNotFound)
	must[*apiv1.Run](t)(s.LeaveRunning(t.Context(), run.Id, "first", time.UnixMilli(5), "working"))
	first := must[*apiv1.Job](t)(s.Job(t.Context(), run.Id))
	if first.Handle != "first" || first.NextPollMs != 5 || first.Attempts != 0 || first.ProviderId != run.ProviderId || first.EndedMs != 0 {
		t.Errorf("job %v", first)
	}
	got := must[*apiv1.Run](t)(s.LeaveRunning(t.Context(), run.Id, "second", time.UnixMilli(9), "still working"))
	if got.State != waitingBackground || got.ResumeMs != 9 || got.Status != "still working" {
		t.Errorf("run %v", got)
	}
	second := must[*apiv1.Job](t)(s.Job(t.Context(), run.Id))
	if second.Id != first.Id || second.Handle != "second" || second.NextPollMs != 9 || second.Attempts != 1 || second.Rev <= first.Rev {
		t.Errorf("job %v, before %v", second, first)
	}
	must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed, Text: []Piece{{Kind: apiv1.Chunk_KIND_TEXT, Text: " and done"}}}))
	ended := must[*apiv1.Job](t)(s.Job(t.Context(), run.Id))
	if ended.EndedMs == 0 || ended.Rev <= second.Rev {
		t.Errorf("job %v", ended)
	}
	_, err = s.LeaveRunning(t.Context(), run.Id, "third", time.UnixMilli(9), "")
	wantErr(t, err, ErrEnded)
}
