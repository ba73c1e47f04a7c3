package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/sdk"
	"github.com/openvibez/openvibez/ui"
)

// TestBrowser holds a conversation in Chromium.
func TestBrowser(t *testing.T) {
	h := newHome(t)
	browse(t, h, "chat.mjs")
}

// TestBrowserSessions does in Chromium what can be done with messages and chats.
func TestBrowserSessions(t *testing.T) {
	h := newHome(t)
	browse(t, h, "sessions.mjs")
}

// TestBrowserPlaces adds a workspace in Chromium, and gives a chat root access in one that is trusted.
func TestBrowserPlaces(t *testing.T) {
	h := newHome(t)
	h.start()
	dir, added := t.TempDir(), t.TempDir()
	_, err := apiv1.NewWorkspaceServiceClient(h.http(), "http://openvibez").AddWorkspace(t.Context(), &apiv1.AddWorkspaceRequest{Path: dir, Trust: apiv1.Trust_TRUST_TRUSTED})
	if err != nil {
		t.Fatal(err)
	}
	browse(t, h, "places.mjs", "DIR="+dir, "NEW="+added)
}

// TestBrowserApprovals lets a model work in Chromium's sight, and answers what it asks.
func TestBrowserApprovals(t *testing.T) {
	h := newHome(t)
	h.start()
	h.must("provider", "add", "scripted")
	status, err := apiv1.NewHostServiceClient(h.http(), "http://openvibez").GetStatus(t.Context(), &apiv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	need(t, status.Host.GetSandboxLevel() == "full", "a sandbox: "+status.Host.GetSandboxProblem())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := apiv1.NewWorkspaceServiceClient(h.http(), "http://openvibez").AddWorkspace(t.Context(), &apiv1.AddWorkspaceRequest{Path: dir}); err != nil {
		t.Fatal(err)
	}
	browse(t, h, "approvals.mjs", "DIR="+dir)
}

// TestBrowserPlugins installs, updates and removes a plugin in Chromium.
func TestBrowserPlugins(t *testing.T) {
	h := newHome(t)
	first := sdk.Manifest{
		ID: "acme", Name: "Acme", Description: "Models that a test has made up", Version: "1.0.0", Protocol: 1, Licence: "MIT",
		BaseURL: "https://api.acme.example",
	}
	second := first
	second.Version, second.Origins = "1.1.0", []string{"https://more.acme.example"}
	browse(t, h, "plugins.mjs", "PACKAGE="+pack(t, first), "UPDATE="+pack(t, second))
}

// pack writes an unsigned package whose program says what the manifest does, and gives its path.
func pack(t *testing.T, m sdk.Manifest) string {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(bin, "openvibez-provider-scripted"))
	if err != nil {
		t.Fatal(err)
	}
	said, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	place := []byte("planted manifest:" + strings.Repeat(".", 1000))
	if bytes.Count(program, place) != 1 || len(said) > 1000 {
		t.Fatal("the program has no place for a manifest")
	}
	program = bytes.Replace(program, place, append([]byte("planted manifest:"), append(said, bytes.Repeat([]byte(" "), 1000-len(said))...)...), 1)
	m.Platforms = map[string]string{runtime.GOOS + "/" + runtime.GOARCH: "acme"}
	var b bytes.Buffer
	if err := plugin.WritePackage(&b, &m, map[string][]byte{"acme": program, "LICENSE": []byte("Do as you like.\n")}, nil, ""); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "acme-"+m.Version+".ovp")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// browse runs one of the page's scripts against a host that is started if need be, and gives what it printed.
func browse(t testing.TB, h *home, script string, env ...string) string {
	t.Helper()
	need(t, ui.Built(), "the chat page: run `make build` with Node 20.19 or newer")
	node, err := exec.LookPath("node")
	need(t, err == nil, "node: install Node 20.19 or newer")
	chromium, err := exec.LookPath("chromium")
	need(t, err == nil, "chromium: apt-get install chromium")
	path, err := filepath.Abs("../ui/e2e/" + script)
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat("../ui/node_modules/playwright-core")
	need(t, err == nil, "playwright-core: run `npm ci` in ui")
	if h.cli("status").code != 0 {
		h.start()
	}
	link := strings.TrimSpace(h.must("open", "--link"))
	cmd := exec.CommandContext(t.Context(), node, path)
	cmd.Env = append(append(os.Environ(), "LINK="+link, "CHROMIUM="+chromium, "OPENVIBEZ="+filepath.Join(bin, "openvibez"), "HOME_DIR="+h.dir), env...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// need skips a test that lacks something, by name; in CI nothing may lack.
func need(t testing.TB, ok bool, what string) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("CI") == "true":
		t.Fatalf("CI lacks %s", what)
	default:
		t.Skipf("needs %s", what)
	}
}
