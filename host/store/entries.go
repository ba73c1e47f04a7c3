package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const entryColumns = "session_id, seq, last_seq, run_id, created_ms, rev, entry_json"

// entry makes an entry of a row of entryColumns.
func entry(scan func(...any) error) (*apiv1.Entry, error) {
	var head apiv1.Entry
	var body string
	if err := scan(&head.SessionId, &head.Seq, &head.LastSeq, &head.RunId, &head.CreatedMs, &head.Rev, &body); err != nil {
		return nil, err
	}
	e, err := parse[apiv1.Entry](body)
	if err != nil {
		return nil, fmt.Errorf("entry %d of session %s: %w", head.Seq, head.SessionId, err)
	}
	earlierEntry(e, body)
	e.SessionId, e.Seq, e.LastSeq, e.RunId, e.CreatedMs, e.Rev = head.SessionId, head.Seq, head.LastSeq, head.RunId, head.CreatedMs, head.Rev
	return e, nil
}

const chunkColumns = "session_id, seq, run_id, created_ms, rev, kind, start, text"

// chunkEntry makes an entry of a row of chunkColumns.
func chunkEntry(scan func(...any) error) (*apiv1.Entry, error) {
	c := &apiv1.Chunk{}
	e := &apiv1.Entry{Body: &apiv1.Entry_Chunk{Chunk: c}}
	var kind int32
	if err := scan(&e.SessionId, &e.Seq, &e.RunId, &e.CreatedMs, &e.Rev, &kind, &c.Offset, &c.Text); err != nil {
		return nil, err
	}
	c.Kind, e.LastSeq = apiv1.Chunk_Kind(kind), e.Seq
	return e, nil
}

// ListEntries gives one page of a session's journal, oldest first. The text that is still being written comes last, as
// one chunk that stands for all of it so far.
func (s *Store) ListEntries(ctx context.Context, req *apiv1.ListEntriesRequest) (*apiv1.ListEntriesResponse, error) {
	limit := pageLimit(req.Limit)
	res := &apiv1.ListEntriesResponse{}
	err := s.read(ctx, func(v view) error {
		if _, err := v.session(req.SessionId); err != nil {
			return err
		}
		rev, err := v.revision()
		if err != nil {
			return err
		}
		before := req.BeforeSeq
		if before <= 0 {
			before = 1 << 62
		}
		open, err := v.openText(req.SessionId, before)
		if err != nil {
			return err
		}
		if open != nil {
			res.Entries = append(res.Entries, open)
		}
		res.Rev = max(rev, open.GetRev())
		err = v.each(func(scan func(...any) error) error {
			e, err := entry(scan)
			res.Entries = append(res.Entries, e)
			return err
		}, "SELECT "+entryColumns+" FROM entries WHERE session_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?", req.SessionId, before, limit+1)
		if err != nil {
			return fmt.Errorf("read session %s: %w", req.SessionId, err)
		}
		if res.More = len(res.Entries) > limit; res.More {
			res.Entries = res.Entries[:limit]
		}
		slices.Reverse(res.Entries)
		if req.WithRuns {
			res.Runs, err = v.runsOf(req.SessionId, res.Entries)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// runsOf gives the runs that wrote the entries, and all of the session that stand in for another one or go on from it.
func (v view) runsOf(sessionID string, entries []*apiv1.Entry) ([]*apiv1.Run, error) {
	var ids []string
	for _, e := range entries {
		if !slices.Contains(ids, e.RunId) {
			ids = append(ids, e.RunId)
		}
	}
	var rows []runRow
	err := v.orm.Find(&rows, "id IN ? OR (session_id = ? AND (replaces_run_id <> '' OR continues_run_id <> ''))", ids, sessionID).Error
	if err != nil {
		return nil, fmt.Errorf("read the runs of session %s: %w", sessionID, err)
	}
	return protos(rows)
}

// openText gives the open chunks of a session before a sequence number as one; nil if there are none.
func (v view) openText(sessionID string, before int64) (*apiv1.Entry, error) {
	var whole *apiv1.Entry
	var text strings.Builder
	err := v.each(func(scan func(...any) error) error {
		e, err := chunkEntry(scan)
		if err != nil {
			return err
		}
		text.WriteString(e.GetChunk().Text)
		if whole == nil {
			whole = e
		}
		whole.LastSeq, whole.Rev = e.Seq, max(whole.Rev, e.Rev)
		return nil
	}, "SELECT "+chunkColumns+" FROM chunks WHERE session_id = ? AND seq < ? ORDER BY seq", sessionID, before)
	if err != nil {
		return nil, fmt.Errorf("read open text of session %s: %w", sessionID, err)
	}
	if whole != nil {
		whole.GetChunk().Text = text.String()
	}
	return whole, nil
}

// RunEntries gives all entries of a run, oldest first, and the text that it is writing as one chunk.
func (s *Store) RunEntries(ctx context.Context, runID string) ([]*apiv1.Entry, error) {
	var entries []*apiv1.Entry
	err := s.read(ctx, func(v view) error {
		run, err := v.run(runID)
		if err != nil {
			return err
		}
		err = v.each(func(scan func(...any) error) error {
			e, err := entry(scan)
			entries = append(entries, e)
			return err
		}, "SELECT "+entryColumns+" FROM entries WHERE run_id = ? ORDER BY seq", runID)
		if err != nil {
			return fmt.Errorf("read run %s: %w", runID, err)
		}
		open, err := v.openText(run.SessionID, 1<<62)
		if open.GetRunId() == runID {
			entries = append(entries, open)
		}
		return err
	})
	return entries, err
}
