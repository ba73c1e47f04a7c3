package store

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// machine does what callers may do, and crashes in between, and knows what was acknowledged.
type machine struct {
	t    testing.TB
	dir  string
	s    *Store
	n    int
	sent map[string]string
	// What was acknowledged in sessions that were removed for good need not be there.
	session map[string]string
	purged  map[string]bool
}

// refused are the errors that a call may get; whatever else comes is a fault.
func refused(t *rapid.T, err error) {
	for _, known := range []error{nil, ErrNotFound, ErrConflict, ErrInvalid, ErrEnded, ErrStarted, ErrDecided} {
		if err == nil || known != nil && errors.Is(err, known) {
			return
		}
	}
	t.Fatalf("a call fails: %v", err)
}

func (m *machine) run(t *rapid.T) string {
	var ids []string
	for id := range m.session {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return "none"
	}
	return rapid.SampledFrom(slices.Sorted(slices.Values(ids))).Draw(t, "run")
}

// crash goes on with a copy of the files as they lie there now, as after a kill.
func (m *machine) crash(t *rapid.T) {
	m.n++
	path := filepath.Join(m.dir, fmt.Sprint("db", m.n))
	for _, part := range []string{"", "-wal"} {
		if err := copyFile(path+part, m.s.path+part); err != nil {
			t.Fatal(err)
		}
	}
	old := m.s
	m.s = openAt(m.t, path)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) check(t *rapid.T) {
	if err := m.s.CheckInvariants(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := m.run(t)
	known, err := m.s.History(t.Context(), m.session[run], run)
	m.s.journal = remembered{}
	read, errRead := m.s.History(t.Context(), m.session[run], run)
	if !errors.Is(err, errRead) && fmt.Sprint(err) != fmt.Sprint(errRead) || !slices.EqualFunc(known, read, func(x, y *apiv1.Entry) bool { return proto.Equal(x, y) }) {
		t.Fatalf("the history of run %s is remembered as %s (%v), and is %s (%v)", run, brief(known), err, brief(read), errRead)
	}
	if rapid.Bool().Draw(t, "remember another") {
		other := m.run(t)
		_, err := m.s.History(t.Context(), m.session[other], other)
		refused(t, err)
	}
	for request, run := range m.sent {
		if m.purged[m.session[run]] {
			continue
		}
		var n int
		err := m.s.read(t.Context(), func(v view) error {
			return v.one("SELECT count(*) FROM runs r JOIN entries e ON e.run_id = r.id AND e.seq = r.user_seq WHERE r.client_request_id = ? AND r.id = ?", []any{request, run}, &n)
		})
		if err != nil || n != 1 {
			t.Fatalf("the message sent as %s is there %d times: %v", request, n, err)
		}
	}
}

// Whatever is called in whatever order, with crashes in between, the promises hold. More of it: -rapid.checks 500.
func TestAnySequence(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		checks := "40"
		if raced {
			checks = "3"
		}
		if err := f.Value.Set(checks); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{t: t, dir: t.TempDir(), sent: map[string]string{}, session: map[string]string{}, purged: map[string]bool{}}
		m.s = openAt(t, filepath.Join(m.dir, "db"))
		defer func() { _ = m.s.Close() }()
		ctx := t.Context()
		on := func(call func(id string) error) func(*rapid.T) {
			return func(rt *rapid.T) { refused(rt, call(m.run(rt))) }
		}
		rt.Repeat(map[string]func(*rapid.T){
			"send": func(rt *rapid.T) {
				request := fmt.Sprint("request ", rapid.IntRange(0, 8).Draw(rt, "request"))
				to := ""
				if rapid.Bool().Draw(rt, "again") {
					to = m.session[m.run(rt)]
				}
				_, run, created, err := m.s.Send(ctx, Send{SessionID: to, ClientRequestID: request + to, Text: "words of " + request})
				refused(rt, err)
				if err == nil && created {
					m.sent[request+to], m.session[run.Id] = run.Id, run.SessionId
				}
			},
			"start": on(func(id string) error { _, err := m.s.StartRun(ctx, id); return err }),
			"chunk": on(func(id string) error { return m.s.AppendChunk(ctx, id, apiv1.Chunk_KIND_TEXT, "some ü text ") }),
			"thought": on(func(id string) error {
				return m.s.AppendChunk(ctx, id, apiv1.Chunk_KIND_THOUGHT, "hm ")
			}),
			"call": on(func(id string) error {
				_, err := m.s.Append(ctx, id, true, toolCall("c"), usageEntry(1, 2))
				return err
			}),
			"cancel": on(func(id string) error { _, err := m.s.RequestCancel(ctx, id); return err }),
			"end": on(func(id string) error {
				_, err := m.s.EndRun(ctx, id, End{State: completed, Entries: []*apiv1.Entry{usageEntry(1, 2), turnEntry()}})
				return err
			}),
			"wait":   on(func(id string) error { _, err := m.s.Wait(ctx, id, paused, time.Time{}, ""); return err }),
			"resume": on(func(id string) error { _, err := m.s.Resume(ctx, id); return err }),
			"pause":  on(func(id string) error { _, err := m.s.RequestPause(ctx, id, true); return err }),
			"edit":   on(func(id string) error { _, err := m.s.EditQueued(ctx, id, "edited words", nil); return err }),
			"move":   func(rt *rapid.T) { _, err := m.s.MoveQueued(ctx, m.run(rt), m.run(rt)); refused(rt, err) },
			"branch": on(func(id string) error { _, _, err := m.s.BranchSession(ctx, m.session[id], 3, ""); return err }),
			"delete": on(func(id string) error { _, err := m.s.DeleteSession(ctx, m.session[id]); return err }),
			"restore": on(func(id string) error {
				if m.session[id] == "" {
					return nil
				}
				_, _, err := m.s.RestoreSession(ctx, m.session[id])
				return err
			}),
			"purge": on(func(id string) error {
				err := m.s.PurgeSession(ctx, m.session[id])
				m.purged[m.session[id]] = m.purged[m.session[id]] || err == nil
				return err
			}),
			"crash": m.crash,
			"":      m.check,
		})
	})
}
