package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// connection is one that only reads. One of them is kept open with its statements; when that is in use, others are
// opened for the while.
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

// closeUsual closes the connection that is kept, unless it is in use: who uses it does so then.
func (s *Store) closeUsual() error {
	select {
	case r := <-s.usual:
		s.usual <- connection{}
		return r.close(true)
	default:
		return nil
	}
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
