package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// rawDB opens a database file without the store.
func rawDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db := must[*sql.DB](t)(sql.Open("sqlite", path))
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func rawExec(t testing.TB, path, query string) {
	t.Helper()
	db := rawDB(t, path)
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// wantRefused opens what must be refused and left alone.
func wantRefused(t *testing.T, path string, target any, words ...string) {
	t.Helper()
	before, _ := os.ReadFile(path)
	s, err := Open(t.Context(), Config{Path: path})
	if err == nil {
		_ = s.Close()
		t.Fatalf("%s was opened", path)
	}
	if !errors.As(err, target) {
		t.Errorf("got %T %v, want %T", err, err, target)
	}
	for _, w := range append(words, path) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	if fileSize(path+"-wal") > 0 {
		t.Error("a log was left")
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	database := func(name, query string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		rawExec(t, path, query)
		return path
	}
	var notOurs *NotDatabaseError
	wantRefused(t, file("short", "x"), &notOurs, "does not begin")
	wantRefused(t, file("text", strings.Repeat("my thesis ", 100)), &notOurs, "left alone")
	wantRefused(t, file("cut", "SQLite format 3\x00"), &notOurs)
	wantRefused(t, database("foreign", "CREATE TABLE t (a)"), &notOurs, "another program")
	wantRefused(t, database("marked", "PRAGMA application_id = 7; CREATE TABLE t (a)"), &notOurs, "another program")
	wantRefused(t, database("numbered", "PRAGMA user_version = 1; CREATE TABLE t (a); DROP TABLE t"), &notOurs)
	wantRefused(t, dir, &notOurs, "not a file")
	var newer *NewerError
	path := filepath.Join(dir, "newer")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	rawExec(t, path, "PRAGMA user_version = 99")
	wantRefused(t, path, &newer, "99", "newer")
	if newer.Version != 99 || newer.Known != len(must[[]string](t)(fs.Glob(migrations, "migrations/*"))) {
		t.Errorf("%+v", newer)
	}
	if _, err := Open(t.Context(), Config{}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if _, err := Open(t.Context(), Config{Path: filepath.Join(file("plain", ""), "below")}); err == nil || !strings.Contains(err.Error(), "plain") {
		t.Error(err)
	}
}

func TestOpenLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := openAt(t, path)
	send(t, s, "", "hi")
	_, err := Open(t.Context(), Config{Path: path})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("got %v", err)
	}
	send(t, s, "", "still ours")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
}

func TestOpenOddPaths(t *testing.T) {
	for _, name := range []string{"a b", "100%", "q?x=1", "#hash", "ünï", "%41", "a&b"} {
		dir := filepath.Join(t.TempDir(), name, "deep")
		path := filepath.Join(dir, name+".db")
		run := send(t, openAt(t, path), "", "hi")
		for _, p := range []string{dir, path, path + "-wal", path + "-shm", path + ".lock"} {
			info, err := os.Stat(p)
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v, %v", p, info, err)
			}
		}
		if run == nil {
			t.Error("no run")
		}
	}
}

func TestOpenEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	send(t, openAt(t, path), "", "hi")
}

