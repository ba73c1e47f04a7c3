package store

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	gosqlite "github.com/glebarez/go-sqlite"
)

// What callers may want to tell apart. Every error of this package that has one of these causes wraps it and says in
// words what happened, to which thing, and what to do next.
var (
	// ErrNotFound says that nothing has this id or name.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous says that the beginning of an id fits several.
	ErrAmbiguous = errors.New("ambiguous")
	// ErrConflict says that what is asked contradicts what is kept: another message under the same client request id,
	// a second run under way in one session, a step the run's state does not allow.
	ErrConflict = errors.New("conflict")
	// ErrInvalid says that the request itself is wrong.
	ErrInvalid = errors.New("invalid")
	// ErrEnded says that the run has already ended.
	ErrEnded = errors.New("already ended")
	// ErrStarted says that a run has left the queue.
	ErrStarted = errors.New("already started")
	// ErrDecided says that the approval was already answered, or can't be any more.
	ErrDecided = errors.New("already decided")
	// ErrDuplicateName says that another provider has this name.
	ErrDuplicateName = errors.New("name already taken")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrDiskFull says that there was no room; nothing of the change was kept.
	ErrDiskFull = errors.New("disk full")
	// ErrReadOnly says that the database can't be written.
	ErrReadOnly = errors.New("read-only")
	// ErrDamaged says that the database file is broken.
	ErrDamaged = errors.New("database damaged")
	// ErrIO says that the disk failed to read or write.
	ErrIO = errors.New("disk error")

	// errInWay ends a read that kept the write-ahead log from being begun anew.
	errInWay = errors.New("stopped: it read for so long that what is written meanwhile piled up; try again when less is going on")
)

// Words are an error for people: without the kind in front, where a sentence follows that says the same.
func Words(err error) string {
	words := err.Error()
	for _, kind := range []error{ErrNotFound, ErrAmbiguous, ErrConflict, ErrInvalid, ErrEnded, ErrStarted, ErrDecided, ErrDuplicateName, ErrReadOnly} {
		if rest, found := strings.CutPrefix(words, kind.Error()+": "); found {
			return rest
		}
	}
	return words
}

// NewerError says that a later version of the program wrote the database. Nothing was changed.
type NewerError struct {
	Path string
	// Version is the schema the file has, Known the newest this program understands.
	Version, Known int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the database %s was written by a newer OpenVibez (its format is %d, this program knows up to %d): install the newer version again, or set OPENVIBEZ_HOME to another directory; nothing was changed", e.Path, e.Version, e.Known)
}

// NotDatabaseError says that the file is something else. It was not touched.
type NotDatabaseError struct {
	Path string
	// What it seems to be, in words.
	What string
}

func (e *NotDatabaseError) Error() string {
	return fmt.Sprintf("%s is not an OpenVibez database (%s) and was left alone: move it elsewhere, or set OPENVIBEZ_HOME to another directory", e.Path, e.What)
}

// LockedError says that another process has the database open.
type LockedError struct {
	Path string
	// PID of the other process; 0 if unknown.
	PID int
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("the database %s is in use by %s: only one OpenVibez can use it at a time; end that one (openvibez stop), or set OPENVIBEZ_HOME to another directory", e.Path, who)
}

// Primary result codes of SQLite.
const (
	sqliteGeneral   = 1
	sqliteBusy      = 5
	sqliteReadOnly  = 8
	sqliteIO        = 10
	sqliteCorrupt   = 11
	sqliteFull      = 13
	sqliteCantOpen  = 14
	sqliteTooBig    = 18
	sqliteUnique    = 19 | 8<<8
	sqliteNotADB    = 26
	primaryCodeMask = 0xff
)

// Passing tells whether the disk, not the change, is to blame: the same may work a little later, with room or when the
// disk can be written again. Nothing of the change was kept.
func Passing(err error) bool {
	return err != nil && (errors.Is(err, ErrDiskFull) || errors.Is(err, ErrReadOnly) || errors.Is(err, ErrIO) || sqliteCode(err)&primaryCodeMask == sqliteBusy)
}

func sqliteCode(err error) int {
	var e *gosqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// brokenError has words of its own for an error.
type brokenError struct {
	words string
	err   error
}

func (e brokenError) Error() string { return e.words }
func (e brokenError) Unwrap() error { return e.err }

// explain puts what SQLite says into words; other errors pass as they are.
func (s *Store) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return explainCode(s.path, sqliteFull, err)
	}
	return explainCode(s.path, sqliteCode(err), err)
}

func explainCode(path string, code int, err error) error {
	switch code & primaryCodeMask {
	case sqliteFull:
		return fmt.Errorf("%w: there is no room for the database %s, nothing of this change was kept; free some space and try again (%w)", ErrDiskFull, path, err)
	case sqliteReadOnly, sqliteCantOpen:
		return fmt.Errorf("%w: the database %s can't be written; check the permissions of the file and its directory, and that the disk is mounted for writing (%w)", ErrReadOnly, path, err)
	case sqliteCorrupt, sqliteNotADB:
		return fmt.Errorf("%w: the database %w", ErrDamaged, brokenError{rescue(path, err.Error()), err})
	case sqliteIO:
		return fmt.Errorf("%w: the database %s could not be read or written, nothing of this change was kept; check the disk and try again (%w)", ErrIO, path, err)
	case sqliteBusy:
		return fmt.Errorf("the database %s is locked by a program that has it open; close that program and try again (%w)", path, err)
	case sqliteTooBig:
		return fmt.Errorf("%w: too large to keep, the limit is 1 GB (%w)", ErrInvalid, err)
	}
	return err
}
