package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	s := openAt(t, path)
	answered(t, s, "", "before the backup", "an answer")
	run := started(t, s, "", "and one still open")
	chunk(t, s, run.Id, "so far")
	made, size, err := s.Backup(t.Context(), "")
	if err != nil || size == 0 || filepath.Dir(made) != BackupDir(path) {
		t.Fatal(made, size, err)
	}
	if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info.Mode(), err)
	}
	_, _, err = s.Backup(t.Context(), made)
	wantErr(t, err, ErrInvalid, "exists already")
	answered(t, s, "", "after the backup", "lost words")
	_, err = Restore(t.Context(), path, made)
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("restored under an open database: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// What is no backup changes nothing.
	broken := filepath.Join(dir, "broken.db")
	content, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	for i := 8192; i < len(content); i += 4096 {
		copy(content[i:], strings.Repeat("\xff", 200))
	}
	if err := os.WriteFile(broken, content, 0o600); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	for _, bad := range []string{broken, filepath.Join(dir, "nothing"), path, "backup_test.go", dir} {
		if kept, err := Restore(t.Context(), path, bad); err == nil || kept != "" {
			t.Errorf("%s: %q, %v", bad, kept, err)
		}
	}
	if after := files(t, dir); !slices.Equal(before, after) {
		t.Errorf("files before %v, after %v", before, after)
	}

	kept, err := Restore(t.Context(), path, made)
	if err != nil || kept == "" {
		t.Fatal(kept, err)
	}
	s = openAt(t, path)
	if got := found(t, s, &apiv1.SearchSessionsRequest{Query: "backup"}); !slices.Equal(got, []string{"before the [backup]"}) {
		t.Errorf("restored: %q", got)
	}
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
	old := openAt(t, kept)
	if got := found(t, old, &apiv1.SearchSessionsRequest{Query: "lost"}); len(got) != 1 {
		t.Errorf("kept: %q", got)
	}
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What was not yet moved out of the log is kept with the database that is replaced.
func TestRestoreKeepsTheLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	s := openAt(t, path)
	answered(t, s, "", "first", "an answer")
	made, _, err := s.Backup(t.Context(), filepath.Join(dir, "copy.db"))
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, "", "only in the log")
	crashed := filepath.Join(dir, "crashed")
	for _, part := range []string{"", "-wal"} {
		if err := copyFile(crashed+part, path+part); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := Restore(t.Context(), crashed, made)
	if err != nil {
		t.Fatal(err)
	}
	if got := found(t, openAt(t, kept), &apiv1.SearchSessionsRequest{Query: "log"}); len(got) != 1 {
		t.Errorf("kept: %q", got)
	}
	if got := found(t, openAt(t, crashed), &apiv1.SearchSessionsRequest{Query: "log"}); len(got) != 0 {
		t.Errorf("restored: %q", got)
	}
}

func TestDailyBackups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	day := 0
	s, err := Open(context.Background(), Config{Path: path, Now: func() time.Time { return time.Now().AddDate(0, 0, day) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	names := func() (all []string) {
		for _, p := range must[[]string](t)(Backups(path)) {
			all = append(all, filepath.Base(p))
		}
		slices.Sort(all)
		return all
	}
	must[time.Duration](t)(s.backUpDaily(t.Context()))
	if got := names(); len(got) != 0 {
		t.Fatalf("a backup of nothing: %v", got)
	}
	run := started(t, s, "", "hello")
	if wait := must[time.Duration](t)(s.backUpDaily(t.Context())); wait > time.Hour || len(names()) != 0 {
		t.Fatalf("backed up while a run was under way: %v, %v", wait, names())
	}
	must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed}))
	own, _, err := s.Backup(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for day = 0; day < 10; day++ {
		send(t, s, "", fmt.Sprint("day ", day))
		if err := os.Chtimes(path+"-wal", s.now(), s.now()); err != nil {
			t.Fatal(err)
		}
		must[time.Duration](t)(s.backUpDaily(t.Context()))
		made := filepath.Join(BackupDir(path), daily+s.now().Format(time.DateOnly)+".db")
		if err := os.Chtimes(made, s.now(), s.now()); err != nil {
			t.Fatal(err)
		}
		want = append(want, filepath.Base(made))
		// Once a day is enough.
		if wait := must[time.Duration](t)(s.backUpDaily(t.Context())); wait < 23*time.Hour {
			t.Errorf("again after %v", wait)
		}
		must[*apiv1.Run](t)(s.RequestCancel(t.Context(), must[[]*apiv1.Run](t)(s.OpenRuns(t.Context()))[0].Id))
	}
	want = append(want[len(want)-dailyKept:], filepath.Base(own))
	if got := names(); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

func TestRetention(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	days := 0
	s, err := Open(context.Background(), Config{Path: path, Now: func() time.Time { return time.Now().AddDate(0, 0, days) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	make := func(name string, change func(*apiv1.Session)) {
		run := answered(t, s, "", name, "answer")
		must[*apiv1.Session](t)(s.UpdateSession(t.Context(), run.SessionId, func(p *apiv1.Session) error { change(p); return nil }))
	}
	make("plain", func(*apiv1.Session) {})
	make("pinned", func(p *apiv1.Session) { p.Pinned = true; p.ArchivedMs = 1 })
	make("archived", func(p *apiv1.Session) { p.ArchivedMs = 1 })
	send(t, s, "", "queued")
	left := func() (titles []string) {
		if err := s.PurgeOld(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, archived := range []bool{false, true} {
			for _, p := range must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{Archived: archived})).Sessions {
				titles = append(titles, p.Title)
			}
		}
		slices.Sort(titles)
		return titles
	}
	days = 100
	all := []string{"archived", "pinned", "plain", "queued"}
	if got := left(); !slices.Equal(got, all) {
		t.Errorf("without settings: %v", got)
	}
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), setting.RetentionDays, "101"))
	if got := left(); !slices.Equal(got, all) {
		t.Errorf("too early: %v", got)
	}
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), setting.RetentionDays, "90"))
	if got := left(); !slices.Equal(got, all[1:]) {
		t.Errorf("archived ones: %v", got)
	}
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), setting.RetentionWhat, `"all"`))
	if got := left(); !slices.Equal(got, []string{"pinned", "queued"}) {
		t.Errorf("all: %v", got)
	}
	for key, value := range map[string]string{setting.RetentionDays: `"soon"`, setting.RetentionWhat: `"pinned"`} {
		wantErr(t, CheckSetting(key, value), ErrInvalid, key)
	}
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}
