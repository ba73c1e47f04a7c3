package server

import (
	"context"
	"strings"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

func (a *api) Send(ctx context.Context, req *apiv1.SendRequest) (*apiv1.SendResponse, error) {
	if strings.TrimSpace(req.Text) == "" && len(req.Attachments) == 0 {
		return nil, refuse(connect.CodeInvalidArgument, "the message is empty: write something")
	}
	if err := checkText("message", req.Text); err != nil {
		return nil, err
	}
	if err := checkText("system prompt", req.SystemPrompt); err != nil {
		return nil, err
	}
	if err := checkID("client request", req.ClientRequestId); err != nil {
		return nil, err
	}
	if req.SessionId != "" {
		if err := checkID("session", req.SessionId); err != nil {
			return nil, err
		}
		if req.SystemPrompt != "" {
			return nil, refuse(connect.CodeInvalidArgument, "this session exists: its system prompt is changed with UpdateSession, not with a message")
		}
	}
	if req.ReplacesRunId != "" {
		if err := checkID("run", req.ReplacesRunId); err != nil {
			return nil, err
		}
	}
	return a.Runs.Send(ctx, req, func(session *apiv1.Session, m *store.Send) error { return a.placeMessage(ctx, req, session, m) })
}

func (a *api) Cancel(ctx context.Context, req *apiv1.CancelRequest) (*apiv1.CancelResponse, error) {
	r, err := a.run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	if r, err = a.Runs.Cancel(ctx, r.Id); err != nil {
		return nil, err
	}
	return &apiv1.CancelResponse{Run: r, Rev: r.Rev}, nil
}

func (a *api) run(ctx context.Context, id string) (*apiv1.Run, error) {
	if err := checkID("run", id); err != nil {
		return nil, err
	}
	return a.Store.Run(ctx, id)
}

func (a *api) GetRun(ctx context.Context, req *apiv1.GetRunRequest) (*apiv1.GetRunResponse, error) {
	rev := a.Store.Rev()
	r, err := a.run(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	res := &apiv1.GetRunResponse{Run: r, Rev: rev}
	if !req.WithEntries {
		return res, nil
	}
	if res.Entries, err = a.Store.RunEntries(ctx, r.Id); err != nil {
		return nil, err
	}
	res.Approvals, err = a.Store.RunApprovals(ctx, r.Id)
	return res, err
}

func (a *api) ListRuns(ctx context.Context, req *apiv1.ListRunsRequest) (*apiv1.ListRunsResponse, error) {
	// Read before the list: what changes in between is then seen twice rather than never.
	res := &apiv1.ListRunsResponse{Rev: a.Store.Rev()}
	var err error
	if req.SessionId == "" {
		res.Runs, err = a.Store.OpenRuns(ctx)
		return res, err
	}
	s, err := a.session(ctx, req.SessionId)
	if err != nil {
		return nil, err
	}
	res.Runs, err = a.Store.SessionRuns(ctx, s.Id)
	return res, err
}

func (a *api) Decide(ctx context.Context, req *apiv1.DecideRequest) (*apiv1.DecideResponse, error) {
	if err := checkID("approval", req.ApprovalId); err != nil {
		return nil, err
	}
	if err := checkText("answer", req.Text); err != nil {
		return nil, err
	}
	if err := a.mayAllow(ctx, req); err != nil {
		return nil, err
	}
	approval, err := a.Runs.Decide(ctx, req, a.by())
	if err != nil {
		return nil, err
	}
	return &apiv1.DecideResponse{Approval: approval, Rev: approval.Rev}, nil
}

func (a *api) ListApprovals(ctx context.Context, _ *apiv1.ListApprovalsRequest) (*apiv1.ListApprovalsResponse, error) {
	all, rev, err := a.Store.PendingApprovals(ctx)
	return &apiv1.ListApprovalsResponse{Approvals: all, Rev: rev}, err
}

func (a *api) PreviewRule(ctx context.Context, req *apiv1.PreviewRuleRequest) (*apiv1.PreviewRuleResponse, error) {
	if err := checkID("approval", req.ApprovalId); err != nil {
		return nil, err
	}
	return a.Runs.PreviewRule(ctx, req.ApprovalId)
}

func (a *api) UndoChanges(ctx context.Context, req *apiv1.UndoChangesRequest) (*apiv1.UndoChangesResponse, error) {
	if err := checkID("run", req.RunId); err != nil {
		return nil, err
	}
	return a.Runs.UndoChanges(ctx, req)
}

func (a *api) GetUsage(ctx context.Context, req *apiv1.GetUsageRequest) (*apiv1.GetUsageResponse, error) {
	at := func(ms int64) time.Time {
		if ms == 0 {
			return time.Time{}
		}
		return time.UnixMilli(ms)
	}
	sums, err := a.Store.Usage(ctx, at(req.SinceMs), at(req.UntilMs))
	if err != nil {
		return nil, err
	}
	return &apiv1.GetUsageResponse{Sums: sums}, nil
}
