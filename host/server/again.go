package server

import (
	"context"
	"strings"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func (a *api) Retry(ctx context.Context, req *apiv1.RetryRequest) (*apiv1.RetryResponse, error) {
	if err := checkID("client request", req.ClientRequestId); err != nil {
		return nil, err
	}
	r, err := a.run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	req.RunId = r.Id
	return a.Runs.Retry(ctx, req)
}

func (a *api) Continue(ctx context.Context, req *apiv1.ContinueRequest) (*apiv1.ContinueResponse, error) {
	if err := checkID("client request", req.ClientRequestId); err != nil {
		return nil, err
	}
	r, err := a.run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	req.RunId = r.Id
	return a.Runs.Continue(ctx, req)
}

func (a *api) Pause(ctx context.Context, req *apiv1.PauseRequest) (*apiv1.PauseResponse, error) {
	r, err := a.run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	r, err = a.Runs.Pause(ctx, r.Id)
	return &apiv1.PauseResponse{Run: r, Rev: r.GetRev()}, err
}

func (a *api) Resume(ctx context.Context, req *apiv1.ResumeRequest) (*apiv1.ResumeResponse, error) {
	r, err := a.run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	r, err = a.Runs.Resume(ctx, r.Id)
	return &apiv1.ResumeResponse{Run: r, Rev: r.GetRev()}, err
}

func (a *api) EditQueued(ctx context.Context, req *apiv1.EditQueuedRequest) (*apiv1.EditQueuedResponse, error) {
	if strings.TrimSpace(req.Text) == "" && len(req.Attachments) == 0 {
		return nil, refuse(connect.CodeInvalidArgument, "the message would be empty: cancel the run to take it out of the queue")
	}
	if err := checkText("message", req.Text); err != nil {
		return nil, err
	}
	r, err := a.run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	req.RunId = r.Id
	r, err = a.Runs.EditQueued(ctx, req)
	return &apiv1.EditQueuedResponse{Run: r, Rev: r.GetRev()}, err
}

func (a *api) MoveQueued(ctx context.Context, req *apiv1.MoveQueuedRequest) (*apiv1.MoveQueuedResponse, error) {
	r, err := a.run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	before := ""
	if req.BeforeRunId != "" {
		other, err := a.run(ctx, req.BeforeRunId)
		if err != nil {
			return nil, err
		}
		before = other.Id
	}
	r, err = a.Runs.MoveQueued(ctx, r.Id, before)
	return &apiv1.MoveQueuedResponse{Run: r, Rev: r.GetRev()}, err
}
