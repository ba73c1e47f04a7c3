package run

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/tool"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// workBench is a bench whose engine has the real tools, and a session in a workspace.
type workBench struct {
	*bench
	root      string
	workspace *apiv1.Workspace
	session   string
}

func newWorkBench(t *testing.T, trust apiv1.Trust, access apiv1.AccessMode) *workBench {
	t.Helper()
	b := &workBench{bench: newBench(t)}
	b.equip()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b.root = root
	if b.workspace, err = b.store.AddWorkspace(t.Context(), &apiv1.Workspace{Path: root, Trust: trust}); err != nil {
		t.Fatal(err)
	}
	s, err := b.store.CreateSession(t.Context(), &apiv1.Session{WorkspaceId: b.workspace.Id, AccessMode: access})
	if err != nil {
		t.Fatal(err)
	}
	b.session = s.Id
	return b
}

// equip gives the engine its tools, as the host does.
func (b *workBench) equip() { b.equipFor(slog.New(slog.DiscardHandler)) }

func (b *workBench) equipFor(log *slog.Logger) {
	b.Helper()
	box := tool.New(tool.Config{
		Sandbox: sandbox.New(sandbox.Config{Helper: helper, CacheDir: filepath.Join(b.dir, "cache"), RuntimeDir: filepath.Join(b.dir, "box"), Logger: log, Getenv: os.Getenv}),
		Scratch: filepath.Join(b.dir, "scratch"),
		Private: filepath.Join(b.dir, "private"),
	})
	b.engine = New(Config{Store: b.store, Providers: b.plug, Logger: log, Box: box})
	if err := b.engine.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
}

const (
	trusted   = apiv1.Trust_TRUST_TRUSTED
	untrusted = apiv1.Trust_TRUST_UNTRUSTED
	scoped    = apiv1.AccessMode_ACCESS_MODE_SCOPED
	readOnly  = apiv1.AccessMode_ACCESS_MODE_READ_ONLY
)

