package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Import makes a session of what Export has written. One that is here already stays as it is, and created is false; one
// that was just deleted is restored. Runs that had not ended are interrupted, and their open questions void. A workspace
// that is not known here is left out. Whatever is wrong with the file is said with the number of the line, and then
// nothing is imported. The file is read twice.
func (s *Store) Import(ctx context.Context, file io.ReadSeeker) (session *apiv1.Session, created bool, err error) {
	check := newImportReader(file)
	if err := check.read(func(*imported) error { return nil }); err != nil {
		return nil, false, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, false, fmt.Errorf("read the export again: %w", err)
	}
	id := check.session.Id
	var row sessionRow
	err = s.write(ctx, true, func(t *tx) error {
		if row, err = t.anySession(id); err == nil {
			if row.DeletedMS == 0 {
				return nil
			}
			row.DeletedMS = 0
			return t.saveSession(&row)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		created = true
		if err := newImportReader(file).read(t.take); err != nil {
			return err
		}
		row, err = t.session(id)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return row.proto(), created, nil
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
	if p.WorkspaceId != "" {
		var known int64
		if err := t.one("SELECT count(*) FROM workspaces WHERE id = ?", []any{p.WorkspaceId}, &known); err != nil {
			return fmt.Errorf("find the workspace of session %s: %w", p.Id, err)
		}
		if known == 0 {
			r.WorkspaceID = nil
		}
	}
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
