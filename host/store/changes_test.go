package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// reader is what a client keeps: rows by topic and id, and the entries of one session.
type reader struct {
	session string
	rev     int64
	rows    map[string]proto.Message
	entries map[int64]*apiv1.Entry
}

func newReader(session string) *reader {
	return &reader{session: session, rows: map[string]proto.Message{}, entries: map[int64]*apiv1.Entry{}}
}

// join makes the reader begin with a page of the journal instead of nothing.
func (r *reader) join(t testing.TB, s *Store) {
	t.Helper()
	res := must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: r.session, Limit: 1000}))
	for _, e := range res.Entries {
		r.entries[e.Seq] = e
	}
	r.rev = res.Rev
}

func (r *reader) apply(t testing.TB, c *apiv1.Change) {
	t.Helper()
	put := func(topic apiv1.Topic, id string, m proto.Message) { r.rows[fmt.Sprint(topic, " ", id)] = m }
	switch row := c.Row.(type) {
	case *apiv1.Change_Session:
		put(apiv1.Topic_TOPIC_SESSIONS, row.Session.Id, row.Session)
	case *apiv1.Change_Run:
		put(apiv1.Topic_TOPIC_RUNS, row.Run.Id, row.Run)
	case *apiv1.Change_Approval:
		put(apiv1.Topic_TOPIC_APPROVALS, row.Approval.Id, row.Approval)
	case *apiv1.Change_Job:
		put(apiv1.Topic_TOPIC_JOBS, row.Job.Id, row.Job)
	case *apiv1.Change_Provider:
		put(apiv1.Topic_TOPIC_PROVIDERS, row.Provider.Id, row.Provider)
	case *apiv1.Change_Model:
		put(apiv1.Topic_TOPIC_MODELS, modelKey(row.Model.ProviderId, row.Model.Model.Id), row.Model)
	case *apiv1.Change_Setting:
		put(apiv1.Topic_TOPIC_SETTINGS, row.Setting.Key, row.Setting)
	case *apiv1.Change_Tombstone:
		delete(r.rows, fmt.Sprint(row.Tombstone.Topic, " ", row.Tombstone.Id))
		if row.Tombstone.Topic == apiv1.Topic_TOPIC_SESSIONS && row.Tombstone.Id == r.session {
			clear(r.entries)
		}
	case *apiv1.Change_Entry:
		e := row.Entry
		for seq, old := range r.entries {
			if old.GetChunk() != nil && seq >= e.Seq && seq <= e.LastSeq {
				delete(r.entries, seq)
			}
		}
		r.entries[e.Seq] = e
	default:
		t.Fatalf("change of nothing: %v", c)
	}
}

// follow reads all changes in pages of some size.
func (r *reader) follow(t testing.TB, s *Store, limit int, topics ...apiv1.Topic) {
	t.Helper()
	for {
		changes, rev, err := s.Changes(t.Context(), ChangesQuery{After: r.rev, SessionID: r.session, Limit: limit, Topics: topics})
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) > limit || rev < r.rev || len(changes) > 0 && rev == r.rev {
			t.Fatalf("%d changes, from %d to %d", len(changes), r.rev, rev)
		}
		for _, c := range changes {
			r.apply(t, c)
		}
		if r.rev = rev; len(changes) < limit {
			return
		}
	}
}

// text is the journal as a person sees it, whatever pieces it came in.
func (r *reader) text(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	next := int64(1)
	var offset int64
	for _, seq := range slices.Sorted(maps.Keys(r.entries)) {
		e := r.entries[seq]
		if seq != next {
			t.Errorf("entry %d follows %d", seq, next-1)
		}
		next = e.LastSeq + 1
		c := e.GetChunk()
		if c == nil {
			fmt.Fprintf(&b, "|%d:%s", bodyKind(e), e.GetUser().GetText()+e.GetText().GetText()+e.GetThought().GetText())
			continue
		}
		if c.Offset == 0 {
			offset = 0
			fmt.Fprintf(&b, "|%d:", kindText+int(c.Kind)-1)
		}
		if c.Offset != offset {
			t.Errorf("chunk %d begins at %d, want %d", seq, c.Offset, offset)
		}
		offset += int64(len(c.Text))
		b.WriteString(c.Text)
	}
	return b.String()
}

