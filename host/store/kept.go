package store

import (
	"context"
	"database/sql"
	"errors"
)

// keptMost is how many compiled statements are kept; each takes a few kB.
const keptMost = 64

// statements are those of one connection that were compiled, by their text: compiling one takes longer than executing it.
// Whoever uses them has the connection to himself. Not to be kept are pragmas, many of which act when they are compiled
// and never again. A query whose rows are being read can't be asked again meanwhile.
type statements struct {
	c   *sql.Conn
	all map[string]*sql.Stmt
	// Whose rows are being read.
	busy map[string]bool
}

func keepStatements(c *sql.Conn) *statements {
	return &statements{c: c, all: map[string]*sql.Stmt{}, busy: map[string]bool{}}
}

// take notes that a query's rows will be read until it is released; false if they are already, further out.
func (k *statements) take(query string) bool {
	if k.busy[query] {
		return false
	}
	k.busy[query] = true
	return true
}

func (k *statements) release(query string) { delete(k.busy, query) }

// compile sees to it that a statement is there.
func (k *statements) compile(ctx context.Context, query string) error {
	if k.all[query] != nil {
		return nil
	}
	if len(k.all) >= keptMost && len(k.busy) == 0 {
		if err := k.close(); err != nil {
			return err
		}
	}
	made, err := k.c.PrepareContext(ctx, query) //nolint:sqlclosecheck // close does it
	if err == nil {
		k.all[query] = made
	}
	return err
}

// close gives up all that is kept. Before the connection is closed this has to be done: nobody else does.
func (k *statements) close() error {
	var errs []error
	for _, s := range k.all {
		errs = append(errs, s.Close())
	}
	clear(k.all)
	return errors.Join(errs...)
}

func (k *statements) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := k.compile(ctx, query); err != nil {
		return nil, err
	}
	return k.all[query].ExecContext(ctx, args...)
}

// query gives the rows of a query, to be closed before anything else is done.
func (k *statements) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := k.compile(ctx, query); err != nil {
		return nil, err
	}
	return k.all[query].QueryContext(ctx, args...)
}

// one scans the only row of a query into dest; sql.ErrNoRows if there is none.
func (k *statements) one(ctx context.Context, query string, args []any, dest ...any) error {
	if err := k.compile(ctx, query); err != nil {
		return err
	}
	return k.all[query].QueryRowContext(ctx, args...).Scan(dest...)
}
