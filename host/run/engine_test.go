package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// plugins holds the scripted provider, built once.
var plugins string

// helper is the sandbox helper, built once.
var helper string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "ovp")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		plugins = dir
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "openvibez-provider-scripted"), "github.com/openvibez/openvibez/e2e/scripted")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the scripted provider: %v\n%s", err, out)
			return 1
		}
		for _, other := range []string{"second", "raw"} {
			if err := os.Link(filepath.Join(dir, "openvibez-provider-scripted"), filepath.Join(dir, "openvibez-provider-"+other)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		helper = filepath.Join(dir, "openvibez-sandbox")
		cmd = exec.Command("go", "build", "-o", helper, "github.com/openvibez/openvibez/host/sandbox/helper")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the sandbox helper: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// bench is a store, a provider and an engine, as the host wires them.
type bench struct {
	*testing.T
	dir       string
	store     *store.Store
	processes *plugin.Manager
	plug      *provider.Manager
	engine    *Engine
	id        string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "ovr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &bench{T: t, dir: dir}
	b.open()
	t.Cleanup(func() { b.close() })
	p, err := b.store.AddProvider(t.Context(), &apiv1.Provider{Plugin: "scripted", Name: "Scripted"})
	if err != nil {
		t.Fatal(err)
	}
	b.id = p.Id
	return b
}

func (b *bench) open() {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	st, err := store.Open(context.Background(), store.Config{Path: filepath.Join(b.dir, "openvibez.db"), Logger: log})
	if err != nil {
		b.Fatal(err)
	}
	b.store = st
	none := func(string) string { return "" }
	b.processes = plugin.New(plugin.Config{
		PluginDirs: []string{plugins}, RuntimeDir: filepath.Join(b.dir, "run"), Logger: log, Getenv: none,
	})
	b.plug = provider.New(provider.Config{Plugins: b.processes, Book: st, Logger: log, Getenv: none})
	b.engine = New(Config{Store: st, Providers: b.plug, Logger: log})
	if err := b.engine.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.engine.Close(ctx); err != nil {
		b.Error(err)
	}
	b.processes.Close()
	if err := b.store.CheckInvariants(context.Background()); err != nil {
		b.Error(err)
	}
	if err := b.store.Close(); err != nil {
		b.Error(err)
	}
}

var requests int

func (b *bench) send(session, text string) *apiv1.SendResponse {
	b.Helper()
	requests++
	res, err := b.engine.Send(b.Context(), &apiv1.SendRequest{
		SessionId: session, ClientRequestId: fmt.Sprintf("request-%d", requests), Text: text, Provider: "Scripted",
	}, nil)
	if err != nil {
		b.Fatalf("send %q: %v", text, err)
	}
	return res
}

// until waits for a run to be as wanted.
func (b *bench) until(id, what string, ok func(*apiv1.Run) bool) *apiv1.Run {
	b.Helper()
	limit := time.After(time.Minute)
	for {
		changed := b.store.Changed()
		r, err := b.store.Run(context.Background(), id)
		if err != nil {
			b.Fatal(err)
		}
		if ok(r) {
			return r
		}
		select {
		case <-changed:
		case <-limit:
			b.Fatalf("waited a minute for the run to be %s; it is %v", what, r)
		}
	}
}

func (b *bench) end(id string) *apiv1.Run {
	b.Helper()
	return b.until(id, "ended", func(r *apiv1.Run) bool { return r.EndedMs != 0 })
}

func (b *bench) state(id string, s apiv1.RunState) *apiv1.Run {
	b.Helper()
	return b.until(id, s.String(), func(r *apiv1.Run) bool { return r.State == s })
}

func (b *bench) entries(session string) []*apiv1.Entry {
	b.Helper()
	res, err := b.store.ListEntries(context.Background(), &apiv1.ListEntriesRequest{SessionId: session, Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	return res.Entries
}

// answer is the text a run has brought so far.
func (b *bench) answer(r *apiv1.Run) string {
	b.Helper()
	var s strings.Builder
	for _, e := range b.entries(r.SessionId) {
		if e.RunId != r.Id {
			continue
		}
		s.WriteString(e.GetText().GetText())
		if c := e.GetChunk(); c.GetKind() == apiv1.Chunk_KIND_TEXT {
			s.WriteString(c.Text)
		}
	}
	return s.String()
}

func (b *bench) textBegun(r *apiv1.Run) {
	b.Helper()
	b.until(r.Id, "answering", func(*apiv1.Run) bool { return b.answer(r) != "" })
}

func (b *bench) wantEnd(r *apiv1.Run, state apiv1.RunState, code providerv1.ErrorCode) *apiv1.Run {
	b.Helper()
	got := b.end(r.Id)
	if got.State != state || got.Error.GetCode() != code {
		b.Errorf("the run ended as %v with %v; want %v with %v", got.State, got.Error, state, code)
	}
	return got
}

const (
	completed   = apiv1.RunState_RUN_STATE_COMPLETED
	failed      = apiv1.RunState_RUN_STATE_FAILED
	cancelled   = apiv1.RunState_RUN_STATE_CANCELLED
	background  = apiv1.RunState_RUN_STATE_WAITING_BACKGROUND
	interrupted = apiv1.RunState_RUN_STATE_INTERRUPTED
	queued      = apiv1.RunState_RUN_STATE_QUEUED
	noError     = providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED
)

func TestAnswer(t *testing.T) {
	b := newBench(t)
	res := b.send("", "reference req-1 resp-1\nthought let me see\nsay hello\nusage 7 3")
	r := b.wantEnd(res.Run, completed, noError)
	if r.RequestId != "req-1" || r.ResponseId != "resp-1" {
		t.Errorf("the provider's references are kept as %q and %q", r.RequestId, r.ResponseId)
	}
	if got := strings.TrimSpace(b.answer(r)); got != "hello" {
		t.Errorf("answer %q", got)
	}
	var kinds []string
	for _, e := range b.entries(res.Session.Id) {
		kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", e.Body), "*apiv1.Entry_"))
	}
	if want := []string{"User", "Thought", "Text", "Usage", "Turn"}; !slices.Equal(kinds, want) {
		t.Errorf("the journal holds %v, want %v", kinds, want)
	}
	if !strings.HasPrefix(res.Session.Title, "reference req-1") {
		t.Errorf("title %q", res.Session.Title)
	}
}

func TestHistoryReachesTheModel(t *testing.T) {
	b := newBench(t)
	first := b.send("", "say one\nstate abc")
	b.wantEnd(first.Run, completed, noError)
	second := b.send(first.Session.Id, "history\nstate -")
	r := b.wantEnd(second.Run, completed, noError)
	if got := b.answer(r); !strings.Contains(got, "3") || !strings.Contains(got, "abc") {
		t.Errorf("the provider saw %q; want 3 messages and the state abc", got)
	}
}

func TestSendTwiceIsOnce(t *testing.T) {
	b := newBench(t)
	req := &apiv1.SendRequest{ClientRequestId: "same", Text: "say once", Provider: "Scripted"}
	first, err := b.engine.Send(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SessionId = first.Session.Id
	second, err := b.engine.Send(t.Context(), req, nil)
	if err != nil || second.Run.Id != first.Run.Id {
		t.Errorf("second send: %v, %v", second, err)
	}
	b.end(first.Run.Id)
	req.Text = "say other"
	if _, err := b.engine.Send(t.Context(), req, nil); !errors.Is(err, store.ErrConflict) {
		t.Errorf("same id, other content: %v", err)
	}
}

func TestQueueAndParallelSessions(t *testing.T) {
	b := newBench(t)
	slow := b.send("", "slow 100000 10")
	b.textBegun(slow.Run)
	next := b.send(slow.Session.Id, "say second")
	last := b.send(slow.Session.Id, "say third")
	other := b.send("", "say elsewhere")
	b.wantEnd(other.Run, completed, noError)
	for _, r := range []*apiv1.Run{next.Run, last.Run} {
		if r, _ := b.store.Run(t.Context(), r.Id); r.State != queued {
			t.Errorf("a message behind a running one is %v", r.State)
		}
	}
	if r, err := b.engine.Cancel(t.Context(), next.Run.Id); err != nil || r.State != cancelled {
		t.Errorf("cancel of a queued run: %v, %v", r, err)
	}
	if r, err := b.engine.Cancel(t.Context(), slow.Run.Id); err != nil || r.State != cancelled {
		t.Errorf("cancel of a running run: %v, %v", r, err)
	}
	if b.answer(slow.Run) == "" {
		t.Error("the text so far is gone")
	}
	b.wantEnd(last.Run, completed, noError)
	if r, _ := b.store.Run(t.Context(), next.Run.Id); r.State != cancelled || r.StartedMs != 0 {
		t.Errorf("the cancelled queued run is %v, started %d", r.State, r.StartedMs)
	}
}

func TestCancelBeforeText(t *testing.T) {
	b := newBench(t)
	for _, prompt := range []string{"hang", "hang-hard"} {
		res := b.send("", prompt)
		b.until(res.Run.Id, "running", func(r *apiv1.Run) bool { return r.State == apiv1.RunState_RUN_STATE_RUNNING })
		if r, err := b.engine.Cancel(t.Context(), res.Run.Id); err != nil || r.State != cancelled {
			t.Errorf("cancel of %q: %v, %v", prompt, r, err)
		}
		again, err := b.engine.Cancel(t.Context(), res.Run.Id)
		if err != nil || again.State != cancelled {
			t.Errorf("cancel of an ended run: %v, %v", again, err)
		}
	}
}

func TestQuestion(t *testing.T) {
	b := newBench(t)
	pending := func(run *apiv1.Run) *apiv1.Approval {
		b.state(run.Id, apiv1.RunState_RUN_STATE_WAITING_APPROVAL)
		changes, _, err := b.store.Changes(t.Context(), store.ChangesQuery{Topics: []apiv1.Topic{apiv1.Topic_TOPIC_APPROVALS}, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if a := c.GetApproval(); a.GetRunId() == run.Id {
				return a
			}
		}
		t.Fatal("no approval is asked for")
		return nil
	}
	t.Run("answered", func(t *testing.T) {
		res := b.send("", "question may I?\nsay after")
		a := pending(res.Run)
		decide := &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: a.Question.Choices[0].Id}
		if _, err := b.engine.Decide(t.Context(), &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: "no such"}, apiv1.Author_AUTHOR_CLI); err == nil {
			t.Error("a choice that is not offered was taken")
		}
		if got, err := b.engine.Decide(t.Context(), decide, apiv1.Author_AUTHOR_CLI); err != nil || got.Decision.Allowed != a.Question.Choices[0].Allows {
			t.Errorf("decide: %v, %v", got, err)
		}
		if _, err := b.engine.Decide(t.Context(), decide, apiv1.Author_AUTHOR_CLI); !errors.Is(err, store.ErrDecided) {
			t.Errorf("second decision: %v", err)
		}
		r := b.wantEnd(res.Run, completed, noError)
		if got := b.answer(r); !strings.Contains(got, "after") {
			t.Errorf("answer after the question: %q", got)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		res := b.send("", "question may I?\nsay after")
		a := pending(res.Run)
		if r, err := b.engine.Cancel(t.Context(), res.Run.Id); err != nil || r.State != cancelled {
			t.Errorf("cancel: %v, %v", r, err)
		}
		if _, err := b.engine.Decide(t.Context(), &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: a.Question.Choices[0].Id}, apiv1.Author_AUTHOR_CLI); !errors.Is(err, store.ErrDecided) {
			t.Errorf("decision after cancel: %v", err)
		}
	})
}

func TestFaults(t *testing.T) {
	b := newBench(t)
	tests := []struct {
		prompt string
		code   providerv1.ErrorCode
		text   string
	}{
		{"reference r s\nsay kept\nerror OVERLOADED", providerv1.ErrorCode_ERROR_CODE_OVERLOADED, "kept"},
		{"say kept\ncrash", providerv1.ErrorCode_ERROR_CODE_PLUGIN, "kept"},
		{"say kept\nkill", providerv1.ErrorCode_ERROR_CODE_PLUGIN, "kept"},
		{"say kept\npanic", providerv1.ErrorCode_ERROR_CODE_PLUGIN, "kept"},
		{"say kept\nnodone", providerv1.ErrorCode_ERROR_CODE_PLUGIN, "kept"},
		{"thought only this", providerv1.ErrorCode_ERROR_CODE_EMPTY, ""},
		{"usage 1 0", providerv1.ErrorCode_ERROR_CODE_EMPTY, ""},
		{"say kept\nbackground handle", providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "kept"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.prompt, "\n", " "), func(t *testing.T) {
			r := b.wantEnd(b.send("", tt.prompt).Run, failed, tt.code)
			if r.Error.GetMessage() == "" {
				t.Error("no words")
			}
			if strings.HasPrefix(tt.prompt, "reference") && (r.RequestId != "r" || r.ResponseId != "s") {
				t.Errorf("the provider's references are kept as %q and %q", r.RequestId, r.ResponseId)
			}
			if got := strings.TrimSpace(b.answer(r)); got != tt.text {
				t.Errorf("kept text %q, want %q", got, tt.text)
			}
		})
	}
	b.wantEnd(b.send("", "say alive").Run, completed, noError)
}

func TestWaitsForALimit(t *testing.T) {
	b := newBench(t)
	res := b.send("", "once error RATE_LIMITED 300\nsay after")
	r := b.state(res.Run.Id, apiv1.RunState_RUN_STATE_WAITING_LIMIT)
	if r.ResumeMs == 0 || r.Status == "" {
		t.Errorf("a waiting run does not say until when and why: %v", r)
	}
	r = b.wantEnd(res.Run, completed, noError)
	if got := strings.TrimSpace(b.answer(r)); got != "after" {
		t.Errorf("answer %q", got)
	}
	t.Run("over a restart", func(t *testing.T) {
		res := b.send("", "once error RATE_LIMITED 2000\nsay after")
		b.state(res.Run.Id, apiv1.RunState_RUN_STATE_WAITING_LIMIT)
		b.close()
		b.open()
		b.wantEnd(res.Run, completed, noError)
	})
	t.Run("cancelled", func(t *testing.T) {
		res := b.send("", "error RATE_LIMITED 3600000")
		b.state(res.Run.Id, apiv1.RunState_RUN_STATE_WAITING_LIMIT)
		if r, err := b.engine.Cancel(t.Context(), res.Run.Id); err != nil || r.State != cancelled {
			t.Errorf("cancel: %v, %v", r, err)
		}
	})
}

func TestTriesAgainOnlyBeforeText(t *testing.T) {
	b := newBench(t)
	res, err := b.engine.Send(t.Context(), &apiv1.SendRequest{
		ClientRequestId: "remote", Text: "once error OVERLOADED\nsay after", Provider: "Scripted", Model: "remote",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := b.wantEnd(res.Run, completed, noError)
	if got := strings.TrimSpace(b.answer(r)); got != "after" {
		t.Errorf("answer %q", got)
	}
	b.wantEnd(b.send("", "say before\nonce error OVERLOADED").Run, failed, providerv1.ErrorCode_ERROR_CODE_OVERLOADED)
}

func TestRefusedOptionIsLeftOut(t *testing.T) {
	b := newBench(t)
	ask := func(id string) *apiv1.Run {
		res, err := b.engine.Send(t.Context(), &apiv1.SendRequest{
			ClientRequestId: id, Text: "refuse temperature\nsay after", Provider: "Scripted",
			Options: &providerv1.Options{Temperature: new(0.5)},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return res.Run
	}
	b.wantEnd(ask("first"), completed, noError)
	r := b.wantEnd(ask("second"), completed, noError)
	if refused, err := b.engine.refused(t.Context(), r); err != nil || !slices.Equal(refused, []string{"temperature"}) {
		t.Errorf("remembered %v, %v", refused, err)
	}
	if r.Options.Temperature == nil {
		t.Error("the run forgot what was asked for")
	}
}

func TestTitle(t *testing.T) {
	b := newBench(t)
	res := b.send("", "say something")
	b.wantEnd(res.Run, completed, noError)
	titled := func() string {
		s, err := b.store.Session(t.Context(), res.Session.Id)
		if err != nil {
			t.Fatal(err)
		}
		return s.Title
	}
	b.until(res.Run.Id, "titled", func(*apiv1.Run) bool { return titled() == "Title of a script" })
	if _, err := b.store.UpdateSession(t.Context(), res.Session.Id, func(s *apiv1.Session) error {
		s.Title, s.Titled = "Mine", true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.wantEnd(b.send(res.Session.Id, "say more").Run, completed, noError)
	if got := titled(); got != "Mine" {
		t.Errorf("the host renamed a session to %q", got)
	}
}

func TestTitlerIsChosen(t *testing.T) {
	b := newBench(t)
	p, err := b.store.Provider(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.SyncModels(t.Context(), p.Id, []*providerv1.Model{
		{Id: "dear", Price: &providerv1.Price{Output: 9}}, {Id: "cheap", Price: &providerv1.Price{Output: 1}}, {Id: "unknown"},
	}); err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{
		"": "Scripted cheap", "false": "", `{"provider":"scripted","model":"dear"}`: "Scripted dear", `{"provider":"scripted"}`: "Scripted dear",
	} {
		if _, err := b.store.SetSetting(t.Context(), "titles", setting); err != nil {
			t.Fatal(err)
		}
		who, model, err := b.engine.titler(t.Context(), p, "unknown")
		if got := strings.TrimSpace(who.GetName() + " " + model); err != nil || got != want {
			t.Errorf("titles %q: %q, %v, want %q", setting, got, err, want)
		}
	}
}

func TestUsageIsCountedOnce(t *testing.T) {
	b := newBench(t)
	counted := func(r *apiv1.Run) string {
		var all []string
		for _, e := range b.entries(r.SessionId) {
			if u := e.GetUsage(); u != nil && e.RunId == r.Id {
				all = append(all, fmt.Sprint(u.InputTokens, " ", u.OutputTokens, " ", u.Estimated))
			}
		}
		return strings.Join(all, ", ")
	}
	for prompt, want := range map[string]string{
		"say a\nusage 7 3":                   "7 3 false",
		"say four":                           "3 2 true",
		"say a\nusage 7 3\nerror OVERLOADED": "7 3 false",
		"say a\nusage 7 3\ncrash":            "7 3 false",
		"error AUTH":                         "",
		"once error RATE_LIMITED 10\nsay a\nusage 7 3": "7 3 false",
	} {
		r := b.end(b.send("", prompt).Run.Id)
		if got := counted(r); got != want {
			t.Errorf("%q counts %q, want %q", prompt, got, want)
		}
	}
	cut := b.send("", "slow 100000 10")
	b.textBegun(cut.Run)
	if _, err := b.engine.Cancel(t.Context(), cut.Run.Id); err != nil {
		t.Fatal(err)
	}
	if got := counted(cut.Run); !strings.HasSuffix(got, "true") {
		t.Errorf("a cancelled answer counts %q, want an estimate", got)
	}
}

func TestTidyTitle(t *testing.T) {
	for answer, want := range map[string]string{
		"Kitchen plans": "Kitchen plans",
		"\n## **Title: \"Kitchen plans.\"**\nmore": "Kitchen plans",
		"„Küchenpläne“":                            "Küchenpläne",
		strings.Repeat("word ", 40):                "",
		" ":                                        "",
	} {
		if got := tidyTitle(answer); got != want {
			t.Errorf("tidyTitle(%q) = %q, want %q", answer, got, want)
		}
	}
}

func TestToolCallEndsCleanly(t *testing.T) {
	b := newBench(t)
	res := b.send("", `tool look {"at":"it"}`)
	b.wantEnd(res.Run, completed, noError)
	var outputs int
	for _, e := range b.entries(res.Session.Id) {
		if o := e.GetToolOutput(); o != nil {
			outputs++
			if !o.Result.Failed || !strings.Contains(o.Result.Content, "not available") {
				t.Errorf("tool output %v", o)
			}
		}
	}
	if outputs != 1 {
		t.Errorf("%d tool outputs, want 1", outputs)
	}
}

func TestCloseInterruptsAndStartGoesOn(t *testing.T) {
	b := newBench(t)
	slow := b.send("", "slow 100000 10")
	b.textBegun(slow.Run)
	waiting := b.send(slow.Session.Id, "say later")
	b.close()
	b.open()
	r := b.wantEnd(slow.Run, interrupted, providerv1.ErrorCode_ERROR_CODE_HOST)
	if b.answer(r) == "" {
		t.Error("the text so far is gone")
	}
	b.wantEnd(waiting.Run, completed, noError)
}

func TestRefusals(t *testing.T) {
	b := newBench(t)
	tests := []struct {
		name string
		req  *apiv1.SendRequest
		want string
	}{
		{"empty", &apiv1.SendRequest{ClientRequestId: "1", Text: " \n"}, "empty"},
		{"unknown provider", &apiv1.SendRequest{ClientRequestId: "2", Text: "x", Provider: "nope"}, `"nope"`},
		{"unknown model", &apiv1.SendRequest{ClientRequestId: "3", Text: "x", Provider: "Scripted", Model: "nope"}, `"nope"`},
		{"unknown session", &apiv1.SendRequest{ClientRequestId: "4", Text: "x", SessionId: "nope"}, "nope"},
		{"background", &apiv1.SendRequest{ClientRequestId: "5", Text: "x", Provider: "Scripted", Model: "remote", Options: &providerv1.Options{Background: true}}, "background"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := b.engine.Send(t.Context(), tt.req, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not name %s", err, tt.want)
			}
		})
	}
	var typed *sdk.Error
	_, err := b.engine.Send(t.Context(), tests[2].req, nil)
	if !errors.As(err, &typed) || typed.Code() != providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL {
		t.Errorf("unknown model: %v", err)
	}
}

func TestRemovedProvider(t *testing.T) {
	b := newBench(t)
	slow := b.send("", "slow 100000 10")
	b.textBegun(slow.Run)
	next := b.send(slow.Session.Id, "say never")
	if err := b.store.RemoveProvider(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Cancel(t.Context(), slow.Run.Id); err != nil {
		t.Fatal(err)
	}
	r := b.wantEnd(next.Run, failed, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST)
	if !strings.Contains(r.Error.GetMessage(), "removed") {
		t.Errorf("words: %s", r.Error.GetMessage())
	}
}
