package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestFirstStartWithAnOllamaThatHangs: nobody waits for it, and the start after that still finds it.
func TestFirstStartWithAnOllamaThatHangs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs Unix signals")
	}
	bin := build(t)
	plugin := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "openvibez-provider-ollama"), "../plugins/ollama")
	plugin.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := plugin.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var hangs atomic.Bool
	hangs.Store(true)
	var left atomic.Int64
	ollama := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/version":
			_, _ = io.WriteString(w, `{"version":"0.12.0"}`)
		case hangs.Load():
			<-r.Context().Done()
			left.Add(1)
		case r.URL.Path == "/api/tags":
			_, _ = io.WriteString(w, `{"models":[{"name":"small:1b","model":"small:1b","size":1000000000,"details":{"family":"llama"}}]}`)
		case r.URL.Path == "/api/show":
			_, _ = io.WriteString(w, `{"capabilities":["completion"],"details":{"family":"llama"},"model_info":{}}`)
		default:
			_, _ = io.WriteString(w, `{}`)
		}
	}))
	defer ollama.CloseClientConnections()
	home, err := os.MkdirTemp("/tmp", "ovt")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "openvibez"), args...)
		cmd.Env = append(os.Environ(), "OPENVIBEZ_HOME="+home, "OLLAMA_HOST="+ollama.URL)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	defer run("stop")
	if answer := run("ask", "hello"); answer == "" || left.Load() != 0 {
		t.Errorf("the first answer waited for what hangs (%d times): %q", left.Load(), answer)
	}
	run("stop")
	hangs.Store(false)
	for end := time.Now().Add(time.Minute); !strings.HasPrefix(run("provider", "default"), "Ollama"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(home, "log", "host.log"))
			t.Fatalf("the second start never found it:\n%s\n%s", run("provider", "list"), log)
		}
	}
}
