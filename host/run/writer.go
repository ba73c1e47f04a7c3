package run

import (
	"context"
	"time"

	"github.com/openvibez/openvibez/host/store"
)

// writer is the only way in which the work on a run changes the database. A disk that takes nothing for a while makes the
// work wait; it is never a reason for it to fail.
type writer struct {
	store *store.Store
	// Told when the disk takes nothing, and with nil that it does again.
	disk func(error)
}

// patiently makes one change, which it waits for where the disk takes nothing just now. It gives up when ctx ends.
func (w *writer) patiently(ctx context.Context, change func(*store.Store) error) error {
	for {
		err := change(w.store)
		if !store.Passing(err) {
			w.disk(nil)
			return err
		}
		w.disk(err)
		select {
		case <-time.After(retryEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// once makes a change for those that hold it and try again in their own time: streamed text and the run's end.
func (w *writer) once(change func(*store.Store) error) error { return change(w.store) }

// perhaps makes a change that nothing depends on: what the run is busy with, how full its window is. It tells why not.
func (w *writer) perhaps(change func(*store.Store) error) error {
	if err := change(w.store); err != nil && !store.Passing(err) {
		return err
	}
	return nil
}
