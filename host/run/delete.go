package run

import (
	"context"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// DeleteSession hides a session and stops its runs. With now it is removed for good as soon as they have stopped, else it
// can be brought back until the time given. Once begun it is completed, whether or not the caller waits for it.
func (e *Engine) DeleteSession(ctx context.Context, id string, now bool) (time.Time, error) {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return time.Time{}, errClosing
	}
	type end struct {
		until time.Time
		err   error
	}
	done := make(chan end, 1)
	e.workers.Go(func() {
		until, err := e.deleteSession(context.WithoutCancel(ctx), id, now)
		done <- end{until, err}
	})
	e.mu.Unlock()
	select {
	case d := <-done:
		return d.until, d.err
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
}

func (e *Engine) deleteSession(ctx context.Context, id string, now bool) (time.Time, error) {
	// Hidden first: no message comes in after the runs are cancelled.
	until, err := e.store.DeleteSession(ctx, id)
	if err != nil {
		return until, err
	}
	runs, err := e.store.SessionRuns(ctx, id)
	if err != nil {
		return until, err
	}
	var halted []*execution
	for _, r := range runs {
		if x := e.halt(r); x != nil {
			halted = append(halted, x)
		}
	}
	// Not for ever: on a full disk no run can end before something is deleted.
	patience := time.After(stopping)
	for _, x := range halted {
		select {
		case <-x.ended:
			continue
		case <-patience:
		}
		break
	}
	if !now {
		e.workers.Go(func() {
			// The store removes it when its time is over; then what its commands kept can go too.
			select {
			case <-time.After(time.Until(until) + 5*time.Second):
				e.sweep(ctx)
			case <-e.ending:
			}
		})
		return until, nil
	}
	err = e.store.PurgeSession(ctx, id)
	e.sweep(ctx)
	return time.Time{}, err
}

// halt stops the work on a run whose session is hidden, if there is any; also of one that has ended by that while it waited.
func (e *Engine) halt(r *apiv1.Run) *execution {
	for range 1000 {
		if x := e.execution(r.Id); x != nil {
			x.cancel(errCancelled)
			return x
		}
		if r.State != apiv1.RunState_RUN_STATE_RUNNING {
			break
		}
		// It was accepted this very moment and is about to be taken up.
		time.Sleep(time.Millisecond)
	}
	return nil
}
