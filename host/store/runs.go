package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func (v view) run(id string) (runRow, error) {
	var row runRow
	err := row.scan(func(to ...any) error {
		return v.one("SELECT "+runColumns+" FROM runs WHERE id = ?", []any{id}, to...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return row, fmt.Errorf("%w: there is no run %q; its session may have been deleted", ErrNotFound, id)
	}
	if err != nil {
		return row, fmt.Errorf("read run %s: %w", id, err)
	}
	return row, nil
}

// openRun is run that refuses one that has ended.
func (v view) openRun(id string) (runRow, error) {
	row, err := v.run(id)
	if err == nil && Final(row.state()) {
		err = fmt.Errorf("run %s: %w: it is %s", id, ErrEnded, stateName(row.state()))
	}
	return row, err
}

func (t *tx) saveRun(r *runRow) error {
	r.UpdatedMS, r.Rev = t.now, t.next(apiv1.Topic_TOPIC_RUNS)
	if err := t.orm.Select("*").Updates(r).Error; err != nil {
		return fmt.Errorf("write run %s: %w", r.ID, err)
	}
	return nil
}

// changeRun is write for one open run: change says what becomes of it.
func (s *Store) changeRun(ctx context.Context, id string, durable bool, change func(*tx, *runRow) error) (*apiv1.Run, error) {
	var p *apiv1.Run
	err := s.write(ctx, durable, func(t *tx) error {
		row, err := t.openRun(id)
		if err != nil {
			return err
		}
		if err := change(t, &row); err != nil {
			return err
		}
		if err := t.saveRun(&row); err != nil {
			return err
		}
		p, err = row.proto()
		return err
	})
	return p, err
}

// move takes a run to another state, if the table of states allows it.
func (r *runRow) move(to apiv1.RunState) error {
	if !Allowed(r.state(), to) {
		return fmt.Errorf("%w: run %s is %s and can't become %s", ErrConflict, r.ID, stateName(r.state()), stateName(to))
	}
	r.State = int32(to)
	return nil
}

// Run finds a run by its id or an unambiguous beginning of it.
func (s *Store) Run(ctx context.Context, idOrPrefix string) (*apiv1.Run, error) {
	var p *apiv1.Run
	err := s.read(ctx, func(v view) error {
		id, err := v.resolve("runs", "run", "1", idOrPrefix)
		if err != nil {
			return err
		}
		row, err := v.run(id)
		if err != nil {
			return err
		}
		p, err = row.proto()
		return err
	})
	return p, err
}

// OpenRuns gives the runs of all sessions that have not ended, oldest first.
func (s *Store) OpenRuns(ctx context.Context) ([]*apiv1.Run, error) {
	return s.listRuns(ctx, func(g *gorm.DB) *gorm.DB { return g.Where("ended_ms = 0").Order("created_ms, session_id, queue_order") })
}

// SessionRuns gives all runs of a session, in the order they were asked for.
func (s *Store) SessionRuns(ctx context.Context, sessionID string) ([]*apiv1.Run, error) {
	return s.listRuns(ctx, func(g *gorm.DB) *gorm.DB { return g.Where("session_id = ?", sessionID).Order("queue_order") })
}

// NextQueued gives the run that is next in the session's queue; nil if none waits. It does not say whether another one
// is under way.
func (s *Store) NextQueued(ctx context.Context, sessionID string) (*apiv1.Run, error) {
	runs, err := s.listRuns(ctx, func(g *gorm.DB) *gorm.DB {
		return g.Where("session_id = ? AND ended_ms = 0 AND state = ?", sessionID, int32(queued)).Order("queue_order").Limit(1)
	})
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return runs[0], nil
}

func (s *Store) listRuns(ctx context.Context, which func(*gorm.DB) *gorm.DB) ([]*apiv1.Run, error) {
	var runs []*apiv1.Run
	err := s.read(ctx, func(v view) error {
		var rows []runRow
		if err := which(v.orm).Find(&rows).Error; err != nil {
			return fmt.Errorf("list runs: %w", err)
		}
		var err error
		runs, err = protos(rows)
		return err
	})
	return runs, err
}

func protos(rows []runRow) ([]*apiv1.Run, error) {
	runs := make([]*apiv1.Run, len(rows))
	for i := range rows {
		var err error
		if runs[i], err = rows[i].proto(); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// StartRun takes a queued run to running; ErrConflict if another run of its session is under way.
func (s *Store) StartRun(ctx context.Context, runID string) (*apiv1.Run, error) {
	run, err := s.changeRun(ctx, runID, false, func(t *tx, r *runRow) error {
		if r.state() != queued {
			return fmt.Errorf("%w: run %s is %s, only a queued one can start", ErrConflict, r.ID, stateName(r.state()))
		}
		r.StartedMS = t.now
		return r.move(running)
	})
	if sqliteCode(err) == sqliteUnique {
		return nil, fmt.Errorf("%w: another run of the session of %s is under way; it starts when that one has ended", ErrConflict, runID)
	}
	return run, err
}

// SetStatus says in a few words what a run is busy with.
func (s *Store) SetStatus(ctx context.Context, runID, text string) error {
	_, err := s.changeRun(ctx, runID, false, func(_ *tx, r *runRow) error {
		r.Status = clean(text)
		return nil
	})
	return err
}

// SetReference keeps what the provider calls a run; an empty one leaves what was known.
func (s *Store) SetReference(ctx context.Context, runID, requestID, responseID string) error {
	_, err := s.changeRun(ctx, runID, false, func(_ *tx, r *runRow) error {
		r.refer(requestID, responseID)
		return nil
	})
	return err
}

func (r *runRow) refer(requestID, responseID string) {
	if requestID != "" {
		r.RequestID = clean(requestID)
	}
	if responseID != "" {
		r.ResponseID = clean(responseID)
	}
}

// Wait lets a run wait for a limit until resume, or paused; why says so in a few words. A run that was to be cancelled ends instead where its state allows: it comes back with ErrEnded.
func (s *Store) Wait(ctx context.Context, runID string, state apiv1.RunState, resume time.Time, why string) (*apiv1.Run, error) {
	if state != waitingLimit && state != paused {
		return nil, fmt.Errorf("%w: a run can't wait by being %s", ErrInvalid, stateName(state))
	}
	return s.beginWaiting(ctx, runID, state, func(_ *tx, r *runRow) error {
		switch state {
		case waitingLimit:
			r.Attempts++
		case paused:
			r.PauseRequested = false
		}
		r.ResumeMS = 0
		if !resume.IsZero() {
			r.ResumeMS = resume.UnixMilli()
		}
		r.Status = clean(why)
		return nil
	})
}

// beginWaiting takes a run to a state in which it waits, unless it was to be cancelled: then it ends and comes back with
// ErrEnded.
func (s *Store) beginWaiting(ctx context.Context, runID string, state apiv1.RunState, change func(*tx, *runRow) error) (*apiv1.Run, error) {
	var over error
	run, err := s.changeRun(ctx, runID, true, func(t *tx, r *runRow) error {
		if err := r.move(state); err != nil {
			return err
		}
		if r.CancelRequested && AfterCancel(state) == cancelled {
			over = fmt.Errorf("run %s: %w: it was cancelled", runID, ErrEnded)
			return t.end(r, End{State: cancelled}, apiv1.Author_AUTHOR_CANCEL)
		}
		if _, err := t.append(r, nil); err != nil {
			return err
		}
		return change(t, r)
	})
	if err != nil {
		return nil, err
	}
	return run, over
}

// Resume takes a run that waited for a limit or paused back to running.
func (s *Store) Resume(ctx context.Context, runID string) (*apiv1.Run, error) {
	return s.changeRun(ctx, runID, false, func(_ *tx, r *runRow) error {
		switch r.state() {
		case waitingLimit, paused:
		default:
			return fmt.Errorf("%w: run %s is %s and does not wait for anything that could be over", ErrConflict, runID, stateName(r.state()))
		}
		r.ResumeMS, r.Status, r.PauseRequested = 0, "", false
		return r.move(running)
	})
}
