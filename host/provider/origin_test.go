package provider

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestCheckBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "  https://api.example.com/v1/ ": "https://api.example.com/v1", "http://127.0.0.1:11434": "http://127.0.0.1:11434",
		"HTTPS://Example.com": "https://Example.com", "http://[::1]:80/x": "http://[::1]:80/x",
	} {
		if got, err := CheckBaseURL(in); err != nil || got != want {
			t.Errorf("%q gave %q, %v; want %q", in, got, err, want)
		}
	}
	for in, words := range map[string]string{
		"api.example.com":            "does not begin with http:// or https://",
		"localhost:11434":            "does not begin with http:// or https://",
		"/v1":                        "does not begin with",
		"ftp://example.com":          "ftp:// is not supported",
		"https://":                   "names no host",
		"https:///v1":                "names no host",
		"https://:443":               "names no host",
		"https://me:pw@example.com":  "user name or password",
		"https://example.com?x=1":    "has a query (?x=1)",
		"https://example.com/#a":     "has a fragment",
		"https://example.com:0":      "port 0 is not between",
		"https://example.com:70000":  "port 70000 is not between",
		"https://exa mple.com":       "it is not a URL",
		"http://example.com\n.evil/": "it is not a URL",
	} {
		_, err := CheckBaseURL(in)
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, words, "should look like https://")
	}
}

func TestBaseURLComesFromEntryEnvironmentOrDefault(t *testing.T) {
	ollama := &providerv1.DescribeResponse{BaseUrlEnv: "OLLAMA_HOST", DefaultBaseUrl: "http://127.0.0.1:11434"}
	for _, c := range []struct{ entered, env, want string }{
		{"", "", "http://127.0.0.1:11434"},
		{"http://box:1/x", "http://other", "http://box:1/x"},
		{"", "box", "http://box:11434"},
		{"", "box:1234", "http://box:1234"},
		{"", ":1234", "http://127.0.0.1:1234"},
		{"", "0.0.0.0", "http://127.0.0.1:11434"},
		{"", "0.0.0.0:1234", "http://127.0.0.1:1234"},
		{"", "[::]:1234", "http://[::1]:1234"},
		{"", "::1", "http://[::1]:11434"},
		{"", "[::1]", "http://[::1]:11434"},
		{"", "http://box", "http://box:80"},
		{"", "https://box", "https://box:443"},
		{"", "https://box:8443/path/", "https://box:8443/path"},
		{"", "box/path/to", "http://box:11434/path/to"},
		{"", " \"box:99\" ", "http://box:99"},
		{"", "box:66000", "http://box:11434"},
		{"", "box:nonsense", "http://box:11434"},
	} {
		got, err := baseURL(c.entered, ollama, func(string) string { return c.env })
		if err != nil || got != c.want {
			t.Errorf("entered %q, OLLAMA_HOST=%q: got %q, %v; want %q", c.entered, c.env, got, err, c.want)
		}
	}
	secure := &providerv1.DescribeResponse{BaseUrlEnv: "X_URL", DefaultBaseUrl: "https://api.example.com/v1"}
	if got, _ := baseURL("", secure, func(string) string { return "other.example/v2" }); got != "https://other.example:443/v2" {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{"ftp://x", "http://a b", "http://u:p@x"} {
		_, err := baseURL("", ollama, func(string) string { return bad })
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the environment variable OLLAMA_HOST is", bad)
	}
}

func TestOriginIsExact(t *testing.T) {
	for in, want := range map[string]string{
		"http://a": "http://a:80", "http://A:80/x": "http://a:80", "https://a": "https://a:443", "https://a:8443": "https://a:8443", "http://[::1]": "http://[::1]:80",
	} {
		if got, err := originOf(in); err != nil || got != want {
			t.Errorf("%s gave %s, %v; want %s", in, got, err, want)
		}
	}
	for _, bad := range [][2]string{{"", "a"}, {"ftp", "a"}, {"http", ""}, {"http", "a/b"}, {"http", "u@a"}, {"http", "a:b"}, {"http", "a:0"}, {"http", "a?b"}, {"http", "a%41"}, {"http", "a b"}, {"http", ":80"}} {
		if got, err := origin(bad[0], bad[1]); err == nil {
			t.Errorf("%q gave %s", bad, got)
		}
	}
}

func TestKeyComesFromWhereItIsKept(t *testing.T) {
	m := newManager(t, map[string]string{"K": "sk-1", "BAD": "a\nb"})
	d := &providerv1.DescribeResponse{
		Id: "acme", Name: "Acme", DefaultBaseUrl: "https://api.acme.example", Origins: []string{"https://files.acme.example"},
		Key: &providerv1.KeyScheme{Header: "x-api-key", Env: "ACME_KEY", Url: "https://acme.example/keys"},
	}
	g, err := m.permit(t.Context(), &apiv1.Provider{KeySource: "env:K"}, d, d.DefaultBaseUrl, file{builtIn: true})
	if err != nil || g.credentials[0] != (credential{"X-Api-Key", "", "sk-1"}) || g.keyOrigin != "https://api.acme.example:443" || g.origins["https://files.acme.example:443"] || !g.origins["https://api.acme.example:443"] || len(g.origins) != 2 {
		t.Errorf("got %+v, %v", g, err)
	}
	for source, words := range map[string][]string{
		"":         {"Acme needs a key and has none", "ACME_KEY", "https://acme.example/keys"},
		"env:NONE": {"should be in the environment variable NONE, which is not set"},
		"env:BAD":  {"BAD, where the key of Acme should be, holds something with a line break"},
	} {
		_, err := m.permit(t.Context(), &apiv1.Provider{KeySource: source}, d, d.DefaultBaseUrl, file{builtIn: true})
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, words...)
	}
	_, err = m.permit(t.Context(), &apiv1.Provider{KeySource: "vault"}, d, d.DefaultBaseUrl, file{builtIn: true})
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "openvibez provider login Acme")
	d.Key.Optional = true
	if g, err := m.permit(t.Context(), &apiv1.Provider{}, d, d.DefaultBaseUrl, file{builtIn: true}); err != nil || g.secret() {
		t.Errorf("got %+v, %v", g, err)
	}
	for header, ok := range map[string]bool{"Authorization": true, "x-api-key": true, "": false, "Host": false, "a b": false, "x\n": false, "content-length": false} {
		if validKeyHeader(header) != ok {
			t.Errorf("header %q: valid is %v", header, !ok)
		}
	}
}

