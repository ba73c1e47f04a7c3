package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// firstLook is when work at a provider is looked after that does not say when.
	firstLook = 5 * time.Second
	// lookedFor is how long such work is looked after that its provider tells nothing of.
	lookedFor = 24 * time.Hour
	// stopping is how long a provider has to stop it.
	stopping = 5 * time.Second
)

// leftRunning ends a turn whose work goes on at the provider.
type leftRunning struct{ *providerv1.Background }

func (leftRunning) Error() string { return "the work goes on at the provider" }

// next is when to look after the work again.
func (l leftRunning) next() time.Time {
	after := time.Duration(l.PollAfterMs) * time.Millisecond
	if after <= 0 {
		after = firstLook
	}
	return time.Now().Add(min(after, longestGuess))
}

// checkBackground refuses to leave work at a provider that can't be looked after there.
func (e *Engine) checkBackground(ctx context.Context, providerID, model string, o *providerv1.Options) error {
	if !o.GetBackground() {
		return nil
	}
	m, err := e.store.Model(ctx, providerID, model)
	if err != nil {
		return err
	}
	if !slices.Contains(m.GetModel().GetCapabilities(), providerv1.Capability_CAPABILITY_BACKGROUND) {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "%s does not work in the background; send the message without that, or choose another model", model)
	}
	return nil
}

// leaveRunning notes that the work goes on at the provider, and looks after it.
func (x *execution) leaveRunning(ctx context.Context, l leftRunning) (store.End, error) {
	err := x.write.patiently(ctx, func(st *store.Store) error {
		_, err := st.LeaveRunning(ctx, x.run.Id, l.Handle, l.next(), x.status)
		return err
	})
	if err != nil {
		return store.End{}, err
	}
	x.desk.log.Info("run goes on at its provider", "run", x.run.Id)
	return x.lookAfter(ctx)
}

// lookAfter asks the provider for what became of the work it was left with, until it is done. What it says is kept in one
// change with the run's end, so that nothing of it comes twice, whenever the host ends.
func (x *execution) lookAfter(ctx context.Context) (store.End, error) {
	e := x.desk
	job, err := e.know.Job(ctx, x.run.Id)
	if err != nil {
		return store.End{}, err
	}
	next := time.UnixMilli(job.NextPollMs)
	for silent := 0; ; {
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if errors.Is(context.Cause(ctx), errClosing) {
				return store.End{}, errStays
			}
			x.stopThere(job)
			return store.End{}, context.Cause(ctx)
		}
		end, err := x.look(ctx, job.Handle)
		var again leftRunning
		var failure *sdk.Error
		switch {
		case err == nil:
			return end, nil
		case context.Cause(ctx) != nil:
			continue
		case errors.As(err, &again):
			silent, next, job.Handle = 0, again.next(), again.Handle
		case errors.As(err, &failure) && passes(failure) && time.Since(time.UnixMilli(job.CreatedMs)) < lookedFor:
			next = time.Now().Add(max(asked(failure), guess(firstLook, silent)))
			silent++
			x.status = failure.Proto.GetMessage()
		default:
			return store.End{}, err
		}
		err = x.write.patiently(ctx, func(st *store.Store) error {
			_, err := st.LeaveRunning(ctx, x.run.Id, job.Handle, next, x.status)
			return err
		})
		if err != nil && context.Cause(ctx) == nil {
			return store.End{}, err
		}
	}
}

// passes tells whether a provider may answer later that does not now.
func passes(e *sdk.Error) bool {
	switch e.Code() {
	case providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, providerv1.ErrorCode_ERROR_CODE_OVERLOADED, providerv1.ErrorCode_ERROR_CODE_PROVIDER,
		providerv1.ErrorCode_ERROR_CODE_TIMEOUT, providerv1.ErrorCode_ERROR_CODE_CUT, providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, providerv1.ErrorCode_ERROR_CODE_PLUGIN:
		return true
	}
	return false
}

// look asks once; leftRunning means "not yet".
func (x *execution) look(ctx context.Context, handle string) (store.End, error) {
	t, err := x.desk.providers.Poll(ctx, x.provider, &providerv1.PollRequest{RunId: x.run.Id, Handle: handle})
	if err != nil {
		return store.End{}, err
	}
	defer t.Close()
	var text []store.Piece
	var entries []*apiv1.Entry
	x.usage, x.came = nil, 0
	say := func(kind apiv1.Chunk_Kind, words string) {
		x.came += int64(len(words))
		if n := len(text); n > 0 && text[n-1].Kind == kind {
			text[n-1].Text += words
			return
		}
		text = append(text, store.Piece{Kind: kind, Text: words})
	}
	for {
		ev, err := t.Recv()
		if errors.Is(err, io.EOF) {
			return store.End{}, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the provider's answer ended without an end")
		}
		if err != nil {
			return store.End{}, err
		}
		switch body := ev.Event.(type) {
		case *providerv1.Event_Text:
			say(apiv1.Chunk_KIND_TEXT, body.Text)
		case *providerv1.Event_Thought:
			say(apiv1.Chunk_KIND_THOUGHT, body.Thought)
		case *providerv1.Event_Status:
			x.status = body.Status.Text
		case *providerv1.Event_Reference:
			x.reference = body.Reference
		case *providerv1.Event_Usage:
			x.usage = body.Usage
		case *providerv1.Event_Action:
			entries = append(entries, &apiv1.Entry{Body: &apiv1.Entry_Action{Action: body.Action}})
		case *providerv1.Event_Notice:
			entries = append(entries, &apiv1.Entry{Body: &apiv1.Entry_Notice{Notice: body.Notice}})
		case *providerv1.Event_Background:
			return store.End{}, leftRunning{body.Background}
		case *providerv1.Event_Error:
			return store.End{}, &sdk.Error{Proto: body.Error}
		case *providerv1.Event_Done:
			if !slices.ContainsFunc(text, func(p store.Piece) bool { return p.Kind == apiv1.Chunk_KIND_TEXT }) {
				return store.End{}, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_EMPTY, "%s sent back no answer; send the message again, or try another model", x.run.Model)
			}
			x.unwritten = append(x.unwritten, text...)
			return store.End{
				State: apiv1.RunState_RUN_STATE_COMPLETED, FinishReason: body.Done.Reason,
				Entries: append(entries, x.turnEntries(body.Done)...),
			}, nil
		default:
			return store.End{}, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the provider answered work in the background with what only a turn under way can have (%T)", body)
		}
	}
}

// stopThere stops the work at the provider. Where that can't be done, the person is told: the run ends in any case.
func (x *execution) stopThere(job *apiv1.Job) {
	ctx, cancel := context.WithTimeout(context.Background(), stopping)
	defer cancel()
	if err := x.desk.providers.CancelBackground(ctx, x.provider, job.Handle); err != nil {
		x.closing = append(x.closing, notice(fmt.Sprintf("%s could not be told to stop: the work may go on there, and cost. (%v)", x.provider.Name, err)))
	}
}
