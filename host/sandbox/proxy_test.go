package sandbox

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// public is an address that the tests' resolver gives out; the tests' dialer leads it to a server on this machine.
var public = netip.MustParseAddr("93.184.215.14")

// startProxy serves a proxy whose names and addresses are the test's own: every name has the addresses in hosts, else the
// public one, and every public address leads to upstream.
func startProxy(t *testing.T, upstream string, hosts map[string][]string, allow ...string) (*proxy, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(l, allow, PublicDialer{}, slog.New(slog.DiscardHandler))
	p.dialer.Lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		list, ok := hosts[host]
		if !ok {
			return []netip.Addr{public}, nil
		}
		var found []netip.Addr
		for _, a := range list {
			found = append(found, netip.MustParseAddr(a))
		}
		return found, nil
	}
	p.dialer.Dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		if to.Addr() != public {
			t.Errorf("the proxy connects to %s", to)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", upstream)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p, l.Addr().String()
}

// through is a client that uses a proxy.
func through(proxy string, config *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxy}), TLSClientConfig: config, DisableKeepAlives: true,
	}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func fetch(t *testing.T, c *http.Client, u string) (int, string) {
	t.Helper()
	res, err := c.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// ask sends bytes as they are and gives what comes back at first.
func ask(t *testing.T, proxy, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", proxy)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect})
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer func() { _ = res.Body.Close() }()
	var body []byte
	if res.StatusCode != http.StatusOK {
		body, _ = io.ReadAll(res.Body)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, body)
}

func TestProxyLetsThroughToGrantedHosts(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://other.example.net/secret", http.StatusFound)
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", r.Host, r.URL, r.Header.Get("Proxy-Authorization"), body)
	}))
	defer plain.Close()
	p, at := startProxy(t, plain.Listener.Addr().String(), nil, "api.example.org", "*.pkg.example", "odd.example:8080", "bücher.example")
	c := through(at, nil)
	for u, want := range map[string]string{
		"http://api.example.org/a?b=%20":       "api.example.org /a?b=%20  ",
		"http://API.Example.ORG./":             "api.example.org /  ",
		"http://x.pkg.example/":                "x.pkg.example /  ",
		"http://a.b.pkg.example/":              "a.b.pkg.example /  ",
		"http://odd.example:8080/":             "odd.example:8080 /  ",
		"http://xn--bcher-kva.example/":        "xn--bcher-kva.example /  ",
		"http://api.example.org:443/":          "api.example.org:443 /  ",
		"http://api.example.org:80/same%2Fone": "api.example.org /same%2Fone  ",
	} {
		if code, body := fetch(t, c, u); code != 200 || body != want {
			t.Errorf("%s: %d %q, want %q", u, code, body, want)
		}
	}
	for _, u := range []string{
		"http://example.org/", "http://api.example.org.evil.example/", "http://pkg.example/", "http://xpkg.example/",
		"http://odd.example/", "http://odd.example:8081/", "http://api.example.org:8080/", "http://other.example.net/",
	} {
		code, body := fetch(t, c, u)
		host := strings.TrimSuffix(strings.TrimPrefix(u, "http://"), "/")
		if code != 403 || !strings.Contains(body, "To allow it, grant "+host+" to this workspace") {
			t.Errorf("%s: %d %q", u, code, body)
		}
	}
	if got := p.Refused(); len(got) != 8 || !slices.Contains(got, "api.example.org:8080") || !slices.Contains(got, "example.org") {
		t.Errorf("refused: %q", got)
	}
	// A redirect comes back as it is, and the next request is looked at like any other.
	res, err := c.Get("http://api.example.org/away")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusFound {
		t.Errorf("redirect gave %d", res.StatusCode)
	}
	if code, _ := fetch(t, c, res.Header.Get("Location")); code != 403 {
		t.Errorf("its target gave %d", code)
	}
}

