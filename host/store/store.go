// Package store keeps everything that must survive, and nothing else.
package store

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Config says where the database is and how the store talks.
type Config struct {
	// Path of the database file; it and its directory are made if missing.
	Path   string
	Logger *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Store is the open database. Its methods may be called from any goroutine.
type Store struct{}

var errUnbuilt = errors.New("not yet built")

// Open opens the database at c.Path, making or migrating it where needed. It fails with *NewerError,
// *NotDatabaseError, *LockedError, or an error wrapping ErrReadOnly or ErrDamaged; the file is then as it was.
func Open(ctx context.Context, c Config) (*Store, error) { return nil, errUnbuilt }

// Close waits for the write under way and closes the database. Later calls fail with ErrClosed.
func (s *Store) Close() error { return errUnbuilt }

// Changed gives a channel that is closed at the next commit that changed something a watcher may see.
func (s *Store) Changed() <-chan struct{} { return nil }

// Rev is the newest revision committed. Read it before a list to know from where to watch.
func (s *Store) Rev() int64 { return 0 }

// CheckInvariants verifies everything the store promises about its rows, at the cost of reading all of them, and
// tells all that is wrong.
func (s *Store) CheckInvariants(ctx context.Context) error { return errUnbuilt }
