package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Piece is a piece of a text that is being written.
type Piece struct {
	Kind apiv1.Chunk_Kind
	Text string
}

// part is a text that is being written: its next chunk goes to seq, after offset bytes.
type part struct {
	session string
	kind    apiv1.Chunk_Kind
	seq     int64
	offset  int64
}

// forgetParts drops what is remembered of the texts being written in a session.
func (s *Store) forgetParts(sessionID string) {
	for run, p := range s.parts {
		if p.session == sessionID {
			delete(s.parts, run)
		}
	}
}

// AppendChunk keeps a piece of a text that is being written. It is meant for one piece every 50 ms or so, and is safe
// from a crash of the program at once, from one of the machine with the next durable change. A piece of the other kind
// begins a new part. Where another run's message came in between, the text goes on in a new part.
func (s *Store) AppendChunk(ctx context.Context, runID string, kind apiv1.Chunk_Kind, text string) error {
	c := Piece{kind, clean(text)}
	return s.inTurn(ctx, func(ctx context.Context) error {
		if p := s.parts[runID]; p != nil && p.kind == kind && c.Text != "" && !s.stale {
			return s.extend(ctx, p, runID, c)
		}
		return s.transact(ctx, false, func(t *tx) error { return t.appendChunk(runID, c) })
	})
}

// extend adds a piece to a text that has begun: one statement, and no other row, since this is done many times a second.
func (s *Store) extend(ctx context.Context, p *part, runID string, c Piece) error {
	if err := s.sync(ctx, false); err != nil {
		return err
	}
	rev := s.rev.Load() + 1
	// Before the commit: who sees the commit must also see this.
	s.topicRev[apiv1.Topic_TOPIC_ENTRIES].Store(rev)
	if _, err := s.kept.exec(ctx, insertChunk, p.session, p.seq, runID, int64(c.Kind), p.offset, c.Text, s.now().UnixMilli(), rev); err != nil {
		s.stale = true
		return fmt.Errorf("keep text of run %s: %w", runID, err)
	}
	p.seq++
	p.offset += int64(len(c.Text))
	s.rev.Store(rev)
	s.signal()
	s.watchLog()
	return nil
}

const insertChunk = "INSERT INTO chunks (session_id, seq, run_id, kind, start, text, created_ms, rev) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

func (t *tx) appendChunk(runID string, c Piece) error {
	if c.Kind != apiv1.Chunk_KIND_TEXT && c.Kind != apiv1.Chunk_KIND_THOUGHT {
		return fmt.Errorf("%w: a chunk is of text or of thought", ErrInvalid)
	}
	text := clean(c.Text)
	if text == "" {
		return nil
	}
	p := t.s.parts[runID]
	if p == nil || p.kind != c.Kind {
		var err error
		if p, err = t.openPart(runID, c.Kind); err != nil {
			return err
		}
	}
	rev := t.next(apiv1.Topic_TOPIC_ENTRIES)
	if _, err := t.exec(insertChunk, p.session, p.seq, runID, int64(c.Kind), p.offset, text, t.now, rev); err != nil {
		return fmt.Errorf("keep text of run %s: %w", runID, err)
	}
	p.seq++
	p.offset += int64(len(text))
	return nil
}

// openPart finds where the run's next chunk of a kind goes. An open part of the session that it does not belong to is
// sealed.
func (t *tx) openPart(runID string, kind apiv1.Chunk_Kind) (*part, error) {
	run, err := t.openRun(runID)
	if err != nil {
		return nil, err
	}
	if run.state() == queued {
		return nil, fmt.Errorf("%w: run %s has not started", ErrConflict, runID)
	}
	p := &part{session: run.SessionID, kind: kind}
	var lastRun string
	var lastKind, length int64
	err = t.one("SELECT run_id, kind, seq, start, length(CAST(text AS BLOB)) FROM chunks WHERE session_id = ? ORDER BY seq DESC LIMIT 1",
		[]any{run.SessionID}, &lastRun, &lastKind, &p.seq, &p.offset, &length)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		p.seq, p.offset = 0, 0
	case err != nil:
		return nil, fmt.Errorf("find open text of session %s: %w", run.SessionID, err)
	case lastRun == runID && lastKind == int64(kind):
		p.offset += length
	default:
		if err := t.seal(run.SessionID); err != nil {
			return nil, err
		}
		p.seq, p.offset = 0, 0
	}
	if p.seq == 0 {
		if err := t.one("SELECT last_seq FROM sessions WHERE id = ?", []any{run.SessionID}, &p.seq); err != nil {
			return nil, fmt.Errorf("find the end of session %s: %w", run.SessionID, err)
		}
	}
	p.seq++
	t.s.parts[runID] = p
	return p, nil
}

// seal replaces the open chunks of a session, if it has any, by one entry that stands for all of them.
func (t *tx) seal(sessionID string) error {
	defer t.s.forgetParts(sessionID)
	var (
		text                 strings.Builder
		runID                string
		kind, first, last    int64
		begun, chunkMS, seqN int64
	)
	err := t.each(func(scan func(...any) error) error {
		var piece string
		if err := scan(&seqN, &runID, &kind, &piece, &chunkMS); err != nil {
			return err
		}
		if first == 0 {
			first, begun = seqN, chunkMS
		}
		last = seqN
		text.WriteString(piece)
		return nil
	}, "SELECT seq, run_id, kind, text, created_ms FROM chunks WHERE session_id = ? ORDER BY seq", sessionID)
	if err != nil {
		return fmt.Errorf("read open text of session %s: %w", sessionID, err)
	}
	if first == 0 {
		return nil
	}
	e := &apiv1.Entry{SessionId: sessionID, Seq: first, LastSeq: last, RunId: runID, CreatedMs: begun}
	setText(e, apiv1.Chunk_Kind(kind), text.String())
	if err := t.insertEntry(e); err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM chunks WHERE session_id = ?", sessionID); err != nil {
		return fmt.Errorf("replace open text of session %s: %w", sessionID, err)
	}
	if err := t.advance(sessionID, last); err != nil {
		return err
	}
	if _, err := t.exec("UPDATE runs SET last_seq = ?, updated_ms = ?, rev = ? WHERE id = ?", last, t.now, t.next(apiv1.Topic_TOPIC_RUNS), runID); err != nil {
		return fmt.Errorf("write run %s: %w", runID, err)
	}
	return nil
}

