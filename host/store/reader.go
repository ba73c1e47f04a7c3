package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// keptReaders is how many connections that only read are kept open: a turn that begins and a watcher that hears of it
// read at the same time.
const keptReaders = 2

// connection is one that only reads. Some are kept open with their statements; when those are in use, others are opened
// for the while.
type connection struct {
	c    *sql.Conn
	kept *statements
}

func (r connection) pool() pool { return pool(r) }

// takeReader waits for a connection as long as ctx lets it.
func (s *Store) takeReader(ctx context.Context) (r connection, err error) {
	usual := false
	select {
	case r = <-s.usual:
		usual = true
	default:
	}
	if r.c != nil {
		return r, nil
	}
	r.c, err = s.readers.Conn(ctx)
	switch {
	case !usual:
	case err != nil:
		s.usual <- connection{}
	default:
		r.kept = keepStatements(r.c)
	}
	return r, err
}

// giveBack ends the use of a connection; one that is not good is not used again.
func (s *Store) giveBack(r connection, good bool) {
	switch {
	case r.kept == nil:
		_ = r.close(good)
	case !good:
		_ = r.close(false)
		s.usual <- connection{}
	default:
		s.usual <- r
		if s.closed.Load() {
			_ = s.closeUsual()
		}
	}
}

// closeUsual closes the connections that are kept, unless they are in use: who uses one does so then.
func (s *Store) closeUsual() error {
	var errs []error
	for range keptReaders {
		select {
		case r := <-s.usual:
			errs = append(errs, r.close(true))
			s.usual <- connection{}
		default:
		}
	}
	return errors.Join(errs...)
}

func (r connection) close(good bool) error {
	if r.c == nil {
		return nil
	}
	var errs []error
	if r.kept != nil {
		errs = append(errs, r.kept.close())
	}
	if !good {
		_ = r.c.Raw(func(any) error { return driver.ErrBadConn })
	}
	return errors.Join(append(errs, r.c.Close())...)
}
