package provider

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// changeTime is how long a change of what is configured may take, once it has begun. Whoever asked for it may be gone by
// then: a keychain and a database that agree are worth more than an answer in time.
const changeTime = 2 * time.Minute

// ErrNoPlugin says that a plugin is not installed.
var ErrNoPlugin = errors.New("there is no plugin")

// begin keeps other changes out, and gives a context that outlives its caller.
func (m *Manager) begin(ctx context.Context) (_ context.Context, end func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	m.changing.Lock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTime)
	return ctx, func() {
		cancel()
		m.changing.Unlock()
	}, nil
}

// Add configures a connection. The first becomes the default. agree, if not nil, has the last word, once all that can be
// wrong with the request is known not to be.
func (m *Manager) Add(ctx context.Context, req *apiv1.AddProviderRequest, agree func(*apiv1.Provider) error) (*apiv1.Provider, error) {
	d, err := m.describe(ctx, req.Plugin)
	if err != nil {
		return nil, err
	}
	p := &apiv1.Provider{
		// The keychain knows it by its id before the store does.
		Id: strings.ToLower(rand.Text()[:16]), Plugin: req.Plugin, Name: strings.TrimSpace(req.Name),
		SettingsJson: req.SettingsJson, KeySource: req.KeySource, Canned: d.Canned,
	}
	if p.BaseUrl, err = egress.CheckBaseURL(req.BaseUrl); err != nil {
		return nil, err
	}
	if err := keys.CheckSource(req.KeySource, "", req.Key != ""); err != nil {
		return nil, err
	}
	if err := checkSettings(d, req.SettingsJson); err != nil {
		return nil, err
	}
	if agree != nil {
		if err := agree(p); err != nil {
			return nil, err
		}
	}
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if p.Name == "" {
		if p.Name, err = m.freeName(ctx, d.Name); err != nil {
			return nil, err
		}
	}
	standard, err := m.book.DefaultProvider(ctx)
	if err != nil {
		return nil, err
	}
	p.IsDefault = standard == nil
	if req.Key != "" {
		p.KeySource = keys.SourceKeychain
	}
	// The keychain first: a connection whose key was not taken is not added at all.
	undo, err := m.keep(ctx, p, d, "", req.Key)
	if err != nil {
		return nil, err
	}
	added, err := m.book.AddProvider(ctx, p)
	if err != nil {
		undo()
		return nil, err
	}
	return added, nil
}

// freeName gives a name that no connection has: "OpenAI 2".
func (m *Manager) freeName(ctx context.Context, name string) (string, error) {
	all, err := m.book.Providers(ctx)
	if err != nil {
		return "", err
	}
	free := name
	for n := 2; slices.ContainsFunc(all, func(p *apiv1.Provider) bool { return strings.EqualFold(p.Name, free) }); n++ {
		free = fmt.Sprintf("%s %d", name, n)
	}
	return free, nil
}

// describe says what a plugin is; for one that is not there, which ones are.
func (m *Manager) describe(ctx context.Context, id string) (*providerv1.DescribeResponse, error) {
	d, err := m.plugins.Describe(ctx, id)
	if err == nil {
		return d.DescribeResponse, nil
	}
	all := m.plugins.Known()
	ids := make([]string, len(all))
	for i, p := range all {
		if p.Id == id {
			return nil, err
		}
		ids[i] = p.Id
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: the programs openvibez-provider-NAME belong beside openvibez", ErrNoPlugin)
	}
	return nil, fmt.Errorf("%w %.40q; there is %s", ErrNoPlugin, id, strings.Join(ids, ", "))
}

// keep puts a connection's key, unless it is "", and the secrets in its settings into the keychain, and notes the origin
// that the key is for. before are its settings until now.
func (m *Manager) keep(ctx context.Context, p *apiv1.Provider, d *providerv1.DescribeResponse, before, key string) (undo func(), err error) {
	o, err := m.owner(p, d)
	if err != nil {
		return nil, err
	}
	p.KeyOrigin = boundTo(p, o)
	settings, undoSettings, err := m.keys.SaveSettings(ctx, o, before)
	if err != nil {
		return nil, err
	}
	p.SettingsJson = settings
	if key == "" {
		return undoSettings, nil
	}
	undoKey, err := m.keys.Save(ctx, o, key)
	if err != nil {
		undoSettings()
		return nil, err
	}
	return func() { undoKey(); undoSettings() }, nil
}

// boundTo is the origin that a key from a variable or a command is for; the keychain knows that of those it holds.
func boundTo(p *apiv1.Provider, o keys.Owner) string {
	if p.KeySource == "" || p.KeySource == keys.SourceKeychain {
		return ""
	}
	return o.Origin
}

