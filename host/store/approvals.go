package store

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const pending = apiv1.ApprovalState_APPROVAL_STATE_PENDING

func (v view) approval(id string) (approvalRow, error) {
	var row approvalRow
	err := v.orm.Take(&row, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, fmt.Errorf("%w: there is no approval %q; its session may have been deleted", ErrNotFound, id)
	}
	if err != nil {
		return row, fmt.Errorf("read approval %s: %w", id, err)
	}
	return row, nil
}

func (t *tx) saveApproval(r *approvalRow) error {
	r.Rev = t.next(apiv1.Topic_TOPIC_APPROVALS)
	if err := t.orm.Select("*").Updates(r).Error; err != nil {
		return fmt.Errorf("write approval %s: %w", r.ID, err)
	}
	return nil
}

// Approval finds an approval by its id.
func (s *Store) Approval(ctx context.Context, id string) (*apiv1.Approval, error) {
	var p *apiv1.Approval
	err := s.read(ctx, func(v view) error {
		row, err := v.approval(id)
		if err == nil {
			p, err = row.proto()
		}
		return err
	})
	return p, err
}

// PendingApprovals gives the questions that wait for a person, oldest first, and the revision to watch from.
func (s *Store) PendingApprovals(ctx context.Context) (all []*apiv1.Approval, rev int64, err error) {
	all, err = s.listApprovals(ctx, &rev, "state = ?", int32(pending))
	return all, rev, err
}

// RunApprovals gives all that a run has asked, oldest first.
func (s *Store) RunApprovals(ctx context.Context, runID string) ([]*apiv1.Approval, error) {
	var rev int64
	return s.listApprovals(ctx, &rev, "run_id = ?", runID)
}

func (s *Store) listApprovals(ctx context.Context, rev *int64, where string, arg any) ([]*apiv1.Approval, error) {
	var all []*apiv1.Approval
	err := s.read(ctx, func(v view) (err error) {
		var rows []approvalRow
		if err := v.orm.Where(where, arg).Order("created_ms, rev").Find(&rows).Error; err != nil {
			return fmt.Errorf("list approvals: %w", err)
		}
		for i := range rows {
			p, err := rows[i].proto()
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		*rev, err = v.revision()
		return err
	})
	return all, err
}

// Ask puts a question of a run to a person: the question is appended and the run waits for the answer. A run that was to
// be cancelled ends instead: that is ErrEnded.
func (s *Store) Ask(ctx context.Context, runID string, a *apiv1.Approval) (*apiv1.Approval, error) {
	if a.Question == nil {
		return nil, fmt.Errorf("%w: an approval needs a question", ErrInvalid)
	}
	var row approvalRow
	_, err := s.beginWaiting(ctx, runID, waitingApproval, func(t *tx, r *runRow) error {
		if _, err := t.append(r, []*apiv1.Entry{{Body: &apiv1.Entry_Question{Question: a.Question}}}); err != nil {
			return err
		}
		row = approvalRow{
			ID: newID(), SessionID: r.SessionID, RunID: r.ID, State: int32(pending), CreatedMS: t.now, ExpiresMS: a.ExpiresMs,
			Rev: t.next(apiv1.Topic_TOPIC_APPROVALS),
		}
		if err := row.take(a); err != nil {
			return err
		}
		if err := t.orm.Create(&row).Error; err != nil {
			return fmt.Errorf("ask for run %s: %w", r.ID, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return row.proto()
}

// Decide answers an approval, and lets its run go on when no other question of it is open. The first answer wins: a
// later one gets the approval as it is, and ErrDecided.
func (s *Store) Decide(ctx context.Context, approvalID string, d *apiv1.Decision) (*apiv1.Approval, error) {
	var p *apiv1.Approval
	var late error
	err := s.write(ctx, true, func(t *tx) error {
		a, err := t.approval(approvalID)
		if err != nil {
			return err
		}
		if a.State != int32(pending) {
			if p, err = a.proto(); err != nil {
				return err
			}
			late = fmt.Errorf("approval %s: %w", approvalID, ErrDecided)
			if p.State == apiv1.ApprovalState_APPROVAL_STATE_VOID {
				late = fmt.Errorf("approval %s: %w: its run has ended, nothing waits for the answer any more", approvalID, ErrDecided)
			}
			return nil
		}
		run, err := t.openRun(a.RunID)
		if err != nil {
			return err
		}
		state := apiv1.ApprovalState_APPROVAL_STATE_DENIED
		if d.Allowed {
			state = apiv1.ApprovalState_APPROVAL_STATE_ALLOWED
		}
		decision := proto.CloneOf(d)
		e, err := t.settle(&a, state, decision)
		if err != nil {
			return err
		}
		if _, err := t.append(&run, []*apiv1.Entry{e}); err != nil {
			return err
		}
		var open int64
		if err := t.one("SELECT count(*) FROM approvals WHERE run_id = ? AND state = ?", []any{run.ID, int64(pending)}, &open); err != nil {
			return fmt.Errorf("count the open questions of run %s: %w", run.ID, err)
		}
		if open == 0 && run.state() == waitingApproval {
			if err := run.move(running); err != nil {
				return err
			}
		}
		if err := t.saveRun(&run); err != nil {
			return err
		}
		p, err = a.proto()
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, late
}

// settle writes the decision into an approval and gives the entry that says so.
func (t *tx) settle(a *approvalRow, state apiv1.ApprovalState, d *apiv1.Decision) (*apiv1.Entry, error) {
	asked, err := a.proto()
	if err != nil {
		return nil, err
	}
	d.ApprovalId, d.QuestionId = a.ID, asked.Question.GetId()
	a.State = int32(state)
	if a.DecisionJSON, err = format(d); err != nil {
		return nil, err
	}
	return &apiv1.Entry{Body: &apiv1.Entry_Decision{Decision: d}}, t.saveApproval(a)
}

// voidApprovals closes the open questions of a run that ends, and gives the entries that say so.
func (t *tx) voidApprovals(runID string, by apiv1.Author) ([]*apiv1.Entry, error) {
	var rows []approvalRow
	if err := t.orm.Where("run_id = ? AND state = ?", runID, int32(pending)).Order("created_ms, rev").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find the open questions of run %s: %w", runID, err)
	}
	var entries []*apiv1.Entry
	for i := range rows {
		e, err := t.settle(&rows[i], apiv1.ApprovalState_APPROVAL_STATE_VOID, &apiv1.Decision{By: by})
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}
