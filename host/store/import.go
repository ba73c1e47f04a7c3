package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Imported is what came of an import.
type Imported struct {
	Session *apiv1.Session
	// Created says that it was not here before.
	Created bool
	// TakenAway is what the file claimed and did not get, in order.
	TakenAway []apiv1.Right
}

// Import makes a session of what Export has written. One that is here already stays as it is; one that was just deleted is
// restored. A file gives no rights: what it claims of them is taken away, and said. Whatever is wrong with the file is said
// with the number of the line, and then nothing is imported. The file is read twice.
func (s *Store) Import(ctx context.Context, file io.ReadSeeker) (*Imported, error) {
	check := newImportReader(file)
	if err := check.read(func(*imported) error { return nil }); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the export again: %w", err)
	}
	done := &Imported{}
	err := s.write(ctx, true, func(t *tx) error {
		row, err := t.anySession(check.session.Id)
		switch {
		case err == nil && row.DeletedMS != 0:
			done.TakenAway, err = t.restore(&row)
		case errors.Is(err, ErrNotFound):
			done.Created = true
			row, done.TakenAway, err = t.importNew(check.session.Id, file)
		}
		done.Session = row.proto()
		return err
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// importNew makes the session that is in a file.
func (t *tx) importNew(id string, file io.Reader) (sessionRow, []apiv1.Right, error) {
	reader := newImportReader(file)
	var branches int64
	if err := t.one("SELECT count(*) FROM sessions WHERE parent_id = ?", []any{id}, &branches); err != nil {
		return sessionRow{}, nil, fmt.Errorf("find the branches of session %s: %w", id, err)
	}
	if branches > 0 {
		// It was here and is gone, and the files it had are its branches' now.
		reader.id = newID()
		id = reader.id
	}
	taken := rights{}
	err := reader.read(func(i *imported) error {
		taken.takeFrom(i)
		return t.take(i)
	})
	if err != nil {
		return sessionRow{}, nil, err
	}
	row, err := t.session(id)
	return row, taken.list(), err
}

// take writes one line of an export.
func (t *tx) take(i *imported) error {
	switch {
	case i.session != nil:
		return t.takeSession(i.session)
	case i.run != nil:
		return t.takeRun(i)
	case i.entry != nil:
		return t.insert(i.entry, true)
	case i.approval != nil:
		return t.takeApproval(i.approval)
	}
	return t.takeUsage(i.sessionID, i.usage)
}

func (t *tx) takeSession(p *apiv1.Session) error {
	r := sessionRow{ID: p.Id, LastSeq: p.LastSeq, CreatedMS: p.CreatedMs, ActiveMS: p.ActiveMs, Rev: t.next(apiv1.Topic_TOPIC_SESSIONS)}
	r.take(p)
	if err := t.orm.Create(&r).Error; err != nil {
		return fmt.Errorf("import session %s: %w", p.Id, err)
	}
	return t.unbury(apiv1.Topic_TOPIC_SESSIONS, p.Id)
}

func (t *tx) takeRun(i *imported) error {
	p := i.run
	var taken int64
	if err := t.one("SELECT count(*) FROM runs WHERE id = ?", []any{p.Id}, &taken); err != nil {
		return fmt.Errorf("look for run %s: %w", p.Id, err)
	}
	if taken > 0 {
		return fmt.Errorf("%w: run %s belongs to another session here; the file was changed by hand, and nothing was imported", ErrConflict, p.Id)
	}
	r := runRow{
		ID: p.Id, SessionID: p.SessionId, ClientRequestID: p.ClientRequestId, RequestHash: i.hash, State: int32(p.State), ProviderID: p.ProviderId,
		Model: p.Model, ReplacesRunID: p.ReplacesRunId, ContinuesRunID: p.ContinuesRunId, QueueOrder: p.QueueOrder, UserSeq: p.UserSeq,
		LastSeq: p.LastSeq, Status: p.Status, CancelRequested: p.CancelRequested, ResumeMS: p.ResumeMs, Attempts: i.attempts,
		RequestID: p.RequestId, ResponseID: p.ResponseId, FinishReason: int32(p.FinishReason), CreatedMS: p.CreatedMs, StartedMS: p.StartedMs,
		UpdatedMS: p.UpdatedMs, EndedMS: p.EndedMs, PauseRequested: p.PauseRequested, ContextUsed: p.ContextUsed, ContextSize: p.ContextSize,
		Rev: t.next(apiv1.Topic_TOPIC_RUNS),
	}
	if r.RequestHash == nil {
		r.RequestHash = []byte{}
	}
	var err error
	if r.OptionsJSON, err = format(p.Options); err != nil {
		return err
	}
	if r.ErrorJSON, err = format(p.Error); err != nil {
		return err
	}
	if !Final(p.State) {
		if err := t.interrupt(&r, "The session was exported while this was being answered. Continue, or ask again."); err != nil {
			return err
		}
	} else {
		r.Status, r.ResumeMS, r.PauseRequested = "", 0, false
	}
	if err := t.orm.Create(&r).Error; err != nil {
		return fmt.Errorf("import run %s: %w", p.Id, err)
	}
	return t.unbury(apiv1.Topic_TOPIC_RUNS, p.Id)
}

func (t *tx) takeApproval(p *apiv1.Approval) error {
	var taken int64
	if err := t.one("SELECT count(*) FROM approvals WHERE id = ?", []any{p.Id}, &taken); err != nil {
		return fmt.Errorf("look for approval %s: %w", p.Id, err)
	}
	if taken > 0 {
		return fmt.Errorf("%w: approval %s belongs to another session here; the file was changed by hand, and nothing was imported", ErrConflict, p.Id)
	}
	r := approvalRow{ID: p.Id, SessionID: p.SessionId, RunID: p.RunId, State: int32(p.State), CreatedMS: p.CreatedMs, ExpiresMS: p.ExpiresMs, Rev: t.next(apiv1.Topic_TOPIC_APPROVALS)}
	if r.State == int32(pending) {
		r.State = int32(apiv1.ApprovalState_APPROVAL_STATE_VOID)
	}
	if p.Question == nil {
		p.Question = &providerv1.Question{}
	}
	err := r.take(p)
	if err == nil {
		r.DecisionJSON, err = format(p.Decision)
	}
	if err != nil {
		return err
	}
	if err := t.orm.Create(&r).Error; err != nil {
		return fmt.Errorf("import approval %s: %w", p.Id, err)
	}
	return t.unbury(apiv1.Topic_TOPIC_APPROVALS, p.Id)
}

// takeUsage counts what was consumed, unless it was counted here before the session was deleted.
func (t *tx) takeUsage(sessionID string, u *exportedUsage) error {
	_, err := t.exec(`INSERT OR IGNORE INTO usage (run_id, call, session_id, provider_id, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated, created_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.RunID, u.Call, sessionID, u.ProviderID, u.Model, u.InputTokens, u.OutputTokens, u.CachedInputTokens, u.ReasoningTokens, u.Estimated, u.CreatedMS)
	if err != nil {
		return fmt.Errorf("import the usage of run %s: %w", u.RunID, err)
	}
	return nil
}
