package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// LeaveRunning notes, durably, that a run's work goes on at its provider, where handle finds it again, and that it is
// looked after again at next; why says so in a few words. The run waits in the background, and while it does this may be
// called again. A run that was to be cancelled is left so all the same: its work has to be stopped there first.
func (s *Store) LeaveRunning(ctx context.Context, runID, handle string, next time.Time, why string) (*apiv1.Run, error) {
	return s.beginWaiting(ctx, runID, waitingBackground, func(t *tx, r *runRow) error {
		r.ResumeMS, r.Status = next.UnixMilli(), clean(why)
		_, err := t.exec(`INSERT INTO jobs (id, run_id, session_id, provider_id, handle, next_poll_ms, created_ms, rev) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (run_id) DO UPDATE SET handle = excluded.handle, next_poll_ms = excluded.next_poll_ms, attempts = attempts + 1, rev = excluded.rev`,
			newID(), r.ID, r.SessionID, r.ProviderID, clean(handle), r.ResumeMS, t.now, t.next(apiv1.Topic_TOPIC_JOBS))
		if err != nil {
			return fmt.Errorf("note the work of run %s at its provider: %w", runID, err)
		}
		return nil
	})
}

// Job gives the work that a run has left at its provider; ErrNotFound if there is none.
func (s *Store) Job(ctx context.Context, runID string) (*apiv1.Job, error) {
	var row jobRow
	err := s.read(ctx, func(v view) error {
		return v.one("SELECT id, run_id, session_id, provider_id, handle, next_poll_ms, attempts, error_json, created_ms, ended_ms, rev FROM jobs WHERE run_id = ?",
			[]any{runID}, &row.ID, &row.RunID, &row.SessionID, &row.ProviderID, &row.Handle, &row.NextPollMS, &row.Attempts, &row.ErrorJSON,
			&row.CreatedMS, &row.EndedMS, &row.Rev)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: run %s has left no work at its provider", ErrNotFound, runID)
	}
	if err != nil {
		return nil, fmt.Errorf("find the work of run %s: %w", runID, err)
	}
	return row.proto()
}

// endJob notes that the work of a run is over, if it has left any.
func (t *tx) endJob(runID string) error {
	var open bool
	if err := t.one("SELECT EXISTS (SELECT 1 FROM jobs WHERE run_id = ? AND ended_ms = 0)", []any{runID}, &open); err != nil {
		return fmt.Errorf("find the work of run %s: %w", runID, err)
	}
	if !open {
		return nil
	}
	if _, err := t.exec("UPDATE jobs SET ended_ms = ?, rev = ? WHERE run_id = ?", max(t.now, 1), t.next(apiv1.Topic_TOPIC_JOBS), runID); err != nil {
		return fmt.Errorf("end the work of run %s: %w", runID, err)
	}
	return nil
}
