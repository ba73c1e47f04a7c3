package store

import (
	"context"
	"errors"
	"fmt"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// changeQueued is changeRun for a run that has not started: ErrEnded if it was cancelled, ErrStarted once it runs.
func (s *Store) changeQueued(ctx context.Context, id, what string, change func(*tx, *runRow) error) (*apiv1.Run, error) {
	return s.changeRun(ctx, id, true, func(t *tx, r *runRow) error {
		if r.state() != queued || r.StartedMS != 0 {
			return fmt.Errorf("%w: run %s has begun, its message can't be %s any more; cancel it, or send another message", ErrStarted, r.ID, what)
		}
		return change(t, r)
	})
}

// EditQueued changes the message of a run that waits in the queue; ErrStarted once it has begun. Sending the message
// again, as it was first, still finds the run.
func (s *Store) EditQueued(ctx context.Context, runID, text string, attachments []*providerv1.Blob) (*apiv1.Run, error) {
	m := Send{ClientRequestID: "edited", Text: text, Attachments: attachments}
	if err := m.check(); err != nil {
		return nil, err
	}
	return s.changeQueued(ctx, runID, "edited", func(t *tx, r *runRow) error {
		body, err := formatBody(&apiv1.Entry{Body: &apiv1.Entry_User{User: &apiv1.UserMessage{Text: text, Attachments: attachments}}})
		if err != nil {
			return err
		}
		_, err = t.exec("UPDATE entries SET entry_json = ?, rev = ? WHERE session_id = ? AND seq = ?", body, t.next(apiv1.Topic_TOPIC_ENTRIES), r.SessionID, r.UserSeq)
		if err != nil {
			return fmt.Errorf("edit the message of run %s: %w", r.ID, err)
		}
		return nil
	})
}

// MoveQueued puts a queued run before another one of its session's queue, or at the end if beforeRunID is empty.
// ErrStarted once one of the two has begun.
func (s *Store) MoveQueued(ctx context.Context, runID, beforeRunID string) (*apiv1.Run, error) {
	return s.changeQueued(ctx, runID, "moved", func(t *tx, r *runRow) error {
		var rows []runRow
		if err := t.orm.Where("session_id = ? AND ended_ms = 0 AND state = ?", r.SessionID, int32(queued)).Order("queue_order").Find(&rows).Error; err != nil {
			return fmt.Errorf("read the queue: %w", err)
		}
		line, found := make([]*runRow, 0, len(rows)), beforeRunID == "" || beforeRunID == r.ID
		if beforeRunID == r.ID {
			return nil
		}
		for i := range rows {
			if rows[i].ID == beforeRunID {
				line, found = append(line, r), true
			}
			if rows[i].ID != r.ID {
				line = append(line, &rows[i])
			}
		}
		if !found {
			return fmt.Errorf("%w: run %s does not wait in the queue of this session any more; look at the queue again", ErrStarted, beforeRunID)
		}
		if beforeRunID == "" {
			line = append(line, r)
		}
		return t.reorder(line, r, rows)
	})
}

// reorder gives the runs in line the places that rows, the same ones, had. The one that is moved is saved by the caller.
func (t *tx) reorder(line []*runRow, moved *runRow, rows []runRow) error {
	places := make([]int64, len(rows))
	at := map[string]int64{}
	for i := range rows {
		places[i] = rows[i].QueueOrder
		at[line[i].ID] = places[i]
	}
	var changed []*runRow
	for i, r := range line {
		for _, earlier := range []string{r.ReplacesRunID, r.ContinuesRunID} {
			if place, queued := at[earlier]; queued && place > places[i] {
				return fmt.Errorf("%w: run %s comes after run %s, to which it belongs", ErrInvalid, r.ID, earlier)
			}
		}
		if r.QueueOrder == places[i] {
			continue
		}
		// Out of the way first: no two runs have the same place.
		if _, err := t.exec("UPDATE runs SET queue_order = -queue_order WHERE id = ?", r.ID); err != nil {
			return fmt.Errorf("move run %s: %w", r.ID, err)
		}
		changed = append(changed, r)
		r.QueueOrder = places[i]
	}
	for _, r := range changed {
		if r == moved {
			continue
		}
		if err := t.saveRun(r); err != nil {
			return err
		}
	}
	return nil
}

// RequestPause asks a run to pause before its next step, or takes that back. The run becomes paused by Wait.
func (s *Store) RequestPause(ctx context.Context, runID string, requested bool) (*apiv1.Run, error) {
	return s.changeRun(ctx, runID, true, func(_ *tx, r *runRow) error {
		r.PauseRequested = requested && r.state() != paused
		return nil
	})
}

// errNotAsked undoes a pause that nobody wants any more.
var errNotAsked = errors.New("nobody asked for a pause")

// Pause makes a running run paused if RequestPause asked for it and did not take it back. A run that was to be cancelled
// ends instead: that is ErrEnded.
func (s *Store) Pause(ctx context.Context, runID string) (done bool, err error) {
	_, err = s.beginWaiting(ctx, runID, paused, func(_ *tx, r *runRow) error {
		if !r.PauseRequested {
			return errNotAsked
		}
		r.PauseRequested, r.Status = false, "paused"
		return nil
	})
	if errors.Is(err, errNotAsked) {
		return false, nil
	}
	return err == nil, err
}

// SetContext keeps how full the model's window was at a run's last call, in tokens, and how large it is; 0: unknown.
func (s *Store) SetContext(ctx context.Context, runID string, used, size int64) error {
	_, err := s.changeRun(ctx, runID, false, func(_ *tx, r *runRow) error {
		r.ContextUsed, r.ContextSize = max(used, 0), max(size, 0)
		return nil
	})
	return err
}
