package run

import (
	"context"
	"errors"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

// Deleting goes on to its end though the caller has hung up: no session is hidden whose run goes on.
func TestDeleteForWhoHangsUp(t *testing.T) {
	for name, now := range map[string]bool{"for good": true, "for a minute": false} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var runs []*apiv1.Run
			for range 12 {
				r := b.send("", "say begun\nhang").Run
				b.textBegun(r)
				runs = append(runs, r)
			}
			waits := b.send("", "once error rate_limited 3600000\nsay never").Run
			b.state(waits.Id, apiv1.RunState_RUN_STATE_WAITING_LIMIT)
			runs = append(runs, waits)
			queued := b.send(runs[0].SessionId, "say never").Run
			for _, r := range runs {
				ctx, hangUp := context.WithCancel(t.Context())
				hangUp()
				if _, err := b.engine.DeleteSession(ctx, r.SessionId, now); err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("delete: %v", err)
				}
			}
			for end := time.Now().Add(time.Minute); b.engine.Active() > 0; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d runs go on", b.engine.Active())
				}
			}
			if err := b.wait(); err != nil {
				t.Fatal(err)
			}
			for _, r := range append(runs, queued) {
				got, err := b.store.Run(t.Context(), r.Id)
				if now && !errors.Is(err, store.ErrNotFound) || !now && (err != nil || got.State != apiv1.RunState_RUN_STATE_CANCELLED) {
					t.Errorf("the run is %v, %v", got, err)
				}
				if _, err := b.store.Session(t.Context(), r.SessionId); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the session is there: %v", err)
				}
			}
		})
	}
}

// wait lets everything end that the engine has under way.
func (b *bench) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return b.engine.Close(ctx)
}
