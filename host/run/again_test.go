package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const paused = apiv1.RunState_RUN_STATE_PAUSED

var noTime time.Time

func (b *bench) retry(r *apiv1.Run, id, model string) *apiv1.Run {
	b.Helper()
	res, err := b.engine.Retry(b.Context(), &apiv1.RetryRequest{RunId: r.Id, ClientRequestId: id, Model: model})
	if err != nil {
		b.Fatalf("retry: %v", err)
	}
	return res.Run
}

func (b *bench) goOn(r *apiv1.Run, id string) *apiv1.Run {
	b.Helper()
	res, err := b.engine.Continue(b.Context(), &apiv1.ContinueRequest{RunId: r.Id, ClientRequestId: id})
	if err != nil {
		b.Fatalf("continue: %v", err)
	}
	return res.Run
}

// told is what the model is sent when it is r's turn: a line for each message.
func (b *bench) told(r *apiv1.Run) string {
	b.Helper()
	p, err := b.store.Provider(b.Context(), b.id)
	if err != nil {
		b.Fatal(err)
	}
	x := &execution{desk: b.engine.desk, run: r, provider: p}
	m, err := x.gather(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return inWords(x.build(m, summarised(m.journal, true)).Messages)
}

func inWords(messages []*providerv1.Message) string {
	var lines []string
	for _, m := range messages {
		words := strings.ToLower(strings.TrimPrefix(m.Role.String(), "ROLE_")) + ":"
		for _, p := range m.Parts {
			words += " " + strings.TrimSpace(p.GetText()+p.GetToolResult().GetContent())
			if c := p.GetToolCall(); c != nil {
				words += "calls " + c.Name
			}
		}
		lines = append(lines, words)
	}
	return strings.Join(lines, "\n")
}

func TestRetry(t *testing.T) {
	b := newBench(t)
	first := b.send("", "say kept")
	b.wantEnd(first.Run, completed, noError)
	broken := b.send(first.Session.Id, "say half\nonce error OVERLOADED")
	b.wantEnd(broken.Run, failed, providerv1.ErrorCode_ERROR_CODE_OVERLOADED)
	later := b.wantEnd(b.send(first.Session.Id, "say later").Run, completed, noError)

	again := b.retry(broken.Run, "again", "remote")
	if again.ReplacesRunId != broken.Run.Id || again.Model != "remote" || again.Id == broken.Run.Id {
		t.Errorf("the retry is %v", again)
	}
	if same := b.retry(broken.Run, "again", "remote"); same.Id != again.Id {
		t.Errorf("the same retry twice made runs %s and %s", again.Id, same.Id)
	}
	if _, err := b.engine.Retry(t.Context(), &apiv1.RetryRequest{RunId: broken.Run.Id, ClientRequestId: "again"}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("same id, another model: %v", err)
	}
	b.wantEnd(again, failed, providerv1.ErrorCode_ERROR_CODE_OVERLOADED)
	// Another model gave that one answer; the session goes on with its own.
	if s, err := b.store.Session(t.Context(), first.Session.Id); err != nil || s.Model != first.Session.Model || s.Model == again.Model {
		t.Errorf("the session's model became %q, %v; it was %q", s.GetModel(), err, first.Session.Model)
	}
	// It takes the place of the one it replaces, and does not see what came later.
	if got, want := b.told(again), "user: say kept\nassistant: kept\nuser: say half\nonce error OVERLOADED\nassistant: half"; got != want {
		t.Errorf("the retry is told:\n%s", got)
	}
	next := b.send(first.Session.Id, "say end").Run
	want := "user: say kept\nassistant: kept\nuser: say half\nonce error OVERLOADED\nassistant: half\nuser: say later\nassistant: later\nuser: say end"
	if got := strings.TrimSuffix(b.told(next), "\nassistant: end"); got != want {
		t.Errorf("the next message is told:\n%s", got)
	}
	b.end(next.Id)
	if r, err := b.store.Run(t.Context(), broken.Run.Id); err != nil || r.State != failed || b.answer(r) == "" {
		t.Errorf("the replaced run is %v, %v", r, err)
	}
	if r, _ := b.store.Run(t.Context(), later.Id); r.State != completed {
		t.Errorf("a later run became %v", r.State)
	}

	slow := b.send("", "slow 100000 10")
	b.textBegun(slow.Run)
	if _, err := b.engine.Retry(t.Context(), &apiv1.RetryRequest{RunId: slow.Run.Id, ClientRequestId: "early"}); err == nil || !strings.Contains(err.Error(), "not ended") {
		t.Errorf("retry of a run under way: %v", err)
	}
}

func TestContinue(t *testing.T) {
	b := newBench(t)
	res := b.send("", "say begun\nslow 100000 10")
	b.textBegun(res.Run)
	b.close()
	b.open()
	r := b.wantEnd(res.Run, interrupted, providerv1.ErrorCode_ERROR_CODE_HOST)
	said := strings.TrimSpace(b.answer(r))

	on := b.goOn(r, "on")
	if on.ContinuesRunId != r.Id || on.ReplacesRunId != "" {
		t.Errorf("the continuation is %v", on)
	}
	if same := b.goOn(r, "on"); same.Id != on.Id {
		t.Error("the same continuation twice is two")
	}
	if _, err := b.engine.Continue(t.Context(), &apiv1.ContinueRequest{RunId: r.Id, ClientRequestId: "other"}); !errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), on.Id) {
		t.Errorf("a second continuation: %v", err)
	}
	on = b.wantEnd(on, completed, noError)
	if got := strings.TrimSpace(b.answer(on)); got != goOnAnswer {
		t.Errorf("the model was asked %q", got)
	}
	next := b.send(r.SessionId, "say next")
	b.wantEnd(next.Run, completed, noError)
	want := fmt.Sprintf("user: say begun\nslow 100000 10\nassistant: %s\nuser: %s\nassistant: %[2]s\nuser: say next\nassistant: next", said, goOnAnswer)
	if got := b.told(next.Run); got != want {
		t.Errorf("later the model is told:\n%s\nwant\n%s", got, want)
	}
	if _, err := b.engine.Continue(t.Context(), &apiv1.ContinueRequest{RunId: on.Id, ClientRequestId: "done"}); err == nil || !strings.Contains(err.Error(), "is complete") {
		t.Errorf("going on from a complete answer: %v", err)
	}
	// A retry of what went on is a retry of the whole.
	res2 := b.send("", "say begun\nerror OVERLOADED")
	cut := b.wantEnd(res2.Run, failed, providerv1.ErrorCode_ERROR_CODE_OVERLOADED)
	whole := b.goOn(cut, "on")
	b.wantEnd(whole, completed, noError)
	again := b.retry(whole, "again", "")
	if again.ReplacesRunId != cut.Id {
		t.Errorf("the retry replaces %s, want %s", again.ReplacesRunId, cut.Id)
	}
	b.end(again.Id)
	if got, want := b.told(again), "user: say begun\nerror OVERLOADED\nassistant: begun"; got != want {
		t.Errorf("the retry is told:\n%s", got)
	}
}

