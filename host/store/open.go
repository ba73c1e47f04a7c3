package store

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	_ "github.com/glebarez/go-sqlite" // the driver "sqlite"
	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// busyTimeout is how long a change waits for another program that has the database open.
const busyTimeout = "PRAGMA busy_timeout = 5000"

// applicationID marks our databases ("OVBZ" in the file's header).
const applicationID = 0x4f56425a

//go:embed migrations/*.sql
var migrations embed.FS

// open brings everything up, in an order in which nothing is touched before it is known to be ours.
func (s *Store) open(ctx context.Context, path string) error {
	if path == "" {
		return fmt.Errorf("open the database: %w: no path given", ErrInvalid)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.path = path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return s.explainFile("make the directory of the database", err)
	}
	if err := checkHeader(path); err != nil {
		return s.explainFile("look at the database", err)
	}
	if s.lock, err = lockFile(path); err != nil {
		return s.explainFile("lock the database", err)
	}
	// SQLite would make it readable for others.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return s.explainFile("open the database", err)
	}
	if err := f.Close(); err != nil {
		return s.explainFile("open the database", err)
	}
	if err := s.connect(ctx); err != nil {
		return s.explain(err)
	}
	return nil
}

// explainFile puts what the file system says into words.
func (s *Store) explainFile(doing string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%s: %w: OpenVibez must be able to write to %s and its directory; change their owner or permissions, or set OPENVIBEZ_HOME to another directory (%w)", doing, ErrReadOnly, s.path, err)
	}
	return s.explain(fmt.Errorf("%s: %w", doing, err))
}

// checkHeader refuses, by its first bytes alone, a file that is no database of ours.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &NotDatabaseError{Path: path, What: "it is not a file"}
	}
	if info.Size() == 0 {
		return nil
	}
	head := make([]byte, 100)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if n < len(head) || !bytes.HasPrefix(head, []byte("SQLite format 3\x00")) {
		return &NotDatabaseError{Path: path, What: "it does not begin like an SQLite file"}
	}
	// 0: the header may still be in the write-ahead log.
	if id := binary.BigEndian.Uint32(head[68:]); id != 0 && id != applicationID {
		return &NotDatabaseError{Path: path, What: "it belongs to another program"}
	}
	return nil
}

// dsn names the database for the driver. What it holds on a connection does not change the file.
func (s *Store) dsn(more string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(s.path)}
	return u.String() + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(on)&" + more
}

func (s *Store) connect(ctx context.Context) error {
	unclean := fileSize(s.path+"-wal") > 0
	var err error
	if s.writers, err = sql.Open(sqlite.DriverName, s.dsn("_txlock=immediate&_pragma=secure_delete(on)&_pragma=temp_store(memory)")); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.writers.SetMaxOpenConns(1)
	if s.writer, err = s.writers.Conn(ctx); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	// After an unclean end; where that takes noticeable time, Keep does it later.
	if s.unchecked = unclean && fileSize(s.path) >= 64<<20; unclean && !s.unchecked {
		if err := quickCheck(ctx, s.writer, s.path); err != nil {
			return err
		}
	}
	if err := migrate(ctx, s.writer, s.path, migrations, s.log); err != nil {
		return err
	}
	for _, pragma := range []string{
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = NORMAL",
		// A single large change leaves no large log behind.
		"PRAGMA journal_size_limit = 8388608",
	} {
		if _, err := s.writer.ExecContext(ctx, pragma); err != nil {
			return fmt.Errorf("set up the database: %w", err)
		}
	}
	var mode string
	if err := s.writer.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("set up the database: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("set up the database %s: its file system does not support write-ahead logging; set OPENVIBEZ_HOME to a directory on a local disk", s.path)
	}
	s.kept = keepStatements(s.writer)
	if s.orm, err = gorm.Open(&sqlite.Dialector{Conn: pool{s.writer, s.kept}}, &gorm.Config{Logger: logger.Discard, DisableAutomaticPing: true}); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	if s.readers, err = sql.Open(sqlite.DriverName, s.dsn("mode=ro&_pragma=query_only(on)")); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.usual = make(chan connection, keptReaders)
	for range keptReaders {
		s.usual <- connection{}
	}
	s.readers.SetMaxOpenConns(4)
	s.readers.SetMaxIdleConns(1)
	s.readers.SetConnMaxIdleTime(time.Minute)
	return s.reload(ctx)
}

// quickCheck looks whether the file at path, which c has open, is intact.
func quickCheck(ctx context.Context, c *sql.Conn, path string) error {
	var verdict string
	if err := c.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("check the database: %w: %s", ErrDamaged, rescue(path, verdict))
	}
	return nil
}

// rescue says what to do about a damaged database.
func rescue(path, what string) string {
	newest := "look for a copy to put in its place, there is none in " + BackupDir(path)
	if backups, err := Backups(path); err == nil && len(backups) > 0 {
		newest = fmt.Sprintf("\"openvibez restore %s\" puts the newest backup in its place and keeps what is there", backups[0])
	}
	return fmt.Sprintf("%s is broken (%s); end OpenVibez and keep a copy of the file and of those whose names begin like it; then %s; or move the file away to begin anew", path, what, newest)
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
