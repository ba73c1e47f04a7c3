package store

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// ChangesQuery says which changes are wanted.
type ChangesQuery struct {
	// After is the revision up to which the caller knows everything; 0: nothing.
	After int64
	// Topics wanted; empty: all.
	Topics []apiv1.Topic
	// SessionID whose entries are wanted; empty: none.
	SessionID string
	// Limit on the number of changes; 0: 1000.
	Limit int
}

// Changes gives what has changed after a revision, as it is now, in the order of the last change of each row. rev is
// where the caller stands then: everything wanted up to it has been given. Where the number of changes is the limit,
// there may be more: call again with it.
//
// An entry that stands for a range of sequence numbers replaces the chunks in it. Rows that are gone are tombstones; the
// entries of a session go with it. A caller that knows nothing yet gets no tombstones with its first changes.
func (s *Store) Changes(ctx context.Context, q ChangesQuery) (changes []*apiv1.Change, rev int64, err error) {
	if q.Limit <= 0 {
		q.Limit = 1000
	}
	topics := q.topics()
	// The committed revision first: all that led to it is in the revisions of the topics already.
	rev = s.rev.Load()
	if !s.closed.Load() && rev >= q.After && !slices.ContainsFunc(topics, func(t apiv1.Topic) bool { return s.topicRev[t].Load() > q.After }) {
		return nil, rev, ctx.Err()
	}
	var found []change
	err = s.read(ctx, func(v view) error {
		// This fixes what the transaction sees; the revisions of the topics are at least as new.
		if rev, err = v.revision(); err != nil {
			return err
		}
		for _, topic := range topics {
			if s.topicRev[topic].Load() <= q.After {
				continue
			}
			more, err := s.topics[topic].changed(v, q)
			if err != nil {
				return err
			}
			found = append(found, more...)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(found, func(a, b change) int { return int(a.rev - b.rev) })
	if n := len(found); n >= q.Limit {
		found = found[:q.Limit]
		rev = found[q.Limit-1].rev
	} else if n > 0 {
		// What shows one revision shows all before it.
		rev = max(rev, found[n-1].rev)
	}
	if rev < q.After {
		// The caller may have seen a commit that is not counted yet: whoever writes counts it before the turn is given on.
		select {
		case <-s.turn:
			s.turn <- struct{}{}
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
		rev = max(rev, min(s.rev.Load(), q.After))
	}
	for _, c := range found {
		changes = append(changes, c.row)
	}
	return changes, rev, nil
}

// topics are those to look at; tombstones are topic 0.
func (q *ChangesQuery) topics() []apiv1.Topic {
	wanted := slices.Clone(q.Topics)
	if len(wanted) == 0 {
		for t := apiv1.Topic_TOPIC_SESSIONS; int(t) <= lastTopic; t++ {
			wanted = append(wanted, t)
		}
	}
	slices.Sort(wanted)
	wanted = slices.DeleteFunc(slices.Compact(wanted), func(t apiv1.Topic) bool {
		return t <= 0 || int(t) > lastTopic || t == apiv1.Topic_TOPIC_ENTRIES && q.SessionID == ""
	})
	if q.After > 0 {
		wanted = append(wanted, 0)
	}
	return wanted
}

// change is a changed row and its revision.
type change struct {
	rev int64
	row *apiv1.Change
}

// changed gives the first changes among rows of one table.
func changed[R any](v view, q ChangesQuery, which func(*gorm.DB) *gorm.DB, show func(*R) (int64, *apiv1.Change, error)) ([]change, error) {
	g := v.orm.Where("rev > ?", q.After)
	if which != nil {
		g = which(g)
	}
	var rows []R
	if err := g.Order("rev").Limit(q.Limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	found := make([]change, 0, len(rows))
	for i := range rows {
		rev, row, err := show(&rows[i])
		if err != nil {
			return nil, err
		}
		found = append(found, change{rev, row})
	}
	return found, nil
}

// changedEntries gives the first changes in one session's journal: its entries, and the chunks of the open text.
func (v view) changedEntries(q ChangesQuery) ([]change, error) {
	var found []change
	keep := func(e *apiv1.Entry) {
		found = append(found, change{e.Rev, &apiv1.Change{Row: &apiv1.Change_Entry{Entry: e}}})
	}
	err := v.each(func(scan func(...any) error) error {
		e, err := entry(scan)
		if err == nil {
			keep(e)
		}
		return err
	}, "SELECT "+entryColumns+" FROM entries WHERE session_id = ? AND rev > ? ORDER BY rev LIMIT ?", q.SessionID, q.After, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read changes of session %s: %w", q.SessionID, err)
	}
	// Newest first: the revisions of chunks grow with their places, so the first known one ends the search.
	err = v.each(func(scan func(...any) error) error {
		e, err := chunkEntry(scan)
		if err != nil {
			return err
		}
		if e.Rev <= q.After {
			return errEnough
		}
		keep(e)
		return nil
	}, "SELECT "+chunkColumns+" FROM chunks WHERE session_id = ? ORDER BY seq DESC", q.SessionID)
	if err != nil {
		return nil, fmt.Errorf("read open text of session %s: %w", q.SessionID, err)
	}
	return found, nil
}
