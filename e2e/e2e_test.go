// Package e2e tries the whole program: real host, real plugins, real models' server, real browser and window.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bin holds the program's binaries, built once for all tests.
var bin string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if client := os.Getenv("OPENVIBEZ_BENCH_CLIENT"); client != "" {
		return benchClient(client)
	}
	dir, err := os.MkdirTemp("", "openvibez-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	for name, pkg := range map[string]string{
		"openvibez":                   "github.com/openvibez/openvibez/host",
		"openvibez-sandbox":           "github.com/openvibez/openvibez/host/sandbox/helper",
		"openvibez-provider-demo":     "github.com/openvibez/openvibez/sdk/example",
		"openvibez-provider-ollama":   "github.com/openvibez/openvibez/plugins/ollama",
		"openvibez-provider-openai":   "github.com/openvibez/openvibez/plugins/openai",
		"openvibez-provider-scripted": "github.com/openvibez/openvibez/e2e/scripted",
	} {
		if err := build(name, pkg); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// build builds a program as the Makefile does, so that what is measured is what runs.
func build(name, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(bin, name), pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// home is one installation with its own state.
type home struct {
	t   testing.TB
	dir string
	env []string
}

func newHome(t testing.TB, env ...string) *home {
	t.Helper()
	// Not t.TempDir: its path would be too long for unix sockets.
	dir, err := os.MkdirTemp("", "ov")
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, dir: dir}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "OLLAMA_HOST", "OPENAI_API_KEY", "OPENVIBEZ_HOME":
		default:
			h.env = append(h.env, e)
		}
	}
	// A port nobody serves keeps a developer's own Ollama out of the test.
	h.env = append(append(h.env, "OPENVIBEZ_HOME="+dir, "OLLAMA_HOST=127.0.0.1:9"), env...)
	t.Cleanup(func() {
		h.cli("stop")
		if t.Failed() {
			out, _ := exec.Command("sh", "-c", "tail -n 50 "+dir+"/log/* 2>/dev/null").Output()
			t.Logf("log of the host:\n%s", out)
		}
		os.RemoveAll(dir)
	})
	return h
}

// result is what a command line call brought.
type result struct {
	stdout, stderr string
	code           int
}

func (h *home) cli(args ...string) result {
	return h.cliIn("", args...)
}

func (h *home) cliIn(stdin string, args ...string) result {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "openvibez"), args...)
	cmd.Env = h.env
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatalf("run openvibez %q: %v", args, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// must is cli for calls that have to work.
func (h *home) must(args ...string) string {
	h.t.Helper()
	r := h.cli(args...)
	if r.code != 0 {
		h.t.Fatalf("openvibez %q: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// start runs a host of its own and waits until it answers.
func (h *home) start() *host {
	h.t.Helper()
	p := h.launch()
	wait(h.t, "the host to answer", func() bool {
		var s struct{ PID json.Number }
		return json.Unmarshal([]byte(h.cli("status", "--json").stdout), &s) == nil && s.PID.String() == fmt.Sprint(p.cmd.Process.Pid)
	})
	return p
}

// launch runs a host of its own and does not wait for it.
func (h *home) launch() *host {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "openvibez"))
	cmd.Env = h.env
	out, err := os.CreateTemp(h.dir, "host-*.out")
	if err != nil {
		h.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	p := &host{home: h, cmd: cmd, out: out.Name(), gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		_ = out.Close()
		close(p.gone)
	}()
	h.t.Cleanup(func() { p.kill() })
	return p
}

// host is a host process under test.
type host struct {
	*home
	cmd  *exec.Cmd
	out  string
	gone chan struct{}
}

// kill ends it as a power cut would.
func (p *host) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.gone
}

func (p *host) output() string {
	b, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

// wait polls for something that must come; the limit is only for a broken program.
func wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited a minute for %s", what)
}
