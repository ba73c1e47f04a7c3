package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// undoTime is how long a deleted session can be brought back.
const undoTime = time.Minute

// DeleteSession hides a session from everything but watchers, who see when it was deleted, and cancels its runs as
// RequestCancel does. RestoreSession brings it back until PurgeDeleted removes it, which is not before until.
func (s *Store) DeleteSession(ctx context.Context, id string) (until time.Time, err error) {
	err = s.freeing(ctx, func(t *tx) error {
		if _, err := t.session(id); err != nil {
			return err
		}
		var open []runRow
		// The queue's end first, as it shows to those who watch.
		if err := t.orm.Where("session_id = ? AND ended_ms = 0", id).Order("queue_order DESC").Find(&open).Error; err != nil {
			return fmt.Errorf("list the runs of session %s: %w", id, err)
		}
		for i := range open {
			if err := t.requestCancel(&open[i]); err != nil {
				return err
			}
			if err := t.saveRun(&open[i]); err != nil {
				return err
			}
		}
		row, err := t.session(id)
		if err != nil {
			return err
		}
		row.DeletedMS = max(t.now, 1)
		until = time.UnixMilli(row.DeletedMS).Add(undoTime)
		return t.saveSession(&row)
	})
	s.remindKeeper()
	return until, err
}

// RestoreSession takes back a DeleteSession; the runs it cancelled stay cancelled, and root access is not given anew: it
// tells what was taken away. Without an id it is the session that was deleted last. ErrNotFound once the session is gone.
func (s *Store) RestoreSession(ctx context.Context, idOrPrefix string) (p *apiv1.Session, taken []apiv1.Right, err error) {
	var row sessionRow
	err = s.write(ctx, true, func(t *tx) error {
		if idOrPrefix == "" {
			err := t.orm.Order("deleted_ms DESC, rev DESC").Take(&row, "deleted_ms <> 0").Error
			if errors.Is(err, gorm.ErrRecordNotFound) {
				return fmt.Errorf("%w: nothing that was deleted can still be brought back", ErrNotFound)
			}
			if err != nil {
				return fmt.Errorf("find the session deleted last: %w", err)
			}
			taken, err = t.restore(&row)
			return err
		}
		id, err := t.resolve("sessions", "deleted session", "deleted_ms <> 0", idOrPrefix)
		if err != nil {
			// Restored twice is no error.
			if id, again := t.resolve("sessions", "session", "deleted_ms = 0", idOrPrefix); again == nil {
				row, again = t.session(id)
				return again
			}
			return err
		}
		if row, err = t.anySession(id); err != nil {
			return err
		}
		taken, err = t.restore(&row)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return row.proto(), taken, nil
}

// restore shows a session again that was deleted.
func (t *tx) restore(row *sessionRow) ([]apiv1.Right, error) {
	taken := rights{}
	if mode := apiv1.AccessMode(row.AccessMode); mode == apiv1.AccessMode_ACCESS_MODE_ROOT {
		taken.takeRoot(&mode)
		row.AccessMode = int32(mode)
	}
	row.DeletedMS = 0
	return taken.list(), t.saveSession(row)
}

// PurgeDeleted removes the deleted sessions whose time is over, and tells when the next one's is: zero if there is none.
func (s *Store) PurgeDeleted(ctx context.Context) (next time.Time, err error) {
	var due []string
	err = s.read(ctx, func(v view) error {
		return v.each(func(scan func(...any) error) error {
			var id string
			var deleted int64
			if err := scan(&id, &deleted); err != nil {
				return err
			}
			if end := time.UnixMilli(deleted).Add(undoTime); end.After(s.now()) {
				next = end
				return errEnough
			}
			due = append(due, id)
			return nil
		}, "SELECT id, deleted_ms FROM sessions WHERE deleted_ms <> 0 ORDER BY deleted_ms")
	})
	if err != nil {
		return next, fmt.Errorf("find deleted sessions: %w", err)
	}
	return next, s.purgeAll(ctx, due, func(r *sessionRow) bool { return r.DeletedMS != 0 })
}

// purgeAll removes sessions for good if they are still due, one change each, so that writing goes on in between.
func (s *Store) purgeAll(ctx context.Context, ids []string, due func(*sessionRow) bool) error {
	if len(ids) > 0 {
		// Also where not all could be removed: those that were are not to stay in the log.
		defer s.emptyLog()
	}
	for _, id := range ids {
		err := s.freeing(ctx, func(t *tx) error {
			row, err := t.anySession(id)
			if errors.Is(err, ErrNotFound) || err == nil && !due(&row) {
				return nil
			}
			if err != nil {
				return err
			}
			return t.purge(id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// PurgeSession removes a session for good, and everything in it; only what its runs consumed stays. Tombstones tell of
// the session, its runs, approvals and jobs; its entries go without saying. Its text is gone from the disk too.
func (s *Store) PurgeSession(ctx context.Context, id string) error {
	err := s.freeing(ctx, func(t *tx) error {
		if _, err := t.anySession(id); err != nil {
			return err
		}
		return t.purge(id)
	})
	if err == nil {
		s.emptyLog()
	}
	return err
}

func (t *tx) purge(id string) error {
	tables := []string{"chunks", "undo"}
	for _, gone := range t.s.topics {
		if !gone.ofSession {
			continue
		}
		tables = append(tables, gone.table)
		if gone.key == "" {
			continue
		}
		var ids []string
		if err := t.orm.Table(gone.table).Where("session_id = ?", id).Pluck(gone.key, &ids).Error; err != nil {
			return fmt.Errorf("list the %s of session %s: %w", gone.table, id, err)
		}
		for _, gid := range ids {
			if err := t.bury(gone.id, gid, id); err != nil {
				return fmt.Errorf("bury the %s of session %s: %w", gone.table, id, err)
			}
		}
	}
	for _, table := range tables {
		if _, err := t.exec("DELETE FROM "+table+" WHERE session_id = ?", id); err != nil {
			return fmt.Errorf("delete the %s of session %s: %w", table, id, err)
		}
	}
	t.s.forgetParts(id)
	if err := t.forgetOtherDraft(id); err != nil {
		return err
	}
	if err := t.passOnBranches(id); err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM sessions WHERE id = ?", id); err != nil {
		return fmt.Errorf("delete session %s: %w", id, err)
	}
	return t.bury(apiv1.Topic_TOPIC_SESSIONS, id, id)
}

// passOnBranches leaves the branches of a session that is removed to the one it came from itself: they still belong to the
// first of them all, who may be gone too.
func (t *tx) passOnBranches(id string) error {
	gone, err := t.anySession(id)
	if err != nil || gone.ParentID == "" {
		return err
	}
	var branches []sessionRow
	if err := t.orm.Where("parent_id = ?", id).Find(&branches).Error; err != nil {
		return fmt.Errorf("find the branches of session %s: %w", id, err)
	}
	for _, b := range branches {
		b.ParentID = gone.ParentID
		b.ParentSeq = min(b.ParentSeq, gone.ParentSeq)
		if err := t.saveSession(&b); err != nil {
			return err
		}
	}
	return nil
}
