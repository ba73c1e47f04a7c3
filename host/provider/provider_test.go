package provider

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// watchdog ends a test that hangs; no test depends on it.
const watchdog = time.Minute

// The programs of the tests, built once.
var scriptedPath, hostilePath, helperPath string

// box is the sandbox of all tests, with the walls that this system has.
var box *sandbox.Sandbox

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ovp")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	scriptedPath, hostilePath, helperPath = filepath.Join(dir, "scripted.exe"), filepath.Join(dir, "hostile.exe"), filepath.Join(dir, "openvibez-sandbox")
	for path, what := range map[string]string{scriptedPath: "e2e/scripted", hostilePath: "e2e/hostile", helperPath: "host/sandbox/helper"} {
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "github.com/openvibez/openvibez/"+what)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", what, err, out)
			return 1
		}
	}
	box = sandbox.New(sandbox.Config{Helper: helperPath, CacheDir: dir, RuntimeDir: dir, Logger: slog.New(slog.DiscardHandler)})
	defer func() { _ = box.Close() }()
	return m.Run()
}

// manager is one under test, and what it is made of.
type manager struct {
	*Manager
	dir, runtime string
	store        *store.Store
	logged       *logged
}

// logged is a log that tests read while others write.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newManager makes a Manager with the scripted plugin installed as ids, confined as this system allows.
func newManager(t *testing.T, env map[string]string, ids ...string) *manager {
	t.Helper()
	return newManagerOf(t, env, scriptedPath, ids...)
}

func newManagerOf(t *testing.T, env map[string]string, program string, ids ...string) *manager {
	t.Helper()
	m := &manager{dir: t.TempDir(), logged: &logged{}}
	for _, id := range ids {
		if err := os.Link(program, filepath.Join(m.dir, "openvibez-provider-"+id)); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if m.runtime, err = os.MkdirTemp("", "ovp"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(m.runtime) })
	log := slog.New(slog.NewTextHandler(m.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m.store, err = store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "db"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.store.Close() })
	getenv := func(name string) string { return env[name] }
	plugins := plugin.New(plugin.Config{PluginDirs: []string{m.dir}, RuntimeDir: m.runtime, Logger: log, Sandbox: box, Getenv: getenv})
	t.Cleanup(plugins.Close)
	m.Manager = New(Config{Plugins: plugins, Book: m.store, Logger: log, Getenv: getenv})
	t.Cleanup(m.Close)
	return m
}

// of is what the key ring is told of a connection.
func (m *manager) of(t *testing.T, p *apiv1.Provider) keys.Owner {
	t.Helper()
	o, err := m.ownerOf(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (m *manager) saveKey(t *testing.T, p *apiv1.Provider, key string) (func(), error) {
	t.Helper()
	return m.keys.Save(t.Context(), m.of(t, p), key)
}

func (m *manager) forgetKey(t *testing.T, p *apiv1.Provider) error {
	t.Helper()
	return m.keys.Forget(t.Context(), m.of(t, p))
}

func userSays(prompt string) *providerv1.RunRequest {
	return &providerv1.RunRequest{RunId: "r1", Model: "scripted", Messages: []*providerv1.Message{{
		Role: providerv1.Role_ROLE_USER, Parts: []*providerv1.Part{{Part: &providerv1.Part_Text{Text: prompt}}},
	}}}
}

// answer is all that came of one turn.
type answer struct {
	text  string
	kinds []string
	done  *providerv1.Done
	err   *providerv1.Error
	back  *providerv1.Background
	ends  int
}

// take receives a turn to its end and checks that it has exactly one.
func take(t *testing.T, turn *plugin.Turn) answer {
	t.Helper()
	var a answer
	for {
		e, err := turn.Recv()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("Recv gave %v, want events up to io.EOF", err)
			}
			break
		}
		if a.ends > 0 {
			t.Errorf("event after the end: %v", e)
		}
		a.kinds = append(a.kinds, strings.TrimPrefix(fmt.Sprintf("%T", e.Event), "*providerv1.Event_"))
		switch body := e.Event.(type) {
		case *providerv1.Event_Text:
			a.text += body.Text
		case *providerv1.Event_Done:
			a.done = body.Done
			a.ends++
		case *providerv1.Event_Error:
			a.err = body.Error
			a.ends++
		case *providerv1.Event_Background:
			a.back = body.Background
			a.ends++
		}
	}
	if a.ends != 1 {
		t.Errorf("turn has %d ends, want 1 (%v)", a.ends, a.kinds)
	}
	turn.Close()
	return a
}

// sayWith runs one turn of a connection.
func sayWith(t *testing.T, m *manager, p *apiv1.Provider, prompt string) answer {
	t.Helper()
	turn, err := m.Run(t.Context(), p, userSays(prompt))
	if err != nil {
		t.Fatalf("run %q: %v", prompt, err)
	}
	return take(t, turn)
}

func wantError(t *testing.T, err error, code providerv1.ErrorCode, words ...string) {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is %T, want *sdk.Error", err, err)
	}
	wantWords(t, e.Proto, code, words...)
}

func wantWords(t *testing.T, e *providerv1.Error, code providerv1.ErrorCode, words ...string) {
	t.Helper()
	if e.GetCode() != code {
		t.Errorf("error %q has code %v, want %v", e.GetMessage(), e.GetCode(), code)
	}
	for _, w := range words {
		if !strings.Contains(e.GetMessage(), w) {
			t.Errorf("error %q does not say %q", e.GetMessage(), w)
		}
	}
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(watchdog); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come true", what)
		}
	}
}