func (b *workBench) put(name, content string) {
	b.Helper()
	path := filepath.Join(b.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (b *workBench) get(name string) string {
	data, err := os.ReadFile(filepath.Join(b.root, name))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// script sends a script to a model: "cloud" is held to nothing, "scripted" runs here, "remote" has no tools of its own.
func (b *workBench) script(model string, lines ...string) *apiv1.Run {
	b.Helper()
	return b.sendTo(model, b.session, strings.Join(lines, "\n"))
}

func edit(path, text string) string {
	return fmt.Sprintf(`tool edit_file {"path":%q,"new_text":%q}`, path, text)
}

// asked waits for n questions of a run and gives them.
func (b *workBench) asked(r *apiv1.Run, n int) []*apiv1.Approval {
	b.Helper()
	var pending []*apiv1.Approval
	b.until(r.Id, fmt.Sprintf("asking %d questions", n), func(*apiv1.Run) bool {
		all, err := b.store.RunApprovals(context.Background(), r.Id)
		if err != nil {
			b.Fatal(err)
		}
		pending = slices.DeleteFunc(all, func(a *apiv1.Approval) bool { return a.State != apiv1.ApprovalState_APPROVAL_STATE_PENDING })
		return len(pending) == n
	})
	return pending
}

func (b *workBench) decide(a *apiv1.Approval, choice, text string) {
	b.Helper()
	if _, err := b.engine.Decide(b.Context(), &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: choice, Text: text}, apiv1.Author_AUTHOR_CLI); err != nil {
		b.Fatal(err)
	}
}

// outputs are what the run's calls came to, in order.
func (b *workBench) outputs(r *apiv1.Run) []*apiv1.ToolOutput {
	b.Helper()
	var all []*apiv1.ToolOutput
	for _, e := range b.entries(r.SessionId) {
		if o := e.GetToolOutput(); o != nil && e.RunId == r.Id {
			all = append(all, o)
		}
	}
	return all
}

func (b *workBench) wantOutput(r *apiv1.Run, i int, failed bool, words ...string) {
	b.Helper()
	all := b.outputs(r)
	if i >= len(all) {
		b.Errorf("there are %d outputs, no number %d", len(all), i)
		return
	}
	if all[i].Result.Failed != failed {
		b.Errorf("output %d: %v", i, all[i])
	}
	for _, w := range words {
		if !strings.Contains(all[i].Result.Content, w) {
			b.Errorf("output %d is %q, which does not say %q", i, all[i].Result.Content, w)
		}
	}
}

func choices(a *apiv1.Approval) (ids []string) {
	for _, c := range a.Question.Choices {
		ids = append(ids, c.Id)
	}
	return ids
}

func TestToolsWork(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	b.put("a.txt", "needle\n")
	r := b.script("cloud", `tool read_file {"path":"a.txt"}`, `tool search_files {"pattern":"needle"}`, edit("b/new.txt", "made\n"), "then", "results", "system")
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, false, "needle\n")
	b.wantOutput(r, 1, false, "a.txt:1: needle")
	b.wantOutput(r, 2, false, "b/new.txt is made")
	if got := b.get("b/new.txt"); got != "made\n" {
		t.Errorf("b/new.txt is %q", got)
	}
	answer := b.answer(r)
	for _, want := range []string{"<read_file failed=false> needle", "<edit_file failed=false>", b.root} {
		if !strings.Contains(answer, want) {
			t.Errorf("the model was told %q, not %q", answer, want)
		}
	}
	// What lets a call begin is in the journal before what came of it, and a change says how to undo it.
	var seen []string
	var change *apiv1.Entry
	for _, e := range b.entries(r.SessionId) {
		switch body := e.Body.(type) {
		case *apiv1.Entry_ToolCall:
			seen = append(seen, "call "+body.ToolCall.Name)
		case *apiv1.Entry_Decision:
			seen = append(seen, "decision "+strings.ToLower(strings.TrimPrefix(body.Decision.By.String(), "AUTHOR_")))
		case *apiv1.Entry_ToolOutput:
			seen = append(seen, "output "+body.ToolOutput.Result.Name)
		case *apiv1.Entry_FileChange:
			seen = append(seen, "change "+body.FileChange.Path)
			change = e
		}
	}
	want := []string{"call read_file", "call search_files", "call edit_file", "decision policy", "decision policy", "output read_file", "output search_files", "decision policy", "change b/new.txt", "output edit_file"}
	if !slices.Equal(seen, want) {
		t.Errorf("the journal has\n%q, want\n%q", seen, want)
	}
	if !change.GetFileChange().Undoable || !strings.Contains(change.GetFileChange().Diff, "+made") {
		t.Errorf("the change is %v", change)
	}
	undone, err := b.engine.UndoChanges(t.Context(), &apiv1.UndoChangesRequest{RunId: r.Id})
	if err != nil || len(undone.Undone) != 1 || len(undone.Problems) != 0 {
		t.Errorf("undo: %v, %v", undone, err)
	}
	if _, err := os.Stat(filepath.Join(b.root, "b/new.txt")); !os.IsNotExist(err) {
		t.Errorf("after undo: %v", err)
	}
	if undone, err = b.engine.UndoChanges(t.Context(), &apiv1.UndoChangesRequest{RunId: r.Id}); err != nil || len(undone.Undone)+len(undone.Problems) != 0 {
		t.Errorf("undo again: %v, %v", undone, err)
	}
}

func TestUndoLeavesWhatOthersChanged(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	b.put("a", "1")
	b.put("b", "1")
	r := b.script("cloud", edit("a", "2"), edit("b", "2"), edit("a", "3"))
	b.wantEnd(r, completed, noError)
	b.put("b", "mine")
	// An undo that was interrupted between the file and the journal is done again.
	b.put("a", "2")
	res, err := b.engine.UndoChanges(t.Context(), &apiv1.UndoChangesRequest{RunId: r.Id})
	if err != nil || len(res.Undone) != 2 || len(res.Problems) != 1 || !strings.Contains(res.Problems[0], "changed since") {
		t.Errorf("undo: %v, %v", res, err)
	}
	if b.get("a") != "1" || b.get("b") != "mine" {
		t.Errorf("a is %q, b is %q", b.get("a"), b.get("b"))
	}
}

func TestDenialGoesToTheModel(t *testing.T) {
	b := newWorkBench(t, trusted, readOnly)
	b.put("a", "1")
	r := b.script("cloud", edit("a", "2"), `tool read_file {"path":"a"}`, `tool read_file {"file":"a"}`, `tool format_disk {}`, "then", "results")
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, true, "Denied: ", "read-only", "scoped")
	b.wantOutput(r, 1, false, "1")
	b.wantOutput(r, 2, true, "path")
	b.wantOutput(r, 3, true, "no tool")
	if !strings.Contains(b.answer(r), "<edit_file failed=true> Denied") || b.get("a") != "1" {
		t.Errorf("the model was told %q; a is %q", b.answer(r), b.get("a"))
	}
	if all, err := b.store.RunApprovals(t.Context(), r.Id); err != nil || len(all) != 0 {
		t.Errorf("asked %v, %v", all, err)
	}
}

