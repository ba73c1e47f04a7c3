package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/ui"
)

// TestBrowser holds a conversation in Chromium.
func TestBrowser(t *testing.T) {
	need(t, ui.Built(), "the chat page: run `make build` with Node 20.19 or newer")
	node, err := exec.LookPath("node")
	need(t, err == nil, "node: install Node 20.19 or newer")
	chromium, err := exec.LookPath("chromium")
	need(t, err == nil, "chromium: apt-get install chromium")
	script, err := filepath.Abs("../ui/e2e/chat.mjs")
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat("../ui/node_modules/playwright-core")
	need(t, err == nil, "playwright-core: run `npm ci` in ui")

	h := newHome(t)
	h.start()
	link := strings.TrimSpace(h.must("open", "--link"))
	cmd := exec.CommandContext(t.Context(), node, script)
	cmd.Env = append(os.Environ(), "LINK="+link, "CHROMIUM="+chromium)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// need skips a test that lacks something, by name; in CI nothing may lack.
func need(t *testing.T, ok bool, what string) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("CI") == "true":
		t.Fatalf("CI lacks %s", what)
	default:
		t.Skipf("needs %s", what)
	}
}
