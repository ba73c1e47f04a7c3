package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// branchMark ends the title of a branch, of a branch of a branch too.
const branchMark = " (branch)"

// BranchSession makes a session of a copy of another one's entries up to untilSeq, of all of them if that is 0, and of the
// runs they belong to. Entries keep their sequence numbers. What the runs consumed is not counted again, and what their
// tools changed can't be undone from the copy. A run that is not copied whole, or has not ended, is interrupted in it.
// Where only bookkeeping is left of the last run, that is copied too. title is that of the new session; empty: that of the
// old one, marked as a branch. Root access is not copied; it tells what was taken away.
func (s *Store) BranchSession(
	ctx context.Context, sessionID string, untilSeq int64, title string,
) (branch *apiv1.Session, taken []apiv1.Right, err error) {
	var copied sessionRow
	err = s.write(ctx, true, func(t *tx) error {
		from, err := t.session(sessionID)
		if err != nil {
			return err
		}
		entries, err := t.entriesUpTo(sessionID, untilSeq)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return fmt.Errorf("%w: session %s has no entry up to %d that a branch could begin with", ErrInvalid, sessionID, untilSeq)
		}
		last := entries[len(entries)-1].LastSeq
		p := from.proto()
		p.ParentId, p.ParentSeq, p.Draft, p.Pinned, p.ArchivedMs = from.ID, last, "", false, 0
		lost := rights{}
		if p.AccessMode == apiv1.AccessMode_ACCESS_MODE_ROOT {
			lost.takeRoot(&p.AccessMode)
		}
		taken = lost.list()
		if p.Titled = title != ""; p.Titled {
			p.Title = title
		} else if p.Title != "" {
			p.Title, p.Titled = cutRunes(strings.TrimSuffix(p.Title, branchMark), 180)+branchMark, from.Titled
		}
		if copied, err = t.newSession(p); err != nil {
			return err
		}
		copied.LastSeq, copied.Titled = last, p.Titled
		if err := t.saveSession(&copied); err != nil {
			return err
		}
		return t.copyRuns(from.ID, copied.ID, entries)
	})
	if err != nil {
		return nil, nil, err
	}
	return copied.proto(), taken, nil
}

// entriesUpTo gives the entries of a session up to untilSeq, the text that is being written as if it were finished.
func (t *tx) entriesUpTo(sessionID string, untilSeq int64) ([]*apiv1.Entry, error) {
	all, err := t.journal(sessionID)
	if err != nil || untilSeq <= 0 {
		return all, err
	}
	n := 0
	for n < len(all) && all[n].Seq <= untilSeq {
		n++
	}
	if n == 0 {
		return nil, nil
	}
	// The end of a turn belongs to its text.
	closing := n
	for closing < len(all) && all[closing].RunId == all[n-1].RunId {
		switch all[closing].Body.(type) {
		case *apiv1.Entry_Usage, *apiv1.Entry_Turn, *apiv1.Entry_Notice:
			closing++
			continue
		}
		return all[:n], nil
	}
	return all[:closing], nil
}

// journal gives all entries of a session, the text that is being written as if it were finished.
func (v view) journal(sessionID string) ([]*apiv1.Entry, error) {
	var all []*apiv1.Entry
	err := v.each(func(scan func(...any) error) error {
		e, err := entry(scan)
		all = append(all, e)
		return err
	}, "SELECT "+entryColumns+" FROM entries WHERE session_id = ? ORDER BY seq", sessionID)
	if err != nil {
		return nil, fmt.Errorf("read session %s: %w", sessionID, err)
	}
	open, err := v.openText(sessionID, 1<<62)
	if err != nil || open == nil {
		return all, err
	}
	c := open.GetChunk()
	setText(open, c.Kind, c.Text)
	return append(all, open), nil
}

// copyRuns writes copies of entries, and of the runs they belong to, into a session that has none.
func (t *tx) copyRuns(from, to string, entries []*apiv1.Entry) error {
	var rows []runRow
	if err := t.orm.Where("session_id = ?", from).Order("queue_order").Find(&rows).Error; err != nil {
		return fmt.Errorf("list the runs of session %s: %w", from, err)
	}
	last := map[string]int64{}
	for _, e := range entries {
		last[e.RunId] = e.LastSeq
	}
	rows = slices.DeleteFunc(rows, func(r runRow) bool { return last[r.ID] == 0 })
	ids := map[string]string{"": ""}
	for i := range rows {
		ids[rows[i].ID] = newID()
	}
	for i := range rows {
		r := &rows[i]
		whole := r.LastSeq == last[r.ID] && Final(r.state())
		r.LastSeq, r.SessionID, r.ClientRequestID = last[r.ID], to, newID()
		// One that is not in the copy is nothing to link to.
		r.ID, r.ReplacesRunID, r.ContinuesRunID = ids[r.ID], ids[r.ReplacesRunID], ids[r.ContinuesRunID]
		if !whole {
			if err := t.interrupt(r, "The branch begins before the end of this answer. Continue, ask again, or write something else."); err != nil {
				return err
			}
		}
		r.Rev = t.next(apiv1.Topic_TOPIC_RUNS)
		if err := t.orm.Create(r).Error; err != nil {
			return fmt.Errorf("copy a run of session %s: %w", from, err)
		}
	}
	for _, e := range entries {
		if ids[e.RunId] == "" {
			return fmt.Errorf("copy session %s: %w: entry %d belongs to no run of it", from, ErrDamaged, e.Seq)
		}
		e.SessionId, e.RunId = to, ids[e.RunId]
		if change := e.GetFileChange(); change != nil {
			change.Undoable = false
		}
		if err := t.insert(e, true); err != nil {
			return err
		}
	}
	return nil
}

// interrupt ends a run that exists only as a copy.
func (t *tx) interrupt(r *runRow, why string) (err error) {
	r.State, r.EndedMS, r.FinishReason = int32(interrupted), max(r.UpdatedMS, 1), 0
	r.Status, r.ResumeMS, r.CancelRequested, r.PauseRequested = "", 0, false, false
	r.ErrorJSON, err = format(&providerv1.Error{Code: providerv1.ErrorCode_ERROR_CODE_CUT, Message: why})
	return err
}
