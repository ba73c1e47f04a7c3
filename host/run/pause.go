package run

import (
	"context"
	"errors"
	"fmt"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Pause lets a run pause before its next step. The step under way is finished first; if it is the last one, the run
// ends as if nothing had been asked.
func (e *Engine) Pause(ctx context.Context, runID string) (*apiv1.Run, error) {
	r, err := e.store.Run(ctx, runID)
	if err != nil {
		return nil, err
	}
	if r.State == apiv1.RunState_RUN_STATE_QUEUED {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "run %s has not begun; a queued message can be moved, edited or cancelled", r.Id)
	}
	return e.store.RequestPause(ctx, r.Id, true)
}

// Resume lets a paused run go on, or takes back a Pause that has not come to bear.
func (e *Engine) Resume(ctx context.Context, runID string) (*apiv1.Run, error) {
	r, err := e.store.Run(ctx, runID)
	if err != nil {
		return nil, err
	}
	if r.State != apiv1.RunState_RUN_STATE_PAUSED {
		if r, err = e.store.RequestPause(ctx, r.Id, false); err != nil || r.State != apiv1.RunState_RUN_STATE_PAUSED {
			return r, err
		}
	}
	if r, err = e.store.Resume(ctx, r.Id); err != nil {
		return nil, err
	}
	if x := e.execution(r.Id); x != nil {
		select {
		case x.resumed <- struct{}{}:
		default:
		}
	}
	e.wake(r.SessionId)
	return r, nil
}

// betweenTurns is where a run pauses, if a person wants it to.
func (x *execution) betweenTurns(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	r, err := x.desk.know.Run(ctx, x.run.Id)
	if err != nil || !r.PauseRequested {
		return err
	}
	var paused bool
	err = x.write.patiently(ctx, func(st *store.Store) (err error) {
		paused, err = st.Pause(ctx, r.Id)
		return err
	})
	if err != nil || !paused {
		return err
	}
	x.desk.log.Info("run pauses", "run", r.Id)
	return x.stayPaused(ctx)
}

// stayPaused waits until the run is resumed.
func (x *execution) stayPaused(ctx context.Context) error {
	x.status = ""
	for {
		select {
		case <-x.resumed:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errClosing) {
				return errStays
			}
			return context.Cause(ctx)
		}
		r, err := x.desk.know.Run(ctx, x.run.Id)
		if err != nil {
			return fmt.Errorf("go on after a pause: %w", err)
		}
		if r.State != apiv1.RunState_RUN_STATE_PAUSED {
			return nil
		}
	}
}
