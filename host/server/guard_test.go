package server

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

const statusCall = "/openvibez.api.v1.HostService/GetStatus"

func TestGuards(t *testing.T) {
	f := start(t)
	b := f.browser(byBrowser)
	host := strings.TrimPrefix(b.base, "http://")
	port := host[strings.LastIndexByte(host, ':')+1:]
	for _, c := range []struct {
		name, method, path string
		head               []string
		want               int
	}{
		{"page", "GET", "/", nil, 200},
		{"page without a pass", "GET", "/", []string{passHeader, ""}, 200},
		{"asset", "GET", "/assets/a.js", nil, 200},
		{"asset that is not there", "GET", "/assets/b.js", nil, 404},
		{"directory", "GET", "/assets", nil, 404},
		{"outside", "GET", "/../server.go", nil, 404},
		{"post to a file", "POST", "/", nil, 405},
		{"call", "POST", statusCall, nil, 200},
		{"call of the page itself", "POST", statusCall, []string{"Origin", b.base, "Sec-Fetch-Site", "same-origin"}, 200},
		{"no pass", "POST", statusCall, []string{passHeader, ""}, 401},
		{"no pass but a cookie", "POST", statusCall, []string{passHeader, "", "Cookie", "openvibez-" + port + "=" + b.pass + "; " + passHeader + "=" + b.pass}, 401},
		{"wrong pass", "POST", statusCall, []string{passHeader, "AAAAAAAAAAAAAAAAAAAAAAAAAA"}, 401},
		{"pass cut short", "POST", statusCall, []string{passHeader, b.pass[:len(b.pass)-1]}, 401},
		{"what the pass hashes to", "POST", statusCall, []string{passHeader, hashOf(b.pass)}, 401},
		{"pass of another port", "POST", statusCall, []string{passHeader, f.page.passes.issue(1, byBrowser)}, 401},
		{"name of this machine", "POST", statusCall, []string{"Host", "localhost:" + port}, 421},
		{"rebound name", "GET", "/", []string{"Host", "evil.example:" + port}, 421},
		{"other port", "GET", "/", []string{"Host", "127.0.0.1:1"}, 421},
		{"foreign origin", "POST", statusCall, []string{"Origin", "https://evil.example"}, 403},
		{"no origin to speak of", "POST", statusCall, []string{"Origin", "null"}, 403},
		{"our name, other port", "POST", statusCall, []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"cross-site", "POST", statusCall, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"sign in from elsewhere", "POST", "/auth", []string{"Origin", "https://evil.example"}, 403},
		{"sign in without a token", "POST", "/auth", []string{passHeader, ""}, 401},
		{"sign in by cookie", "POST", "/auth", []string{passHeader, "", "Cookie", "openvibez-" + port + "=" + b.pass}, 401},
		{"sign in by address", "GET", "/auth", nil, 405},
		{"form", "POST", statusCall, []string{"Content-Type", "text/plain"}, 415},
		{"window's line", "GET", "/window", nil, 404},
	} {
		res, body := b.do(c.method, c.path, "{}", c.head...)
		if res.StatusCode != c.want {
			t.Errorf("%s: %s, want %d\n%s", c.name, res.Status, c.want, body)
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: content policy %q", c.name, csp)
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: lets other sites in", c.name)
		}
	}
}

func TestTokensWorkOnce(t *testing.T) {
	f := start(t)
	link, err := f.page.link(t.Context(), "abc", byBrowser, nil)
	if err != nil {
		t.Fatal(err)
	}
	base, fragment, _ := strings.Cut(link, "/#")
	token, session, _ := strings.Cut(strings.TrimPrefix(fragment, "token="), "&session=")
	if session != "abc" {
		t.Errorf("the link %q does not name the session", link)
	}
	b := &browser{t: t, base: base}
	res, pass := b.do("POST", "/auth", token)
	if res.StatusCode != http.StatusOK || pass == "" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("first use: %s", res.Status)
	}
	if len(res.Cookies()) != 0 {
		t.Errorf("any server on this machine would be shown %v", res.Cookies())
	}
	if res, body := b.do("POST", "/auth", token); res.StatusCode != 401 || !strings.Contains(body, "openvibez open") {
		t.Errorf("second use: %s: %s", res.Status, body)
	}
}

func TestTokensExpire(t *testing.T) {
	now := time.Now()
	tok := tokens{now: func() time.Time { return now }}
	early, late := tok.issue(byWindow, nil), tok.issue(byWindow, nil)
	now = now.Add(tokenLife - time.Second)
	if v, ok := tok.redeem(early); !ok || v != byWindow {
		t.Error("a token did not live its life")
	}
	if tok.outstanding().IsZero() {
		t.Error("the other token is not outstanding")
	}
	now = now.Add(time.Second)
	if _, ok := tok.redeem(late); ok {
		t.Error("a token outlived its life")
	}
	if !tok.outstanding().IsZero() {
		t.Error("something is still outstanding")
	}
}

func TestPageSurvivesRestart(t *testing.T) {
	f := start(t)
	b := f.browser(byBrowser)
	f.stop()
	again := newFixtureIn(t, f.dir)
	again.start()
	if res, body := b.do("POST", statusCall, "{}"); res.StatusCode != 200 {
		t.Errorf("after a restart the open page gets %s: %s", res.Status, body)
	}
	again.stop()
	if info, err := os.Stat(f.dir + "/page.passes"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the passes' file: %v %v", info, err)
	}
}