// truth is what a reader must end with.
func truth(t testing.TB, s *Store, session string) *reader {
	t.Helper()
	r := newReader(session)
	if session != "" && count(t, s, "SELECT count(*) FROM sessions WHERE id = ?", session) > 0 {
		r.join(t, s)
	}
	r.rev = 0
	put := func(topic apiv1.Topic, id string, m proto.Message) { r.rows[fmt.Sprint(topic, " ", id)] = m }
	for _, archived := range []bool{false, true} {
		for _, p := range must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{Limit: 1000, Archived: archived})).Sessions {
			put(apiv1.Topic_TOPIC_SESSIONS, p.Id, p)
			for _, run := range must[[]*apiv1.Run](t)(s.SessionRuns(t.Context(), p.Id)) {
				put(apiv1.Topic_TOPIC_RUNS, run.Id, run)
				if job, err := s.Job(t.Context(), run.Id); err == nil {
					put(apiv1.Topic_TOPIC_JOBS, job.Id, job)
				}
			}
		}
	}
	for _, p := range must[[]*apiv1.Setting](t)(s.Settings(t.Context())) {
		put(apiv1.Topic_TOPIC_SETTINGS, p.Key, p)
	}
	for _, p := range must[[]*apiv1.Provider](t)(s.Providers(t.Context())) {
		put(apiv1.Topic_TOPIC_PROVIDERS, p.Id, p)
	}
	for _, p := range must[[]*apiv1.Model](t)(s.Models(t.Context(), "")) {
		put(apiv1.Topic_TOPIC_MODELS, modelKey(p.ProviderId, p.Model.Id), p)
	}
	return r
}

func (r *reader) wantSame(t testing.TB, name string, want *reader) {
	t.Helper()
	if got, want := r.text(t), want.text(t); got != want {
		t.Errorf("%s: text\n got %s\nwant %s", name, got, want)
	}
	for key, row := range want.rows {
		if !proto.Equal(r.rows[key], row) {
			t.Errorf("%s: %s\n got %v\nwant %v", name, key, r.rows[key], row)
		}
	}
	for key, row := range r.rows {
		if want.rows[key] == nil && !strings.HasPrefix(key, "TOPIC_APPROVALS") {
			t.Errorf("%s: %s is gone, reader has %v", name, key, row)
		}
	}
}

// world does random things to a store.
type world struct {
	t        testing.TB
	s        *Store
	rnd      *rand.Rand
	sessions []string
	provider string
	n        int
}

func (w *world) someRun() *apiv1.Run {
	open := must[[]*apiv1.Run](w.t)(w.s.OpenRuns(w.t.Context()))
	if len(open) == 0 {
		return nil
	}
	return open[w.rnd.IntN(len(open))]
}

var pieces = []string{"a", "ü", "漢字", "👩‍💻", "\xff", "x\x00y", "\n", "long " + strings.Repeat("word ", 9)}

