package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Config says where the database is and how the store talks.
type Config struct {
	// Path of the database file; it and its directory are made if missing.
	Path   string
	Logger *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Store is the open database. Its methods may be called from any goroutine. A method looks at its context before it
// begins; what has begun is finished, so a change is never half made.
type Store struct {
	path string
	log  *slog.Logger
	now  func() time.Time
	lock *os.File

	// orm maps rows; each use gives it the connection to work on.
	orm     *gorm.DB
	readers *sql.DB
	// begins is held while nobody may begin to read.
	begins sync.RWMutex
	// usual holds the readers that are kept and that nobody uses.
	usual  chan connection
	closed atomic.Bool

	// turn holds one value; who takes it may write. It guards everything down to parts.
	turn    chan struct{}
	writers *sql.DB
	writer  *sql.Conn
	kept    *statements
	full    bool
	// parts are the texts being written, by run. They repeat what the chunk rows say, so that a flush need not read.
	parts map[string]*part
	// saved is what the counter's row says; pieces of text draw revisions without writing it.
	saved int64
	// stale says that a transaction ended badly and what is remembered must be read again.
	stale bool

	// sinceLook counts changes since the size of the write-ahead log was looked at.
	sinceLook int
	// uncut says that the log may still hold what was deleted.
	uncut atomic.Bool
	// reads are the reads under way that may be stopped.
	readsMu  sync.Mutex
	reads    map[int64]context.CancelCauseFunc
	lastRead int64
	// unchecked says that the file was not looked through after an unclean end; problem is what was found later.
	unchecked bool
	problem   atomic.Pointer[string]
	// keeper is told that there is something to do.
	keeper chan struct{}

	topics [lastTopic + 1]topic
	rev    atomic.Int64
	// topicRev is, for each topic (tombstones at 0), a revision after which nothing of it has changed.
	topicRev [lastTopic + 1]atomic.Int64

	settings  known[[]*apiv1.Setting]
	providers known[[]*apiv1.Provider]
	models    known[map[string][]*apiv1.Model]
	rules     known[[]*apiv1.Rule]
	journal   remembered

	changedMu sync.Mutex
	changed   chan struct{}
}

// Open opens the database at c.Path, making or migrating it where needed. It fails with *NewerError,
// *NotDatabaseError, *LockedError, or an error wrapping ErrReadOnly or ErrDamaged; the file is then as it was.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := open(ctx, c)
	if (errors.Is(err, ErrDiskFull) || errors.Is(err, ErrIO)) && os.Remove(reservePath(c.Path)) == nil {
		// Opening takes a little room too, and SQLite calls it an error of the disk where its index of the log has none.
		return open(ctx, c)
	}
	return s, err
}

func open(ctx context.Context, c Config) (*Store, error) {
	s := &Store{
		log: c.Logger, now: c.Now, turn: make(chan struct{}, 1), topics: topics(), parts: map[string]*part{},
		reads: map[int64]context.CancelCauseFunc{}, keeper: make(chan struct{}, 1),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(context.WithoutCancel(ctx), c.Path); err != nil {
		s.closed.Store(true)
		return nil, errors.Join(err, s.release())
	}
	s.turn <- struct{}{}
	return s, nil
}

// Close waits for the write under way and closes the database. Later calls fail with ErrClosed.
func (s *Store) Close() error {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	if s.closed.Swap(true) {
		return nil
	}
	s.signal()
	if err := s.release(); err != nil {
		return fmt.Errorf("close the database %s: %w", s.path, err)
	}
	return nil
}

// release gives back what open took, as far as it came.
func (s *Store) release() error {
	var errs []error
	if s.usual != nil {
		errs = append(errs, s.closeUsual())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.kept != nil {
		errs = append(errs, s.kept.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	if s.writers != nil {
		errs = append(errs, s.writers.Close())
	}
	if s.lock != nil {
		errs = append(errs, unlockFile(s.lock))
	}
	return errors.Join(errs...)
}

// Changed gives a channel that is closed at the next commit of something a watcher may see, and when the store closes.
// Take it before looking, or a change may slip by.
func (s *Store) Changed() <-chan struct{} {
	s.changedMu.Lock()
	defer s.changedMu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
		if s.closed.Load() {
			close(s.changed)
		}
	}
	return s.changed
}

func (s *Store) signal() {
	s.changedMu.Lock()
	defer s.changedMu.Unlock()
	if s.changed != nil {
		select {
		case <-s.changed:
		default:
			close(s.changed)
		}
		if !s.closed.Load() {
			s.changed = nil
		}
	}
}

// Rev is the newest revision committed. Read it before a list to know from where to watch.
func (s *Store) Rev() int64 { return s.rev.Load() }

// newID makes an id: 16 characters, 80 random bits, easy to type.
func newID() string { return strings.ToLower(rand.Text())[:16] }
