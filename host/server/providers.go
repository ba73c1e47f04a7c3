package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func (a *api) ListPlugins(ctx context.Context, _ *apiv1.ListPluginsRequest) (*apiv1.ListPluginsResponse, error) {
	rev := a.Store.Rev()
	all := a.Providers.Plugins(ctx)
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
	if req.KeySource != "" && req.Key == "" {
		if err := a.pageKey(ctx, req.Plugin, req.BaseUrl, req.KeySource); err != nil {
			return nil, err
		}
	}
	p, err := a.addProvider(ctx, req)
	if err != nil {
		return nil, err
	}
	return &apiv1.AddProviderResponse{Provider: p}, nil
}

// AddProvider configures a provider as a person on the command line may.
func (s *Server) AddProvider(ctx context.Context, req *apiv1.AddProviderRequest) (*apiv1.Provider, error) {
	return (&api{Server: s}).addProvider(ctx, req)
}

func (a *api) addProvider(ctx context.Context, req *apiv1.AddProviderRequest) (*apiv1.Provider, error) {
	p := &apiv1.Provider{Plugin: req.Plugin, Name: strings.TrimSpace(req.Name), SettingsJson: req.SettingsJson, KeySource: req.KeySource}
	d, err := a.describe(ctx, req.Plugin)
	if err != nil {
		return nil, err
	}
	p.Canned = d.Canned
	if err := checkProvider(p); err != nil {
		return nil, err
	}
	if p.BaseUrl, err = checkBaseURL(req.BaseUrl); err != nil {
		return nil, err
	}
	if err := checkKey(req.KeySource, "", req.Key != ""); err != nil {
		return nil, blaming("key", err)
	}
	if err := a.Providers.CheckSettings(ctx, req.Plugin, req.SettingsJson); err != nil {
		return nil, err
	}
	named := p.Name != ""
	if !named {
		p.Name = d.Name
	}
	// The first becomes the default; a demonstration gives way to the first that is found to work.
	standard, err := a.Store.DefaultProvider(ctx)
	if err != nil {
		return nil, err
	}
	p.IsDefault = standard == nil
	// The keychain first: a provider whose key was not taken is not added at all.
	p.Id = strings.ToLower(rand.Text()[:16])
	if err := a.mayConnect(ctx, p, req.Key != ""); err != nil {
		return nil, err
	}
	if req.Key != "" {
		p.KeySource = provider.SourceKeychain
	}
	undo, err := a.keep(ctx, p, "", req.Key)
	if err != nil {
		return nil, err
	}
	defer a.forgetHints()
	for n := 2; ; n++ {
		added, err := a.Store.AddProvider(ctx, p)
		if err == nil {
			return added, nil
		}
		if named || !errors.Is(err, store.ErrDuplicateName) {
			undo()
			return nil, err
		}
		p.Name = fmt.Sprintf("%s %d", d.Name, n)
	}
}

// keep puts a provider's key, unless it is "", and the secrets in its settings into the keychain. before are its settings
// until now.
func (a *api) keep(ctx context.Context, p *apiv1.Provider, before, key string) (undo func(), err error) {
	settings, undoSettings, err := a.Providers.SaveSecrets(ctx, p, before)
	if err != nil {
		return nil, err
	}
	p.SettingsJson = settings
	if key == "" {
		return undoSettings, nil
	}
	undoKey, err := a.Providers.SaveKey(ctx, p, key)
	if err != nil {
		undoSettings()
		return nil, err
	}
	return func() { undoKey(); undoSettings() }, nil
}

// describe says what a plugin is; for one that is not there, which ones are.
func (a *api) describe(ctx context.Context, plugin string) (*providerv1.DescribeResponse, error) {
	d, err := a.Providers.Describe(ctx, plugin)
	if err == nil {
		return d, nil
	}
	all := a.Providers.Plugins(ctx)
	ids := make([]string, len(all))
	for i, p := range all {
		if p.Id == plugin {
			return nil, err
		}
		ids[i] = p.Id
	}
	if len(ids) == 0 {
		return nil, refuse(connect.CodeNotFound, "no plugin is installed: the programs openvibez-provider-NAME belong beside openvibez")
	}
	return nil, refuse(connect.CodeNotFound, "there is no plugin %.40q; there is %s", plugin, strings.Join(ids, ", "))
}

func checkProvider(p *apiv1.Provider) error {
	if err := checkName("provider's name", p.Name); err != nil {
		return blaming("name", err)
	}
	if err := checkObject("settings", p.SettingsJson); err != nil {
		return err
	}
	return blaming("key", checkKeySource(p.KeySource))
}

func checkBaseURL(raw string) (string, error) {
	if strings.TrimSpace(raw) == "" {
		return "", nil
	}
	return provider.CheckBaseURL(raw)
}