func TestAsking(t *testing.T) {
	b := newWorkBench(t, untrusted, scoped)
	b.put("a", "1\n")
	r := b.script("cloud", edit("a", "2\n"), edit("b", "new\n"), `tool read_file {"path":"a"}`, "then", "results")
	pending := b.asked(r, 2)
	a := pending[0]
	if got := choices(a); !slices.Equal(got, []string{"once", "deny"}) {
		t.Errorf("choices %v", got)
	}
	if a.Question.Subject != "a" || !strings.Contains(a.Diff, "-1\n+2\n") || a.Class != apiv1.Class_CLASS_BUILD || a.Reason != apiv1.Reason_REASON_WORKSPACE_UNTRUSTED || !strings.Contains(a.Why, "not trusted") || a.Profile != apiv1.Profile_PROFILE_WORK || a.ExpiresMs == 0 || a.CallId == "" {
		t.Errorf("the question is %v", a)
	}
	b.state(r.Id, apiv1.RunState_RUN_STATE_WAITING_APPROVAL)
	if b.get("a") != "1\n" || len(b.outputs(r)) != 0 {
		t.Errorf("before the answer a is %q", b.get("a"))
	}
	if _, err := b.engine.Decide(t.Context(), &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: "always"}, apiv1.Author_AUTHOR_CLI); err == nil {
		t.Error("a choice that was not offered was taken")
	}
	b.decide(pending[1], "deny", "use a instead")
	b.decide(a, "once", "")
	if _, err := b.engine.Decide(t.Context(), &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: "deny"}, apiv1.Author_AUTHOR_WINDOW); err == nil {
		t.Error("a second answer was taken")
	}
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, false, "a is changed")
	b.wantOutput(r, 1, true, "denied", "use a instead")
	b.wantOutput(r, 2, false, "2\n")
	if b.get("a") != "2\n" || strings.Contains(b.get("b"), "new") {
		t.Errorf("a is %q, b is %q", b.get("a"), b.get("b"))
	}
}

// A provider that gives two calls one id does not get the answer to one taken for the other.
func TestCallsOfOneID(t *testing.T) {
	b := newWorkBench(t, untrusted, scoped)
	as := func(path string) string { return strings.Replace(edit(path, "new"), "tool ", "tool-as same ", 1) }
	r := b.script("cloud", as("a"), as("b"), "then", as("c"), "then", "say done")
	pending := b.asked(r, 2)
	if pending[0].CallId == pending[1].CallId {
		t.Errorf("both calls have the id %s", pending[0].CallId)
	}
	b.decide(pending[0], "once", "")
	b.decide(pending[1], "deny", "")
	b.decide(b.asked(r, 1)[0], "once", "")
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, false, "a is")
	b.wantOutput(r, 1, true, "denied")
	b.wantOutput(r, 2, false, "c is")
	if b.get("a") != "new" || b.get("b") == "new" || b.get("c") != "new" {
		t.Errorf("a is %q, b is %q, c is %q", b.get("a"), b.get("b"), b.get("c"))
	}
}

// The person agreed to a difference; a file that is another by then is not changed.
func TestAgreedToADifference(t *testing.T) {
	b := newWorkBench(t, untrusted, scoped)
	b.put("a", "1\n")
	r := b.script("cloud", `tool edit_file {"path":"a","old_text":"1","new_text":"2"}`)
	a := b.asked(r, 1)[0]
	b.put("a", "1 and more\n")
	b.decide(a, "once", "")
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, true, "has changed since")
	if b.get("a") != "1 and more\n" {
		t.Errorf("a is %q", b.get("a"))
	}
}

