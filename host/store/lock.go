package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// lockFile makes sure that only one process uses the database, and leaves its process id for the others to read. The
// file stays when the lock is given back: removing it would let two processes lock two files of the same name.
func lockFile(database string) (*os.File, error) {
	path := database + ".lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := tryLock(f)
	if err == nil && !ok {
		text, _ := io.ReadAll(io.LimitReader(f, 20))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		err = &LockedError{Path: database, PID: pid}
	} else if err != nil {
		err = fmt.Errorf("lock %s: %w", path, err)
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func unlockFile(f *os.File) error {
	// Closing gives the lock back.
	return errors.Join(f.Truncate(0), f.Close())
}
