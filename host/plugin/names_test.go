package plugin

import (
	"bytes"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/sdk"
)

func TestNobodyElseTakesOurNames(t *testing.T) {
	m := installing(t, "scripted")
	_, key := signingKey(t)
	for _, name := range []string{"OpenAI", "Open AI", "0penAI", "\u041e\u0440enAI", "OPENAI!", "OpenVibez", "Ollama", "C1aude", "Scripted", "Ａnthropic", "Codéx"} {
		content := hollow(t, "1.0.0", key, func(m *sdk.Manifest) { m.Name = name })
		if _, _, err := m.Inspect(bytes.NewReader(content), "/tmp/acme.ovp"); err == nil || !strings.Contains(err.Error(), "only a plugin that comes with OpenVibez may") {
			t.Errorf("the name %q gave %v", name, err)
		}
	}
	for _, name := range []string{"Acme", "Acme for OpenAI", "Opener", "Clod"} {
		content := hollow(t, "1.0.0", key, func(m *sdk.Manifest) { m.Name = name })
		if _, _, err := m.Inspect(bytes.NewReader(content), "/tmp/acme.ovp"); err != nil {
			t.Errorf("the name %q gave %v", name, err)
		}
	}
	facts, _, err := m.Inspect(bytes.NewReader(hollow(t, "1.0.0", key, func(m *sdk.Manifest) {
		m.Key = &sdk.ManifestKey{Header: "Authorization", Env: "ACME_KEY"}
	})), "/tmp/acme.ovp")
	if err != nil || !contains(facts.Abilities, "the environment variable ACME_KEY holds") {
		t.Errorf("the variable is not shown: %v, %v", facts, err)
	}
}