func TestProxyRefusesTricksWithNames(t *testing.T) {
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	_, at := startProxy(t, up.Listener.Addr().String(), nil, "*.example.org", "127.0.0.1", "[::1]", "1.1.1.1")
	if got := ask(t, at, "CONNECT ok.example.org:443 HTTP/1.1\r\nHost: ok.example.org:443\r\n\r\n"); !strings.HasPrefix(got, "200") {
		t.Fatalf("control: %s", got)
	}
	for _, target := range []string{
		"127.0.0.1:443", "[::1]:443", "[::ffff:127.0.0.1]:443", "2130706433:443", "0x7f000001:443", "127.1:443", "0177.0.0.1:443",
		"1.1.1.1:443", "1.1.1.1.:443", "[fe80::1%25lo]:443", "evil.com\x00.example.org:443", "evil.com\t.example.org:443",
		"evil.com#.example.org:443", "evil.com/.example.org:443", "evil.com\\.example.org:443", "evil.com%00.example.org:443",
		"a@ok.example.org:443", "ok.example.org@evil.com:443", ".example.org:443", "a..example.org:443", "*.example.org:443",
		"ok.example.org:0", "ok.example.org:65536", "ok.example.org:+443", "ok.example.org:443:443", "ok.example.org:22",
		"ok.example.org:80", strings.Repeat("a.", 130) + "example.org:443", strings.Repeat("a", 64) + ".example.org:443",
	} {
		got := ask(t, at, "CONNECT "+target+" HTTP/1.1\r\nHost: ok.example.org\r\n\r\n")
		if strings.HasPrefix(got, "2") {
			t.Errorf("%q: %s", target, got)
		}
		if strings.HasPrefix(got, "403") && !strings.Contains(got, "OpenVibez: ") {
			t.Errorf("%q has no words: %s", target, got)
		}
	}
	for _, request := range []string{
		"GET http://user:word@ok.example.org/ HTTP/1.1\r\nHost: ok.example.org\r\n\r\n",
		"GET http://127.0.0.1/ HTTP/1.1\r\nHost: ok.example.org\r\n\r\n",
		"GET https://ok.example.org/ HTTP/1.1\r\nHost: ok.example.org\r\n\r\n",
		"GET ftp://ok.example.org/ HTTP/1.1\r\nHost: ok.example.org\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: ok.example.org\r\n\r\n",
		"GET http://ok.example.org/ HTTP/1.1\r\nHost: ok.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		if got := ask(t, at, request); strings.HasPrefix(got, "2") || !strings.Contains(got, "OpenVibez: ") {
			t.Errorf("%q: %s", request, got)
		}
	}
}

// The Host header never says where a request goes.
func TestProxySendsTheHostItLookedAt(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Host", r.Host) }))
	defer up.Close()
	_, at := startProxy(t, up.Listener.Addr().String(), nil, "ok.example.org")
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "GET http://ok.example.org/ HTTP/1.1\r\nHost: evil.example\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.Header.Get("X-Host") != "ok.example.org" {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestProxyConnectsToPublicAddressesOnly(t *testing.T) {
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	hosts := map[string][]string{"mixed.example": {"10.0.0.1", public.String()}}
	bad := []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255",
		"192.0.0.8", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::", "2001:db8::1", "::127.0.0.1",
	}
	allow := []string{"mixed.example"}
	for i, a := range bad {
		name := fmt.Sprintf("n%d.example", i)
		hosts[name], allow = []string{a}, append(allow, name)
	}
	p, at := startProxy(t, up.Listener.Addr().String(), hosts, allow...)
	for i, a := range bad {
		for _, request := range []string{
			"CONNECT n%d.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://n%d.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			if got := ask(t, at, fmt.Sprintf(request, i)); !strings.HasPrefix(got, "403") || !strings.Contains(got, "private network") {
				t.Errorf("%s: %s", a, got)
			}
		}
	}
	if got := p.Told(); len(got) != proxyTold || !strings.Contains(got[0], "private network") {
		t.Errorf("it remembers %q", got)
	}
	if got := ask(t, at, "CONNECT mixed.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "200") {
		t.Errorf("a name with one public address: %s", got)
	}
	for _, a := range []string{"8.8.8.8", "1.0.0.1", "2606:4700::1111", "2a00:1450:4001:80f::200e", "::ffff:8.8.8.8"} {
		if !PublicAddress(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as private", a)
		}
	}
}