// Update makes a connection what req wants it to be. A key that was meant for another address goes with it: the one in the
// keychain is removed, and with dropKey any other is not named any more either. agree is as for Add.
func (m *Manager) Update(
	ctx context.Context, p *apiv1.Provider, req *apiv1.UpdateProviderRequest, dropKey bool, agree func(next *apiv1.Provider) error,
) (*apiv1.Provider, error) {
	baseURL, err := egress.CheckBaseURL(req.GetBaseUrl())
	if err != nil {
		return nil, err
	}
	if req.Key != nil && *req.Key == "" {
		return nil, invalid("the key is empty: log out to remove a key").Blaming("key")
	}
	if err := keys.CheckSource(req.GetKeySource(), p.KeySource, req.Key != nil); err != nil {
		return nil, err
	}
	d, describeErr := m.plugins.Describe(ctx, p.Plugin)
	if describeErr == nil && req.SettingsJson != nil {
		describeErr = checkSettings(d.DescribeResponse, *req.SettingsJson)
	}
	if describeErr != nil && (req.SettingsJson != nil || req.Key != nil || req.KeySource != nil) {
		return nil, describeErr
	}
	change := func(p *apiv1.Provider) {
		if dropKey && req.BaseUrl != nil && baseURL != p.BaseUrl {
			p.KeySource, p.KeyOrigin = "", ""
		}
		apply(p, req, baseURL)
	}
	next := proto.CloneOf(p)
	change(next)
	if agree != nil {
		if err := agree(next); err != nil {
			return nil, err
		}
	}
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	undo := func() {}
	if req.SettingsJson != nil || req.Key != nil {
		if undo, err = m.keep(ctx, next, d.DescribeResponse, p.SettingsJson, req.GetKey()); err != nil {
			return nil, err
		}
	}
	// Said anew, a key is for where it goes now. A page may not say so of one that it only names.
	if req.Key != nil || req.KeySource != nil && (!dropKey || next.KeySource != p.KeySource) {
		o, err := m.owner(next, d.DescribeResponse)
		if err != nil {
			undo()
			return nil, err
		}
		next.KeyOrigin = boundTo(next, o)
	} else {
		next.KeyOrigin = p.KeyOrigin
	}
	before := p
	after, err := m.book.UpdateProvider(ctx, p.Id, func(p *apiv1.Provider) error {
		if p.BaseUrl != before.BaseUrl || p.KeySource != before.KeySource {
			return invalid("%s was changed meanwhile: look at it again", p.Name)
		}
		change(p)
		if req.SettingsJson != nil {
			// From here on the secrets are in the keychain only.
			p.SettingsJson = next.SettingsJson
		}
		p.KeyOrigin = next.KeyOrigin
		if p.KeySource == "" {
			p.KeyOrigin = ""
		}
		return nil
	})
	if err != nil {
		undo()
		return nil, err
	}
	m.tidy(ctx, p, after, d.DescribeResponse)
	return after, nil
}

// tidy removes what the keychain holds for a connection as it was, and that is of no use as it is. It is not worth failing
// for.
func (m *Manager) tidy(ctx context.Context, before, after *apiv1.Provider, d *providerv1.DescribeResponse) {
	was, wasErr := m.owner(before, d)
	moved := !m.sameOrigin(before, after, d)
	left := after.SettingsJson
	if moved {
		left = ""
	}
	err := cmp.Or(wasErr, m.keys.ForgetSettings(ctx, was, left))
	if after.KeySource != keys.SourceKeychain || moved {
		err = cmp.Or(err, m.keys.Forget(ctx, was))
	}
	if err != nil {
		m.log.Warn("remove from the keychain what is not used any more", "provider", after.Id, "error", err)
	}
}

// SameOrigin tells whether two settings of one connection send its requests, and so its key, to the same origin.
func (m *Manager) SameOrigin(ctx context.Context, a, b *apiv1.Provider) bool {
	d, err := m.plugins.Describe(ctx, a.Plugin)
	return a.BaseUrl == b.BaseUrl || err == nil && m.sameOrigin(a, b, d.DescribeResponse)
}

func (m *Manager) sameOrigin(a, b *apiv1.Provider, d *providerv1.DescribeResponse) bool {
	at, atErr := m.owner(a, d)
	to, toErr := m.owner(b, d)
	return a.BaseUrl == b.BaseUrl || atErr == nil && toErr == nil && at.Origin != "" && at.Origin == to.Origin
}

// apply sets what a request names.
func apply(p *apiv1.Provider, req *apiv1.UpdateProviderRequest, baseURL string) {
	if req.Name != nil {
		p.Name = strings.TrimSpace(*req.Name)
	}
	if req.BaseUrl != nil {
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
		p.KeySource = keys.SourceKeychain
	}
	if req.GetIsDefault() {
		p.IsDefault = true
	}
}

// Remove forgets a connection and its key. warning says for people why the key is still in the keychain, "" if it is not.
func (m *Manager) Remove(ctx context.Context, p *apiv1.Provider) (warning string, err error) {
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	o, err := m.ownerOf(ctx, p)
	if err == nil {
		err = errors.Join(m.keys.Forget(ctx, o), m.keys.ForgetSettings(ctx, o, ""))
	}
	if err != nil && (p.KeySource == keys.SourceKeychain || strings.Contains(p.SettingsJson, keys.KeptSecret)) {
		warning = fmt.Sprintf("the key of %s is still in the keychain, under %s and %q: %s", p.Name, "OpenVibez", p.Id, sdk.FromStatus(err).Message)
	}
	return warning, m.book.RemoveProvider(ctx, p.Id)
}

// Logout has a connection forget its key. If the keychain does not let go of it, nothing happens.
func (m *Manager) Logout(ctx context.Context, p *apiv1.Provider) (*apiv1.Provider, error) {
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if p.KeySource == keys.SourceKeychain {
		o, err := m.ownerOf(ctx, p)
		if err != nil {
			return nil, err
		}
		if err := m.keys.Forget(ctx, o); err != nil {
			return nil, err
		}
	}
	m.keys.Drop(p)
	return m.book.UpdateProvider(ctx, p.Id, func(p *apiv1.Provider) error {
		p.KeySource, p.KeyOrigin = "", ""
		return nil
	})
}

// UsualKey tells whether a key from there is the one that its plugin asks for, at the address that it is meant for. Anything
// else is a secret of the person that only they may send away, by their own word.
func (m *Manager) UsualKey(ctx context.Context, pluginID, baseURL, source string) bool {
	d, err := m.plugins.Describe(ctx, pluginID)
	if err != nil || strings.TrimSpace(baseURL) != "" {
		return false
	}
	env := d.Key.GetEnv()
	return d.BuiltIn && env != "" && source == keys.SourceEnv+env
}
