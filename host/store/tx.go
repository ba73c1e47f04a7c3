package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// pool is a connection on which a transaction is under way, and knows whether its statements are kept: kept is nil where a
// connection is used only this once. It has no BeginTx, so gorm, to which it is shown, starts none of its own.
type pool struct {
	c    *sql.Conn
	kept *statements
}

func (p pool) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.c.PrepareContext(ctx, query)
}

func (p pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if p.kept != nil {
		return p.kept.exec(ctx, query, args...)
	}
	return p.c.ExecContext(ctx, query, args...)
}

func (p pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if p.kept != nil {
		return p.kept.query(ctx, query, args...)
	}
	return p.c.QueryContext(ctx, query, args...)
}

// rows gives the rows of a query, and what is to be called when they have been read. While they are, the same query can be
// asked again: it is compiled anew for the while.
func (p pool) rows(ctx context.Context, query string, args []any) (rows *sql.Rows, done func(), err error) {
	if p.kept == nil || !p.kept.take(query) {
		rows, err = p.c.QueryContext(ctx, query, args...)
		return rows, func() {}, err
	}
	rows, err = p.kept.query(ctx, query, args...)
	return rows, func() { p.kept.release(query) }, err
}

// one scans the only row of a query into dest; sql.ErrNoRows if there is none.
func (p pool) one(ctx context.Context, query string, args []any, dest ...any) error {
	if p.kept != nil {
		return p.kept.one(ctx, query, args, dest...)
	}
	return p.c.QueryRowContext(ctx, query, args...).Scan(dest...)
}

func (p pool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.c.QueryRowContext(ctx, query, args...)
}

// view is one consistent state of the database.
type view struct {
	pool
	ctx context.Context
	orm *gorm.DB
	// A revision that was committed before.
	past int64
}

func (s *Store) viewOn(ctx context.Context, c *sql.Conn, kept *statements) view {
	g := s.orm.Session(&gorm.Session{NewDB: true, Context: ctx})
	on := pool{c, kept}
	g.Statement.ConnPool = on
	return view{pool: on, ctx: ctx, orm: g}
}

// revision is one up to which the view shows everything. The counter's row is behind where pieces of text came last.
func (v view) revision() (rev int64, err error) {
	if err := v.one("SELECT rev FROM revision", nil, &rev); err != nil {
		return 0, fmt.Errorf("read the revision: %w", err)
	}
	return max(rev, v.past), nil
}

// errEnough ends each early.
var errEnough = errors.New("enough")

