package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// hostPatience is how long an answer waits for a host that went away to come back.
const hostPatience = 5 * time.Second

// follower prints a run as it goes on.
type follower struct {
	*terminal.Terminal
	options askOptions
	client  *client.Client
	run     *apiv1.Run
	// Watched up to here.
	rev int64

	// The part being written: what kind it is, its first sequence number, and how much of it has been printed.
	kind    apiv1.Chunk_Kind
	part    int64
	printed int
	lastSeq int64
	// Standard output ends in the middle of a line.
	open bool
	// A status stands in the terminal and must be wiped away first.
	status bool
	// Standard error ends in the middle of a line of thoughts.
	thinking bool
	// Questions that wait for this terminal, by id; nil once they are answered.
	asks *asks
}

// follow watches until the run has ended and everything of it is printed.
func (f *follower) follow(ctx context.Context) (*apiv1.Run, error) {
	f.asks = f.newAsks(ctx)
	defer f.endLine()
	req := &apiv1.WatchRequest{
		AfterRev:  f.rev,
		Topics:    []apiv1.Topic{apiv1.Topic_TOPIC_RUNS, apiv1.Topic_TOPIC_ENTRIES, apiv1.Topic_TOPIC_APPROVALS},
		SessionId: f.run.SessionId,
	}
	err := f.client.Watch(ctx, client.Watching{Request: req, Patience: hostPatience, Take: func(res *apiv1.WatchResponse) (bool, error) {
		for _, change := range res.Changes {
			if err := f.take(ctx, change); err != nil {
				return false, err
			}
		}
		ended := f.run.EndedMs != 0 && f.lastSeq >= f.run.LastSeq
		return !ended && !(f.options.background && f.run.State == apiv1.RunState_RUN_STATE_WAITING_BACKGROUND), nil
	}})
	if errors.As(err, new(*client.UnreachableError)) {
		f.endLine()
		return nil, terminal.Fail(terminal.NoHost, fmt.Errorf("the host went away in the middle of the answer; what came by then is kept: openvibez session show %s\nGo on from there: openvibez run continue %s", terminal.Short(f.run.SessionId), terminal.Short(f.run.Id)))
	}
	if err != nil {
		return nil, err
	}
	return f.run, nil
}

func (f *follower) take(ctx context.Context, change *apiv1.Change) error {
	if gone := change.GetTombstone(); gone != nil && (gone.Id == f.run.SessionId || gone.Id == f.run.Id) {
		f.run.EndedMs, f.run.State, f.lastSeq = 1, apiv1.RunState_RUN_STATE_CANCELLED, f.run.LastSeq
		return nil
	}
	switch {
	case change.GetRun().GetId() == f.run.Id:
		f.run = change.GetRun()
		if f.options.json {
			// The last line is to be the finished run: it waits.
			if f.run.EndedMs != 0 {
				return nil
			}
			return terminal.PrintJSON(f.Out, change)
		}
		f.showStatus(busyWith(f.run))
	case change.GetEntry() != nil:
		e := change.GetEntry()
		f.lastSeq = max(f.lastSeq, e.Seq, e.LastSeq)
		if e.RunId != f.run.Id {
			return nil
		}
		if f.options.json {
			return terminal.PrintJSON(f.Out, change)
		}
		f.show(e)
	case change.GetApproval().GetRunId() == f.run.Id:
		if f.options.json {
			if err := terminal.PrintJSON(f.Out, change); err != nil {
				return err
			}
		}
		f.question(ctx, change.GetApproval())
	}
	return nil
}

func (f *follower) show(e *apiv1.Entry) {
	switch body := e.Body.(type) {
	case *apiv1.Entry_Chunk:
		c := body.Chunk
		if c.Offset == 0 {
			f.part, f.printed, f.kind = e.Seq, 0, c.Kind
		}
		if skip := f.printed - int(c.Offset); skip >= 0 && skip < len(c.Text) {
			f.write(c.Kind, c.Text[skip:])
			f.printed += len(c.Text) - skip
		}
	case *apiv1.Entry_Text:
		f.rest(e, apiv1.Chunk_KIND_TEXT, body.Text.Text)
	case *apiv1.Entry_Thought:
		f.rest(e, apiv1.Chunk_KIND_THOUGHT, body.Thought.Text)
	case *apiv1.Entry_Notice:
		f.aside(body.Notice.Text)
	case *apiv1.Entry_ToolCall:
		f.aside(callWords(body.ToolCall))
	case *apiv1.Entry_ToolOutput:
		f.aside(outputWords(body.ToolOutput))
	case *apiv1.Entry_Plan:
		f.plan(body.Plan)
	case *apiv1.Entry_FileChange:
		f.aside(fileWords(body.FileChange))
	case *apiv1.Entry_Action:
		if body.Action.State != providerv1.Action_STATE_RUNNING {
			f.aside(body.Action.Title)
		}
	}
}

// rest prints what is missing of a part that is now whole.
func (f *follower) rest(e *apiv1.Entry, kind apiv1.Chunk_Kind, text string) {
	from := 0
	if e.Seq == f.part {
		from = min(f.printed, len(text))
	} else {
		f.kind = kind
	}
	f.write(kind, text[from:])
	f.part, f.printed = 0, 0
	// The next part begins on a line of its own.
	f.endLine()
}

