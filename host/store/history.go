package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// History gives what the model may see when run uptoRunID is its turn: all final entries of the runs up to that one, a
// run's behind each other even where a message was queued in between. Of runs that replace each other only the newest
// counts, with those that go on from it, at the place of the first; one that was cancelled before it began does not
// count. A run that takes an earlier one's place does not see what came after that one. Summaries are given whatever
// became of the run that made them. The entries are shared: nobody may change them.
func (s *Store) History(ctx context.Context, sessionID, uptoRunID string) ([]*apiv1.Entry, error) {
	var entries []*apiv1.Entry
	err := s.read(ctx, func(v view) error {
		places, err := v.places(sessionID, uptoRunID)
		if err != nil {
			return err
		}
		all, err := s.journal.read(s, v, sessionID)
		if err != nil {
			return fmt.Errorf("read session %s: %w", sessionID, err)
		}
		for _, e := range all {
			if _, visible := places[e.RunId]; visible || e.GetSummary() != nil {
				entries = append(entries, e)
			}
		}
		slices.SortStableFunc(entries, func(x, y *apiv1.Entry) int { return cmp.Compare(places[x.RunId], places[y.RunId]) })
		return nil
	})
	return entries, err
}

// maxRemembered is the most of a journal that is remembered, in bytes. What a model can see of a longer one is mostly a
// summary of it.
const maxRemembered = 1 << 20

// remembered is what was read last of a session's journal, so that each turn reads only what came since.
type remembered struct {
	mu        sync.Mutex
	sessionID string
	// By seq. A slice that was given away is not written to.
	entries []*apiv1.Entry
	size    int
	// The revision of the state it was read from.
	rev int64
}

// read gives all final entries of a session, by seq.
func (j *remembered) read(s *Store, v view, sessionID string) ([]*apiv1.Entry, error) {
	// Of two reads at once, the one with the earlier state must not be asked what it can't know.
	now, err := v.revision()
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	entries, size, after := j.entries, j.size, j.rev
	if j.sessionID != sessionID || after > now || s.topicRev[0].Load() > after {
		entries, size, after = nil, 0, 0
	}
	j.mu.Unlock()
	query, args := "SELECT "+entryColumns+" FROM entries WHERE session_id = ? ORDER BY seq", []any{sessionID}
	if after > 0 {
		query, args = "SELECT "+entryColumns+" FROM entries WHERE session_id = ? AND rev > ? ORDER BY rev", append(args, after)
		entries = slices.Clone(entries)
	}
	err = v.each(func(scan func(...any) error) error {
		e, err := entry(scan)
		if err != nil {
			return err
		}
		size += proto.Size(e)
		if n := len(entries); n == 0 || entries[n-1].Seq < e.Seq {
			entries = append(entries, e)
			return nil
		}
		at, known := slices.BinarySearchFunc(entries, e.Seq, func(e *apiv1.Entry, seq int64) int { return cmp.Compare(e.Seq, seq) })
		if known {
			size -= proto.Size(entries[at])
			entries[at] = e
		} else {
			entries = slices.Insert(entries, at, e)
		}
		return nil
	}, query, args...)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case size > maxRemembered:
		if j.sessionID == sessionID {
			j.sessionID, j.entries = "", nil
		}
	case j.sessionID != sessionID || j.rev < now:
		j.sessionID, j.entries, j.size, j.rev = sessionID, entries, size, now
	}
	return entries, nil
}

// link is a run as one of a chain.
type link struct {
	id, replaces, continues string
	order                   int64
	// It was cancelled before it began.
	void bool
}

// places are the runs a model may know of when it is upto's turn, and where each stands: where the first of its chain was
// queued.
func (v view) places(sessionID, uptoRunID string) (map[string]int64, error) {
	var all []*link
	byID := map[string]*link{}
	err := v.each(func(scan func(...any) error) error {
		l := &link{}
		var state int32
		var started int64
		if err := scan(&l.id, &l.replaces, &l.continues, &l.order, &state, &started); err != nil {
			return err
		}
		l.void = apiv1.RunState(state) == cancelled && started == 0
		all = append(all, l)
		byID[l.id] = l
		return nil
	}, "SELECT id, replaces_run_id, continues_run_id, queue_order, state, started_ms FROM runs WHERE session_id = ? ORDER BY queue_order", sessionID)
	if err != nil {
		return nil, fmt.Errorf("list the runs of session %s: %w", sessionID, err)
	}
	upto := byID[uptoRunID]
	if upto == nil {
		return nil, fmt.Errorf("%w: run %s is not one of session %s", ErrNotFound, uptoRunID, sessionID)
	}
	root := func(l *link) *link {
		for range all {
			before := byID[cmp.Or(l.replaces, l.continues)]
			if before == nil {
				break
			}
			l = before
		}
		return l
	}
	place := root(upto).order
	// The newest of each chain of replacements, by the first of it.
	newest := map[*link]*link{}
	var seen []*link
	for _, l := range all {
		if l.order > upto.order || root(l).order > place || l.void && l != upto {
			continue
		}
		seen = append(seen, l)
		if l.continues == "" {
			newest[root(l)] = l
		}
	}
	places := map[string]int64{}
	for _, l := range newest {
		places[l.id] = root(l).order
	}
	// Those that go on come after what they go on from, in seen too.
	for _, l := range seen {
		if at, ok := places[l.continues]; ok {
			places[l.id] = at
		}
	}
	return places, nil
}

// earlier finds a run that one of a session refers to.
func (v view) earlier(runID, sessionID string) (runRow, error) {
	r, err := v.run(runID)
	if err == nil && r.SessionID != sessionID {
		err = fmt.Errorf("%w: run %s belongs to another session: from here it can be neither replaced nor continued", ErrInvalid, runID)
	}
	return r, err
}

// replaced is the run that one standing in for runID replaces: where that goes on from another, the one it began with.
func (v view) replaced(runID, sessionID string) (string, error) {
	for id := runID; id != ""; {
		r, err := v.earlier(id, sessionID)
		if err != nil {
			return "", err
		}
		runID, id = id, r.ContinuesRunID
	}
	return runID, nil
}

// continuable refuses to go on from a run that has not ended, or from which another one goes on.
func (v view) continuable(runID, sessionID string) error {
	if runID == "" {
		return nil
	}
	r, err := v.earlier(runID, sessionID)
	if err != nil {
		return err
	}
	if !Final(r.state()) {
		return fmt.Errorf("%w: run %s is %s; it can be continued when it has ended", ErrConflict, runID, stateName(r.state()))
	}
	var other string
	err = v.one("SELECT id FROM runs WHERE session_id = ? AND continues_run_id = ? AND NOT (state = ? AND started_ms = 0) LIMIT 1",
		[]any{sessionID, runID, int64(cancelled)}, &other)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("find who goes on from run %s: %w", runID, err)
	}
	return fmt.Errorf("%w: run %s has been continued already, by run %s", ErrConflict, runID, other)
}
