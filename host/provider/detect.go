package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// probeTime is how long a server on this machine may take to say that it is there.
const probeTime = 500 * time.Millisecond

// Found is something on this machine that could answer and is not configured yet.
type Found struct {
	// The plugin to use; "" where none that can is installed.
	Plugin string
	// What people call it.
	Name string
	// Where it answered. A provider without a base URL follows the environment and gets there too.
	BaseURL string
	// Where its key is, as a provider's key source.
	KeySource string
	// What was found, for people.
	Words string
}

// Detect looks for a running Ollama and for keys in the environment that no provider uses yet.
func (m *Manager) Detect(ctx context.Context) []Found {
	var providers []*apiv1.Provider
	if m.store != nil {
		var err error
		if providers, err = m.store.Providers(ctx); err != nil {
			m.log.Warn("can't tell what is configured", "error", err)
			return nil
		}
	}
	installed := m.Plugins(ctx)
	var found []Found
	if f, ok := m.detectOllama(ctx, installed, providers); ok {
		found = append(found, f)
	}
	return append(found, m.detectKeys(installed, providers)...)
}

func (m *Manager) detectOllama(ctx context.Context, installed []*apiv1.Plugin, providers []*apiv1.Provider) (Found, bool) {
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
		return Found{}, false
	}
	for _, p := range providers {
		if p.Plugin != "ollama" {
			continue
		}
		if at, err := baseURL(p.BaseUrl, d, m.getenv); err == nil && at == base {
			return Found{}, false
		}
	}
	version, ok := m.ollamaVersion(ctx, base)
	if !ok {
		return Found{}, false
	}
	f := Found{Plugin: plugin, Name: "Ollama", BaseURL: base, Words: fmt.Sprintf("Ollama %s runs at %s", version, base)}
	if plugin == "" {
		f.Words += ", but its plugin is not installed"
	} else {
		f.Words += fmt.Sprintf("; `openvibez provider add %s` connects it", plugin)
	}
	return f, true
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

func (m *Manager) detectKeys(installed []*apiv1.Plugin, providers []*apiv1.Provider) []Found {
	var found []Found
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
		found = append(found, Found{Plugin: p.Id, Name: name, KeySource: "env:" + env, Words: fmt.Sprintf("%s is set; `openvibez provider add %s` connects %s with it", env, p.Id, name)})
	}
	for _, known := range []struct{ env, name string }{{"OPENAI_API_KEY", "OpenAI"}, {"ANTHROPIC_API_KEY", "Anthropic"}} {
		if m.getenv(known.env) == "" || named[known.env] || used["env:"+known.env] {
			continue
		}
		found = append(found, Found{
			Name: known.name, KeySource: "env:" + known.env,
			Words: fmt.Sprintf("%s is set, but no plugin for %s is installed", known.env, known.name),
		})
	}
	return found
}
