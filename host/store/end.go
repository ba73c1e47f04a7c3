package store

import (
	"context"
	"errors"
	"fmt"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// End is how a run ends.
type End struct {
	// State is one of the final ones.
	State        apiv1.RunState
	Error        *providerv1.Error
	FinishReason providerv1.Done_Reason
	// Text that AppendChunk could not keep.
	Text []Piece
	// Reference is what the provider calls the run, where that is not kept yet; nil: nothing to add.
	Reference *providerv1.Reference
	// Entries appended before the end: the turn, its usage, …
	Entries []*apiv1.Entry
}

// EndRun ends a run, in one durable change with its last text and entries; approvals still open become void, tool calls
// that began and have no result are noted as of unknown outcome. The end that is committed first stays: a later one gets the run as
// it is, and ErrEnded.
func (s *Store) EndRun(ctx context.Context, runID string, end End) (*apiv1.Run, error) {
	if !Final(end.State) {
		return nil, fmt.Errorf("%w: a run can't end by being %s", ErrInvalid, stateName(end.State))
	}
	run, err := s.changeRun(ctx, runID, true, func(t *tx, r *runRow) error {
		if err := r.move(end.State); err != nil {
			return err
		}
		by := apiv1.Author_AUTHOR_END
		if end.State == cancelled {
			by = apiv1.Author_AUTHOR_CANCEL
		}
		return t.end(r, end, by)
	})
	return s.orEnded(ctx, runID, run, err)
}

// orEnded adds the run as it is to ErrEnded.
func (s *Store) orEnded(ctx context.Context, runID string, run *apiv1.Run, err error) (*apiv1.Run, error) {
	if !errors.Is(err, ErrEnded) || run != nil {
		return run, err
	}
	run, again := s.Run(ctx, runID)
	if again != nil {
		return nil, again
	}
	return run, err
}

// RequestCancel does what a person's cancel does to a run in its state: it ends at once, or is marked to be ended when
// its work has been stopped. One that has ended is returned as it is.
func (s *Store) RequestCancel(ctx context.Context, runID string) (*apiv1.Run, error) {
	run, err := s.changeRun(ctx, runID, true, func(t *tx, r *runRow) error { return t.requestCancel(r) })
	if run, err = s.orEnded(ctx, runID, run, err); errors.Is(err, ErrEnded) {
		err = nil
	}
	return run, err
}

func (t *tx) requestCancel(r *runRow) error {
	r.CancelRequested = true
	if AfterCancel(r.state()) == cancelled {
		return t.end(r, End{State: cancelled}, apiv1.Author_AUTHOR_CANCEL)
	}
	return nil
}

// end closes everything a run has open and notes its end in r; the caller saves it. by says why open questions get no
// answer.
func (t *tx) end(r *runRow, end End, by apiv1.Author) error {
	for _, p := range end.Text {
		if err := t.appendChunk(r.ID, p); err != nil {
			return err
		}
	}
	r.refer(end.Reference.GetRequestId(), end.Reference.GetResponseId())
	if _, err := t.append(r, end.Entries); err != nil {
		return err
	}
	closing, err := t.voidApprovals(r.ID, by)
	if err != nil {
		return err
	}
	if _, err := t.append(r, closing); err != nil {
		return err
	}
	unknown, err := t.callsWithoutOutput(r.ID)
	if err != nil {
		return err
	}
	if _, err := t.append(r, unknown); err != nil {
		return err
	}
	if err := t.endJob(r.ID); err != nil {
		return err
	}
	if r.ErrorJSON, err = format(end.Error); err != nil {
		return err
	}
	r.State, r.FinishReason, r.EndedMS = int32(end.State), int32(end.FinishReason), max(t.now, 1)
	r.Status, r.ResumeMS, r.PauseRequested = "", 0, false
	if r.StartedMS == 0 {
		return nil
	}
	if _, err := t.exec("UPDATE sessions SET active_ms = ?, rev = ? WHERE id = ?", t.now, t.next(apiv1.Topic_TOPIC_SESSIONS), r.SessionID); err != nil {
		return fmt.Errorf("write session %s: %w", r.SessionID, err)
	}
	return nil
}

// callsWithoutOutput gives an output for each tool call of a run that has none. What was allowed to begin may have taken
// effect: that is not known.
func (t *tx) callsWithoutOutput(runID string) ([]*apiv1.Entry, error) {
	var calls []*providerv1.ToolCall
	answered, begun := map[string]bool{}, map[string]bool{}
	err := t.each(func(scan func(...any) error) error {
		e, err := entry(scan)
		if err != nil {
			return err
		}
		switch body := e.Body.(type) {
		case *apiv1.Entry_ToolCall:
			calls = append(calls, body.ToolCall)
		case *apiv1.Entry_ToolOutput:
			answered[body.ToolOutput.GetResult().GetCallId()] = true
		case *apiv1.Entry_Decision:
			if body.Decision.Allowed {
				begun[body.Decision.QuestionId] = true
			}
		}
		return nil
	}, "SELECT "+entryColumns+" FROM entries WHERE run_id = ? AND kind IN (?, ?, ?) ORDER BY seq", runID, kindToolCall, kindToolOutput, kindDecision)
	if err != nil {
		return nil, fmt.Errorf("find the tool calls of run %s: %w", runID, err)
	}
	var outputs []*apiv1.Entry
	for _, call := range calls {
		if answered[call.Id] {
			continue
		}
		o := &apiv1.ToolOutput{
			Outcome: apiv1.ToolOutput_OUTCOME_REFUSED, Reason: apiv1.Reason_REASON_RUN_ENDED,
			Result: &providerv1.ToolResult{
				CallId: call.Id, Name: call.Name, Failed: true, Content: "This call was not carried out: the run ended before it could begin.",
			},
		}
		if begun[call.Id] {
			o.Outcome, o.Reason = apiv1.ToolOutput_OUTCOME_UNKNOWN, apiv1.Reason_REASON_UNSPECIFIED
			o.Result.Content = "outcome unknown: this call was begun, and whether it took effect was not seen"
		}
		outputs = append(outputs, &apiv1.Entry{Body: &apiv1.Entry_ToolOutput{ToolOutput: o}})
	}
	return outputs, nil
}

// Recover gives every run that was open when the host ended the state it has after a restart, and keeps the text that had
// arrived. Call it once, before any run is started; n is how many runs it ended.
func (s *Store) Recover(ctx context.Context) (n int, err error) {
	err = s.write(ctx, true, func(t *tx) error {
		n = 0
		var rows []runRow
		if err := t.orm.Where("ended_ms = 0").Order("created_ms, id").Find(&rows).Error; err != nil {
			return fmt.Errorf("list open runs: %w", err)
		}
		for i := range rows {
			r := &rows[i]
			after := AfterRestart(r.state())
			if after == r.state() {
				continue
			}
			end := End{State: after, Error: &providerv1.Error{
				Code:    providerv1.ErrorCode_ERROR_CODE_CUT,
				Message: "OpenVibez ended while this was being answered. What had arrived is kept; continue, or ask again.",
			}}
			if r.CancelRequested {
				end = End{State: cancelled}
			}
			if err := t.end(r, end, apiv1.Author_AUTHOR_RESTART); err != nil {
				return err
			}
			if err := t.saveRun(r); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}
