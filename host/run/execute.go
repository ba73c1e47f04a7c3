package run

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/run/textcalls"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/tool"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// execution is one run under way.
type execution struct {
	desk  *desk
	write *writer
	run   *apiv1.Run
	// The session, where it was read this moment; the first turn takes it.
	session  *apiv1.Session
	provider *apiv1.Provider
	cancel   context.CancelCauseFunc
	ended    chan struct{}
	// Told when a paused run may go on.
	resumed chan struct{}

	status string
	// What the turn under way has brought; begun once anything of it is in the journal.
	begun    bool
	answered bool
	thought  bool
	calls    []*providerv1.ToolCall
	usage    *providerv1.Usage
	// The ids of all calls so far, and of all questions of the provider's.
	callIDs, questionIDs map[string]bool
	// Bytes of text sent and received in it.
	sent, came int64
	// What the provider calls the turn, while it is not kept yet.
	reference *providerv1.Reference
	// For a model without tools of its own, where there are tools: what takes the text protocol out of the turn, what the
	// next turn's request says in addition, and how often it did.
	filter      *textcalls.Filter
	correction  []*providerv1.Message
	corrections int
	// What was left out to fit the model's window.
	fitting fitting
	// The call that came last, and how often in a row.
	last  string
	times int
	// The workspace as it was when commands were last reported on.
	seen     *tool.Snapshot
	seenRoot string
	keep     keeping
	// Entries that go before the end, and before them text that the disk has not taken yet.
	closing   []*apiv1.Entry
	unwritten []store.Piece
	// Since when the disk takes nothing, and how that is called; zero: it does.
	troubled time.Time
	trouble  string
}

// finish writes the run's one end. While the store can't take it, the run stays open and is shown so; should the host
// end first, the next start settles it.
func (x *execution) finish(end store.End) {
	log := x.desk.log.With("run", x.run.Id)
	for wait := time.Second; ; wait = min(2*wait, 5*time.Second) {
		err := x.write.once(func(st *store.Store) error {
			_, err := st.EndRun(context.Background(), x.run.Id, end)
			return err
		})
		switch {
		case err == nil:
			log.Info("run ended", "state", end.State, "code", end.Error.GetCode())
			return
		case errors.Is(err, store.ErrEnded), errors.Is(err, store.ErrNotFound):
			log.Debug("run had ended already")
			return
		}
		log.Error("end run; it is tried again", "error", err, "after", wait)
		if store.Passing(err) {
			x.disk(err)
		}
		select {
		case <-time.After(wait):
		case <-x.desk.ending:
			return
		}
	}
}

// endOf says how a run ends that did not complete.
func endOf(ctx context.Context, err error) store.End {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errCancelled):
		return store.End{State: apiv1.RunState_RUN_STATE_CANCELLED}
	case errors.Is(cause, errClosing):
		return store.End{State: apiv1.RunState_RUN_STATE_INTERRUPTED, Error: &providerv1.Error{
			Code:    providerv1.ErrorCode_ERROR_CODE_HOST,
			Message: "OpenVibez was closed while the answer was being written; what came so far is kept",
		}}
	case cause != nil:
		err = cause
	}
	var typed *sdk.Error
	if errors.As(err, &typed) {
		return store.End{State: apiv1.RunState_RUN_STATE_FAILED, Error: typed.Proto}
	}
	return store.End{State: apiv1.RunState_RUN_STATE_FAILED, Error: &providerv1.Error{
		Code: providerv1.ErrorCode_ERROR_CODE_HOST, Message: err.Error(),
	}}
}

// carryOut calls the model until it has answered, and tells how that ended.
func (x *execution) carryOut(ctx context.Context) (store.End, error) {
	e := x.desk
	p, err := e.know.Provider(ctx, x.run.ProviderId)
	if errors.Is(err, store.ErrNotFound) {
		return store.End{}, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"the provider this message was sent to has been removed; choose another model and send it again")
	}
	if err != nil {
		return store.End{}, err
	}
	x.provider = p
	switch x.run.State {
	case apiv1.RunState_RUN_STATE_WAITING_LIMIT:
		err = x.waitOut(ctx, x.run)
	case apiv1.RunState_RUN_STATE_PAUSED:
		err = x.stayPaused(ctx)
	case apiv1.RunState_RUN_STATE_WAITING_BACKGROUND:
		return x.lookAfter(ctx)
	}
	if err != nil {
		return store.End{}, err
	}
	turns, err := e.turns(ctx)
	if err != nil {
		return store.End{}, err
	}
	for turn := range turns {
		if turn > 0 {
			if err := x.betweenTurns(ctx); err != nil {
				return store.End{}, err
			}
		}
		done, err := x.turn(ctx)
		var left leftRunning
		if errors.As(err, &left) {
			return x.leaveRunning(ctx, left)
		}
		if err != nil {
			return store.End{}, err
		}
		entries := x.turnEntries(done)
		if len(x.calls) == 0 && x.correction == nil && !x.holdOpen(done) {
			return store.End{
				State:        apiv1.RunState_RUN_STATE_COMPLETED,
				FinishReason: done.Reason,
				Entries:      entries,
			}, nil
		}
		if err := x.answerCalls(ctx, entries); err != nil {
			return store.End{}, err
		}
	}
	return store.End{}, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
		"stopped after %d turns without a final answer; continue it, or send a message", turns)
}

