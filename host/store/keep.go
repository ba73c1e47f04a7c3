package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openvibez/openvibez/host/setting"
)

// Keep does what has to be done from time to time, until ctx ends: it removes deleted sessions for good and old ones as
// the settings say, keeps daily backups, and looks through the file after an unclean end. It sleeps in between.
func (s *Store) Keep(ctx context.Context) {
	if s.unchecked {
		s.lookThrough(ctx)
	}
	var dailyDue time.Time
	for ctx.Err() == nil {
		wait := s.keepDeleted(ctx)
		s.keepReserve()
		if now := s.now(); !now.Before(dailyDue) {
			dailyDue = now.Add(s.keepDaily(ctx))
		}
		timer := time.NewTimer(max(time.Second, min(wait, dailyDue.Sub(s.now()))))
		select {
		case <-timer.C:
		case <-s.keeper:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// remindKeeper lets Keep look again what there is to do.
func (s *Store) remindKeeper() {
	select {
	case s.keeper <- struct{}{}:
	default:
	}
}

// keepDeleted removes deleted sessions whose time is over, from the log too, and tells when to look again.
func (s *Store) keepDeleted(ctx context.Context) time.Duration {
	wait := 24 * time.Hour
	next, err := s.PurgeDeleted(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		s.log.Error("remove deleted sessions; it is tried again", "error", err)
		wait = time.Minute
	}
	if !next.IsZero() {
		wait = min(wait, next.Sub(s.now()))
	}
	if !s.uncut.Load() {
		return wait
	}
	if s.emptyLog(); !s.uncut.Load() {
		return wait
	}
	// It has reminded us; heard at once, that would be no waiting.
	select {
	case <-s.keeper:
	default:
	}
	return time.Second
}

// keepDaily does what is due once a day and tells when to do it again.
func (s *Store) keepDaily(ctx context.Context) time.Duration {
	if err := s.PurgeOld(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		s.log.Error("remove old sessions", "error", err)
	}
	next, err := s.backUpDaily(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		s.log.Error("make the daily backup; it is tried again", "error", err, "after", next)
	}
	return next
}

// Problem says in words what is wrong with the file; empty if nothing is known to be.
func (s *Store) Problem() string {
	if p := s.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// lookThrough checks a file that was too large to be checked before the start.
func (s *Store) lookThrough(ctx context.Context) {
	begin := time.Now()
	err := s.readLong(ctx, func(v view) error { return quickCheck(v.ctx, v.c, s.path) })
	switch {
	case err == nil:
		s.log.Info("database checked after an unclean end", "took", time.Since(begin).Round(time.Millisecond))
	case errors.Is(err, ErrDamaged):
		words := err.Error()
		s.problem.Store(&words)
		s.log.Error("the database is damaged", "error", err)
	case ctx.Err() == nil:
		s.log.Warn("check the database after an unclean end", "error", err)
	}
}

// PurgeOld removes for good the sessions that are older than the settings allow. Pinned ones stay, and those in which
// something goes on.
func (s *Store) PurgeOld(ctx context.Context) error {
	days, all, err := s.retention(ctx)
	if err != nil || days <= 0 {
		return err
	}
	limit := s.now().AddDate(0, 0, -days).UnixMilli()
	old := func(r *sessionRow) bool {
		return !r.Pinned && r.DeletedMS == 0 && max(r.ActiveMS, r.ArchivedMS) < limit && (all || r.ArchivedMS != 0)
	}
	var due []string
	err = s.read(ctx, func(v view) error {
		due = nil
		var rows []sessionRow
		err := v.orm.Where("pinned = 0 AND deleted_ms = 0 AND active_ms < ? AND NOT EXISTS (SELECT 1 FROM runs WHERE session_id = sessions.id AND ended_ms = 0)", limit).Find(&rows).Error
		for i := range rows {
			if old(&rows[i]) {
				due = append(due, rows[i].ID)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("find old sessions: %w", err)
	}
	if err := s.purgeAll(ctx, due, old); err != nil {
		return err
	}
	if len(due) > 0 {
		s.log.Info("old sessions removed", "count", len(due), "days", days)
	}
	return nil
}

// retention reads how long sessions are kept; what is not understood removes nothing.
func (s *Store) retention(ctx context.Context) (days int, all bool, err error) {
	text, err := s.Setting(ctx, setting.RetentionDays)
	if err != nil || text == "" {
		return 0, false, err
	}
	what, err := s.Setting(ctx, setting.RetentionWhat)
	if err != nil {
		return 0, false, err
	}
	if err := errors.Join(CheckSetting(setting.RetentionDays, text), CheckSetting(setting.RetentionWhat, what)); err != nil {
		return 0, false, err
	}
	return int(setting.Amount(setting.RetentionDays, text)), setting.Word(setting.RetentionWhat, what) == "all", nil
}