// each calls row for every result of a query; scan fills its arguments from the columns.
func (v view) each(row func(scan func(...any) error) error, query string, args ...any) error {
	rows, done, err := v.rows(v.ctx, query, args)
	defer done()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		err := row(rows.Scan)
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the only row of a query into dest; sql.ErrNoRows if there is none.
func (v view) one(query string, args []any, dest ...any) error {
	return v.pool.one(v.ctx, query, args, dest...)
}

// tx is a change under way: nothing of it is kept unless all of it is.
type tx struct {
	view
	s   *Store
	now int64
	rev int64
	// topics that the change touched; tombstones are 0.
	topics [lastTopic + 1]bool
}

// next draws a revision for a row of a topic. No two rows share one, so a reader may stop between any two.
func (t *tx) next(topic apiv1.Topic) int64 {
	t.rev++
	t.topics[topic] = true
	return t.rev
}

func (t *tx) exec(query string, args ...any) (int64, error) {
	res, err := t.kept.exec(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// bury leaves a tombstone.
func (t *tx) bury(topic apiv1.Topic, id, sessionID string) error {
	_, err := t.exec("INSERT OR REPLACE INTO tombstones (topic, id, session_id, rev) VALUES (?, ?, ?, ?)", int64(topic), id, sessionID, t.next(0))
	return err
}

// unbury removes the tombstone of what exists again.
func (t *tx) unbury(topic apiv1.Topic, id string) error {
	_, err := t.exec("DELETE FROM tombstones WHERE topic = ? AND id = ?", int64(topic), id)
	return err
}

// write makes one change. Durable ones are on the disk when it returns; the others are only safe from the end of this
// process until the next durable one.
func (s *Store) write(ctx context.Context, durable bool, change func(*tx) error) error {
	return s.inTurn(ctx, func(ctx context.Context) error { return s.transact(ctx, durable, change) })
}

// inTurn waits until it may write, and does.
func (s *Store) inTurn(ctx context.Context, write func(context.Context) error) error {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	if s.closed.Load() {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.explain(write(context.WithoutCancel(ctx)))
}

func (s *Store) transact(ctx context.Context, durable bool, change func(*tx) error) (err error) {
	if s.stale {
		if err := s.reload(ctx); err != nil {
			return err
		}
	}
	if err := s.sync(ctx, durable); err != nil {
		return err
	}
	if _, err := s.kept.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin a change: %w", err)
	}
	done := false
	defer func() {
		if done {
			return
		}
		s.stale = true
		// A failed commit may have ended the transaction already; then there is nothing to roll back.
		if _, rollback := s.kept.exec(ctx, "ROLLBACK"); rollback != nil && err == nil {
			err = rollback
		}
	}()
	t := &tx{view: s.viewOn(ctx, s.writer, s.kept), s: s, now: s.now().UnixMilli(), rev: s.rev.Load()}
	if err := change(t); err != nil {
		return err
	}
	if t.rev != s.saved {
		if _, err := t.exec("UPDATE revision SET rev = ? WHERE id = 1", t.rev); err != nil {
			return fmt.Errorf("count the change: %w", err)
		}
		// Before the commit: who sees the commit must also see these.
		for topic, touched := range t.topics {
			if touched {
				s.topicRev[topic].Store(t.rev)
			}
		}
	}
	if _, err := s.kept.exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	s.saved = t.rev
	if t.rev != s.rev.Load() {
		s.rev.Store(t.rev)
		s.signal()
	}
	s.watchLog()
	return nil
}

// sync sets whether the next commits are on the disk when they return.
func (s *Store) sync(ctx context.Context, durable bool) error {
	if s.full == durable {
		return nil
	}
	mode := "PRAGMA synchronous = NORMAL"
	if durable {
		mode = "PRAGMA synchronous = FULL"
	}
	if _, err := s.writer.ExecContext(ctx, mode); err != nil {
		return fmt.Errorf("set how commits are synced: %w", err)
	}
	s.full = durable
	return nil
}

// reload forgets what is remembered of the database and reads it again.
func (s *Store) reload(ctx context.Context) error {
	clear(s.parts)
	var rev int64
	if err := s.writer.QueryRowContext(ctx, "SELECT rev, max(rev, coalesce((SELECT max(rev) FROM chunks), 0)) FROM revision").Scan(&s.saved, &rev); err != nil {
		return fmt.Errorf("read the revision: %w", err)
	}
	for i := range s.topicRev {
		s.topicRev[i].Store(rev)
	}
	s.stale = false
	if s.rev.Swap(rev) != rev {
		s.signal()
	}
	return nil
}

// read shows one consistent state of the database.
func (s *Store) read(ctx context.Context, look func(view) error) error {
	return s.readOn(ctx, context.WithoutCancel(ctx), look)
}

// readOn waits for a connection as long as ctx lets it, and looks as long as inside does.
func (s *Store) readOn(ctx, inside context.Context, look func(view) error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	s.begins.RLock()
	s.begins.RUnlock() //nolint:staticcheck // only to wait
	r, err := s.takeReader(ctx)
	if err != nil {
		if s.closed.Load() {
			return ErrClosed
		}
		return s.explain(err)
	}
	ctx = context.WithoutCancel(ctx)
	past := s.rev.Load()
	defer func() {
		_, err := r.pool().ExecContext(ctx, "ROLLBACK")
		s.giveBack(r, err == nil)
	}()
	if _, err := r.pool().ExecContext(ctx, "BEGIN"); err != nil {
		return s.explain(fmt.Errorf("begin to read: %w", err))
	}
	v := s.viewOn(inside, r.c, r.kept)
	v.past = past
	return s.explain(look(v))
}