func TestDetect(t *testing.T) {
	ollama := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/version" {
			_, _ = w.Write([]byte(`{"version":"0.32.9"}`))
		}
	}))
	defer ollama.Close()
	env := map[string]string{"OLLAMA_HOST": strings.TrimPrefix(ollama.URL, "http://"), "SCRIPTED_API_KEY": "k", "OPENAI_API_KEY": "k"}
	m := newManager(t, env, "scripted")
	s, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m.store = s
	want := []*apiv1.Hint{
		{Kind: apiv1.Hint_KIND_SERVER, Name: "Ollama", Version: "0.32.9", BaseUrl: ollama.URL},
		{Kind: apiv1.Hint_KIND_KEY, Plugin: "scripted", Name: "Scripted", Env: "SCRIPTED_API_KEY"},
		{Kind: apiv1.Hint_KIND_KEY, Name: "OpenAI", Env: "OPENAI_API_KEY"},
	}
	got := m.Detect(t.Context())
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if !proto.Equal(got[i], want[i]) {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	for _, p := range []*apiv1.Provider{{Plugin: "ollama", Name: "Ollama"}, {Plugin: "scripted", Name: "S", KeySource: "env:SCRIPTED_API_KEY"}, {Plugin: "x", Name: "X", KeySource: "env:OPENAI_API_KEY"}} {
		if _, err := s.AddProvider(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.Detect(t.Context()); len(got) != 0 {
		t.Errorf("found what is configured: %+v", got)
	}
	ollama.Close()
	m.store = nil
	if got := m.Detect(t.Context()); len(got) != 2 {
		t.Errorf("found %+v after Ollama ended", got)
	}
}