// Whatever kept a run from its answer's end, it can be gone on with.
func TestContinueAfterEveryKindOfEnd(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		prompt string
		state  apiv1.RunState
	}{
		{"say half\nlength", completed},
		{"say half\nerror OVERLOADED", failed},
		{"say half\ncrash", failed},
		{"say half\nkill", failed},
		{"say half\nnodone", failed},
		{"say half\nhang-hard", cancelled},
	} {
		t.Run(strings.ReplaceAll(tt.prompt, "\n", " "), func(t *testing.T) {
			res := b.send("", tt.prompt)
			if tt.state == cancelled {
				b.textBegun(res.Run)
				if _, err := b.engine.Cancel(t.Context(), res.Run.Id); err != nil {
					t.Fatal(err)
				}
			}
			if r := b.end(res.Run.Id); r.State != tt.state {
				t.Fatalf("it ended as %v with %v", r.State, r.Error)
			}
			on := b.wantEnd(b.goOn(res.Run, "on"), completed, noError)
			if got := strings.TrimSpace(b.answer(on)); got != goOnAnswer {
				t.Errorf("the model was asked %q", got)
			}
		})
	}
}

func TestContinueWhereNothingCame(t *testing.T) {
	b := newBench(t)
	res := b.send("", "once error AUTH\nsay now it works")
	b.wantEnd(res.Run, failed, providerv1.ErrorCode_ERROR_CODE_AUTH)
	on := b.goOn(res.Run, "on")
	// The script's own turn counter begins anew with each run.
	b.wantEnd(on, failed, providerv1.ErrorCode_ERROR_CODE_AUTH)
	if got := b.told(on); got != "user: once error AUTH\nsay now it works" {
		t.Errorf("told:\n%s", got)
	}
	chain := b.goOn(on, "on and on")
	b.end(chain.Id)
	if got := b.told(chain); got != "user: once error AUTH\nsay now it works" {
		t.Errorf("told:\n%s", got)
	}
}

