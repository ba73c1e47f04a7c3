package store

import (
	"context"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func TestDeleteAndRestoreSession(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "findable words")
	chunk(t, s, run.Id, "so far")
	waiting := send(t, s, run.SessionId, "queued")
	rev := s.Rev()
	until := must[time.Time](t)(s.DeleteSession(t.Context(), run.SessionId))
	if until.Before(time.Now().Add(undoTime / 2)) {
		t.Errorf("restorable until %v", until)
	}

	if list := must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{})); len(list.Sessions) != 0 {
		t.Errorf("listed: %v", list.Sessions)
	}
	_, err := s.Session(t.Context(), run.SessionId[:6])
	wantErr(t, err, ErrNotFound)
	_, err = s.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: run.SessionId})
	wantErr(t, err, ErrNotFound, "session restore")
	_, err = s.UpdateSession(t.Context(), run.SessionId, func(*apiv1.Session) error { return nil })
	wantErr(t, err, ErrNotFound)
	_, _, _, err = s.Send(t.Context(), Send{SessionID: run.SessionId, ClientRequestID: "late", Text: "late"})
	wantErr(t, err, ErrNotFound, "was deleted")
	_, err = s.DeleteSession(t.Context(), run.SessionId)
	wantErr(t, err, ErrNotFound)
	if r := must[*apiv1.Run](t)(s.Run(t.Context(), waiting.Id)); r.State != cancelled {
		t.Errorf("the queued run is %v", r.State)
	}
	if r := must[*apiv1.Run](t)(s.Run(t.Context(), run.Id)); r.State != running || !r.CancelRequested {
		t.Errorf("the active run is %v, cancel requested %v", r.State, r.CancelRequested)
	}
	changes, _, err := s.Changes(t.Context(), ChangesQuery{After: rev, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_SESSIONS}})
	if err != nil || len(changes) != 1 || changes[0].GetSession().GetDeletedMs() == 0 {
		t.Fatalf("a watcher sees %v, %v", changes, err)
	}
	must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: cancelled}))

	back := kept(t)(s.RestoreSession(t.Context(), run.SessionId[:6]))
	if back.DeletedMs != 0 || back.Id != run.SessionId {
		t.Errorf("restored: %v", back)
	}
	kept(t)(s.RestoreSession(t.Context(), run.SessionId))
	if got := texts(journal(t, s, run.SessionId)); !slices.Contains(got, "so far") {
		t.Errorf("after restoring: %q", got)
	}
	if list := must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{})); len(list.Sessions) != 1 {
		t.Errorf("not listed again: %v", list.Sessions)
	}
}

func texts(entries []*apiv1.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.GetUser().GetText()+e.GetText().GetText()+e.GetChunk().GetText())
	}
	return all
}

// A deleted session is gone when its time is over, also if the host ended meanwhile.
func TestPurgeDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := openAt(t, path)
	early, late, stays := runIn(t, s, completed), runIn(t, s, completed), runIn(t, s, completed)
	must[time.Time](t)(s.DeleteSession(t.Context(), early.SessionId))
	if next := must[time.Time](t)(s.PurgeDeleted(t.Context())); next.IsZero() || count(t, s, "SELECT count(*) FROM sessions") != 3 {
		t.Fatalf("too early; next %v", next)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var later atomic.Int64
	s, err := Open(context.Background(), Config{Path: path, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	later.Store(int64(undoTime / 2))
	must[time.Time](t)(s.DeleteSession(t.Context(), late.SessionId))
	later.Store(int64(undoTime + time.Second))
	next := must[time.Time](t)(s.PurgeDeleted(t.Context()))
	if next.IsZero() || count(t, s, "SELECT count(*) FROM sessions") != 2 {
		t.Fatalf("after a minute: next %v, %d sessions", next, count(t, s, "SELECT count(*) FROM sessions"))
	}
	_, _, err = s.RestoreSession(t.Context(), early.SessionId)
	wantErr(t, err, ErrNotFound)

	later.Store(int64(2 * undoTime))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan struct{})
	go func() { s.Keep(ctx); close(ended) }()
	waitFor(t, func() bool { return count(t, s, "SELECT count(*) FROM sessions") == 1 })
	stop()
	<-ended
	must[*apiv1.Session](t)(s.Session(t.Context(), stays.SessionId))
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}

// waitFor waits for a condition; the limit is only for a broken program.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came")
		}
	}
}

// The log is cut as soon as nobody reads it, though somebody read when the session went.
func TestPurgedTextLeavesTheLogLater(t *testing.T) {
	s := fresh(t)
	run := runIn(t, s, completed)
	reading, done := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.read(context.Background(), func(v view) error {
			var n int
			err := v.one("SELECT count(*) FROM entries", nil, &n)
			close(reading)
			<-done
			return err
		})
	}()
	<-reading
	if err := s.PurgeSession(t.Context(), run.SessionId); err != nil {
		t.Fatal(err)
	}
	if !s.uncut.Load() {
		t.Fatal("nobody remembers to cut the log")
	}
	close(done)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go s.Keep(ctx)
	waitFor(t, func() bool { return !s.uncut.Load() && fileSize(s.path+"-wal") == 0 })
}