func (f *follower) write(kind apiv1.Chunk_Kind, text string) {
	if text == "" {
		return
	}
	if kind == apiv1.Chunk_KIND_THOUGHT {
		if f.options.thoughts || f.Err.Terminal {
			f.wipe()
			if f.Err.Terminal {
				f.Err.Print(f.Err.Dim(text))
			} else {
				fmt.Fprint(f.Err, text)
			}
			f.thinking = !strings.HasSuffix(text, "\n")
		}
		return
	}
	f.wipe()
	if f.thinking {
		f.Err.Println()
		f.thinking = false
	}
	fmt.Fprint(f.Out, text)
	f.open = !strings.HasSuffix(text, "\n")
}

// endLine leaves both outputs at the beginning of a line.
func (f *follower) endLine() {
	f.wipe()
	if f.open {
		f.Out.Println()
		f.open = false
	}
	if f.thinking {
		f.Err.Println()
		f.thinking = false
	}
}

// aside is something to know that is not part of the answer.
func (f *follower) aside(text string) {
	if text == "" || !f.Err.Terminal {
		return
	}
	f.endLine()
	f.Err.Println(f.Err.Dim("· " + terminal.OneLine(text, 200)))
}

// busyWith says what a run under way does or waits for.
func busyWith(r *apiv1.Run) string {
	switch r.State {
	case apiv1.RunState_RUN_STATE_QUEUED:
		return "waits for the message before it"
	case apiv1.RunState_RUN_STATE_WAITING_LIMIT:
		return "goes on at " + time.UnixMilli(r.ResumeMs).Format("15:04:05") + ": " + r.Status
	case apiv1.RunState_RUN_STATE_WAITING_BACKGROUND:
		return cmp.Or(r.Status, "goes on at the provider")
	case apiv1.RunState_RUN_STATE_PAUSED:
		return "paused; openvibez run resume " + terminal.Short(r.Id) + " lets it go on"
	}
	return r.Status
}

// showStatus is only for the time before and between texts, and only in a terminal.
func (f *follower) showStatus(text string) {
	if !f.Err.Colour || f.open || f.thinking {
		return
	}
	f.wipe()
	if text != "" {
		f.Err.Print(f.Err.Dim(terminal.OneLine(text, 70) + " …"))
		f.status = true
	}
}

func (f *follower) wipe() {
	if f.status {
		f.Err.Wipe()
		f.status = false
	}
}

// finish says how it ended.
func (f *follower) finish(run *apiv1.Run) error {
	if f.options.json {
		if err := terminal.PrintJSON(f.Out, &apiv1.Change{Row: &apiv1.Change_Run{Run: run}}); err != nil {
			return err
		}
	}
	switch run.State {
	case apiv1.RunState_RUN_STATE_WAITING_BACKGROUND:
		if !f.options.json {
			f.Out.Println(terminal.Short(run.Id))
			f.aside("the provider works on it; the answer will be in openvibez run show " + terminal.Short(run.Id))
		}
		return nil
	case apiv1.RunState_RUN_STATE_COMPLETED:
		switch run.FinishReason {
		case providerv1.Done_REASON_LENGTH:
			f.aside("the answer ends here because the output limit was reached" + goOn(run))
		case providerv1.Done_REASON_CONTENT_FILTER:
			f.aside("the provider's content filter ended the answer here")
		}
		if f.Err.Terminal && f.Out.Terminal && !f.options.json {
			f.Err.Println(f.Err.Dim(fmt.Sprintf("%s · session %s · go on: openvibez ask -c", run.Model, terminal.Short(run.SessionId))))
		}
		return nil
	case apiv1.RunState_RUN_STATE_FAILED:
		return terminal.Fail(terminal.Provider, errors.New(runProblem(run, "the provider failed")+goOn(run)))
	case apiv1.RunState_RUN_STATE_CANCELLED:
		return terminal.Fail(terminal.Cancelled, errors.New("cancelled; what came by then is kept"+goOn(run)))
	case apiv1.RunState_RUN_STATE_INTERRUPTED:
		return terminal.Fail(terminal.Cancelled, errors.New(runProblem(run, "interrupted: the host ended; what came by then is kept")+goOn(run)))
	}
	return fmt.Errorf("the run ended as %s", stateWords(run.State))
}

// goOn says how to take up a run that ended before its answer did.
func goOn(run *apiv1.Run) string {
	if run.StartedMs == 0 {
		return ""
	}
	if run.LastSeq > run.UserSeq {
		return "\nGo on from there: openvibez run continue " + terminal.Short(run.Id)
	}
	return "\nAsk again: openvibez run retry " + terminal.Short(run.Id)
}

func runProblem(run *apiv1.Run, otherwise string) string {
	if run.Error.GetMessage() != "" {
		return client.Words(run.Error)
	}
	return otherwise
}

func stateWords(s apiv1.RunState) string {
	name := strings.TrimPrefix(s.String(), "RUN_STATE_")
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}
