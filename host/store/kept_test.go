package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
)

// A statement is kept through a use that fails and one that is rolled back, and makes room when there are many others.
func TestStatementsAreKept(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "db"))
	ctx := context.Background()
	const insert = "INSERT INTO settings (key, value_json, rev) VALUES (?, ?, ?)"
	put := func(key string) error {
		return s.write(ctx, false, func(t *tx) error {
			_, err := t.exec(insert, key, "1", t.next(0))
			return err
		})
	}
	count := func() (n int) {
		t.Helper()
		if err := s.write(ctx, false, func(t *tx) error { return t.one("SELECT count(*) FROM settings", nil, &n) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	if err := put("a"); err != nil {
		t.Fatal(err)
	}
	first := s.kept.all[insert]
	if first == nil {
		t.Fatal("the statement was not kept")
	}
	if err := put("a"); sqliteCode(err) == 0 {
		t.Fatalf("the same key twice: %v", err)
	}
	if err := put("b"); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != before+2 || s.kept.all[insert] != first {
		t.Fatalf("%d rows, expected %d, by the same statement", got, before+2)
	}
	for i := range 2 * keptMost {
		var got int
		err := s.write(ctx, false, func(t *tx) error { return t.one(fmt.Sprint("SELECT ", i), nil, &got) })
		if err != nil || got != i || len(s.kept.all) > keptMost {
			t.Fatal(got, len(s.kept.all), err)
		}
	}
	if err := put("c"); err != nil || count() != before+3 {
		t.Fatal(count(), err)
	}
}
