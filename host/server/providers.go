package server

import (
	"context"
	"errors"
	"strings"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

func (a *api) ListPlugins(ctx context.Context, _ *apiv1.ListPluginsRequest) (*apiv1.ListPluginsResponse, error) {
	rev := a.Store.Rev()
	all := a.Plugins.Plugins(ctx)
	for _, p := range all {
		p.Rev = rev
	}
	return &apiv1.ListPluginsResponse{Plugins: all}, nil
}

func (a *api) ListProviders(ctx context.Context, _ *apiv1.ListProvidersRequest) (*apiv1.ListProvidersResponse, error) {
	rev := a.Store.Rev()
	all, err := a.Store.Providers(ctx)
	if err != nil {
		return nil, err
	}
	return &apiv1.ListProvidersResponse{Providers: all, Rev: rev}, nil
}

func (a *api) AddProvider(ctx context.Context, req *apiv1.AddProviderRequest) (*apiv1.AddProviderResponse, error) {
	if err := checkConnection(req.Name, req.SettingsJson); err != nil {
		return nil, err
	}
	if req.KeySource != "" && req.Key == "" {
		if err := a.pageKey(ctx, req.Plugin, req.BaseUrl, req.KeySource); err != nil {
			return nil, err
		}
	}
	defer a.forgetHints()
	p, err := a.Providers.Add(ctx, req, func(p *apiv1.Provider) error { return a.mayConnect(ctx, p, req.Key != "") })
	if err != nil {
		return nil, err
	}
	return &apiv1.AddProviderResponse{Provider: p}, nil
}

// checkConnection bounds what people write of a connection.
func checkConnection(name, settings string) error {
	if err := checkName("provider's name", name); err != nil {
		return blaming("name", err)
	}
	return checkObject("settings", settings)
}

// pageKey holds the page to keys that are meant for the place they would go to: a page that was taken over shall not be
// able to send any of the person's secrets anywhere.
func (a *api) pageKey(ctx context.Context, plugin, baseURL, source string) error {
	if !a.fromPage {
		return nil
	}
	if a.Providers.UsualKey(ctx, plugin, baseURL, source) {
		return nil
	}
	return blaming("key", a.socketOnly("bind this key to this address", "use `openvibez provider add "+plugin+" --url URL --key-env NAME` in a terminal"))
}

func (a *api) UpdateProvider(ctx context.Context, req *apiv1.UpdateProviderRequest) (*apiv1.UpdateProviderResponse, error) {
	p, err := a.provider(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	if req.IsDefault != nil && !*req.IsDefault {
		return nil, refuse(connect.CodeInvalidArgument, "one provider is always the default: make another one the default instead")
	}
	if req.Name != nil && strings.TrimSpace(*req.Name) == "" {
		return nil, blaming("name", refuse(connect.CodeInvalidArgument, "the name is empty: give the provider a name"))
	}
	if err := checkConnection(req.GetName(), req.GetSettingsJson()); err != nil {
		return nil, err
	}
	moved := req.BaseUrl != nil && strings.TrimSpace(*req.BaseUrl) != p.BaseUrl
	if req.Key == nil && req.GetKeySource() != "" && (moved || req.GetKeySource() != p.KeySource) {
		target := p.BaseUrl
		if req.BaseUrl != nil {
			target = *req.BaseUrl
		}
		if err := a.pageKey(ctx, p.Plugin, target, req.GetKeySource()); err != nil {
			return nil, err
		}
	}
	if name := req.GetDefaultModel(); name != "" && name != p.DefaultModel && !moved {
		model, err := a.Runs.ChooseModel(ctx, p, name, nil)
		if err != nil {
			return nil, err
		}
		req.DefaultModel = &model
	}
	defer a.forgetHints()
	// A page that was taken over can't have a key sent elsewhere.
	p, err = a.Providers.Update(ctx, p, req, a.fromPage, func(next *apiv1.Provider) error {
		return a.mayConnectAnew(ctx, p, next, req.Key != nil)
	})
	if err != nil {
		return nil, err
	}
	return &apiv1.UpdateProviderResponse{Provider: p}, nil
}

func (a *api) provider(ctx context.Context, idOrName string) (*apiv1.Provider, error) {
	if idOrName == "" {
		return nil, refuse(connect.CodeInvalidArgument, "no provider is named")
	}
	p, err := a.Store.Provider(ctx, idOrName)
	if !errors.Is(err, store.ErrNotFound) {
		return p, err
	}
	all, listErr := a.Store.Providers(ctx)
	if listErr != nil {
		return nil, listErr
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	if len(names) == 0 {
		return nil, refuse(connect.CodeNotFound, "there is no provider %.40q, nor any other: add one with `openvibez provider add`", idOrName)
	}
	return nil, refuse(connect.CodeNotFound, "there is no provider %.40q; there is %s", idOrName, strings.Join(names, ", "))
}

func (a *api) RemoveProvider(ctx context.Context, req *apiv1.RemoveProviderRequest) (*apiv1.RemoveProviderResponse, error) {
	p, err := a.provider(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	defer a.forgetHints()
	warning, err := a.Providers.Remove(ctx, p)
	if err != nil {
		return nil, err
	}
	return &apiv1.RemoveProviderResponse{Warning: warning}, nil
}

func (a *api) TestProvider(ctx context.Context, req *apiv1.TestProviderRequest) (*apiv1.TestProviderResponse, error) {
	p, err := a.provider(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	t, err := a.Providers.Test(ctx, p)
	if err != nil {
		return nil, err
	}
	return &apiv1.TestProviderResponse{Provider: t.Provider, Summary: t.Summary, Models: t.Models}, nil
}

func (a *api) ListModels(ctx context.Context, req *apiv1.ListModelsRequest) (*apiv1.ListModelsResponse, error) {
	res := &apiv1.ListModelsResponse{Rev: a.Store.Rev()}
	id := ""
	if req.ProviderId != "" {
		p, err := a.provider(ctx, req.ProviderId)
		if err != nil {
			return nil, err
		}
		id = p.Id
	}
	var err error
	res.Models, err = a.Store.Models(ctx, id)
	return res, err
}
