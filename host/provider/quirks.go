package provider

import (
	"context"
	"encoding/json"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// ContextTokens is how many tokens a person set the models of a connection to take; 0: nobody has.
func (m *Manager) ContextTokens(ctx context.Context, p *apiv1.Provider) int64 {
	if p.GetSettingsJson() == "" {
		return 0
	}
	d, err := m.plugins.Describe(ctx, p.Plugin)
	if err != nil || d.ContextSetting == "" {
		return 0
	}
	set := map[string]json.RawMessage{}
	var tokens int64
	if json.Unmarshal([]byte(p.SettingsJson), &set) != nil || json.Unmarshal(set[d.ContextSetting], &tokens) != nil {
		return 0
	}
	return max(tokens, 0)
}

// Option gives our name of the option that a provider refuses by a name of its own; "" if it is none of ours.
func (m *Manager) Option(ctx context.Context, p *apiv1.Provider, parameter string) string {
	name := strings.ToLower(parameter)
	if d, err := m.plugins.Describe(ctx, p.GetPlugin()); err == nil && d.OptionNames[name] != "" {
		name = d.OptionNames[name]
	}
	fields := (&providerv1.Options{}).ProtoReflect().Descriptor().Fields()
	if fields.ByTextName(name) == nil {
		return ""
	}
	return name
}
