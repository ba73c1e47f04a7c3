package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// EditQueued changes the message of a run that has not begun.
func (e *Engine) EditQueued(ctx context.Context, req *apiv1.EditQueuedRequest) (*apiv1.Run, error) {
	r, err := e.store.Run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	if r.ContinuesRunId != "" {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "run %s goes on from another and has no message to edit; cancel it and send one", r.Id)
	}
	if strings.TrimSpace(req.Text) == "" && len(req.Attachments) == 0 {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the message would be empty; cancel the run to take it out of the queue")
	}
	return e.store.EditQueued(ctx, r.Id, req.Text, req.Attachments)
}

// MoveQueued puts a queued run before another one of its session, or at the end of the queue.
func (e *Engine) MoveQueued(ctx context.Context, runID, beforeRunID string) (*apiv1.Run, error) {
	return e.store.MoveQueued(ctx, runID, beforeRunID)
}

// held tells whether a run in state s was begun and waits for a while, over a restart too.
func held(s apiv1.RunState) bool {
	return s == apiv1.RunState_RUN_STATE_WAITING_LIMIT || s == apiv1.RunState_RUN_STATE_WAITING_BACKGROUND || s == apiv1.RunState_RUN_STATE_PAUSED
}

// wake makes sure that somebody works on the session's queue.
func (e *Engine) wake(sessionID string) { e.startWorker(sessionID, nil) }

// dispatch is wake for a run that was just accepted: one that has begun is carried out without looking for it, or for its
// session.
func (e *Engine) dispatch(s *apiv1.Session, r *apiv1.Run) {
	if r.State != apiv1.RunState_RUN_STATE_RUNNING {
		e.wake(r.SessionId)
		return
	}
	e.startWorker(r.SessionId, &execution{run: r, session: s})
}

// startWorker lets somebody work on the session's queue, beginning with first if nobody does yet.
func (e *Engine) startWorker(sessionID string, first *execution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return
	}
	if _, ok := e.sessions[sessionID]; ok {
		e.sessions[sessionID] = true
		return
	}
	e.sessions[sessionID] = false
	e.workers.Go(func() { e.workOn(sessionID, first) })
}

// workOn carries out the session's queue until it is empty: each message is a run of its own, whatever became of the one
// before. A run that waited when the last host ended comes first.
func (e *Engine) workOn(sessionID string, first *execution) {
	wait := time.Second
	for {
		x, err := first, error(nil)
		if first = nil; x == nil {
			var r *apiv1.Run
			if r, err = e.next(sessionID); r != nil {
				x = &execution{run: r}
			}
		}
		if x != nil {
			err = e.execute(x)
		}
		switch {
		case err != nil:
			// The database can't be read or written; perhaps it can later.
			e.log.Error("take the next run; it is tried again", "session", sessionID, "error", err, "after", wait)
			select {
			case <-time.After(wait):
				wait = min(2*wait, 30*time.Second)
			case <-e.ending:
			}
		case x != nil:
			wait = time.Second
			continue
		}
		if e.idle(sessionID, err != nil) {
			return
		}
	}
}

// idle ends the work on a session's queue, unless something was queued meanwhile or unfinished is left.
func (e *Engine) idle(sessionID string, unfinished bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closing && (unfinished || e.sessions[sessionID]) {
		e.sessions[sessionID] = false
		return false
	}
	delete(e.sessions, sessionID)
	return true
}

// next finds the session's next run; nil when there is none.
func (e *Engine) next(sessionID string) (*apiv1.Run, error) {
	e.mu.Lock()
	closing := e.closing
	e.mu.Unlock()
	if closing {
		return nil, nil
	}
	ctx := context.Background()
	open, err := e.store.OpenRuns(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range open {
		if r.SessionId != sessionID || r.State == apiv1.RunState_RUN_STATE_QUEUED {
			continue
		}
		if held(r.State) || r.State == apiv1.RunState_RUN_STATE_RUNNING {
			// One that runs without anybody was accepted or resumed and is not taken up yet.
			return r, nil
		}
		return nil, nil
	}
	return e.store.NextQueued(ctx, sessionID)
}

// execute carries out a run to its end; the error is that it could not begin. It can be cancelled from before it starts.
func (e *Engine) execute(x *execution) error {
	r := x.run
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	x.desk, x.write = e.desk, &writer{store: e.store, disk: x.disk}
	x.cancel, x.ended, x.resumed = cancel, make(chan struct{}), make(chan struct{}, 1)
	e.mu.Lock()
	e.active[r.Id] = x
	if e.closing {
		cancel(errClosing)
	}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.active, r.Id)
		e.mu.Unlock()
		close(x.ended)
	}()

	if err := x.begin(); err != nil {
		if errors.Is(err, store.ErrEnded) || errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	}
	end, err := x.carryOut(ctx)
	if errors.Is(err, errStays) {
		return nil
	}
	if err != nil {
		end = endOf(ctx, err)
		end.Entries = x.consumed()
	}
	report := x.lastReport(ctx)
	if !x.troubled.IsZero() {
		x.closing = append(x.closing, notice("When the answer ended, the disk took nothing ("+x.trouble+"). What came was held and is complete."))
	}
	end.Text, end.Reference = x.unwritten, x.reference
	end.Entries = slices.Concat(report, x.closing, end.Entries)
	x.finish(end)
	if end.State == apiv1.RunState_RUN_STATE_COMPLETED {
		e.title(r, x.provider)
	}
	return nil
}

// begin starts the run, or takes up one that waits.
func (x *execution) begin() error {
	ctx := context.Background()
	r, err := x.run, error(nil)
	switch r.State {
	case apiv1.RunState_RUN_STATE_RUNNING:
	case apiv1.RunState_RUN_STATE_QUEUED:
		err = x.write.once(func(st *store.Store) (err error) {
			r, err = st.StartRun(ctx, r.Id)
			return err
		})
	default:
		// It may have been cancelled while it waited.
		if r, err = x.desk.know.Run(ctx, r.Id); err == nil && store.Final(r.State) {
			err = store.ErrEnded
		}
	}
	if err != nil {
		return err
	}
	x.run = r
	if r.CancelRequested {
		x.cancel(errCancelled)
	}
	if held(r.State) || r.ContinuesRunId != "" {
		return x.recall(ctx)
	}
	return nil
}

// recall takes up the plan that the run, or the one it goes on from, had made, and which calls it has had.
func (x *execution) recall(ctx context.Context) error {
	for _, id := range []string{x.run.ContinuesRunId, x.run.Id} {
		if id == "" {
			continue
		}
		entries, err := x.desk.know.RunEntries(ctx, id)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if p := e.GetPlan(); p != nil {
				x.keep.plan = p.Steps
			}
			if c := e.GetToolCall(); c != nil {
				x.identify(c)
			}
		}
	}
	return nil
}
