package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
)

const (
	// dailyKept is how many daily backups are kept.
	dailyKept = 7
	// daily begins the names of backups that are made and removed by themselves.
	daily = "daily-"
	// backupTries is how often a backup that was stopped in favour of writing begins anew.
	backupTries = 3
)

// backUp copies the database that c has open and looks whether the copy is intact. A copy left by an earlier attempt is
// replaced once the new one is complete.
func backUp(ctx context.Context, c *sql.Conn, path string) error {
	unfinished := path + ".new"
	// VACUUM INTO accepts an empty file, and this one only its owner can read.
	err := os.WriteFile(unfinished, nil, 0o600)
	if err == nil {
		err = os.Truncate(unfinished, 0)
	}
	if err == nil {
		_, err = c.ExecContext(ctx, "VACUUM INTO ?", unfinished)
	}
	if err == nil {
		err = verify(ctx, unfinished)
	}
	if err == nil {
		err = syncFile(unfinished)
	}
	if err == nil {
		err = os.Rename(unfinished, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("back up the database to %s: %w", path, err), removeIfThere(unfinished))
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// verify looks whether a file is a whole database of ours that this program can read. Nobody may have it open.
func verify(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if err := checkHeader(path); err != nil {
		return err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	db, err := sql.Open(sqlite.DriverName, u.String()+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	version, err := schemaVersion(ctx, c, path)
	if err != nil {
		return explainCode(path, sqliteCode(err), err)
	}
	if version == 0 {
		return &NotDatabaseError{Path: path, What: "there is nothing in it"}
	}
	known, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if version > len(known) {
		return &NewerError{Path: path, Version: version, Known: len(known)}
	}
	err = quickCheck(ctx, c, path)
	return explainCode(path, sqliteCode(err), err)
}

// BackupDir is the directory of a database's backups.
func BackupDir(database string) string { return filepath.Join(filepath.Dir(database), "backups") }

// Backup writes a copy of the database to a file that does not exist, or to a dated one beside the database if path is
// empty, while everything goes on. It tells where the copy is, and its size in bytes.
func (s *Store) Backup(ctx context.Context, path string) (string, int64, error) {
	if s.closed.Load() {
		return "", 0, ErrClosed
	}
	if path == "" {
		path = filepath.Join(BackupDir(s.path), "openvibez-"+s.now().Format("2006-01-02-150405")+".db")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", 0, fmt.Errorf("back up the database: %w", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return "", 0, fmt.Errorf("%w: %s exists already; name a file that does not exist", ErrInvalid, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", 0, explainTarget(path, fmt.Errorf("make the directory of the backup: %w", err))
	}
	for try := 1; ; try++ {
		err = s.backUpTo(ctx, path)
		if !errors.Is(err, errInWay) || try == backupTries {
			break
		}
	}
	if err != nil {
		return "", 0, err
	}
	return path, fileSize(path), nil
}

// backUpTo makes a copy through a connection of its own.
func (s *Store) backUpTo(ctx context.Context, path string) error {
	ctx, done := s.stoppable(ctx)
	defer done()
	db, err := sql.Open(sqlite.DriverName, s.dsn("mode=ro"))
	if err != nil {
		return fmt.Errorf("open the database to copy it: %w", err)
	}
	defer func() { _ = db.Close() }()
	c, err := db.Conn(ctx)
	if err != nil {
		return s.explain(fmt.Errorf("open the database to copy it: %w", err))
	}
	defer func() { _ = c.Close() }()
	err = backUp(ctx, c, path)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return explainTarget(path, err)
}

// explainTarget puts what went wrong with a copy into words: the disk it was written to need not be that of the database.
func explainTarget(path string, err error) error {
	if code := sqliteCode(err); code != 0 {
		return explainCode(path, code, err)
	}
	return err
}

// Backups lists the files in the directory of backups, the newest first.
func Backups(database string) ([]string, error) {
	entries, err := os.ReadDir(BackupDir(database))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the backups: %w", err)
	}
	type file struct {
		path string
		made time.Time
	}
	var files []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && strings.HasSuffix(e.Name(), ".db") {
			files = append(files, file{filepath.Join(BackupDir(database), e.Name()), info.ModTime()})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { return b.made.Compare(a.made) })
	var paths []string
	for _, f := range files {
		paths = append(paths, f.path)
	}
	return paths, nil
}

// backUpDaily makes today's backup if there is none of the last 24 hours and nothing is going on, and removes the oldest
// beyond those kept. It tells when to look again.
func (s *Store) backUpDaily(ctx context.Context) (time.Duration, error) {
	const day, busy = 24 * time.Hour, 5 * time.Minute
	made, err := dailyBackups(s.path)
	if err != nil {
		return busy, err
	}
	if len(made) > 0 {
		if info, err := os.Stat(made[0]); err == nil {
			if age := s.now().Sub(info.ModTime()); age >= 0 && age < day {
				return day - age, nil
			}
			if s.unchangedSince(info.ModTime()) {
				return day, nil
			}
		}
	}
	var working, kept int64
	err = s.read(ctx, func(v view) error {
		return v.one("SELECT (SELECT count(*) FROM runs WHERE ended_ms = 0 AND state = ?), (SELECT count(*) FROM sessions)", []any{int64(running)}, &working, &kept)
	})
	if err != nil {
		return busy, fmt.Errorf("look what is going on: %w", err)
	}
	if kept == 0 {
		return day, nil
	}
	if working > 0 {
		return busy, nil
	}
	if err := os.MkdirAll(BackupDir(s.path), 0o700); err != nil {
		return busy, fmt.Errorf("make the directory of backups: %w", err)
	}
	path := filepath.Join(BackupDir(s.path), daily+s.now().Format(time.DateOnly)+".db")
	if err := s.backUpTo(ctx, path); err != nil {
		return busy, err
	}
	s.log.Info("database backed up", "backup", path, "size", fileSize(path))
	if made, err = dailyBackups(s.path); err != nil {
		return day, err
	}
	for _, old := range made[min(dailyKept, len(made)):] {
		if err := os.Remove(old); err != nil {
			return day, fmt.Errorf("remove an old backup: %w", err)
		}
	}
	return day, nil
}

// unchangedSince says whether nothing was written to the database after a moment.
func (s *Store) unchangedSince(moment time.Time) bool {
	for _, file := range []string{s.path, s.path + "-wal"} {
		if info, err := os.Stat(file); err == nil && info.ModTime().After(moment) {
			return false
		}
	}
	return true
}

// dailyBackups lists the backups made by themselves, the newest first.
func dailyBackups(database string) ([]string, error) {
	all, err := Backups(database)
	all = slices.DeleteFunc(all, func(path string) bool { return !strings.HasPrefix(filepath.Base(path), daily) })
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(b, a) })
	return all, err
}
