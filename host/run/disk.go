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
		x.desk.log.Info("the run's text can be written again", "run", x.run.Id)
		x.closing = append(x.closing, notice(fmt.Sprintf("For %s the disk took nothing (%s). What came meanwhile was held and is complete.",
			time.Since(x.troubled).Round(time.Second), x.trouble)))
		x.troubled, x.trouble = time.Time{}, ""
		x.say(x.status)
		return
	case x.troubled.IsZero():
		x.desk.log.Warn("write the run; what comes is held and tried again", "run", x.run.Id, "error", err)
		x.troubled = time.Now()
	}
	x.trouble = words
	x.say(words + "; what comes meanwhile is held")
}

// say shows what the run is busy with, if that can be written.
func (x *execution) say(status string) {
	err := x.write.perhaps(func(st *store.Store) error { return st.SetStatus(context.Background(), x.run.Id, status) })
	if err != nil {
		x.desk.log.Debug("say what the run does", "run", x.run.Id, "error", err)
	}
}

// leave keeps what a turn's text has left unwritten for the run's end.
func (x *execution) leave(text *flusher) {
	text.stop()
	text.hold()
	x.unwritten = text.held
}

// writeHeld writes what the turn's text has left unwritten.
func (x *execution) writeHeld(st *store.Store) error {
	for len(x.unwritten) > 0 {
		p := x.unwritten[0]
		if err := st.AppendChunk(context.Background(), x.run.Id, p.Kind, p.Text); err != nil {
			return err
		}
		x.unwritten = x.unwritten[1:]
	}
	return nil
}