// A call that was not carried out is told as such, and not made by itself.
func TestContinueAfterAToolCall(t *testing.T) {
	b := newBench(t)
	res := b.send("", "tool look {}\nhang")
	b.until(res.Run.Id, "calling", func(*apiv1.Run) bool {
		for _, e := range b.entries(res.Session.Id) {
			if e.GetToolCall() != nil {
				return true
			}
		}
		return false
	})
	if _, err := b.engine.Cancel(t.Context(), res.Run.Id); err != nil {
		t.Fatal(err)
	}
	on := b.goOn(res.Run, "on")
	b.end(on.Id)
	got := b.told(on)
	if !strings.Contains(got, "assistant: calls look\ntool: This call was not carried out") || !strings.Contains(got, "user: "+goOnWork) {
		t.Errorf("the model is told:\n%s", got)
	}
	calls := 0
	for _, e := range b.entries(res.Session.Id) {
		if e.GetToolCall() != nil {
			calls++
		}
	}
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
}

// A question that nobody has answered when the host is killed is void: whoever goes on is asked anew, and nothing is done
// on the strength of the old one.
func TestContinueAsksAgain(t *testing.T) {
	killed := newWorkBench(t, untrusted, scoped)
	killed.put("count", "0")
	call := `tool edit_file {"path":"count","old_text":"0","new_text":"01"}`
	r := killed.script("cloud", call, "when interrupted", call, "then", "say over")
	old := killed.asked(r, 1)[0]

	// What a host that is killed now leaves behind, and the next one finds.
	b := &workBench{bench: &bench{T: t, dir: t.TempDir()}, root: killed.root, workspace: killed.workspace, session: killed.session}
	for _, name := range []string{"openvibez.db", "openvibez.db-wal"} {
		data, err := os.ReadFile(filepath.Join(killed.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.open()
	t.Cleanup(func() { b.close() })
	b.equip()
	b.wantEnd(r, interrupted, providerv1.ErrorCode_ERROR_CODE_CUT)
	if a, err := b.store.Approval(t.Context(), old.Id); err != nil || a.State != apiv1.ApprovalState_APPROVAL_STATE_VOID {
		t.Errorf("the old question is %v, %v", a, err)
	}
	if _, err := b.engine.Decide(t.Context(), &apiv1.DecideRequest{ApprovalId: old.Id, ChoiceId: "once"}, apiv1.Author_AUTHOR_CLI); !errors.Is(err, store.ErrDecided) {
		t.Errorf("the old question was answered: %v", err)
	}
	on := b.goOn(r, "on")
	again := b.asked(on, 1)[0]
	if again.Id == old.Id || again.RunId != on.Id {
		t.Errorf("asked %v again", again)
	}
	if got := b.get("count"); got != "0" {
		t.Errorf("without an answer the file became %q", got)
	}
	b.decide(again, "once", "")
	b.wantEnd(on, completed, noError)
	b.wantOutput(on, 0, false)
	if got := b.get("count"); got != "01" {
		t.Errorf("the file became %q", got)
	}
}

func TestPause(t *testing.T) {
	b := newBench(t)
	res := b.send("", "plan one|two\nsay working\ndelay 300\ntool look {}")
	b.textBegun(res.Run)
	if r, err := b.engine.Pause(t.Context(), res.Run.Id); err != nil || !r.PauseRequested {
		t.Fatalf("pause: %v, %v", r, err)
	}
	r := b.state(res.Run.Id, paused)
	if r.PauseRequested {
		t.Error("a paused run still wants to pause")
	}
	queuedRun := b.send(res.Session.Id, "say after").Run
	b.close()
	b.open()
	if r, _ := b.store.Run(t.Context(), res.Run.Id); r.State != paused {
		t.Fatalf("after a restart it is %v", r.State)
	}
	for b.engine.execution(res.Run.Id) == nil {
		time.Sleep(time.Millisecond) // until somebody waits for it to be resumed
	}
	x := &execution{desk: b.engine.desk, run: res.Run}
	if err := x.recall(t.Context()); err != nil || len(x.keep.plan) != 2 {
		t.Errorf("its plan is %v, %v", x.keep.plan, err)
	}
	if r, _ := b.store.Run(t.Context(), queuedRun.Id); r.State != queued {
		t.Errorf("what waits behind a paused run is %v", r.State)
	}
	if r, err := b.engine.Resume(t.Context(), res.Run.Id); err != nil || r.State != apiv1.RunState_RUN_STATE_RUNNING {
		t.Fatalf("resume: %v, %v", r, err)
	}
	r = b.wantEnd(res.Run, completed, noError)
	if got := b.answer(r); !strings.Contains(got, "working") || !strings.Contains(got, "the tool said") {
		t.Errorf("answer %q", got)
	}
	b.wantEnd(queuedRun, completed, noError)
	t.Run("taken back", func(t *testing.T) {
		res := b.send("", "say working\ndelay 300\ntool look {}")
		b.textBegun(res.Run)
		if _, err := b.engine.Pause(t.Context(), res.Run.Id); err != nil {
			t.Fatal(err)
		}
		if r, err := b.engine.Resume(t.Context(), res.Run.Id); err != nil || r.PauseRequested {
			t.Fatalf("resume: %v, %v", r, err)
		}
		b.wantEnd(res.Run, completed, noError)
	})
	t.Run("cancelled", func(t *testing.T) {
		res := b.send("", "say working\ndelay 300\ntool look {}")
		b.textBegun(res.Run)
		if _, err := b.engine.Pause(t.Context(), res.Run.Id); err != nil {
			t.Fatal(err)
		}
		b.state(res.Run.Id, paused)
		if r, err := b.engine.Cancel(t.Context(), res.Run.Id); err != nil || r.State != cancelled {
			t.Errorf("cancel: %v, %v", r, err)
		}
		b.wantEnd(b.send(res.Session.Id, "say next").Run, completed, noError)
	})
	t.Run("ended or queued", func(t *testing.T) {
		if _, err := b.engine.Pause(t.Context(), r.Id); !errors.Is(err, store.ErrEnded) {
			t.Errorf("pause of an ended run: %v", err)
		}
		slow := b.send("", "slow 100000 10")
		b.textBegun(slow.Run)
		if _, err := b.engine.Pause(t.Context(), b.send(slow.Session.Id, "say x").Run.Id); err == nil || !strings.Contains(err.Error(), "not begun") {
			t.Errorf("pause of a queued run: %v", err)
		}
	})
}

func TestQueueIsEdited(t *testing.T) {
	b := newBench(t)
	slow := b.send("", "slow 100000 10")
	b.textBegun(slow.Run)
	one, two := b.send(slow.Session.Id, "say one").Run, b.send(slow.Session.Id, "say two").Run
	if _, err := b.engine.EditQueued(t.Context(), &apiv1.EditQueuedRequest{RunId: one.Id, Text: "say better"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.MoveQueued(t.Context(), two.Id, one.Id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.EditQueued(t.Context(), &apiv1.EditQueuedRequest{RunId: slow.Run.Id, Text: "say other"}); !errors.Is(err, store.ErrStarted) {
		t.Errorf("edit of a run under way: %v", err)
	}
	if _, err := b.engine.EditQueued(t.Context(), &apiv1.EditQueuedRequest{RunId: one.Id, Text: " "}); err == nil {
		t.Error("a message was edited away")
	}
	if _, err := b.engine.Cancel(t.Context(), slow.Run.Id); err != nil {
		t.Fatal(err)
	}
	one, two = b.wantEnd(one, completed, noError), b.wantEnd(two, completed, noError)
	if two.StartedMs > one.StartedMs || strings.TrimSpace(b.answer(one)) != "better" {
		t.Errorf("one %q began at %d, two at %d", b.answer(one), one.StartedMs, two.StartedMs)
	}
	if got := b.told(one); !strings.HasSuffix(got, "user: say two\nassistant: two\nuser: say better\nassistant: better") {
		t.Errorf("the model is told:\n%s", got)
	}
}

// A cancel that comes while a run is being started is never lost.
func TestCancelAtTheStart(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	var sent []*apiv1.Run
	for i := range 40 {
		all.Go(func() {
			res, err := b.engine.Send(t.Context(), &apiv1.SendRequest{ClientRequestId: fmt.Sprint("start", i), Text: "slow 100000 10", Provider: "Scripted"}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := b.engine.Cancel(t.Context(), res.Run.Id); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, res.Run)
		})
	}
	all.Wait()
	for _, r := range sent {
		b.wantEnd(r, cancelled, noError)
	}
}