func TestRemembering(t *testing.T) {
	b := newWorkBench(t, untrusted, scoped)
	other, err := b.store.CreateSession(t.Context(), &apiv1.Session{WorkspaceId: b.workspace.Id})
	if err != nil {
		t.Fatal(err)
	}
	run := `tool run_shell {"command":"touch made"}`
	one, two := b.script("cloud", run), b.sendTo("cloud", other.Id, run)
	first, second := b.asked(one, 1)[0], b.asked(two, 1)[0]
	if got := choices(first); !slices.Equal(got, []string{"once", "session", "always", "deny"}) || len(first.Prefix) == 0 {
		t.Fatalf("choices %v for %v", got, first)
	}
	preview, err := b.engine.PreviewRule(t.Context(), first.Id)
	if err != nil || preview.LookedAt != 2 || len(preview.Covered) != 2 || !slices.Equal(preview.Prefix, first.Prefix) {
		t.Errorf("preview %v, %v", preview, err)
	}
	b.decide(first, "always", "")
	// The same question of another session is answered too.
	b.wantEnd(one, completed, noError)
	b.wantEnd(two, completed, noError)
	got, err := b.store.Approval(t.Context(), second.Id)
	if err != nil || !got.Decision.GetAllowed() || got.Decision.By != apiv1.Author_AUTHOR_RULE {
		t.Errorf("the other question: %v, %v", got, err)
	}
	three := b.script("cloud", run)
	b.wantEnd(three, completed, noError)
	b.wantOutput(three, 0, false, "exit code 0")
	rules, _, err := b.store.Rules(t.Context(), b.workspace.Id)
	if err != nil || len(rules) != 1 || rules[0].Uses != 3 || rules[0].MadeBy != apiv1.Author_AUTHOR_CLI || rules[0].SessionId != "" {
		t.Errorf("rules %v, %v", rules, err)
	}
	if err := b.store.RevokeRule(t.Context(), rules[0].Id); err != nil {
		t.Fatal(err)
	}
	four := b.script("cloud", run)
	b.decide(b.asked(four, 1)[0], "session", "")
	b.wantEnd(four, completed, noError)
	five := b.sendTo("cloud", other.Id, run)
	b.decide(b.asked(five, 1)[0], "deny", "")
	b.wantEnd(five, completed, noError)
	b.wantOutput(five, 0, true, "denied")
}

func TestSilenceIsANo(t *testing.T) {
	b := newWorkBench(t, untrusted, scoped)
	if _, err := b.store.SetSetting(t.Context(), "tools.approval_minutes", "0.001"); err != nil {
		t.Fatal(err)
	}
	r := b.script("cloud", edit("a", "1"))
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, true, "Nobody answered")
	all, err := b.store.RunApprovals(t.Context(), r.Id)
	if err != nil || len(all) != 1 || all[0].State != apiv1.ApprovalState_APPROVAL_STATE_DENIED || all[0].Decision.By != apiv1.Author_AUTHOR_TIMEOUT {
		t.Errorf("asked %v, %v", all, err)
	}
}

func TestQuestionsEndWithTheirRun(t *testing.T) {
	b := newWorkBench(t, untrusted, scoped)
	r := b.script("cloud", edit("a", "1"))
	a := b.asked(r, 1)[0]
	if _, err := b.engine.Cancel(t.Context(), r.Id); err != nil {
		t.Fatal(err)
	}
	b.wantEnd(r, cancelled, noError)
	if _, err := b.engine.Decide(t.Context(), &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: "once"}, apiv1.Author_AUTHOR_CLI); err == nil {
		t.Error("the answer came after the end and was taken")
	}
	b.wantOutput(r, 0, true, "not carried out")

	// When the host ends too.
	r = b.script("cloud", edit("a", "1"), "then", edit("b", "2"), "then", "done")
	b.asked(r, 1)
	b.close()
	b.open()
	b.equip()
	b.wantEnd(r, interrupted, providerv1.ErrorCode_ERROR_CODE_HOST)
	b.wantOutput(r, 0, true, "not carried out")
	if outs := b.outputs(r); outs[0].Outcome != apiv1.ToolOutput_OUTCOME_REFUSED {
		t.Errorf("a call that never began is %v", outs[0])
	}
}

