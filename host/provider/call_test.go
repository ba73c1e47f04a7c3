package provider

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestPluginReachesItsProviderThroughTheHost(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s", r.URL.Path, r.Header.Get("Authorization"))
	}))
	defer upstream.Close()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("other origin was reached") }))
	defer other.Close()
	m := newManager(t, map[string]string{"SCRIPTED_HOST": upstream.URL + "/api/", "MY_KEY": " k1 \n"}, "scripted")
	who := &apiv1.Provider{Id: "p1", Plugin: "scripted", KeySource: "env:MY_KEY"}
	turn, err := m.Run(t.Context(), who, userSays("url\nfetch /x"))
	if err != nil {
		t.Fatal(err)
	}
	if a := take(t, turn); a.text != upstream.URL+"/api\n200 OK /api/x Bearer [key removed]\n" {
		t.Errorf("got %q, %v", a.text, a.err)
	}
	turn, err = m.Run(t.Context(), who, userSays("fetch "+other.URL))
	if err != nil {
		t.Fatal(err)
	}
	wantWords(t, take(t, turn).err, providerv1.ErrorCode_ERROR_CODE_DENIED, "does not allow this plugin to reach "+other.URL)
	if s, err := m.Check(t.Context(), who); err != nil || s != "answers 200 OK" {
		t.Errorf("check gave %q, %v", s, err)
	}
	upstream.Close()
	_, err = m.Check(t.Context(), who)
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_UNREACHABLE)
	if models, err := m.ListModels(t.Context(), who); err != nil || len(models) != 3 {
		t.Errorf("models gave %v, %v", models, err)
	}
}

func TestKeyComesFromWhereItIsKept(t *testing.T) {
	m := newManager(t, map[string]string{"K": "sk-1", "BAD": "a\nb"})
	d := &providerv1.DescribeResponse{
		Id: "acme", Name: "Acme", DefaultBaseUrl: "https://api.acme.example", Origins: []string{"https://files.acme.example"},
		Key: &providerv1.KeyScheme{Header: "x-api-key", Env: "ACME_KEY", Url: "https://acme.example/keys"},
	}
	g, err := m.permit(t.Context(), &apiv1.Provider{KeySource: "env:K"}, plugin.Described{DescribeResponse: d, BuiltIn: true}, d.DefaultBaseUrl)
	if err != nil || g.Credentials[0] != (egress.Credential{Header: "X-Api-Key", Secret: "sk-1"}) || g.KeyOrigin != "https://api.acme.example:443" || g.Origins["https://files.acme.example:443"] || !g.Origins["https://api.acme.example:443"] || len(g.Origins) != 2 {
		t.Errorf("got %+v, %v", g, err)
	}
	for source, words := range map[string][]string{
		"":         {"Acme needs a key and has none", "ACME_KEY", "https://acme.example/keys"},
		"env:NONE": {"should be in the environment variable NONE, which is not set"},
		"env:BAD":  {"BAD, where the key of Acme should be, holds something with a line break"},
	} {
		_, err := m.permit(t.Context(), &apiv1.Provider{KeySource: source}, plugin.Described{DescribeResponse: d, BuiltIn: true}, d.DefaultBaseUrl)
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, words...)
	}
	_, err = m.permit(t.Context(), &apiv1.Provider{KeySource: "vault"}, plugin.Described{DescribeResponse: d, BuiltIn: true}, d.DefaultBaseUrl)
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "openvibez provider login Acme")
	d.Key.Optional = true
	if g, err := m.permit(t.Context(), &apiv1.Provider{}, plugin.Described{DescribeResponse: d, BuiltIn: true}, d.DefaultBaseUrl); err != nil || g.Credentials[0].Secret != "" {
		t.Errorf("got %+v, %v", g, err)
	}
	for header, ok := range map[string]bool{"Authorization": true, "x-api-key": true, "": false, "Host": false, "a b": false, "x\n": false, "content-length": false} {
		if egress.ValidHeader(header) != ok {
			t.Errorf("header %q: valid is %v", header, !ok)
		}
	}
}

func TestOriginsThatAPluginNames(t *testing.T) {
	m := newManager(t, nil)
	d := &providerv1.DescribeResponse{Id: "acme", DefaultBaseUrl: "http://127.0.0.1:2375", Origins: []string{"https://files.acme.example"}}
	for _, named := range []bool{true, false} {
		g, err := m.permit(t.Context(), &apiv1.Provider{}, plugin.Described{DescribeResponse: d, BuiltIn: named}, d.DefaultBaseUrl)
		if err != nil || g.Origins["http://127.0.0.1:2375"] != named || g.Origins["https://files.acme.example:443"] {
			t.Errorf("named %v: %v, %v", named, g, err)
		}
	}
}

func TestHostilePluginsInCalls(t *testing.T) {
	m := newManagerOf(t, nil, hostilePath, "die-models", "many-models", "lie-schema")
	ask := func(id string) error {
		_, err := m.ListModels(t.Context(), &apiv1.Provider{Plugin: id})
		return err
	}
	wantError(t, ask("die-models"), providerv1.ErrorCode_ERROR_CODE_PLUGIN, "(exit status 9) while it listed its models")
	wantError(t, ask("many-models"), providerv1.ErrorCode_ERROR_CODE_PLUGIN, "too large")
	wantError(t, m.CheckSettings(t.Context(), "lie-schema", "{}"), providerv1.ErrorCode_ERROR_CODE_PLUGIN, "may not refer to file:///etc/passwd")
}

func TestTooLargeConversationIsRefused(t *testing.T) {
	m := newManager(t, nil, "scripted")
	who := &apiv1.Provider{Plugin: "scripted"}
	_, err := m.Run(t.Context(), who, userSays(strings.Repeat("x", sdk.MaxMessageBytes)))
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "at most 64 MiB")
	if a := sayWith(t, m, who, "history\n"+strings.Repeat("\n", 10<<20)); a.text != "1 messages: user\n" {
		t.Errorf("10 MiB prompt gave %q, %v", a.text, a.err)
	}
}

func TestDetect(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/version" {
			_, _ = w.Write([]byte(`{"version":"0.32.9"}`))
		}
	}))
	defer server.Close()
	m := newManager(t, map[string]string{"SCRIPTED_HOST": server.URL, "SCRIPTED_API_KEY": "k"}, "scripted")
	hints := []*apiv1.Hint{
		{Kind: apiv1.Hint_KIND_SERVER, Plugin: "scripted", Name: "Scripted", Version: "0.32.9", BaseUrl: server.URL},
		{Kind: apiv1.Hint_KIND_KEY, Plugin: "scripted", Name: "Scripted", Env: "SCRIPTED_API_KEY"},
	}
	for _, want := range [][]*apiv1.Hint{hints, hints[:1], nil} {
		got := m.Detect(t.Context())
		if len(got) != len(want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		for i := range want {
			if !proto.Equal(got[i], want[i]) {
				t.Errorf("got %+v, want %+v", got[i], want[i])
			}
		}
		// What is configured is found no more: first the key, at another address, then the server.
		p := &apiv1.Provider{Plugin: "scripted", Name: "A", BaseUrl: "https://a.example", KeySource: "env:SCRIPTED_API_KEY"}
		if len(got) == 1 {
			p.Name, p.BaseUrl = "B", server.URL
		}
		if len(got) > 0 {
			if _, err := m.store.AddProvider(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
}
