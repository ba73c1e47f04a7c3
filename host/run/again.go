package run

import (
	"context"
	"errors"
	"fmt"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Retry asks again what an ended run was asked, of the same model or another. The new run takes the old one's place, with
// all that went on from it; nothing is deleted. It is idempotent as Send is.
func (e *Engine) Retry(ctx context.Context, req *apiv1.RetryRequest) (*apiv1.RetryResponse, error) {
	old, err := e.ended(ctx, req.RunId, "retried")
	if err != nil {
		return nil, err
	}
	for old.ContinuesRunId != "" {
		if old, err = e.store.Run(ctx, old.ContinuesRunId); err != nil {
			return nil, err
		}
	}
	message, err := e.message(ctx, old)
	if err != nil {
		return nil, err
	}
	m := store.Send{
		SessionID: old.SessionId, ClientRequestID: req.ClientRequestId, Text: message.Text, Attachments: message.Attachments,
		AskedProvider: req.Provider, AskedModel: req.Model, Options: old.Options, ReplacesRunID: old.Id,
	}
	session, r, err := e.again(ctx, old, m)
	if err != nil {
		return nil, err
	}
	rev, err := e.store.RevBefore(ctx, r)
	return &apiv1.RetryResponse{Session: session, Run: r, Rev: rev}, err
}

// Continue goes on from a run that ended before its answer did. The model is shown what it had said as its own words; a
// tool call of which nobody knows whether it took effect is told to it as such, never made again. It is idempotent as
// Send is.
func (e *Engine) Continue(ctx context.Context, req *apiv1.ContinueRequest) (*apiv1.ContinueResponse, error) {
	old, err := e.ended(ctx, req.RunId, "continued")
	if err != nil {
		return nil, err
	}
	switch {
	case old.StartedMs == 0:
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "run %s never began; retry it instead", old.Id)
	case old.State == apiv1.RunState_RUN_STATE_COMPLETED && old.FinishReason != providerv1.Done_REASON_LENGTH:
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the answer of run %s is complete; send a message to go on", old.Id)
	}
	m := store.Send{SessionID: old.SessionId, ClientRequestID: req.ClientRequestId, Options: old.Options, ContinuesRunID: old.Id}
	session, r, err := e.again(ctx, old, m)
	if err != nil {
		return nil, err
	}
	rev, err := e.store.RevBefore(ctx, r)
	return &apiv1.ContinueResponse{Session: session, Run: r, Rev: rev}, err
}

// again accepts a message that takes up an ended run, for the provider and model asked for, else the run's.
func (e *Engine) again(ctx context.Context, old *apiv1.Run, m store.Send) (*apiv1.Session, *apiv1.Run, error) {
	session, r, err := e.store.Sent(ctx, m)
	if !errors.Is(err, store.ErrNotFound) {
		return session, r, err
	}
	name, model := m.AskedProvider, m.AskedModel
	if name == "" {
		name = old.ProviderId
	}
	p, err := e.store.Provider(ctx, name)
	switch {
	case errors.Is(err, store.ErrNotFound) && m.AskedProvider != "":
		_, err = e.chooseProvider(ctx, name, nil)
		return nil, nil, err
	case errors.Is(err, store.ErrNotFound):
		return nil, nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"the provider that run %s was sent to has been removed; retry it with another provider", old.Id)
	case err != nil:
		return nil, nil, err
	}
	if model == "" && p.Id == old.ProviderId {
		model = old.Model
	}
	m.ProviderID = p.Id
	if m.Model, err = e.ChooseModel(ctx, p, model, nil); err != nil {
		return nil, nil, err
	}
	if err := e.checkBackground(ctx, m.ProviderID, m.Model, m.Options); err != nil {
		return nil, nil, err
	}
	if session, r, _, err = e.store.Send(ctx, m); err != nil {
		return nil, nil, err
	}
	e.dispatch(session, r)
	return session, r, nil
}

// ended finds a run and refuses one that has not ended.
func (e *Engine) ended(ctx context.Context, runID, what string) (*apiv1.Run, error) {
	r, err := e.store.Run(ctx, runID)
	if err != nil {
		return nil, err
	}
	if !store.Final(r.State) {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "run %s has not ended yet; it can be %s when it has, or cancelled now", r.Id, what)
	}
	return r, nil
}

// message is what set a run off.
func (e *Engine) message(ctx context.Context, r *apiv1.Run) (*apiv1.UserMessage, error) {
	page, err := e.store.ListEntries(ctx, &apiv1.ListEntriesRequest{SessionId: r.SessionId, BeforeSeq: r.UserSeq + 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	for _, entry := range page.Entries {
		if m := entry.GetUser(); m != nil && entry.Seq == r.UserSeq {
			return m, nil
		}
	}
	return nil, fmt.Errorf("%w: the message of run %s is gone", store.ErrNotFound, r.Id)
}