// A call that began and has no result is never made again: the next run is told that its outcome is unknown.
func TestCrashInACall(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	r := b.script("cloud", edit("a", "1"), "then", "hang")
	b.until(r.Id, "in its second turn", func(*apiv1.Run) bool { return len(b.outputs(r)) == 1 })
	// The journal as a crash would leave it: the intent without the result.
	if _, err := b.store.Append(t.Context(), r.Id, true,
		&apiv1.Entry{Body: &apiv1.Entry_ToolCall{ToolCall: &providerv1.ToolCall{Id: "lost", Name: "edit_file", ArgumentsJson: `{"path":"b","new_text":"1"}`}}},
		&apiv1.Entry{Body: &apiv1.Entry_Decision{Decision: &apiv1.Decision{QuestionId: "lost", Allowed: true, By: apiv1.Author_AUTHOR_POLICY}}}); err != nil {
		t.Fatal(err)
	}
	b.close()
	b.open()
	b.equip()
	b.wantEnd(r, interrupted, providerv1.ErrorCode_ERROR_CODE_HOST)
	if outs := b.outputs(r); len(outs) != 2 || outs[1].Outcome != apiv1.ToolOutput_OUTCOME_UNKNOWN {
		t.Errorf("outputs %v", outs)
	}
	if _, err := os.Stat(filepath.Join(b.root, "b")); !os.IsNotExist(err) {
		t.Errorf("the call was made again: %v", err)
	}
}

func TestSameCallAgainAsks(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	b.put("a", "1")
	read := `tool read_file {"path":"a"}`
	r := b.script("cloud", read, "then", `tool read_file { "path": "a" }`, "then", read, "then", "results")
	a := b.asked(r, 1)[0]
	if got := choices(a); !slices.Equal(got, []string{"once", "deny"}) || a.Reason != apiv1.Reason_REASON_REPEATED {
		t.Errorf("asked %v: %v", got, a)
	}
	b.decide(a, "deny", "")
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 1, false, "1")
	b.wantOutput(r, 2, true, "denied")
}

func TestTurnLimit(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	if _, err := b.store.SetSetting(t.Context(), "tools.max_turns", "3"); err != nil {
		t.Fatal(err)
	}
	r := b.script("cloud", edit("a", "1"), "then", edit("b", "2"), "then", edit("c", "3"), "then", edit("d", "4"))
	end := b.wantEnd(r, failed, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST)
	if !strings.Contains(end.Error.GetMessage(), "3 turns") || b.get("c") != "3" || b.get("d") == "4" {
		t.Errorf("ended with %v", end.Error)
	}
}

// The models that run here, and those without tools of their own, are held to a plan.
func TestPlanIsKept(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	plan := func(states ...string) string {
		var steps []string
		for i, s := range states {
			steps = append(steps, fmt.Sprintf(`{"text":"step %d","state":%q}`, i+1, s))
		}
		return `tool update_plan {"steps":[` + strings.Join(steps, ",") + `]}`
	}
	r := b.script("scripted",
		edit("a", "1"), "then", // refused: no plan
		plan("done", "open"), "then", // the tick has no work behind it
		edit("a", "1"), "then",
		plan("done", "active"), "then",
		"say finished", "then", // held: a step is open
		edit("b", "2"), "then", plan("done", "done"), "then", "say really finished")
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, true, "no plan yet", "update_plan")
	b.wantOutput(r, 1, true, "nothing has been done")
	b.wantOutput(r, 2, false, "a is made")
	b.wantOutput(r, 3, false)
	b.wantOutput(r, 4, false, "b is made")
	b.wantOutput(r, 5, false)
	if got := b.answer(r); !strings.Contains(got, "really finished") {
		t.Errorf("the answer is %q", got)
	}
	if got := notices(b, r); len(got) != 0 {
		t.Errorf("notices %q", got)
	}

	// A model that insists is heard, and the person told.
	r = b.script("scripted", plan("open", "open"), "then", edit("c", "1"), "then", plan("done", "open"), "then", "say enough")
	b.wantEnd(r, completed, noError)
	if got := notices(b, r); len(got) != 1 || !strings.Contains(got[0], "1 of 2 steps open: step 2") {
		t.Errorf("notices %q", got)
	}
}

func notices(b *workBench, r *apiv1.Run) (all []string) {
	for _, e := range b.entries(r.SessionId) {
		if n := e.GetNotice(); n != nil && e.RunId == r.Id {
			all = append(all, n.Text)
		}
	}
	return all
}

