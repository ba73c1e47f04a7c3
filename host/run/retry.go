package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Bounds of trying again. A run that waits for a limit may wait long, since it costs nothing and shows when it goes on.
const (
	maxFaultRetries = 3
	maxLimitWaits   = 20
	firstFaultWait  = time.Second
	firstLimitWait  = 5 * time.Second
	longestGuess    = 5 * time.Minute
)

// errStays ends the work on a run without ending the run: it goes on after the next start.
var errStays = errors.New("the run goes on after the next start")

// turn calls the model once, and again where the provider failed before anything of the answer came: nothing that was
// said or done is ever repeated.
func (x *execution) turn(ctx context.Context) (*providerv1.Done, error) {
	faults, limits := 0, 0
	for {
		done, err := x.call(ctx)
		var failure *sdk.Error
		if err == nil || context.Cause(ctx) != nil || x.begun || !errors.As(err, &failure) {
			return done, err
		}
		var wait time.Duration
		switch failure.Code() {
		case providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER:
			dropped, dropErr := x.drop(ctx, failure.Proto.GetParameter())
			if dropErr != nil {
				return nil, dropErr
			}
			if !dropped {
				return nil, err
			}
			continue
		case providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG:
			if !x.shrink(failure) {
				return nil, err
			}
			continue
		case providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED:
			if wait = asked(failure); wait == 0 {
				wait = guess(firstLimitWait, limits)
			}
			if limits++; limits > maxLimitWaits {
				return nil, err
			}
		case providerv1.ErrorCode_ERROR_CODE_OVERLOADED, providerv1.ErrorCode_ERROR_CODE_PROVIDER,
			providerv1.ErrorCode_ERROR_CODE_TIMEOUT, providerv1.ErrorCode_ERROR_CODE_CUT, providerv1.ErrorCode_ERROR_CODE_UNREACHABLE:
			if x.local(ctx) {
				return nil, err
			}
			wait = max(asked(failure), guess(firstFaultWait, faults))
			if faults++; faults > maxFaultRetries {
				return nil, err
			}
		default:
			return nil, err
		}
		if err := x.wait(ctx, time.Now().Add(wait), failure.Proto.GetMessage()); err != nil {
			return nil, err
		}
	}
}

// asked is how long the provider wants to be left alone.
func asked(e *sdk.Error) time.Duration {
	return time.Duration(e.Proto.GetRetryAfterMs()) * time.Millisecond
}

// guess doubles first with each try, spread so that many runs do not come back at once.
func guess(first time.Duration, tries int) time.Duration {
	d := min(first<<tries, longestGuess)
	return d + rand.N(d/4)
}

// local tells whether the model runs on this machine: its server fails for a reason that waiting does not mend.
func (x *execution) local(ctx context.Context) bool {
	m, err := x.desk.know.Model(ctx, x.provider.Id, x.run.Model)
	return err == nil && m.GetModel().GetLocal()
}

// wait keeps the run in the waiting state until it may go on.
func (x *execution) wait(ctx context.Context, until time.Time, why string) error {
	var r *apiv1.Run
	err := x.write.patiently(ctx, func(st *store.Store) (err error) {
		r, err = st.Wait(ctx, x.run.Id, apiv1.RunState_RUN_STATE_WAITING_LIMIT, until, why)
		return err
	})
	if err != nil {
		return err
	}
	x.desk.log.Info("run waits", "run", r.Id, "until", until.Format(time.RFC3339), "why", why)
	return x.waitOut(ctx, r)
}

// waitOut lets a waiting run go on at its time.
func (x *execution) waitOut(ctx context.Context, r *apiv1.Run) error {
	timer := time.NewTimer(time.Until(time.UnixMilli(r.ResumeMs)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), errClosing) {
			return errStays
		}
		return context.Cause(ctx)
	}
	x.status = ""
	err := x.write.patiently(ctx, func(st *store.Store) error {
		_, err := st.Resume(ctx, r.Id)
		return err
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errClosing):
		// It could not be written that the wait is over: it still waits.
		return errStays
	}
	return fmt.Errorf("go on after waiting: %w", err)
}