func TestPortTakenVoidsPasses(t *testing.T) {
	f := start(t)
	b := f.browser(byBrowser)
	address := strings.TrimPrefix(b.base, "http://")
	f.stop()
	squatter, err := net.Listen("tcp4", address)
	if err != nil {
		t.Skipf("somebody else was faster to take %s: %v", address, err)
	}
	defer squatter.Close()
	again := newFixtureIn(t, f.dir)
	again.start()
	fresh := again.browser(byBrowser)
	if fresh.base == b.base {
		t.Fatal("two listeners on one port")
	}
	if again.page.passes.verify(again.page.port, b.pass) != nil || len(again.page.passes.all) != 1 {
		t.Error("a pass the squatter may have seen is still kept")
	}
	if res, _ := fresh.do("POST", statusCall, "{}"); res.StatusCode != 200 {
		t.Errorf("the new page gets %s", res.Status)
	}
}

func TestPageClosesWhenUnused(t *testing.T) {
	f := newFixture(t)
	f.page.linger = 50 * time.Millisecond
	f.start()
	if f.page.url() != "" {
		t.Error("the page is served before anybody asked for it")
	}
	b := f.browser(byBrowser)
	stream, err := apiv1.NewHostServiceClient(b.doer(), b.base).Watch(t.Context(), &apiv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	for range 5 {
		time.Sleep(f.page.linger)
	}
	if f.page.url() == "" {
		t.Error("the page is not served any more while it is open")
	}
	_ = stream.Close()
	eventually(t, "the listener to close", func() bool { return f.page.url() == "" })
	if _, err := net.Dial("tcp4", strings.TrimPrefix(b.base, "http://")); err == nil {
		t.Error("somebody still listens")
	}
	if open, err := f.Store.Setting(t.Context(), setting.PageOpen); err != nil || open != "false" {
		t.Errorf("remembered as open: %q, %v", open, err)
	}
	f.page.mu.Lock()
	f.page.linger = time.Minute
	f.page.mu.Unlock()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	// It comes back on the same port, and whoever had a pass still has.
	if again := f.browser(byBrowser); again.base != b.base {
		t.Errorf("came back on %s, was on %s", again.base, b.base)
	}
	if res, _ := b.do("POST", statusCall, "{}"); res.StatusCode != 200 {
		t.Errorf("the old pass gets %s", res.Status)
	}
}

func TestLinkKeepsPageServed(t *testing.T) {
	f := newFixture(t)
	f.page.linger = time.Millisecond
	f.start()
	if _, err := f.page.link(t.Context(), "", byBrowser, nil); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		time.Sleep(5 * time.Millisecond)
	}
	if f.page.url() == "" {
		t.Error("a link was made and leads nowhere")
	}
}

func TestPageMayDoLess(t *testing.T) {
	f := start(t)
	b := f.browser(byBrowser)
	page := apiv1.NewHostServiceClient(b.doer(), b.base)
	ctx := t.Context()
	for what, err := range map[string]error{
		"stop":        second(page.Stop(ctx, &apiv1.StopRequest{})),
		"open window": second(page.OpenWindow(ctx, &apiv1.OpenWindowRequest{LinkOnly: true})),
		"set policy":  second(page.SetSetting(ctx, &apiv1.SetSettingRequest{Key: "policy.mode", ValueJson: "1"})),
	} {
		if connect.CodeOf(err) != connect.CodePermissionDenied || !strings.Contains(err.Error(), "the chat page may not") {
			t.Errorf("%s from the page: %v", what, err)
		}
	}
	if f.stopped.Load() {
		t.Error("the page stopped the host")
	}
	for what, err := range map[string]error{
		"own setting": second(page.SetSetting(ctx, &apiv1.SetSettingRequest{Key: "window.theme", ValueJson: `"dark"`})),
		"draft":       second(page.SetSetting(ctx, &apiv1.SetSettingRequest{Key: "draft.new", ValueJson: `"Dear"`})),
		"policy from the socket": second(f.host.SetSetting(ctx, &apiv1.SetSettingRequest{
			Key: "policy.mode", ValueJson: "1",
		})),
		"stop from the socket": second(f.host.Stop(ctx, &apiv1.StopRequest{})),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !f.stopped.Load() {
		t.Error("the socket could not stop the host")
	}
	for _, key := range []string{setting.PagePort, setting.PageOpen} {
		if _, err := f.host.SetSetting(ctx, &apiv1.SetSettingRequest{Key: key, ValueJson: "1"}); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s was set by hand: %v", key, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestSocketIsPrivate(t *testing.T) {
	f := newFixture(t)
	// What a host that was killed leaves behind.
	old, err := net.Listen("unix", SocketPath(f.dir))
	if err != nil {
		t.Fatal(err)
	}
	old.(*net.UnixListener).SetUnlinkOnClose(false)
	old.Close()
	f.start()
	if _, err := f.host.GetStatus(t.Context(), &apiv1.GetStatusRequest{}); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(SocketPath(f.dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info, err)
	}
	c, err := net.Dial("unix", SocketPath(f.dir))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if uid, known := peerUID(c.(*net.UnixConn)); known && uid != os.Getuid() {
		t.Errorf("the other end is user %d, want %d", uid, os.Getuid())
	}
}
