package run

import (
	"context"
	"errors"
	"time"

	"github.com/openvibez/openvibez/host/store"
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
	for _, r := range runs {
		if r.EndedMs != 0 {
			continue
		}
		if _, err := e.Cancel(ctx, r.Id); err != nil && !errors.Is(err, store.ErrNotFound) {
			return until, err
		}
	}
	if now {
		err := e.store.PurgeSession(ctx, id)
		e.sweep(ctx)
		return time.Time{}, err
	}
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
