package plugin

import (
	"net/http"
	"net/http/httptest"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestOriginsOfAPluginThatCameFromElsewhere(t *testing.T) {
	m := newManager(t, nil, "scripted")
	for _, o := range []string{"http://127.0.0.1", "http://localhost:80", "https://[::1]", "https://10.0.0.1", "http://169.254.169.254", "http://nas.local"} {
		err := sound(&providerv1.DescribeResponse{Id: "acme", Origins: []string{o}}, file{id: "acme"})
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, o, "which only a person may name")
	}
	other := t.TempDir()
	install(t, other, "other")
	m.dirs = append(m.dirs, other)
	for id, want := range map[string]bool{"scripted": true, "other": false} {
		if _, err := m.Describe(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if p, _ := m.plugin(id); p.described().builtIn != want {
			t.Errorf("%s came with the host: %v", id, !want)
		}
	}
}

func TestRequestsAreCountedOverAllProcesses(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer upstream.Close()
	m := newManager(t, nil, "scripted")
	who := &apiv1.Provider{Id: "p1", Plugin: "scripted", BaseUrl: upstream.URL}
	for range 2 {
		turn, err := run(t.Context(), m, who, userSays("fetch /\nfetch https://elsewhere.example/"))
		if err != nil {
			t.Fatal(err)
		}
		wantWords(t, take(t, turn).err, providerv1.ErrorCode_ERROR_CODE_DENIED, "elsewhere.example")
		p, _ := m.plugin("scripted")
		p.mu.Lock()
		p.retire(p.proc)
		p.mu.Unlock()
	}
	// Where nobody answers, nothing was refused.
	upstream.Close()
	wantWords(t, sayWith(t, m, who, "fetch /").err, providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, "Nothing answers")
	if p := m.Plugins(t.Context())[0]; p.Requests != 5 || p.Refused != 2 {
		t.Errorf("counted %d requests and %d refusals, want 5 and 2", p.Requests, p.Refused)
	}
}
