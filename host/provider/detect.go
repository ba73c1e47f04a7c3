package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/keys"
)

// probeTime is how long a server on this machine may take to say that it is there.
const probeTime = 500 * time.Millisecond

// Detect looks for what the plugins that came with the host know to be on people's machines, servers and keys in the
// environment, and no connection uses yet.
func (m *Manager) Detect(ctx context.Context) []*apiv1.Hint {
	var configured []*apiv1.Provider
	if m.book != nil {
		var err error
		if configured, err = m.book.Providers(ctx); err != nil {
			m.log.Warn("can't tell what is configured", "error", err)
			return nil
		}
	}
	var servers, keysFound []*apiv1.Hint
	for _, p := range m.plugins.Plugins(ctx) {
		if p.Tier != apiv1.Tier_TIER_BUILT_IN || p.Description == nil || p.Off {
			continue
		}
		if f, ok := m.detectServer(ctx, p, configured); ok {
			servers = append(servers, f)
		}
		if f, ok := m.detectKey(p, configured); ok {
			keysFound = append(keysFound, f)
		}
	}
	return append(servers, keysFound...)
}

// detectServer looks whether a plugin's server runs where it would be asked.
func (m *Manager) detectServer(ctx context.Context, p *apiv1.Plugin, configured []*apiv1.Provider) (*apiv1.Hint, bool) {
	d := p.Description
	if d.ProbePath == "" {
		return nil, false
	}
	base, err := egress.BaseURL("", d, m.getenv)
	if err != nil {
		m.log.Warn("can't tell where a server is", "plugin", p.Id, "error", err)
		return nil, false
	}
	if slices.ContainsFunc(configured, func(c *apiv1.Provider) bool {
		at, err := egress.BaseURL(c.BaseUrl, d, m.getenv)
		return c.Plugin == p.Id && err == nil && at == base
	}) {
		return nil, false
	}
	version, ok := m.probe(ctx, base+d.ProbePath)
	if !ok {
		return nil, false
	}
	return &apiv1.Hint{Kind: apiv1.Hint_KIND_SERVER, Plugin: p.Id, Name: cmp.Or(d.Name, p.Id), Version: version, BaseUrl: base}, true
}

// probe asks a server for its version.
func (m *Manager) probe(ctx context.Context, at string) (version string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", false
	}
	res, err := m.plugins.Direct().RoundTrip(req)
	if err != nil {
		return "", false
	}
	defer func() { _ = res.Body.Close() }()
	var body struct{ Version string }
	ok = res.StatusCode == http.StatusOK && json.NewDecoder(http.MaxBytesReader(nil, res.Body, 4<<10)).Decode(&body) == nil
	return fmt.Sprintf("%.40s", body.Version), ok && body.Version != ""
}

// detectKey looks whether a plugin's key is in the environment.
func (m *Manager) detectKey(p *apiv1.Plugin, configured []*apiv1.Provider) (*apiv1.Hint, bool) {
	env := p.Description.GetKey().GetEnv()
	source := keys.SourceEnv + env
	if env == "" || m.getenv(env) == "" || slices.ContainsFunc(configured, func(c *apiv1.Provider) bool { return c.KeySource == source }) {
		return nil, false
	}
	return &apiv1.Hint{Kind: apiv1.Hint_KIND_KEY, Plugin: p.Id, Name: cmp.Or(p.Description.Name, p.Id), Env: env}, true
}