// setText makes an entry of what its chunks of a kind were together.
func setText(e *apiv1.Entry, kind apiv1.Chunk_Kind, text string) {
	body := &apiv1.ModelText{Text: text}
	if kind == apiv1.Chunk_KIND_THOUGHT {
		e.Body = &apiv1.Entry_Thought{Thought: body}
		return
	}
	e.Body = &apiv1.Entry_Text{Text: body}
}

// insertEntry writes an entry whose place is settled, and gives it its revision.
func (t *tx) insertEntry(e *apiv1.Entry) error { return t.insert(e, false) }

// insert writes an entry that was made now, or is a copied one.
func (t *tx) insert(e *apiv1.Entry, copied bool) error {
	body, err := formatBody(e)
	if err != nil {
		return err
	}
	e.Rev = t.next(apiv1.Topic_TOPIC_ENTRIES)
	_, err = t.exec("INSERT INTO entries (session_id, seq, last_seq, run_id, kind, entry_json, created_ms, rev, copied) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		e.SessionId, e.Seq, e.LastSeq, e.RunId, int64(bodyKind(e)), body, e.CreatedMs, e.Rev, copied)
	if err != nil {
		return fmt.Errorf("write entry %d of session %s: %w", e.Seq, e.SessionId, err)
	}
	return nil
}

// advance moves the end of a session's journal to seq.
func (t *tx) advance(sessionID string, seq int64) error {
	if _, err := t.exec("UPDATE sessions SET last_seq = ?, rev = ? WHERE id = ?", seq, t.next(apiv1.Topic_TOPIC_SESSIONS), sessionID); err != nil {
		return fmt.Errorf("write session %s: %w", sessionID, err)
	}
	return nil
}

// Append adds entries to a run's journal, in order, and returns them with their places. Text still open is sealed
// first. Durable ones are on the disk when it returns: what a side effect rests on must be.
func (s *Store) Append(ctx context.Context, runID string, durable bool, entries ...*apiv1.Entry) ([]*apiv1.Entry, error) {
	var added []*apiv1.Entry
	err := s.write(ctx, durable, func(t *tx) error {
		run, err := t.openRun(runID)
		if err != nil {
			return err
		}
		added, err = t.append(&run, entries)
		if err != nil || len(added) == 0 {
			return err
		}
		return t.saveRun(&run)
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

// append writes entries of a run and notes in run what they change; the caller saves it.
func (t *tx) append(run *runRow, entries []*apiv1.Entry) ([]*apiv1.Entry, error) {
	if err := t.seal(run.SessionID); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		// Sealing may have moved it.
		var sealed int64
		err := t.one("SELECT last_seq FROM runs WHERE id = ?", []any{run.ID}, &sealed)
		run.LastSeq = max(run.LastSeq, sealed)
		return nil, err
	}
	var seq int64
	if err := t.one("SELECT last_seq FROM sessions WHERE id = ?", []any{run.SessionID}, &seq); err != nil {
		return nil, fmt.Errorf("find the end of session %s: %w", run.SessionID, err)
	}
	added := make([]*apiv1.Entry, 0, len(entries))
	for _, given := range entries {
		if kind := bodyKind(given); kind == 0 || kind == kindChunk {
			return nil, fmt.Errorf("append to run %s: %w: an entry needs a body that is no chunk", run.ID, ErrInvalid)
		}
		e := proto.CloneOf(given)
		cleanMessage(e.ProtoReflect())
		seq++
		e.SessionId, e.RunId, e.Seq, e.LastSeq = run.SessionID, run.ID, seq, seq
		if e.CreatedMs == 0 {
			e.CreatedMs = t.now
		}
		if err := t.insertEntry(e); err != nil {
			return nil, err
		}
		if usage := e.GetUsage(); usage != nil {
			if err := t.countUsage(run, e); err != nil {
				return nil, err
			}
		}
		added = append(added, e)
	}
	run.LastSeq = seq
	return added, t.advance(run.SessionID, seq)
}

// countUsage keeps what one call of a model consumed, apart from the session.
func (t *tx) countUsage(run *runRow, e *apiv1.Entry) error {
	u := e.GetUsage()
	row := usageRow{
		RunID: run.ID, SessionID: run.SessionID, ProviderID: run.ProviderID, Model: run.Model, InputTokens: u.InputTokens,
		OutputTokens: u.OutputTokens, CachedInputTokens: u.CachedInputTokens, ReasoningTokens: u.ReasoningTokens,
		Estimated: u.Estimated, CreatedMS: t.now,
	}
	err := t.one("SELECT 1 + coalesce(max(call), 0) FROM usage WHERE run_id = ?", []any{run.ID}, &row.Call)
	if err == nil {
		err = t.orm.Create(&row).Error
	}
	if err != nil {
		return fmt.Errorf("count the usage of run %s: %w", run.ID, err)
	}
	return nil
}
