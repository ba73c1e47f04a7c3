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
		all, links, err := s.journal.read(s, v, sessionID)
		if err != nil {
			return fmt.Errorf("read session %s: %w", sessionID, err)
		}
		places, err := placesOf(links, sessionID, uptoRunID)
		if err != nil {
			return err
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

// remembered is what was read last of a session, so that each turn reads only what came since.
type remembered struct {
	mu sync.Mutex
	recalled
}

// recalled is what a session had at a revision. The slices are shared and not written to.
type recalled struct {
	sessionID string
	rev       int64
	entries   []*apiv1.Entry // by seq
	links     []*link        // by order
	size      int            // of the entries, in bytes
}

// read gives all final entries of a session and all its runs.
func (j *remembered) read(s *Store, v view, sessionID string) ([]*apiv1.Entry, []*link, error) {
	now, err := v.revision()
	if err != nil {
		return nil, nil, err
	}
	j.mu.Lock()
	k := j.recalled
	j.mu.Unlock()
	// Of two reads at once, the one with the earlier state can't begin with what the other has seen.
	if k.sessionID != sessionID || k.rev > now || s.topicRev[0].Load() > k.rev {
		k = recalled{sessionID: sessionID}
	}
	if err := k.update(v); err != nil {
		return nil, nil, err
	}
	k.rev = now
	j.mu.Lock()
	defer j.mu.Unlock()
	if k.size > maxRemembered {
		if j.sessionID == sessionID {
			j.recalled = recalled{}
		}
	} else if j.sessionID != sessionID || j.rev < now {
		j.recalled = k
	}
	return k.entries, k.links, nil
}

// update adds what came after the revision.
func (k *recalled) update(v view) error {
	links, entries, order, args := "SELECT "+linkColumns+" FROM runs WHERE session_id = ?", "SELECT "+entryColumns+" FROM entries WHERE session_id = ?", " ORDER BY seq", []any{k.sessionID}
	if k.rev > 0 {
		// The plus keeps the database from looking at all runs of the session.
		links, entries, order, args = "SELECT "+linkColumns+" FROM runs WHERE +session_id = ? AND rev > ?", entries+" AND rev > ?", " ORDER BY rev", append(args, k.rev)
		k.entries, k.links = slices.Clone(k.entries), slices.Clone(k.links)
	}
	err := v.each(func(scan func(...any) error) error {
		l, err := scanLink(scan)
		if err != nil {
			return err
		}
		if k.rev > 0 {
			k.links = slices.DeleteFunc(k.links, func(have *link) bool { return have.id == l.id })
		}
		k.links = append(k.links, l)
		return nil
	}, links, args...)
	if err != nil {
		return fmt.Errorf("list its runs: %w", err)
	}
	slices.SortFunc(k.links, func(x, y *link) int { return cmp.Compare(x.order, y.order) })
	return v.each(func(scan func(...any) error) error {
		e, err := entry(scan)
		if err != nil {
			return err
		}
		k.size += proto.Size(e)
		if n := len(k.entries); n == 0 || k.entries[n-1].Seq < e.Seq {
			k.entries = append(k.entries, e)
			return nil
		}
		at, have := slices.BinarySearchFunc(k.entries, e.Seq, func(e *apiv1.Entry, seq int64) int { return cmp.Compare(e.Seq, seq) })
		if have {
			k.size -= proto.Size(k.entries[at])
			k.entries[at] = e
		} else {
			k.entries = slices.Insert(k.entries, at, e)
		}
		return nil
	}, entries+order, args...)
}

// link is a run as one of a chain.
type link struct {
	id, replaces, continues string
	order                   int64
	// It was cancelled before it began.
	void bool
}

const linkColumns = "id, replaces_run_id, continues_run_id, queue_order, state, started_ms"

// scanLink reads a row of linkColumns.
func scanLink(scan func(...any) error) (*link, error) {
	l := &link{}
	var state int32
	var started int64
	err := scan(&l.id, &l.replaces, &l.continues, &l.order, &state, &started)
	l.void = apiv1.RunState(state) == cancelled && started == 0
	return l, err
}

// placesOf are the runs a model may know of when it is upto's turn, and where each stands: where the first of its chain
// was queued.
func placesOf(all []*link, sessionID, uptoRunID string) (map[string]int64, error) {
	byID := map[string]*link{}
	for _, l := range all {
		byID[l.id] = l
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
