package store

import (
	"context"
	"fmt"
)

const (
	// The log begins anew by itself at about 4 MB, unless somebody reads just then. Above logSoft that is forced, above
	// logHard whoever reads for long is stopped for it.
	logSoft = 6 << 20
	logHard = 12 << 20
	// logLook is how many changes may pass between two looks at its size; one adds some 10 kB.
	logLook = 32
	// How long, in milliseconds, writing stands still at most for those who read what is in the log. Who wants to begin to
	// read meanwhile waits too: readers that come one after the other would always be in the way.
	shortWait, longWait = 50, 2000
)

// watchLog keeps the write-ahead log small. The caller has the turn.
func (s *Store) watchLog() {
	if s.sinceLook++; s.sinceLook < logLook {
		return
	}
	s.sinceLook = 0
	size := fileSize(s.path + "-wal")
	if size < logSoft {
		return
	}
	patience := shortWait
	if size >= logHard {
		s.stopReaders()
		patience = longWait
	}
	if _, err := s.checkpoint("RESTART", patience); err != nil {
		s.log.Warn("begin the write-ahead log anew", "size", size, "error", err)
	}
}

// checkpoint moves the write-ahead log into the database; false if somebody reads what is in it. The caller has the turn.
func (s *Store) checkpoint(mode string, patience int) (bool, error) {
	ctx := context.Background()
	s.begins.Lock()
	defer s.begins.Unlock()
	// Others wait for the turn meanwhile.
	if _, err := s.writer.ExecContext(ctx, fmt.Sprint("PRAGMA busy_timeout = ", patience)); err != nil {
		return false, fmt.Errorf("limit how long to wait for readers: %w", err)
	}
	var busy, pages, moved int
	err := s.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &pages, &moved)
	if _, again := s.writer.ExecContext(ctx, busyTimeout); err == nil {
		err = again
	}
	if err != nil {
		return false, s.explain(fmt.Errorf("move the write-ahead log into the database: %w", err))
	}
	return busy == 0, nil
}

// emptyLog moves the write-ahead log into the database and cuts it to nothing, so that nothing deleted is left in it. If
// somebody reads just now, Keep tries again.
func (s *Store) emptyLog() {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	if s.closed.Load() {
		return
	}
	done, err := s.checkpoint("TRUNCATE", shortWait)
	if err != nil {
		s.log.Warn("empty the write-ahead log; it is tried again", "error", err)
	}
	if s.uncut.Store(!done); !done {
		s.remindKeeper()
	}
}

// stopReaders ends the reads under way that may take long; they are tried again by who began them.
func (s *Store) stopReaders() {
	s.readsMu.Lock()
	defer s.readsMu.Unlock()
	for _, stop := range s.reads {
		stop(errInWay)
	}
}

// stoppable gives a context that stopReaders ends with errInWay; call done when the read is over.
func (s *Store) stoppable(ctx context.Context) (_ context.Context, done func()) {
	ctx, stop := context.WithCancelCause(ctx)
	s.readsMu.Lock()
	defer s.readsMu.Unlock()
	s.lastRead++
	id := s.lastRead
	s.reads[id] = stop
	return ctx, func() {
		s.readsMu.Lock()
		delete(s.reads, id)
		s.readsMu.Unlock()
		stop(nil)
	}
}

// readLong is read for what may take long: it stops when the caller leaves, and with errInWay when the write-ahead log
// can't be kept small otherwise.
func (s *Store) readLong(ctx context.Context, look func(view) error) error {
	ctx, done := s.stoppable(ctx)
	defer done()
	err := s.readOn(ctx, ctx, look)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}