// step does one random thing; what the state of things does not allow is refused, and that is fine.
func (w *world) step() {
	ctx, s, t := w.t.Context(), w.s, w.t
	var err error
	w.n++
	run := w.someRun()
	session := ""
	if len(w.sessions) > 0 && w.rnd.IntN(6) > 0 {
		session = w.sessions[w.rnd.IntN(len(w.sessions))]
	}
	switch n := w.rnd.IntN(99); {
	case n < 10 || run == nil:
		var made *apiv1.Session
		made, _, _, err = s.Send(ctx, Send{SessionID: session, ClientRequestID: fmt.Sprint(w.n), Text: fmt.Sprint("message ", w.n)})
		if err == nil && session == "" {
			w.sessions = append(w.sessions, made.Id)
		}
	case n < 20:
		_, err = s.StartRun(ctx, run.Id)
	case n < 65:
		kind := apiv1.Chunk_Kind(1 + w.rnd.IntN(8)/7)
		err = s.AppendChunk(ctx, run.Id, kind, pieces[w.rnd.IntN(len(pieces))])
	case n < 72:
		_, err = s.Append(ctx, run.Id, w.rnd.IntN(2) == 0, toolCall(fmt.Sprint(w.n)), usageEntry(1, 2))
	case n < 76:
		err = s.SetStatus(ctx, run.Id, fmt.Sprint("step ", w.n))
	case n < 79:
		_, err = s.Ask(ctx, run.Id, &apiv1.Approval{Question: &providerv1.Question{Id: fmt.Sprint(w.n)}})
	case n < 82:
		_, err = wait(t, s, run.Id, apiv1.RunState(4+w.rnd.IntN(3)))
	case n < 84:
		_, err = s.Resume(ctx, run.Id)
	case n < 87:
		_, err = s.RequestCancel(ctx, run.Id)
	case n < 91:
		_, err = s.EndRun(ctx, run.Id, End{State: apiv1.RunState(7 + w.rnd.IntN(4)), Entries: []*apiv1.Entry{turnEntry()}})
	case n < 93 && session != "":
		_, err = s.UpdateSession(ctx, session, func(p *apiv1.Session) error { p.Draft = fmt.Sprint(w.n); return nil })
	case n < 94 && session != "" && len(w.sessions) > 2:
		err = s.PurgeSession(ctx, session)
		w.sessions = slices.DeleteFunc(w.sessions, func(id string) bool { return id == session })
	case n < 96:
		_, err = s.SetSetting(ctx, fmt.Sprint("key", w.rnd.IntN(3)), []string{"", "1", "2"}[w.rnd.IntN(3)])
	case n < 98:
		err = s.SyncModels(ctx, w.provider, []*providerv1.Model{{Id: fmt.Sprint("m", w.rnd.IntN(4))}, {Id: fmt.Sprint("m", w.rnd.IntN(4))}})
	case n < 99:
		_, err = s.Recover(ctx)
	}
	// What a change that failed has done must not be remembered.
	if run != nil && w.rnd.IntN(10) == 0 {
		_ = s.write(ctx, false, func(t *tx) error {
			if _, err := t.openPart(run.Id, apiv1.Chunk_Kind(1+w.rnd.IntN(2))); err != nil {
				return err
			}
			return ErrConflict
		})
	}
	if err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrEnded) {
		t.Fatal(err)
	}
}

func TestReadersAgree(t *testing.T) {
	for seed := range 3 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := fresh(t)
			w := &world{t: t, s: s, rnd: rand.New(rand.NewPCG(uint64(seed), 2))}
			w.provider = must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "x", Name: "x"})).Id
			var readers []*reader
			for range 220 {
				w.step()
				if len(w.sessions) == 0 {
					continue
				}
				switch w.rnd.IntN(8) {
				case 0:
					if len(readers) == 10 {
						continue
					}
					r := newReader(w.sessions[w.rnd.IntN(len(w.sessions))])
					if w.rnd.IntN(2) == 0 {
						// As a client does: first all but the entries, then a page of them, and on from the older of both.
						r.follow(t, s, 50, everyTopicBut(apiv1.Topic_TOPIC_ENTRIES)...)
						from := r.rev
						if w.rnd.IntN(2) == 0 {
							w.step()
						}
						if count(t, s, "SELECT count(*) FROM sessions WHERE id = ?", r.session) > 0 {
							r.join(t, s)
						}
						r.rev = from
					}
					readers = append(readers, r)
				case 1, 2:
					if len(readers) > 0 {
						readers[w.rnd.IntN(len(readers))].follow(t, s, 1+w.rnd.IntN(5))
					}
				}
			}
			for i, r := range readers {
				r.follow(t, s, 1+i%7)
				r.wantSame(t, fmt.Sprint("reader ", i), truth(t, s, r.session))
			}
		})
	}
}

func everyTopicBut(not apiv1.Topic) []apiv1.Topic {
	var all []apiv1.Topic
	for t := apiv1.Topic_TOPIC_SESSIONS; t <= apiv1.Topic_TOPIC_SETTINGS; t++ {
		if t != not {
			all = append(all, t)
		}
	}
	return all
}

