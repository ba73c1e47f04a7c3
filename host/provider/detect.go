package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// probeTime is how long a server on this machine may take to say that it is there.
const probeTime = 500 * time.Millisecond

// Detect looks for what could answer and is not configured: a running Ollama, keys in the environment that no provider uses.
func (m *Manager) Detect(ctx context.Context) []*apiv1.Hint {
	var providers []*apiv1.Provider
	if m.store != nil {
		var err error
		if providers, err = m.store.Providers(ctx); err != nil {
			m.log.Warn("can't tell what is configured", "error", err)
			return nil
		}
	}
	installed := m.Plugins(ctx)
	var found []*apiv1.Hint
	if f, ok := m.detectOllama(ctx, installed, providers); ok {
		found = append(found, f)
	}
	return append(found, m.detectKeys(installed, providers)...)
}

func (m *Manager) detectOllama(ctx context.Context, installed []*apiv1.Plugin, providers []*apiv1.Provider) (*apiv1.Hint, bool) {
	d := &providerv1.DescribeResponse{Id: "ollama", DefaultBaseUrl: "http://127.0.0.1:11434", BaseUrlEnv: "OLLAMA_HOST"}
	plugin := ""
	for _, p := range installed {
		if p.Id == d.Id {
			plugin = p.Id
			if p.Description != nil {
				d = p.Description
			}
		}
	}
	base, err := baseURL("", d, m.getenv)
	if err != nil {
		m.log.Warn("can't tell where Ollama is", "error", err)
		return nil, false
	}
	for _, p := range providers {
		if p.Plugin != "ollama" {
			continue
		}
		if at, err := baseURL(p.BaseUrl, d, m.getenv); err == nil && at == base {
			return nil, false
		}
	}
	version, ok := m.ollamaVersion(ctx, base)
	if !ok {
		return nil, false
	}
	return &apiv1.Hint{Kind: apiv1.Hint_KIND_SERVER, Plugin: plugin, Name: "Ollama", Version: version, BaseUrl: base}, true
}

func (m *Manager) ollamaVersion(ctx context.Context, base string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/version", nil)
	if err != nil {
		return "", false
	}
	res, err := m.routes.anywhere.RoundTrip(req)
	if err != nil {
		return "", false
	}
	defer func() { _ = res.Body.Close() }()
	var body struct{ Version string }
	ok := res.StatusCode == http.StatusOK && json.NewDecoder(http.MaxBytesReader(nil, res.Body, 4<<10)).Decode(&body) == nil
	return shorten(body.Version, 40), ok && body.Version != ""
}

func (m *Manager) detectKeys(installed []*apiv1.Plugin, providers []*apiv1.Provider) []*apiv1.Hint {
	var found []*apiv1.Hint
	named := map[string]bool{}
	used := map[string]bool{}
	for _, p := range providers {
		used[p.KeySource] = true
	}
	for _, p := range installed {
		env := p.Description.GetKey().GetEnv()
		if env == "" {
			continue
		}
		named[env] = true
		if m.getenv(env) == "" || used["env:"+env] {
			continue
		}
		name := orElse(p.Description.Name, p.Id)
		found = append(found, &apiv1.Hint{Kind: apiv1.Hint_KIND_KEY, Plugin: p.Id, Name: name, Env: env})
	}
	for _, known := range []struct{ env, name string }{{"OPENAI_API_KEY", "OpenAI"}, {"ANTHROPIC_API_KEY", "Anthropic"}} {
		if m.getenv(known.env) == "" || named[known.env] || used["env:"+known.env] {
			continue
		}
		found = append(found, &apiv1.Hint{Kind: apiv1.Hint_KIND_KEY, Name: known.name, Env: known.env})
	}
	return found
}
