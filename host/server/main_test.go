package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/run"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// TestMain makes the test binary the plugin and the window too, by the name it is started under.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); {
	case strings.HasPrefix(name, "openvibez-provider-"):
		sdk.Serve(echo{})
	case name == "openvibez-window":
		os.Exit(playWindow())
	default:
		os.Exit(m.Run())
	}
}

// echo is a provider that says what it is told.
type echo struct{}

func (echo) Describe() *providerv1.DescribeResponse {
	return &providerv1.DescribeResponse{
		Id: "echo", Name: "Echo", Description: "Says what it is told.", Version: "1",
		DefaultBaseUrl: "http://127.0.0.1:9", Key: &providerv1.KeyScheme{Header: "Authorization", Env: "ECHO_KEY", Optional: true},
		SettingsSchema: `{"properties":{"volume":{"type":"integer","maximum":10}},"additionalProperties":false}`,
	}
}

func (echo) Check(_ context.Context, c *providerv1.Connection) (string, error) {
	if strings.Contains(c.BaseUrl, "broken") {
		return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, "nothing answers at %s", c.BaseUrl)
	}
	return "an echo", nil
}

func (echo) Models(context.Context, *providerv1.Connection) ([]*providerv1.Model, error) {
	models := []*providerv1.Model{{Id: "loud"}, {Id: "soft", Recommended: true}}
	pulled.Range(func(id, _ any) bool {
		models = append(models, &providerv1.Model{Id: id.(string)})
		return true
	})
	return models, nil
}

func (echo) Run(_ context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
	last := req.Messages[len(req.Messages)-1]
	s.Text(fmt.Sprintf("%d bytes", len(last.Parts[0].GetText())))
	s.Done(&providerv1.Done{Reason: providerv1.Done_REASON_STOP})
	return nil
}

// playWindow behaves as TEST_WINDOW says and writes what it is told to do into TEST_WINDOW_LOG.
func playWindow() int {
	line, err := bufio.NewReader(os.Stdin).ReadBytes('\n')
	if err != nil {
		fmt.Fprintln(os.Stderr, "openvibez-window: nothing on standard input")
		return 1
	}
	var order struct {
		URL, Socket string
		DevTools    bool
	}
	if err := json.Unmarshal(line, &order); err != nil {
		return 1
	}
	out, err := os.OpenFile(os.Getenv("TEST_WINDOW_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 1
	}
	fmt.Fprintln(out, "started", order.URL)
	if os.Getenv("TEST_WINDOW") == "broken" {
		fmt.Fprintln(os.Stderr, "something else\nopenvibez-window: no web view today")
		return 1
	}
	res, err := socketHTTP(order.Socket).Get("http://host/window")
	if err != nil {
		return 1
	}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if lines.Text() != "" {
			fmt.Fprintln(out, lines.Text())
		}
		if lines.Text() == "close" {
			return 0
		}
		if _, err := os.Stat(os.Getenv("TEST_WINDOW_LOG") + ".die"); err == nil {
			_ = os.Remove(os.Getenv("TEST_WINDOW_LOG") + ".die")
			return 9
		}
	}
	return 1
}

func socketHTTP(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
}

// fixture is a server with everything real behind it.
type fixture struct {
	*Server
	t       *testing.T
	dir     string
	env     map[string]string
	stopped atomic.Bool
	// Over the unix socket.
	sessions  apiv1.SessionServiceClient
	runs      apiv1.RunServiceClient
	providers apiv1.ProviderServiceClient
	host      apiv1.HostServiceClient
}

// newFixture makes a server that has not started: tests may change its times first.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	// Not t.TempDir: its path would be too long for sockets.
	dir, err := os.MkdirTemp("/tmp", "ovs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return newFixtureIn(t, dir)
}

func newFixtureIn(t *testing.T, dir string) *fixture {
	t.Helper()
	ctx := t.Context()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	f := &fixture{t: t, dir: dir, env: map[string]string{}}
	getenv := func(name string) string { return f.env[name] }
	st, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "test.db"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"openvibez-provider-echo", "openvibez-window"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	plugins := plugin.New(plugin.Config{
		PluginDirs: []string{dir}, InstallDir: filepath.Join(dir, "plugins"), RuntimeDir: filepath.Join(dir, "p"), Logger: log, Getenv: getenv,
	})
	providers := provider.New(provider.Config{Plugins: plugins, Book: st, Logger: log, Getenv: getenv})
	engine := run.New(run.Config{Store: st, Providers: providers, Logger: log})
	f.Server, err = New(Config{
		Store: st, Runs: engine, Plugins: plugins, Providers: providers, DataDir: dir, RuntimeDir: dir, Window: filepath.Join(dir, "openvibez-window"),
		Version: "test", Getenv: getenv, Logger: log,
		UI:     fstest.MapFS{"index.html": {Data: []byte("<p>the page")}, "assets/a.js": {Data: []byte("1")}},
		Tray:   func() (bool, string) { return false, "no tray in tests" },
		Opened: func() {},
		Stop:   func() { f.stopped.Store(true) },
	})
	if err != nil {
		t.Fatal(err)
	}
	doer := socketHTTP(SocketPath(dir))
	f.sessions = apiv1.NewSessionServiceClient(doer, "http://openvibez")
	f.runs = apiv1.NewRunServiceClient(doer, "http://openvibez")
	f.providers = apiv1.NewProviderServiceClient(doer, "http://openvibez")
	f.host = apiv1.NewHostServiceClient(doer, "http://openvibez")
	t.Cleanup(f.stop)
	return f
}

func start(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.start()
	return f
}

func (f *fixture) start() {
	f.t.Helper()
	if err := f.Runs.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	if err := f.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// stop ends everything, as the program does; a second time it does nothing.
func (f *fixture) stop() {
	if f.Server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = f.Runs.Close(ctx)
	_ = f.Close(ctx)
	f.Plugins.Close()
	f.Providers.Close()
	_ = f.Store.Close()
	f.Server = nil
}

// browser is one with a page open, as far as the guards can tell.
type browser struct {
	t    *testing.T
	base string
	pass string
}

func (f *fixture) browser(v visitor) *browser {
	f.t.Helper()
	link, err := f.page.link(f.t.Context(), "", v, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	base, token, ok := strings.Cut(link, "/#token=")
	if !ok {
		f.t.Fatalf("link %q", link)
	}
	b := &browser{t: f.t, base: base}
	res, pass := b.do("POST", "/auth", token)
	if res.StatusCode != http.StatusOK || pass == "" || len(res.Cookies()) != 0 {
		f.t.Fatalf("sign in: %s, cookies %v", res.Status, res.Cookies())
	}
	b.pass = pass
	return b
}

// do sends one request; head holds further headers, "Host" among them.
func (b *browser) do(method, path, body string, head ...string) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.pass != "" {
		req.Header.Set(passHeader, b.pass)
	}
	if strings.HasPrefix(path, "/openvibez") {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(head); i += 2 {
		if head[i] == "Host" {
			req.Host = head[i+1]
		} else {
			req.Header.Set(head[i], head[i+1])
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(bytes.TrimSpace(text))
}

// doer makes a Connect client a signed-in page.
func (b *browser) doer() *http.Client { return &http.Client{Transport: withPass(b.pass)} }

type withPass string

func (p withPass) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(passHeader, string(p))
	r.Header.Set("Origin", "http://"+r.URL.Host)
	return http.DefaultTransport.RoundTrip(r)
}

// eventually polls for what must come; the limit is only for a broken program.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}
