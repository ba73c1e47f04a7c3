package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Restore puts a backup in the place of the database at path, which nobody may have open, and tells where it put what was
// there; empty if nothing was. The backup itself stays. If anything goes wrong, all is as it was.
func Restore(ctx context.Context, path, backup string) (kept string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", fmt.Errorf("restore a backup: %w", err)
	}
	if backup, err = filepath.Abs(backup); err != nil {
		return "", fmt.Errorf("restore a backup: %w", err)
	}
	if backup == path {
		return "", fmt.Errorf("%w: %s is the database itself; name a backup", ErrInvalid, path)
	}
	if err := CheckBackup(ctx, backup); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the directory of the database: %w", err)
	}
	lock, err := lockFile(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlockFile(lock)) }()
	restored := path + ".restored"
	if err := copyFile(restored, backup); err != nil {
		return "", errors.Join(fmt.Errorf("copy the backup: %w", err), removeIfThere(restored))
	}
	// The copy is what counts.
	if err := verify(ctx, restored); err != nil {
		return "", errors.Join(fmt.Errorf("look at the copy of the backup: %w", err), removeIfThere(restored))
	}
	kept, err = setAside(path)
	if err == nil {
		err = os.Rename(restored, path)
	}
	if err != nil {
		err = fmt.Errorf("put the backup in place: %w", err)
		if kept != "" {
			err = errors.Join(err, moveDatabase(kept, path))
		}
		return "", errors.Join(err, removeIfThere(restored))
	}
	return kept, errors.Join(syncFile(path), syncDir(filepath.Dir(path)))
}

// syncDir makes names of a directory safe, where a directory can be asked to.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// CheckBackup says in words why a file can't be restored.
func CheckBackup(ctx context.Context, backup string) error {
	err := verify(ctx, backup)
	var other *NotDatabaseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &other):
		return fmt.Errorf("%w: %s is not an OpenVibez database (%s): name a file that \"openvibez backup\" has made", ErrInvalid, backup, other.What)
	}
	return fmt.Errorf("look at the backup: %w", err)
}

// setAside gives the files of a database another name, and tells which; empty if there are none.
func setAside(path string) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		// What is left of its log would be taken for the new one's.
		for _, part := range []string{"-wal", "-shm"} {
			if _, err := os.Lstat(path + part); err == nil {
				return "", fmt.Errorf("%s lies there without its database; move it away first", path+part)
			}
		}
		return "", nil
	}
	kept := path + ".replaced-" + time.Now().Format("2006-01-02-150405")
	for n := 2; ; n++ {
		if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
			break
		}
		kept = fmt.Sprintf("%s.replaced-%s-%d", path, time.Now().Format("2006-01-02-150405"), n)
	}
	if err := moveDatabase(path, kept); err != nil {
		return "", err
	}
	return kept, nil
}

// moveDatabase renames a database with its log, which holds its newest changes: all of it or nothing.
func moveDatabase(from, to string) error {
	var moved []string
	for _, part := range []string{"-wal", "-shm", ""} {
		err := os.Rename(from+part, to+part)
		if errors.Is(err, fs.ErrNotExist) && part != "" {
			continue
		}
		if err != nil {
			for _, back := range moved {
				err = errors.Join(err, os.Rename(to+back, from+back))
			}
			return err
		}
		moved = append(moved, part)
	}
	return nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
