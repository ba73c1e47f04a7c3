package provider

import (
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func TestWhatADescriptionSays(t *testing.T) {
	m := newManager(t, nil, "scripted")
	for text, want := range map[string]int64{"": 0, `{"window": 4096}`: 4096, `{"num_ctx": 9}`: 0, `{"window": "x"}`: 0, `{"window": -1}`: 0} {
		if got := m.ContextTokens(t.Context(), &apiv1.Provider{Plugin: "scripted", SettingsJson: text}); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	for name, want := range map[string]string{"heat": "temperature", "Temperature": "temperature", "messages": "", "": ""} {
		if got := m.Option(t.Context(), &apiv1.Provider{Plugin: "scripted"}, name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
