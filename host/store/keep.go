package store

import (
	"context"
	"time"
)

// Keep does what has to be done from time to time, until ctx ends: it removes deleted sessions for good and old ones as
// the settings say, keeps daily backups, and looks once whether the file is intact. It sleeps in between.
func (s *Store) Keep(ctx context.Context) {
	for {
		next := s.keep(ctx)
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-s.keeper:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// remindKeeper lets Keep look again what there is to do.
func (s *Store) remindKeeper() {
	select {
	case s.keeper <- struct{}{}:
	default:
	}
}

// keep does what is due and tells when to look again.
func (s *Store) keep(ctx context.Context) time.Duration {
	wait := 24 * time.Hour
	until := func(d time.Duration) { wait = min(wait, max(d, time.Second)) }
	next, err := s.PurgeDeleted(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Error("remove deleted sessions; it is tried again", "error", err)
		until(time.Minute)
	}
	if !next.IsZero() {
		until(next.Sub(s.now()))
	}
	if s.uncut.Load() {
		if s.emptyLog(); s.uncut.Load() {
			until(time.Second)
			// emptyLog has reminded us; that would not be waiting.
			select {
			case <-s.keeper:
			default:
			}
		}
	}
	return wait
}
