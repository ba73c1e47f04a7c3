package server

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

const (
	// watchPace is the time between two responses of a steady stream: engines pay dearly for each, people see no
	// difference. A few may come at once, so that the first word does not wait behind the news that its run began.
	watchPace  = 33 * time.Millisecond
	watchBurst = 6
	watchLimit = 500
)

func (a *api) Watch(ctx context.Context, req *apiv1.WatchRequest, stream *connect.ServerStream[apiv1.WatchResponse]) error {
	if req.AfterRev < 0 {
		return refuse(connect.CodeInvalidArgument, "after_rev is %d: it starts at 0", req.AfterRev)
	}
	if one, ok := ctx.Value(passKey{}).(*pass); ok {
		defer a.page.joined(one)()
	}
	// A client that knows more than there is knows another journal: it sees a rev below its own and loads all anew.
	after := min(req.AfterRev, a.Store.Rev())
	pulse := time.NewTicker(a.pulse)
	defer pulse.Stop()
	pace := rate.NewLimiter(rate.Every(watchPace), watchBurst)
	ending := false
	for first := true; ; first = false {
		changed := a.Store.Changed()
		sent := first
		for {
			changes, rev, err := a.Store.Changes(ctx, store.ChangesQuery{
				After: after, Topics: req.Topics, SessionID: req.SessionId, Limit: watchLimit,
			})
			if err != nil {
				return err
			}
			after = rev
			if len(changes) > 0 || first {
				if err := stream.Send(&apiv1.WatchResponse{Rev: rev, Changes: changes}); err != nil {
					return err
				}
				a.worked()
				first, sent = false, true
			}
			if len(changes) < watchLimit {
				break
			}
		}
		if ending {
			return refuse(connect.CodeUnavailable, "the host is ending")
		}
		if sent {
			pulse.Reset(a.pulse)
			if err := pause(ctx, a.closing, pace.Reserve().Delay()); err != nil {
				return err
			}
		}
		for waiting := true; waiting; {
			select {
			case <-changed:
				waiting = false
			case <-pulse.C:
				if err := stream.Send(&apiv1.WatchResponse{Rev: after}); err != nil {
					return err
				}
			case <-a.closing:
				// What the end itself changed shall still be seen.
				ending, waiting = true, false
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
}

// pause waits for d, or until somebody is in a hurry.
func pause(ctx context.Context, hurry <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-hurry:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
