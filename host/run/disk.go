package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openvibez/openvibez/host/store"
)

// disk notes that the database could not be written just now, or with nil that it can be again.
func (x *execution) disk(err error) {
	words := "the database can't be written"
	if errors.Is(err, store.ErrDiskFull) {
		words = "the disk is full: free some space"
	}
	switch {
	case err == nil && x.troubled.IsZero():
		return
	case err == nil:
		x.engine.log.Info("the run's text can be written again", "run", x.run.Id)
		x.closing = append(x.closing, notice(fmt.Sprintf("For %s the disk took nothing (%s). What came meanwhile was held and is complete.",
			time.Since(x.troubled).Round(time.Second), x.trouble)))
		x.troubled, x.trouble = time.Time{}, ""
		x.say(x.status)
		return
	case x.troubled.IsZero():
		x.engine.log.Warn("write the run; what comes is held and tried again", "run", x.run.Id, "error", err)
		x.troubled = time.Now()
	}
	x.trouble = words
	x.say(words + "; what comes meanwhile is held")
}

// say shows what the run is busy with, if that can be written.
func (x *execution) say(status string) {
	if err := x.engine.store.SetStatus(context.Background(), x.run.Id, status); err != nil {
		x.engine.log.Debug("say what the run does", "run", x.run.Id, "error", err)
	}
}

// patiently makes one change of the database, which it waits for where the disk takes nothing just now.
func (x *execution) patiently(ctx context.Context, change func() error) error {
	for {
		err := change()
		if !store.Passing(err) {
			x.disk(nil)
			return err
		}
		x.disk(err)
		select {
		case <-time.After(retryEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// leave keeps what a turn's text has left unwritten for the run's end.
func (x *execution) leave(text *flusher) {
	text.stop()
	text.hold()
	x.unwritten = text.held
}

// writeHeld writes what the turn's text has left unwritten.
func (x *execution) writeHeld() error {
	for len(x.unwritten) > 0 {
		p := x.unwritten[0]
		if err := x.engine.store.AppendChunk(context.Background(), x.run.Id, p.Kind, p.Text); err != nil {
			return err
		}
		x.unwritten = x.unwritten[1:]
	}
	return nil
}
