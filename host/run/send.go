package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Send accepts a message; when it returns, the message is on disk and on its way. Provider and model are settled here:
// those named, else the session's, else the defaults. place, if not nil, settles where the message is worked on; session is
// nil for a new one.
func (e *Engine) Send(ctx context.Context, req *apiv1.SendRequest, place func(session *apiv1.Session, m *store.Send) error) (*apiv1.SendResponse, error) {
	if strings.TrimSpace(req.Text) == "" && len(req.Attachments) == 0 {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the message is empty; write something or attach a file")
	}
	var session *apiv1.Session
	if req.SessionId != "" {
		s, err := e.store.Session(ctx, req.SessionId)
		if err != nil {
			return nil, err
		}
		session = s
	}
	m := store.Send{
		SessionID:       session.GetId(),
		ClientRequestID: req.ClientRequestId,
		Text:            req.Text,
		Attachments:     req.Attachments,
		AskedProvider:   req.Provider,
		AskedModel:      req.Model,
		Options:         req.Options,
		SystemPrompt:    req.SystemPrompt,
		ReplacesRunID:   req.ReplacesRunId,
		AskedWorkspace:  req.Workspace,
		AccessMode:      req.AccessMode,
		Start:           true,
	}
	err := e.choose(ctx, &m, session)
	if err == nil && place != nil {
		err = place(session, &m)
	}
	if err != nil {
		// A message sent before needs no choices: its provider may be gone by now.
		s, r, sentErr := e.store.Sent(ctx, m)
		if errors.Is(sentErr, store.ErrNotFound) {
			return nil, err
		}
		if sentErr != nil {
			return nil, sentErr
		}
		rev, err := e.store.RevBefore(ctx, r)
		return &apiv1.SendResponse{Session: s, Run: r, Rev: rev}, err
	}
	s, r, _, err := e.store.Send(ctx, m)
	if err != nil {
		return nil, err
	}
	e.dispatch(s, r)
	rev, err := e.store.RevBefore(ctx, r)
	return &apiv1.SendResponse{Session: s, Run: r, Rev: rev}, err
}

// choose fills in the provider and model that a message goes to.
func (e *Engine) choose(ctx context.Context, m *store.Send, session *apiv1.Session) error {
	p, err := e.chooseProvider(ctx, m.AskedProvider, session)
	if err != nil {
		return err
	}
	m.ProviderID = p.Id
	if m.Model, err = e.ChooseModel(ctx, p, m.AskedModel, session); err != nil {
		return err
	}
	return e.checkBackground(ctx, p.Id, m.Model, m.Options)
}

func (e *Engine) chooseProvider(ctx context.Context, name string, session *apiv1.Session) (*apiv1.Provider, error) {
	if name == "" {
		name = session.GetProviderId()
	}
	if name == "" {
		p, err := e.store.DefaultProvider(ctx)
		if err != nil {
			return nil, err
		}
		if p == nil {
			return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
				"no provider is configured; add one with `openvibez provider add` or in the window under Providers")
		}
		return p, nil
	}
	p, err := e.store.Provider(ctx, name)
	if !errors.Is(err, store.ErrNotFound) {
		return p, err
	}
	all, listErr := e.store.Providers(ctx)
	if listErr != nil {
		return nil, listErr
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return nil, fmt.Errorf("%w: no provider is called %q; there is %s", store.ErrNotFound, name, list(names))
}

// ChooseModel finds the model of p that is called name, or the one that session, which may be nil, or p takes by default.
// It asks the provider once if the list lacks it; where that can't be asked, name is taken as it is.
func (e *Engine) ChooseModel(ctx context.Context, p *apiv1.Provider, name string, session *apiv1.Session) (string, error) {
	if name == "" && session.GetProviderId() == p.Id {
		name = session.GetModel()
	}
	if name == "" {
		name = p.AnsweringModel
	}
	known, err := e.store.Models(ctx, p.Id)
	if err != nil {
		return "", err
	}
	if id, ok := match(known, name); ok {
		return id, nil
	}
	if known, err = e.providers.Sync(ctx, p); err != nil {
		if name != "" {
			// It can't be checked now; the provider will say so itself if it does not know it.
			return name, nil
		}
		return "", fmt.Errorf("choose a model of %s: %w", p.Name, err)
	}
	if name == "" {
		if p, err = e.store.Provider(ctx, p.Id); err != nil {
			return "", err
		}
		name = p.AnsweringModel
	}
	if id, ok := match(known, name); ok {
		return id, nil
	}
	var ids []string
	for _, m := range known {
		if !m.Vanished {
			ids = append(ids, m.Model.Id)
		}
	}
	if len(ids) == 0 {
		return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "%s offers no models yet; add one there, then try again", p.Name)
	}
	return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "%s has no model called %q; it offers %s", p.Name, name, list(ids))
}

// match finds the model called name. A name without a tag means the tag "latest".
func match(known []*apiv1.Model, name string) (string, bool) {
	for _, m := range known {
		if !m.Vanished && (m.Model.Id == name || m.Model.Id == name+":latest") {
			return m.Model.Id, true
		}
	}
	return "", false
}

func list(names []string) string {
	const most = 8
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
