package store

import (
	"context"
	"errors"
	"os"
)

const (
	// reserveSize is how much of the disk is kept for deleting where nothing is left: deleting writes too.
	reserveSize = 4 << 20
	// reserveRoom is how much must be free for it to be taken.
	reserveRoom = 8 * reserveSize
)

func reservePath(database string) string { return database + ".reserve" }

// keepReserve takes the reserve, where there is room and it is not there.
func (s *Store) keepReserve() {
	if fileSize(reservePath(s.path)) >= reserveSize {
		return
	}
	free, known := freeBytes(s.path)
	if !known || free < reserveRoom {
		return
	}
	if err := writeReserve(reservePath(s.path)); err != nil {
		_ = os.Remove(reservePath(s.path))
		s.log.Debug("keep some of the disk in reserve", "error", err)
	}
}

// writeReserve writes what no file system can keep in less than it says.
func writeReserve(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	block, seed := make([]byte, 1<<16), uint64(1)
	for n := 0; n < reserveSize && err == nil; n += len(block) {
		for i := range block {
			seed = seed*6364136223846793005 + 1442695040888963407
			block[i] = byte(seed >> 56)
		}
		_, err = f.Write(block)
	}
	return errors.Join(err, f.Close())
}

// freeing makes a change that gives room; where there is none for the change itself, the reserve is given up for it.
func (s *Store) freeing(ctx context.Context, change func(*tx) error) error {
	err := s.write(ctx, true, change)
	if errors.Is(err, ErrDiskFull) && s.spendReserve() {
		err = s.write(ctx, true, change)
	}
	return err
}

// spendReserve gives up the reserve; false if there is none.
func (s *Store) spendReserve() bool {
	if err := os.Remove(reservePath(s.path)); err != nil {
		return false
	}
	s.log.Warn("the disk is full: what was kept of it for deleting is used now", "bytes", reserveSize)
	return true
}
