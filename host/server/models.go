package server

import (
	"context"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Logout makes a provider forget its key. If the keychain does not let go of it, nothing happens.
func (a *api) Logout(ctx context.Context, req *apiv1.LogoutRequest) (*apiv1.LogoutResponse, error) {
	p, err := a.provider(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	defer a.forgetHints()
	if p, err = a.Providers.Logout(ctx, p); err != nil {
		return nil, err
	}
	return &apiv1.LogoutResponse{Provider: p}, nil
}

func (a *api) Diagnose(ctx context.Context, req *apiv1.DiagnoseRequest) (*apiv1.DiagnoseResponse, error) {
	p, err := a.provider(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	facts, err := a.Providers.Diagnose(ctx, p)
	if err != nil {
		return nil, err
	}
	return &apiv1.DiagnoseResponse{Facts: facts}, nil
}

// PullModel downloads a model for as long as its client listens and the host runs.
func (a *api) PullModel(ctx context.Context, req *apiv1.PullModelRequest, stream *connect.ServerStream[apiv1.PullModelResponse]) error {
	p, err := a.provider(ctx, req.ProviderId)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-a.closing:
			cancel(refuse(connect.CodeUnavailable, "the host ends; pull the model again when it is back"))
		case <-ctx.Done():
		}
	}()
	err = a.Providers.PullModel(ctx, p, req.Model, func(progress *providerv1.PullProgress) {
		if err := stream.Send(&apiv1.PullModelResponse{Progress: progress}); err != nil {
			cancel(err)
		}
	})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (a *api) DeleteModel(ctx context.Context, req *apiv1.DeleteModelRequest) (*apiv1.DeleteModelResponse, error) {
	p, err := a.provider(ctx, req.ProviderId)
	if err != nil {
		return nil, err
	}
	if err := a.Providers.DeleteModel(ctx, p, req.Model); err != nil {
		return nil, err
	}
	return &apiv1.DeleteModelResponse{}, nil
}