// A name that changes between the look and the connection gains nothing: there is one lookup, and what it gave is dialled.
func TestProxyResolvesOnce(t *testing.T) {
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	p, at := startProxy(t, up.Listener.Addr().String(), nil, "rebind.example")
	lookups := atomic.Int64{}
	p.dialer.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		if lookups.Add(1) == 1 {
			return []netip.Addr{public}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	if got := ask(t, at, "CONNECT rebind.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "200") || lookups.Load() != 1 {
		t.Errorf("%s after %d lookups", got, lookups.Load())
	}
	if got := ask(t, at, "CONNECT rebind.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "403") {
		t.Errorf("after the change: %s", got)
	}
}

func TestTunnelsAreForTheHostTheyWereMadeFor(t *testing.T) {
	served := atomic.Int64{}
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		_, _ = io.Copy(w, r.Body)
	}))
	up.Config.ErrorLog = log.New(io.Discard, "", 0)
	up.StartTLS()
	defer up.Close()
	_, at := startProxy(t, up.Listener.Addr().String(), nil, "example.com", "tls.example:8443")
	roots := x509.NewCertPool()
	roots.AddCert(up.Certificate())

	big := strings.Repeat("0123456789abcdef", 1<<16)
	res, err := through(at, &tls.Config{RootCAs: roots}).Post("https://example.com/", "", strings.NewReader(big))
	if err != nil {
		t.Fatal(err)
	}
	back, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || string(back) != big {
		t.Errorf("%d of %d bytes came back, %v", len(back), len(big), err)
	}
	for name, c := range map[string]struct {
		url    string
		config *tls.Config
	}{
		"another name":           {"https://example.com/", &tls.Config{InsecureSkipVerify: true, ServerName: "hidden.example"}},
		"no name":                {"https://example.com/", &tls.Config{InsecureSkipVerify: true, ServerName: "127.0.0.1"}},
		"another name, odd port": {"https://tls.example:8443/", &tls.Config{InsecureSkipVerify: true, ServerName: "hidden.example"}},
		"a name below":           {"https://example.com/", &tls.Config{InsecureSkipVerify: true, ServerName: "www.example.com"}},
	} {
		before := served.Load()
		_, err := through(at, c.config).Get(c.url)
		var alert tls.AlertError
		if !errors.As(err, &alert) && (err == nil || !strings.Contains(err.Error(), "access denied")) {
			t.Errorf("%s: got %v, want the alert", name, err)
		}
		if served.Load() != before {
			t.Errorf("%s reached the server", name)
		}
	}
	for name, first := range map[string]string{
		"HTTP": "GET / HTTP/1.1\r\nHost: hidden.example\r\n\r\n", "SSH": "SSH-2.0-x\r\n", "half a hello": "\x16\x03\x01\x00\x04\x01\x00\x00\x00",
	} {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		// What is sent together with CONNECT is looked at too.
		fmt.Fprint(conn, "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n"+first)
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		got, err := io.ReadAll(conn)
		if err != nil || !strings.HasSuffix(string(got), string(accessDenied)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		_ = conn.Close()
	}
}

// A host granted with its own port may speak anything there, and speak first.
func TestTunnelsOfGrantedPortsAreFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(conn, "hello\n")
		_, _ = io.Copy(conn, conn)
		_ = conn.Close()
	}()
	_, at := startProxy(t, l.Addr().String(), nil, "git.example:22")
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(conn, "CONNECT git.example:22 HTTP/1.1\r\nHost: x\r\n\r\n")
	r := bufio.NewReader(conn)
	for _, want := range []string{"HTTP/1.1 200 Connection established\r\n", "\r\n", "hello\n"} {
		if got, err := r.ReadString('\n'); got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	fmt.Fprint(conn, "echo\n")
	_ = conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(r); string(got) != "echo\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestProxyEndsWithItsCommand(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p, at := startProxy(t, l.Addr().String(), nil, "git.example:22")
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "CONNECT git.example:22 HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect}); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the tunnel goes on: %v", err)
	}
	if _, err := net.Dial("tcp", at); err == nil {
		t.Error("the proxy still listens")
	}
}
