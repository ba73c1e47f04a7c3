package provider

import (
	"context"
	"log/slog"
	"sync"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/host/plugin"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Book is where the connections are written down, and what models they have.
type Book interface {
	Providers(ctx context.Context) ([]*apiv1.Provider, error)
	// DefaultProvider gives nil where there is none.
	DefaultProvider(ctx context.Context) (*apiv1.Provider, error)
	AddProvider(ctx context.Context, p *apiv1.Provider) (*apiv1.Provider, error)
	// UpdateProvider lets change set fields; if it fails, nothing happens.
	UpdateProvider(ctx context.Context, id string, change func(*apiv1.Provider) error) (*apiv1.Provider, error)
	RemoveProvider(ctx context.Context, id string) error
	Models(ctx context.Context, providerID string) ([]*apiv1.Model, error)
	SyncModels(ctx context.Context, providerID string, models []*providerv1.Model) error
}

// Config is what a Manager works with.
type Config struct {
	// They carry out what connections are asked for.
	Plugins *plugin.Manager
	// nil: nothing is configured, and nothing can be.
	Book   Book
	Logger *slog.Logger
	// Where addresses kept in the environment are read: os.Getenv.
	Getenv func(string) string
}

// Manager makes calls over the connections that are configured, and changes them.
type Manager struct {
	plugins *plugin.Manager
	keys    *keys.Ring
	book    Book
	log     *slog.Logger
	getenv  func(string) string

	// Held while what is configured changes: it takes several steps.
	changing sync.Mutex
}

// New makes a Manager. Nothing is started.
func New(c Config) *Manager {
	return &Manager{
		plugins: c.Plugins, keys: keys.New(keys.Config{Getenv: c.Getenv, Logger: c.Logger}),
		book: c.Book, log: c.Logger, getenv: c.Getenv,
	}
}

// Close forgets the keys that are held. The plugins go on.
func (m *Manager) Close() { m.keys.Close() }

// owner tells the key ring whose key it is about.
func (m *Manager) owner(p *apiv1.Provider, d *providerv1.DescribeResponse) (keys.Owner, error) {
	o := keys.Owner{Provider: p, Plugin: d}
	base, err := egress.BaseURL(p.BaseUrl, d, m.getenv)
	if err != nil || base == "" {
		return o, err
	}
	if o.Origin, err = egress.OriginOf(base); err != nil {
		return o, invalid("the base URL %q can't be used: %w", base, err).Blaming("base_url")
	}
	if standard := d.GetDefaultBaseUrl(); standard != "" {
		// One that is no address is never where a key goes.
		o.Standard, _ = egress.OriginOf(standard)
	}
	return o, nil
}

// ownerOf is owner for a provider whose plugin has yet to say what it is. A plugin that can't is no obstacle where its
// address is known without it.
func (m *Manager) ownerOf(ctx context.Context, p *apiv1.Provider) (keys.Owner, error) {
	d, err := m.plugins.Describe(ctx, p.Plugin)
	if err != nil && p.BaseUrl == "" {
		return keys.Owner{}, err
	}
	return m.owner(p, d.DescribeResponse)
}