// Readers that follow while others write miss nothing.
func TestReadersFollowWriters(t *testing.T) {
	s := fresh(t)
	const writers, flushes = 4, 60
	runs := make([]*apiv1.Run, writers)
	for i := range runs {
		runs[i] = started(t, s, "", fmt.Sprint("go ", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writing, reading sync.WaitGroup
	readers := make([]*reader, 2*writers)
	for i := range readers {
		r := newReader(runs[i/2].SessionId)
		readers[i] = r
		reading.Go(func() {
			for {
				changed := s.Changed()
				r.follow(t, s, 1+i*3)
				select {
				case <-changed:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for _, run := range runs {
		writing.Go(func() {
			for n := range flushes {
				chunk(t, s, run.Id, fmt.Sprint(n, " "))
				if n%20 == 19 {
					if _, err := s.Append(t.Context(), run.Id, false, turnEntry()); err != nil {
						t.Error(err)
					}
				}
				if n%15 == 0 {
					if err := s.SetStatus(t.Context(), run.Id, fmt.Sprint(n)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writing.Wait()
	stop()
	reading.Wait()
	for i, r := range readers {
		r.follow(t, s, 1000)
		r.wantSame(t, fmt.Sprint("reader ", i), truth(t, s, r.session))
	}
}

func TestChangesOfTopics(t *testing.T) {
	s := fresh(t)
	run := runIn(t, s, waitingApproval)
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), "k", "1"))
	rev := s.Rev()
	for _, want := range []struct {
		topics  []apiv1.Topic
		session string
		n       int
	}{
		{nil, "", 4},
		{nil, run.SessionId, 8},
		{[]apiv1.Topic{apiv1.Topic_TOPIC_ENTRIES}, "", 0},
		{[]apiv1.Topic{apiv1.Topic_TOPIC_ENTRIES}, run.SessionId, 4},
		{[]apiv1.Topic{apiv1.Topic_TOPIC_RUNS, apiv1.Topic_TOPIC_RUNS, 99, -1}, run.SessionId, 1},
		{[]apiv1.Topic{apiv1.Topic_TOPIC_JOBS}, "", 0},
	} {
		changes, got, err := s.Changes(t.Context(), ChangesQuery{Topics: want.topics, SessionID: want.session})
		if err != nil || len(changes) != want.n || got != rev {
			t.Errorf("%v: %d changes up to %d, %v; want %d up to %d", want.topics, len(changes), got, err, want.n, rev)
		}
	}
	changes, got, err := s.Changes(t.Context(), ChangesQuery{After: rev})
	if len(changes) != 0 || got != rev || err != nil {
		t.Errorf("nothing new: %v, %d, %v", changes, got, err)
	}
}

func TestChanged(t *testing.T) {
	s := fresh(t)
	changed := s.Changed()
	if changed != s.Changed() {
		t.Error("a new signal without a change")
	}
	if _, err := s.UpdateSession(t.Context(), "nope", nil); err == nil {
		t.Error("no error")
	}
	select {
	case <-changed:
		t.Error("signal without a change")
	default:
	}
	send(t, s, "", "hi")
	<-changed
	changed = s.Changed()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-changed
	<-s.Changed()
	_, _, err := s.Changes(t.Context(), ChangesQuery{})
	wantErr(t, err, ErrClosed)
	_, err = s.Settings(t.Context())
	wantErr(t, err, ErrClosed)
	_, err = s.SetSetting(t.Context(), "k", "1")
	wantErr(t, err, ErrClosed)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestCancelledContext(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, s.AppendChunk(ctx, run.Id, apiv1.Chunk_KIND_TEXT, "x"), context.Canceled)
	_, err := s.Settings(ctx)
	wantErr(t, err, context.Canceled)
	_, _, err = s.Changes(ctx, ChangesQuery{})
	wantErr(t, err, context.Canceled)
	chunk(t, s, run.Id, "still works")
}