func TestTextProtocolWorksToo(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	call := func(path, text string) string {
		return fmt.Sprintf(`TOOL_CALL {"name":"edit_file","arguments":{"path":%q,"new_text":%q}}`, path, text)
	}
	r := b.script("remote",
		call("a", "1"), "then",
		`PLAN {"steps":["make a","make b","say so"]}`, "STEP_DONE {\"index\":1}", "then", // a tick without work
		call("a", "1"), `STEP_DONE {"index":1}`, "then", // a tick in the same reply counts once the call succeeded
		call("b", "2"), "then",
		`STEP_DONE {"index":2}`, `STEP_DONE {"index":3}`, `FINAL {"message":"all made"}`)
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, true, "no plan yet", "PLAN line")
	b.wantOutput(r, 1, false, "a is made")
	b.wantOutput(r, 2, false, "b is made")
	var last *providerv1.Plan
	var ticks []int
	for _, e := range b.entries(r.SessionId) {
		if p := e.GetPlan(); p != nil {
			last = p
			ticks = append(ticks, done(p.Steps))
		}
	}
	if len(last.GetSteps()) != 3 || !slices.Equal(ticks, []int{0, 1, 2, 3}) && !slices.Equal(ticks, []int{0, 1, 3}) {
		t.Errorf("ticks %v, last plan %v", ticks, last)
	}
	if got := b.answer(r); strings.Contains(got, "TOOL_") || !strings.Contains(got, "all made") {
		t.Errorf("the answer is %q", got)
	}
}

// A repository within a trusted workspace is not trusted because of that.
func TestNestedClone(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	b.put("clone/.git/config", "[core]\n")
	b.put("clone/src/a", "1")
	r := b.script("cloud", edit("clone/src/a", "2"))
	a := b.asked(r, 1)[0]
	if !strings.Contains(a.Why, "not trusted") {
		t.Errorf("asked %v", a)
	}
	b.decide(a, "deny", "")
	b.wantEnd(r, completed, noError)
	if _, err := b.store.AddWorkspace(t.Context(), &apiv1.Workspace{Path: filepath.Join(b.root, "clone"), Trust: trusted}); err != nil {
		t.Fatal(err)
	}
	r = b.script("cloud", edit("clone/src/a", "2"))
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, false, "changed")
}

// A provider can't put its own words over the host's question.
func TestProviderCantSpeakForTheHost(t *testing.T) {
	b := newWorkBench(t, untrusted, scoped)
	r := b.script("cloud", "tool-as same edit_file "+strings.TrimPrefix(edit("a", "1"), "tool edit_file "), "question-as same ls")
	if end := b.wantEnd(r, failed, providerv1.ErrorCode_ERROR_CODE_PLUGIN); !strings.Contains(end.Error.GetMessage(), "under the id of a tool call") {
		t.Errorf("ended with %v", end.Error)
	}
	r = b.script("cloud", "question-as same ls", "tool-as same edit_file "+strings.TrimPrefix(edit("a", "1"), "tool edit_file "))
	b.decide(b.asked(r, 1)[0], "yes", "")
	b.until(r.Id, "asking about the call", func(*apiv1.Run) bool {
		all, err := b.store.RunApprovals(context.Background(), r.Id)
		return err == nil && len(all) == 2
	})
	a := b.asked(r, 1)[0]
	if a.CallId == "same" || a.Question.Id == "same" || a.Question.Subject != "a" {
		t.Errorf("asked %v", a)
	}
	b.decide(a, "deny", "")
	b.wantEnd(r, completed, noError)
}