// pageKey holds the page to keys that are meant for the place they would go to: a page that was taken over shall not be
// able to send any of the person's secrets anywhere.
func (a *api) pageKey(ctx context.Context, plugin, baseURL, source string) error {
	if !a.fromPage {
		return nil
	}
	d, err := a.describe(ctx, plugin)
	if err != nil {
		return err
	}
	if usual := d.GetKey().GetEnv(); baseURL == "" && usual != "" && source == "env:"+usual {
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
	baseURL, err := checkBaseURL(req.GetBaseUrl())
	if err != nil {
		return nil, err
	}
	moved := req.BaseUrl != nil && baseURL != p.BaseUrl
	if req.Key != nil && *req.Key == "" {
		return nil, blaming("key", refuse(connect.CodeInvalidArgument, "the key is empty: log out to remove a key"))
	}
	if req.Key == nil && req.GetKeySource() != "" && (moved || req.GetKeySource() != p.KeySource) {
		target := p.BaseUrl
		if req.BaseUrl != nil {
			target = baseURL
		}
		if err := a.pageKey(ctx, p.Plugin, target, req.GetKeySource()); err != nil {
			return nil, err
		}
	}
	if err := checkKey(req.GetKeySource(), p.KeySource, req.Key != nil); err != nil {
		return nil, blaming("key", err)
	}
	if name := req.GetDefaultModel(); name != "" && name != p.DefaultModel && !moved {
		model, err := a.Runs.ChooseModel(ctx, p, name, nil)
		if err != nil {
			return nil, err
		}
		req.DefaultModel = &model
	}
	change := func(p *apiv1.Provider) error {
		a.change(p, req, baseURL)
		return checkProvider(p)
	}
	next := proto.CloneOf(p)
	if err := change(next); err != nil {
		return nil, err
	}
	if req.SettingsJson != nil {
		if err := a.Providers.CheckSettings(ctx, p.Plugin, next.SettingsJson); err != nil {
			return nil, err
		}
	}
	if err := a.mayConnectAnew(ctx, p, next, req.Key != nil); err != nil {
		return nil, err
	}
	undo := func() {}
	if req.SettingsJson != nil || req.Key != nil {
		if undo, err = a.keep(ctx, next, p.SettingsJson, req.GetKey()); err != nil {
			return nil, err
		}
	}
	if req.SettingsJson != nil {
		// From here on the secrets are in the keychain only.
		req.SettingsJson = &next.SettingsJson
	}
	defer a.forgetHints()
	before := p
	if p, err = a.Store.UpdateProvider(ctx, p.Id, change); err != nil {
		undo()
		return nil, err
	}
	moved = !a.Providers.SameOrigin(ctx, before, p)
	left := p.SettingsJson
	if moved {
		left = ""
	}
	if err := a.Providers.ForgetSecrets(context.WithoutCancel(ctx), before, left); err != nil {
		a.Logger.Warn("remove a secret setting that is not used any more", "provider", p.Id, "error", err)
	}
	if p.KeySource != provider.SourceKeychain || moved {
		// The key that it had is of no use any more. It is not worth failing for.
		if err := a.Providers.ForgetKey(context.WithoutCancel(ctx), before); err != nil {
			a.Logger.Warn("remove a key that is not used any more", "provider", p.Id, "error", err)
		}
	}
	return &apiv1.UpdateProviderResponse{Provider: p}, nil
}

// change makes a provider what a request wants it to be.
func (a *api) change(p *apiv1.Provider, req *apiv1.UpdateProviderRequest, baseURL string) {
	if req.Name != nil {
		p.Name = strings.TrimSpace(*req.Name)
	}
	if req.BaseUrl != nil {
		if a.fromPage && baseURL != p.BaseUrl {
			// The key was meant for the other address.
			p.KeySource = ""
		}
		p.BaseUrl = baseURL
	}
	if req.SettingsJson != nil {
		p.SettingsJson = *req.SettingsJson
	}
	if req.DefaultModel != nil {
		p.DefaultModel = *req.DefaultModel
	}
	if req.KeySource != nil {
		p.KeySource = *req.KeySource
	}
	if req.Key != nil {
		p.KeySource = provider.SourceKeychain
	}
	if req.GetIsDefault() {
		p.IsDefault = true
	}
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
	res := &apiv1.RemoveProviderResponse{}
	if err := cmp.Or(a.Providers.ForgetKey(ctx, p), a.Providers.ForgetSecrets(ctx, p, "")); err != nil {
		res.Warning = fmt.Sprintf("the key of %s is still in the keychain, under %s and %q: %s", p.Name, "OpenVibez", p.Id, sdk.FromStatus(err).Message)
	}
	if err := a.Store.RemoveProvider(ctx, p.Id); err != nil {
		return nil, err
	}
	return res, nil
}

func (a *api) TestProvider(ctx context.Context, req *apiv1.TestProviderRequest) (*apiv1.TestProviderResponse, error) {
	p, err := a.provider(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	return a.testProvider(ctx, p)
}

// TestProvider checks a provider's connection and, if it works, syncs its models.
func (s *Server) TestProvider(ctx context.Context, p *apiv1.Provider) (*apiv1.TestProviderResponse, error) {
	return (&api{Server: s}).testProvider(ctx, p)
}

func (a *api) testProvider(ctx context.Context, p *apiv1.Provider) (*apiv1.TestProviderResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	summary, err := a.Providers.Check(ctx, p)
	var models []*providerv1.Model
	if err == nil {
		models, err = a.Providers.ListModels(ctx, p)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, context.Cause(ctx)
	}
	var problem *providerv1.Error
	if err != nil {
		summary = ""
		var typed *sdk.Error
		if !errors.As(err, &typed) {
			typed = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "%w", err)
		}
		problem = typed.Proto
	} else if err := a.Store.SyncModels(ctx, p.Id, models); err != nil {
		return nil, err
	}
	standard, err := a.Store.DefaultProvider(ctx)
	if err != nil {
		return nil, err
	}
	p, err = a.Store.UpdateProvider(ctx, p.Id, func(p *apiv1.Provider) error {
		p.Error, p.CheckedMs = problem, time.Now().UnixMilli()
		p.IsDefault = p.IsDefault || standard.GetCanned() && !p.Canned && problem == nil && len(models) > 0
		return nil
	})
	if err != nil {
		return nil, err
	}
	known, err := a.Store.Models(ctx, p.Id)
	if err != nil {
		return nil, err
	}
	return &apiv1.TestProviderResponse{Provider: p, Summary: summary, Models: known}, nil
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
