package plugin

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/sandbox"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Where nothing can be confined, what came with the host runs and says so; the rest needs a yes, and gets no key then.
func TestPluginsThatCanNotBeConfined(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "key: "+r.Header.Get("Authorization"))
	}))
	defer upstream.Close()
	m := newManager(t, map[string]string{"K": "key-0123456789"}, "scripted")
	m.sandbox = sandbox.New(sandbox.Config{Logger: slog.New(slog.DiscardHandler)})
	defer func() { _ = m.sandbox.Close() }()
	elsewhere := t.TempDir()
	install(t, elsewhere, "acme")
	m.dirs = append(m.dirs, elsewhere)

	who := &apiv1.Provider{Id: "p1", Plugin: "scripted", BaseUrl: upstream.URL, KeySource: "env:K"}
	turn, err := run(t.Context(), m, who, userSays("fetch /"))
	if err != nil {
		t.Fatal(err)
	}
	if a := take(t, turn); a.text != "200 OK key: Bearer [key removed]\n" {
		t.Errorf("what came with the host says %q, %v", a.text, a.err)
	}
	if p := m.Plugins(t.Context()); len(p) != 2 || p[1].Confinement != "none" {
		t.Errorf("the list says %v", p)
	}
	third := &apiv1.Provider{Id: "p2", Plugin: "acme", BaseUrl: upstream.URL, KeySource: "env:K"}
	_, err = run(t.Context(), m, third, userSays("fetch /"))
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the plugin acme did not come with OpenVibez, and this system can't confine it",
		"It was not started", "openvibez plugin enable acme --unconfined")

	f, ok := m.inspect(elsewhere, "acme")
	f.unconfinedAllowed = true
	if unconfined, err := m.confine(f); !ok || !unconfined || err != nil {
		t.Errorf("after a yes: %v, %v", unconfined, err)
	}
	d := &providerv1.DescribeResponse{Id: "acme", Name: "Acme", Key: &providerv1.KeyScheme{Header: "Authorization", Optional: true}}
	wantError(t, m.keyWithheld(f, d), providerv1.ErrorCode_ERROR_CODE_DENIED, "the plugin Acme did not come with OpenVibez and can't be confined", "no key is used for it")
	for _, own := range []file{{development: true}, {builtIn: true}} {
		if err := m.keyWithheld(own, d); err != nil {
			t.Errorf("%+v: %v", own, err)
		}
	}
}