// call calls the model once and journals what comes until its end.
func (x *execution) call(ctx context.Context) (*providerv1.Done, error) {
	e := x.desk
	x.begun, x.answered, x.thought, x.calls, x.usage, x.came = false, false, false, nil, nil, 0
	req, err := x.fit(ctx)
	if err != nil {
		return nil, err
	}
	x.sent = size(req)
	x.keep.strict = x.desk.box != nil && (x.filter != nil || x.local(ctx))
	t, err := e.providers.Run(ctx, x.provider, req)
	if err != nil {
		return nil, err
	}
	defer t.Close()

	done, err := x.receive(ctx, t)
	if saveErr := x.saveReference(); saveErr != nil && !errors.Is(saveErr, store.ErrEnded) {
		err = errors.Join(err, saveErr)
	}
	if err != nil {
		return nil, err
	}
	x.measure(ctx)
	if x.correct(done) {
		return done, nil
	}
	if !x.answered && len(x.calls) == 0 {
		if done.Reason == providerv1.Done_REASON_CONTENT_FILTER {
			return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CONTENT_FILTERED,
				"%s's content filter held the answer back; ask in other words", x.provider.Name)
		}
		what := "nothing at all"
		switch {
		case x.planned():
			what = "only a plan, no answer"
		case x.thought:
			what = "only thoughts, no answer"
		}
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_EMPTY,
			"%s sent back %s; send the message again, or try another model", x.run.Model, what)
	}
	return done, nil
}

// receive journals events until the turn's end.
func (x *execution) receive(ctx context.Context, t *plugin.Turn) (*providerv1.Done, error) {
	events := make(chan *providerv1.Event)
	failed := make(chan error, 1)
	go func() {
		for {
			ev, err := t.Recv()
			if err != nil {
				failed <- err
				return
			}
			select {
			case events <- ev:
			case <-ctx.Done():
				failed <- context.Cause(ctx)
				return
			}
		}
	}()
	text := &flusher{write: x.write, runID: x.run.Id}
	defer x.leave(text)
	for {
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), x.cut(ctx, text))
		case err := <-failed:
			if errors.Is(err, io.EOF) {
				err = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the provider's answer ended without an end; what came so far is kept")
			}
			return nil, errors.Join(err, x.cut(ctx, text))
		case <-text.due():
			if err := errors.Join(text.flush(), x.saveReference()); err != nil {
				return nil, err
			}
		case ev := <-events:
			done, err := x.pass(ctx, text, ev)
			if done != nil || err != nil {
				return done, err
			}
		}
	}
}

