package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// How long a lock may outlive its owner: what that was just starting still holds it for a moment.
const lockAfterlife = 2 * time.Second

// lockFile makes sure that only one process uses the database, and leaves its process id for the others to read. The
// file stays when the lock is given back: removing it would let two processes lock two files of the same name.
func lockFile(database string) (*os.File, error) {
	path := database + ".lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := waitLock(f, database); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// The lock holds without it, on a full disk too.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return f, nil
}

// waitLock takes the lock; it waits only for one whose owner is gone.
func waitLock(f *os.File, database string) error {
	for end := time.Now().Add(lockAfterlife); ; time.Sleep(10 * time.Millisecond) {
		ok, err := tryLock(f)
		if err != nil {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if ok {
			return nil
		}
		text, _ := io.ReadAll(io.NewSectionReader(f, 0, 20))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		if pid > 0 && alive(pid) || time.Now().After(end) {
			return &LockedError{Path: database, PID: pid}
		}
	}
}

func unlockFile(f *os.File) error {
	// Closing gives the lock back.
	return errors.Join(f.Truncate(0), f.Close())
}