func TestOpenDamaged(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	s := openAt(t, whole)
	for i := range 50 {
		send(t, s, "", fmt.Sprint(i, strings.Repeat(" words", 500)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content := must[[]byte](t)(os.ReadFile(whole))
	for name, spoil := range map[string]func([]byte) []byte{
		"schema": func(b []byte) []byte { copy(b[100:4096], bytes.Repeat([]byte{0xa5}, 3996)); return b },
		"pages":  func(b []byte) []byte { copy(b[4096:], bytes.Repeat([]byte{0xa5}, len(b)-4096)); return b },
		"cut":    func(b []byte) []byte { return b[:len(b)/2] },
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, spoil(bytes.Clone(content)), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), Config{Path: path})
		if err == nil {
			if err = s.CheckInvariants(t.Context()); err == nil {
				t.Errorf("%s: nothing noticed", name)
			}
			_, _, _, err = s.Send(t.Context(), Send{ClientRequestID: "x", Text: "y"})
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
			_ = s.Close()
			continue
		}
		wantErr(t, err, ErrDamaged, path, "backups")
	}
}

// schemaOf gives the schema without its layout.
func schemaOf(t testing.TB, path string) string {
	t.Helper()
	var b strings.Builder
	rows := must[*sql.Rows](t)(rawDB(t, path).QueryContext(t.Context(), "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"))
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// migrated runs migrations on a file.
func migrated(t testing.TB, path string, from fs.FS) error {
	t.Helper()
	db := rawDB(t, path)
	defer func() { _ = db.Close() }()
	c := must[*sql.Conn](t)(db.Conn(t.Context()))
	defer func() { _ = c.Close() }()
	return migrate(context.Background(), c, path, from, slog.New(slog.DiscardHandler))
}

// The first schema people have data in, and every one since, must become today's.
func TestFirstSchemaMigrates(t *testing.T) {
	first := must[[]byte](t)(os.ReadFile("testdata/0001.sql"))
	if !bytes.Equal(first, must[[]byte](t)(fs.ReadFile(migrations, "migrations/0001.sql"))) {
		t.Error("migrations/0001.sql is what people have on their disks and must never change: add a migration instead")
	}
	dir := t.TempDir()
	old, begun := filepath.Join(dir, "old"), filepath.Join(dir, "begun")
	if err := migrated(t, old, fstest.MapFS{"migrations/0001.sql": {Data: first}}); err != nil {
		t.Fatal(err)
	}
	rawExec(t, old, string(must[[]byte](t)(os.ReadFile("testdata/0001-rows.sql"))))
	s := openAt(t, old)
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
	session := must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{})).Sessions[0]
	if got := brief(journal(t, s, session.Id)); got != "1-1:user(What is a rune?) 2-4:text(A rune is a code point.) 5-5:*apiv1.Entry_Usage 6-6:user(Go on) 7-8:chunk@0(It is)" {
		t.Errorf("journal %s", got)
	}
	if p := must[*apiv1.Provider](t)(s.DefaultProvider(t.Context())); p.GetName() != "Ollama" {
		t.Errorf("provider %v", p)
	}
	must[int](t)(s.Recover(t.Context()))
	if err := errors.Join(s.CheckInvariants(t.Context()), s.Close(), openAt(t, begun).Close()); err != nil {
		t.Error(err)
	}
	if got, want := schemaOf(t, old), schemaOf(t, begun); got != want {
		t.Errorf("migrated\n%s\nnew\n%s", got, want)
	}
}

func TestMigrationBacksUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	known := must[[]string](t)(fs.Glob(migrations, "migrations/*.sql"))
	next := len(known) + 1
	// withNext is what a later version would bring.
	withNext := func(script string) fs.FS {
		from := fstest.MapFS{fmt.Sprintf("migrations/%04d.sql", next): {Data: []byte(script)}}
		for _, name := range known {
			from[name] = &fstest.MapFile{Data: must[[]byte](t)(fs.ReadFile(migrations, name))}
		}
		return from
	}
	s := openAt(t, path)
	send(t, s, "", "precious")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	broken := withNext("CREATE TABLE more (a); DELETE FROM runs; CREATE TABLE more (a)")
	dangling := withNext("DELETE FROM runs")
	for _, from := range []fs.FS{broken, dangling} {
		err := migrated(t, path, from)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("format %d", next)) || !strings.Contains(err.Error(), path) {
			t.Errorf("a broken migration: %v", err)
		}
		again := openAt(t, path)
		if n := count(t, again, "SELECT count(*) FROM runs"); n != 1 {
			t.Errorf("%d runs left", n)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrated(t, path, withNext("CREATE TABLE more (a)")); err != nil {
		t.Fatal(err)
	}
	var newer *NewerError
	wantRefused(t, path, &newer)
	backup := fmt.Sprintf("%s.before-%d.bak", path, next)
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("backup: %v, %v", info, err)
	}
	was := openAt(t, backup)
	if err := was.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
	if list := must[*apiv1.ListSessionsResponse](t)(was.ListSessions(t.Context(), &apiv1.ListSessionsRequest{})); len(list.Sessions) != 1 || list.Sessions[0].Title != "precious" {
		t.Errorf("backup has %v", list)
	}
}