// take journals one event. A done or an error ends the turn.
func (x *execution) take(ctx context.Context, text *flusher, ev *providerv1.Event) (*providerv1.Done, error) {
	switch body := ev.Event.(type) {
	case *providerv1.Event_Text:
		x.begun = true
		x.came += int64(len(body.Text))
		x.answered = x.answered || strings.TrimSpace(body.Text) != ""
		return nil, text.add(apiv1.Chunk_KIND_TEXT, body.Text)
	case *providerv1.Event_Thought:
		x.begun, x.thought = true, true
		x.came += int64(len(body.Thought))
		return nil, text.add(apiv1.Chunk_KIND_THOUGHT, body.Thought)
	}
	switch ev.Event.(type) {
	case *providerv1.Event_Status, *providerv1.Event_Reference, *providerv1.Event_Usage, *providerv1.Event_Done, *providerv1.Event_Error, *providerv1.Event_Background:
		if err := text.flush(); err != nil {
			return nil, err
		}
	default:
		// It goes into the journal after the text.
		if err := x.write.patiently(ctx, func(*store.Store) error { return text.settle() }); err != nil {
			return nil, err
		}
	}
	id := x.run.Id
	switch body := ev.Event.(type) {
	case *providerv1.Event_Status:
		if body.Status.Text == x.status {
			return nil, nil
		}
		x.status = body.Status.Text
		return nil, x.write.perhaps(func(st *store.Store) error { return st.SetStatus(ctx, id, x.status) })
	case *providerv1.Event_Reference:
		// Kept a little later: the first word is not to wait for it.
		x.reference = &providerv1.Reference{
			RequestId:  cmp.Or(body.Reference.RequestId, x.reference.GetRequestId()),
			ResponseId: cmp.Or(body.Reference.ResponseId, x.reference.GetResponseId()),
		}
		return nil, nil
	case *providerv1.Event_Usage:
		x.usage = body.Usage
		return nil, nil
	case *providerv1.Event_ToolCall:
		x.identify(body.ToolCall)
		x.calls = append(x.calls, body.ToolCall)
		x.came += int64(len(body.ToolCall.ArgumentsJson))
		return nil, x.append(ctx, &apiv1.Entry{Body: &apiv1.Entry_ToolCall{ToolCall: body.ToolCall}})
	case *providerv1.Event_Plan:
		return nil, x.takePlan(ctx, body.Plan)
	case *providerv1.Event_Action:
		return nil, x.append(ctx, &apiv1.Entry{Body: &apiv1.Entry_Action{Action: body.Action}})
	case *providerv1.Event_Notice:
		return nil, x.append(ctx, &apiv1.Entry{Body: &apiv1.Entry_Notice{Notice: body.Notice}})
	case *providerv1.Event_Question:
		x.begun = true
		// Or the words of one would stand over the answers to the other.
		if x.callIDs[body.Question.GetId()] {
			return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the provider asked a question under the id of a tool call, %q", body.Question.GetId())
		}
		if x.questionIDs == nil {
			x.questionIDs = map[string]bool{}
		}
		x.questionIDs[body.Question.GetId()] = true
		return nil, x.write.patiently(ctx, func(st *store.Store) error {
			_, err := st.Ask(ctx, id, &apiv1.Approval{Question: body.Question})
			return err
		})
	case *providerv1.Event_Done:
		return body.Done, nil
	case *providerv1.Event_Error:
		return nil, &sdk.Error{Proto: body.Error}
	case *providerv1.Event_Background:
		if !x.run.Options.GetBackground() {
			return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "the provider left the work running in the background, which was not asked for")
		}
		return nil, leftRunning{body.Background}
	}
	x.desk.log.Warn("unknown event passed over", "run", id)
	return nil, nil
}

// saveReference keeps what the provider calls the turn, also of one that is cancelled.
func (x *execution) saveReference() error {
	if x.reference == nil {
		return nil
	}
	err := x.write.once(func(st *store.Store) error {
		return st.SetReference(context.Background(), x.run.Id, x.reference.RequestId, x.reference.ResponseId)
	})
	if store.Passing(err) {
		// The run's end takes it, if nothing does before.
		return nil
	}
	x.reference = nil
	return err
}

func (x *execution) append(ctx context.Context, entries ...*apiv1.Entry) error {
	x.begun = true
	return x.record(ctx, false, entries...)
}

// record appends entries, durably if others rely on them.
func (x *execution) record(ctx context.Context, durable bool, entries ...*apiv1.Entry) error {
	return x.write.patiently(ctx, func(st *store.Store) error {
		_, err := st.Append(ctx, x.run.Id, durable, entries...)
		return err
	})
}

// turnEntries are the entries that close a turn.
func (x *execution) turnEntries(done *providerv1.Done) []*apiv1.Entry {
	model := x.run.Model
	if done.Model != "" {
		model = done.Model
	}
	return append(x.consumed(), &apiv1.Entry{Body: &apiv1.Entry_Turn{Turn: &apiv1.Turn{
		ProviderId: x.provider.Id, Model: model, Reason: done.Reason, ProviderState: done.ProviderState,
	}}})
}

// consumed is the entry for what the turn cost, once: as reported, else estimated from what was sent and what came. A turn
// that brought nothing and reported nothing cost nothing.
func (x *execution) consumed() []*apiv1.Entry {
	u := x.usage
	if u == nil && x.came > 0 {
		const bytesPerToken = 4
		u = &providerv1.Usage{Estimated: true, InputTokens: x.sent/bytesPerToken + 1, OutputTokens: x.came/bytesPerToken + 1}
	}
	x.usage, x.came = nil, 0
	if u == nil {
		return nil
	}
	return []*apiv1.Entry{{Body: &apiv1.Entry_Usage{Usage: u}}}
}