// A command in a trusted workspace is not trusted with what lies in another repository.
func TestCommandsInANestedClone(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	b.put("clone/.git/config", "[core]\n")
	b.put("clone/Makefile", "all:\n\ttouch ran\n")
	b.put("clone/x.sh", "touch ran\n")
	if err := os.Symlink("clone", filepath.Join(b.root, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"make -C clone", "make -Cclone", "cd clone && make", "(cd ./clone; make)", "sh clone/x.sh", "env X=1 make --directory=clone", "make -C elsewhere", "sh -c 'cd clone; make'"} {
		r := b.script("cloud", fmt.Sprintf(`tool run_shell {"command":%q}`, command))
		a := b.asked(r, 1)[0]
		if !strings.Contains(a.Why, "not trusted") {
			t.Errorf("%s: asked %v", command, a)
		}
		b.decide(a, "deny", "")
		b.wantEnd(r, completed, noError)
	}
	r := b.script("cloud", `tool run_shell {"command":"cat clone/Makefile"}`)
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, false, "touch ran")
	if _, err := os.Stat(filepath.Join(b.root, "ran")); err == nil {
		t.Error("it ran")
	}
	// Nor does it get more out of lying in a workspace that is only to be read.
	if _, err := b.store.UpdateWorkspace(t.Context(), b.workspace.Id, func(w *apiv1.Workspace) error {
		w.Trust = apiv1.Trust_TRUST_READ_ONLY
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	r = b.script("cloud", edit("clone/a", "2"))
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, true, "only to be read")
}

// What a person agreed to in the sandbox does not leave it because the session's mode is another by then.
func TestAgreementKeepsItsProfile(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	r := b.script("cloud", `tool run_shell {"command":"echo $(frobnicate) > made"}`)
	a := b.asked(r, 1)[0]
	root := apiv1.AccessMode_ACCESS_MODE_ROOT
	if _, err := b.store.UpdateSession(t.Context(), b.session, func(s *apiv1.Session) error {
		s.AccessMode = root
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.decide(a, "once", "")
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, true, "other rights")
	// And outside of it nothing runs that the same turn changes first.
	r = b.script("cloud", edit("x.sh", "touch ran"), `tool run_shell {"command":"frobnicate; sh x.sh"}`)
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 1, true, "Make it alone")
}

// What a person agreed to for one directory is not done in another that lies in its place by then, and nothing that was
// remembered for it holds there.
func TestAgreementIsForOneDirectory(t *testing.T) {
	b := newWorkBench(t, untrusted, scoped)
	for _, call := range []string{`tool run_shell {"command":"touch made"}`, edit("made", "1")} {
		r := b.script("cloud", call)
		a := b.asked(r, 1)[0]
		if err := os.Rename(b.root, b.root+"-away"); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(b.root, 0o755); err != nil {
			t.Fatal(err)
		}
		b.decide(a, "once", "")
		b.wantEnd(r, completed, noError)
		b.wantOutput(r, 0, true, "another than when the person agreed")
		if _, err := os.Stat(filepath.Join(b.root, "made")); err == nil {
			t.Error("it was done there")
		}
		if err := os.Remove(b.root); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(b.root+"-away", b.root); err != nil {
			t.Fatal(err)
		}
	}
}

func TestScratch(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	first := b.sendTo("cloud", "", edit("note", "1"))
	b.wantEnd(first, completed, noError)
	b.wantOutput(first, 0, false, "note is made")
	branch, err := b.store.CreateSession(t.Context(), &apiv1.Session{ParentId: first.SessionId})
	if err != nil {
		t.Fatal(err)
	}
	read := `tool read_file {"path":"note"}`
	second := b.sendTo("cloud", branch.Id, read)
	b.wantEnd(second, completed, noError)
	b.wantOutput(second, 0, false, "1")
	third := b.sendTo("cloud", "", read)
	b.wantEnd(third, completed, noError)
	b.wantOutput(third, 0, true, "no such file")

	// A directory goes when nobody can come back to it.
	dirs := func() int {
		all, err := os.ReadDir(filepath.Join(b.dir, "scratch"))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if n := dirs(); n != 2 {
		t.Errorf("%d scratch directories", n)
	}
	for _, id := range []string{third.SessionId, first.SessionId} {
		if err := b.store.PurgeSession(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if b.engine.sweep(t.Context()); dirs() != 1 {
		t.Errorf("%d scratch directories are left", dirs())
	}

	// A model that would need words for it has no tools there, and nobody has if a person says so.
	r := b.sendTo("remote", "", "history")
	b.wantEnd(r, completed, noError)
	if got := b.answer(r); !strings.Contains(got, "1 messages: user") {
		t.Errorf("the model without tools got %q", got)
	}
	if _, err := b.store.SetSetting(t.Context(), "tools.scratch", "false"); err != nil {
		t.Fatal(err)
	}
	r = b.sendTo("cloud", "", "tools")
	b.wantEnd(r, completed, noError)
	if got := b.answer(r); !strings.Contains(got, "0 tools") {
		t.Errorf("without scratch directories there are %q", got)
	}
}

// What a command moves out of the workspace is there for the next one, in a branch and after a restart too, until the
// conversation is gone.
func TestCommandsKeepTheirTemp(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	b.put("notes.txt", "notes")
	r := b.script("cloud", `tool run_shell {"command":"mv notes.txt /tmp/x && cp /tmp/x ~/y"}`)
	if pending := pendingOf(b, r); pending != nil {
		b.decide(pending, "once", "")
	}
	b.wantEnd(r, completed, noError)
	b.wantOutput(r, 0, false, "exit code 0")
	if err := b.engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.equip()
	branch, err := b.store.CreateSession(t.Context(), &apiv1.Session{ParentId: r.SessionId})
	if err != nil {
		t.Fatal(err)
	}
	for _, session := range []string{r.SessionId, branch.Id} {
		again := b.sendTo("cloud", session, `tool run_shell {"command":"cat /tmp/x"}`)
		if pending := pendingOf(b, again); pending != nil {
			b.decide(pending, "once", "")
		}
		b.wantEnd(again, completed, noError)
		b.wantOutput(again, 0, false, "notes")
	}
	kept := func() int {
		all, err := os.ReadDir(filepath.Join(b.dir, "private"))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if b.engine.sweep(t.Context()); kept() != 1 {
		t.Errorf("%d are kept", kept())
	}
	for _, id := range []string{r.SessionId, branch.Id} {
		if _, err := b.engine.DeleteSession(t.Context(), id, true); err != nil {
			t.Fatal(err)
		}
	}
	if kept() != 0 {
		t.Errorf("%d are left of a conversation that is gone", kept())
	}
}

func TestReport(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	b.put("old", "1")
	b.put("gone", "1")
	r := b.script("cloud", `tool run_shell {"command":"echo 2 > old && rm gone && mkdir -p d && echo 1 > d/new && echo all: > Makefile"}`, edit("edited", "1"), "then", "done")
	if pending := pendingOf(b, r); pending != nil {
		b.decide(pending, "once", "")
	}
	b.wantEnd(r, completed, noError)
	var got []string
	for _, e := range b.entries(r.SessionId) {
		if f := e.GetFileChange(); f != nil {
			got = append(got, fmt.Sprint(strings.TrimPrefix(f.Kind.String(), "KIND_"), " ", f.Path, " ", f.Why, " ", f.Undoable))
		}
	}
	want := []string{"CREATED edited  true", "CREATED Makefile runs when the project is built or tested false", "CREATED d/new  false", "DELETED gone  false", "CHANGED old  false"}
	if !slices.Equal(got, want) {
		t.Errorf("the report says\n%q, want\n%q", got, want)
	}
}

// pendingOf is the question that a run has asked by the time it waits or has ended; nil if none.
func pendingOf(b *workBench, r *apiv1.Run) *apiv1.Approval {
	b.Helper()
	r = b.until(r.Id, "asking or ended", func(r *apiv1.Run) bool {
		return store.Final(r.State) || r.State == apiv1.RunState_RUN_STATE_WAITING_APPROVAL
	})
	if store.Final(r.State) {
		return nil
	}
	return b.asked(r, 1)[0]
}

func TestCancelStopsACommand(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	r := b.script("cloud", `tool run_shell {"command":"echo begun > mark; sleep 600"}`)
	if a := waitAsk(b, r, "mark"); a != nil {
		b.decide(a, "once", "")
		waitAsk(b, r, "mark")
	}
	if _, err := b.engine.Cancel(t.Context(), r.Id); err != nil {
		t.Fatal(err)
	}
	b.wantEnd(r, cancelled, noError)
	b.wantOutput(r, 0, true, "stopped")
}

// waitAsk waits until the run has asked, or a file is there.
func waitAsk(b *workBench, r *apiv1.Run, file string) *apiv1.Approval {
	b.Helper()
	for {
		if _, err := os.Stat(filepath.Join(b.root, file)); err == nil {
			return nil
		}
		all, err := b.store.RunApprovals(context.Background(), r.Id)
		if err != nil {
			b.Fatal(err)
		}
		for _, a := range all {
			if a.State == apiv1.ApprovalState_APPROVAL_STATE_PENDING {
				return a
			}
		}
		if got, err := b.store.Run(b.Context(), r.Id); err != nil || got.EndedMs != 0 {
			b.Fatalf("the run ended: %v, %v, %v", got, err, b.outputs(r))
		}
	}
}
