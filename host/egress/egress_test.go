package egress

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/sdk"
)

// broker is an egress under test, and a way to it.
type broker struct {
	*Broker
	socket string
	grant  *Grant
}

// newBroker serves requests to the given origins, with a key for the first.
func newBroker(t *testing.T, transport http.RoundTripper, origins ...string) *broker {
	t.Helper()
	socket := filepath.Join(shortDir(t), "s")
	e, err := Listen(socket, transport, NewTraffic(), &keys.Secrets{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	g := &Grant{Origins: map[string]bool{}, Credentials: []Credential{{"Authorization", "Bearer ", "host-key-123"}}}
	for i, o := range origins {
		o, err := OriginOf(o)
		if err != nil {
			t.Fatal(err)
		}
		g.Origins[o] = true
		if i == 0 {
			g.KeyOrigin = o
		}
	}
	e.Allow(g)
	return &broker{Broker: e, socket: socket, grant: g}
}

func noProxy(string) string { return "" }

// client is an HTTP client that reaches the broker as a plugin does.
func (b *broker) client(h2 bool) *http.Client {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!h2)
	protocols.SetUnencryptedHTTP2(h2)
	return &http.Client{Transport: through{b, &http.Transport{
		Protocols:          protocols,
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", b.socket)
		},
	}}}
}

type through struct {
	b *broker
	t *http.Transport
}

func (t through) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	if out.Header.Get(sdk.HeaderCapability) == "" {
		out.Header.Set(sdk.HeaderCapability, t.b.grant.capability)
	}
	if out.Header.Get(sdk.HeaderScheme) == "" {
		out.Header.Set(sdk.HeaderScheme, r.URL.Scheme)
	}
	out.Host = r.URL.Host
	if r.Host != "" {
		out.Host = r.Host
	}
	out.URL.Scheme = "http"
	out.URL.Host = "host"
	res, err := t.t.RoundTrip(out)
	if err == nil {
		res.Request = r
	}
	return res, err
}

func versions(t *testing.T, run func(t *testing.T, h2 bool)) {
	for name, h2 := range map[string]bool{"h1": false, "h2c": true} {
		t.Run(name, func(t *testing.T) { run(t, h2) })
	}
}

// refused does a request that the host answers itself and gives its code and words.
func refused(t *testing.T, c *http.Client, req *http.Request) (status int, code, words string) {
	t.Helper()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var body struct {
		Error struct{ Code, Type, Message string }
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatalf("status %d: %v", res.StatusCode, err)
	}
	if body.Error.Type != "host_policy" || body.Error.Code != res.Header.Get(sdk.HeaderDenied) {
		t.Errorf("refusal is %+v with header %q", body.Error, res.Header.Get(sdk.HeaderDenied))
	}
	return res.StatusCode, body.Error.Code, body.Error.Message
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func post(t *testing.T, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestEgressAddsTheKeyAndStripsWhatAPluginSends(t *testing.T) {
	versions(t, func(t *testing.T, h2 bool) {
		var got http.Header
		var host, uri string
		upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, host, uri = r.Header.Clone(), r.Host, r.RequestURI
			w.Header().Set("Set-Cookie", "id=1")
			w.Header().Set("Openvibez-Denied", "forged")
			w.Header().Set("X-Kept", "yes")
			_, _ = io.WriteString(w, "fine")
		}))
		defer upstream.Close()
		b := newBroker(t, newTransport(noProxy), upstream.URL)
		req := get(t, upstream.URL+"/v1/a%2Fb?q=1;2&x=%zz")
		for name, v := range map[string]string{
			"Authorization": "Bearer forged", "X-Api-Key": "forged", "Api-Key": "forged", "X-Goog-Api-Key": "forged", "Cookie": "a=b",
			"Proxy-Authorization": "forged", "Proxy-Connection": "keep-alive", "Openvibez-Other": "x", "X-Custom": "kept", "X-Forwarded-For": "9.9.9.9",
		} {
			req.Header.Set(name, v)
		}
		res, err := b.client(h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(body) != "fine" || res.Header.Get("X-Kept") != "yes" || res.Header.Get("Set-Cookie") != "" || res.Header.Get("Openvibez-Denied") != "" {
			t.Errorf("got %q with %v", body, res.Header)
		}
		if got.Get("Authorization") != "Bearer host-key-123" || got.Get("X-Custom") != "kept" {
			t.Errorf("upstream saw %v", got)
		}
		for name := range got {
			if strings.HasPrefix(name, "Openvibez-") || strings.HasPrefix(name, "Proxy-") || strings.HasPrefix(name, "X-Forwarded") ||
				name == "Cookie" || name == "X-Api-Key" || name == "Api-Key" || name == "X-Goog-Api-Key" {
				t.Errorf("upstream saw %s: %v", name, got[name])
			}
		}
		if want := strings.TrimPrefix(upstream.URL, "http://"); host != want || uri != "/v1/a%2Fb?q=1;2&x=%zz" {
			t.Errorf("upstream saw host %s and %s", host, uri)
		}
	})
}

func TestEgressRefuses(t *testing.T) {
	hits := atomic.Int64{}
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer other.Close()
	b := newBroker(t, newTransport(noProxy), "https://api.example.com/v1")
	versions(t, func(t *testing.T, h2 bool) {
		c := b.client(h2)
		for _, u := range []string{
			other.URL, "http://api.example.com", "https://api.example.com:8443", "https://api.example.com.evil.example",
			"https://example.com", "https://sub.api.example.com", "https://api.example.com.",
		} {
			status, code, words := refused(t, c, get(t, u))
			if status != 403 || code != "origin_not_allowed" || !strings.Contains(words, u) {
				t.Errorf("%s: %d %s %q", u, status, code, words)
			}
		}
		for _, scheme := range []string{"ftp", "unix", "https://x"} {
			req := get(t, "https://api.example.com")
			req.Header.Set(sdk.HeaderScheme, scheme)
			if status, code, _ := refused(t, c, req); status != 403 || code != "origin_not_allowed" {
				t.Errorf("scheme %s: %d %s", scheme, status, code)
			}
		}
		req := get(t, other.URL)
		req.Header.Set(sdk.HeaderCapability, "guessed")
		if status, code, _ := refused(t, c, req); status != 403 || code != "unknown_capability" {
			t.Errorf("unknown capability: %d %s", status, code)
		}
	})
	g := &Grant{Origins: map[string]bool{}}
	b.Allow(g)
	b.Revoke(g)
	b.Revoke(g)
	req := get(t, other.URL)
	req.Header.Set(sdk.HeaderCapability, g.capability)
	if status, code, words := refused(t, b.client(false), req); status != 403 || code != "unknown_capability" || !strings.Contains(words, "has ended") {
		t.Errorf("revoked capability: %d %s %q", status, code, words)
	}
	for _, line := range []string{
		"CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n",
		"GET https://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n",
		"GET " + other.URL + "/ HTTP/1.1\r\nHost: api.example.com\r\n",
	} {
		conn, err := net.Dial("unix", b.socket)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "%s%s: %s\r\n%s: https\r\n\r\n", line, sdk.HeaderCapability, b.grant.capability, sdk.HeaderScheme)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = res.Body.Close(), conn.Close()
		if res.StatusCode != 400 || res.Header.Get(sdk.HeaderDenied) != "request_refused" {
			t.Errorf("%q: got %s", line, res.Status)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("the other server was reached %d times", hits.Load())
	}
}

func TestEgressSaysWhyAnUpstreamDoesNotAnswer(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer secure.Close()
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	plainServer := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plainServer.Close()
	hangup := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer hangup.Close()
	slow := newTransport(noProxy)
	slow.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: timeoutError{}}
	}
	badProxy := newTransport(func(name string) string {
		return map[string]string{"HTTPS_PROXY": closed.URL}[name]
	})
	for _, c := range []struct {
		name, url string
		transport *http.Transport
		status    int
		code      string
		words     string
	}{
		{"nothing listens", closed.URL, nil, 502, "upstream_unreachable", "nothing listens at " + closed.URL},
		{"no such name", "https://nowhere.invalid", nil, 502, "upstream_unreachable", "nowhere.invalid"},
		{"unknown authority", secure.URL, nil, 502, "upstream_tls", "an authority that this machine does not know; add it to the system's certificates, or name its file in the environment variable SSL_CERT_FILE"},
		{"plain server", strings.Replace(plainServer.URL, "http://", "https://", 1), nil, 502, "upstream_tls", "http://"},
		{"timeout", plainServer.URL, slow, 504, "upstream_timeout", "did not answer in time"},
		{"proxy", "https://api.example.com", badProxy, 502, "upstream_proxy", "HTTPS_PROXY"},
		{"ssh", says(t, "SSH-2.0-OpenSSH_9.2\r\n"), nil, 502, "upstream_garbage", `not in HTTP: what came begins with "SSH-2.0-OpenSSH_9.2". Check the address, its port above all`},
		{"bytes", says(t, "\x00\x01\xff\r\n"), nil, 502, "upstream_garbage", `begins with "\x00\x01\xff"`},
		{"no status", says(t, "HTTP/1.1 many\r\n\r\n"), nil, 502, "upstream_garbage", `begins with "many`},
		{"hang-up", hangup.URL, nil, 502, "upstream_cut", "closed the connection before it answered"},
	} {
		transport := c.transport
		if transport == nil {
			transport = newTransport(noProxy)
		}
		b := newBroker(t, transport, c.url)
		status, code, words := refused(t, b.client(false), get(t, c.url))
		if status != c.status || code != c.code || !strings.Contains(words, c.words) {
			t.Errorf("%s: got %d %s %q", c.name, status, code, words)
		}
	}
}

// says is the address of a server that says the same to everybody, and hangs up.
func says(t *testing.T, words string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = bufio.NewReader(c).ReadString('\n')
				_, _ = io.WriteString(c, words)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

func TestEgressUsesTheProxyButNotForThisMachine(t *testing.T) {
	proxy := newTransport(func(name string) string {
		return map[string]string{"HTTP_PROXY": "http://proxy:1", "https_proxy": "http://proxy:2", "NO_PROXY": "direct.example"}[name]
	}).Proxy
	for target, want := range map[string]string{
		"http://a.example": "http://proxy:1", "https://a.example": "http://proxy:2", "https://direct.example": "",
		"http://127.0.0.1:11434": "", "http://localhost": "", "http://[::1]:80": "",
	} {
		u, _ := url.Parse(target)
		p, err := proxy(&http.Request{URL: u})
		got := ""
		if p != nil {
			got = p.String()
		}
		if err != nil || got != want {
			t.Errorf("%s goes through %q, want %q (%v)", target, got, want, err)
		}
	}
}

func TestEgressTakesTheProxyForAll(t *testing.T) {
	for _, c := range []struct {
		env          map[string]string
		target, want string
	}{
		{map[string]string{"ALL_PROXY": "socks5h://proxy:1"}, "https://a.example", "socks5h://proxy:1"},
		{map[string]string{"all_proxy": "socks5://proxy:1"}, "http://a.example", "socks5://proxy:1"},
		{map[string]string{"ALL_PROXY": "socks5://proxy:1", "HTTPS_PROXY": "http://proxy:2"}, "https://a.example", "http://proxy:2"},
		{map[string]string{"ALL_PROXY": "socks5://proxy:1", "NO_PROXY": "a.example"}, "https://a.example", ""},
		{map[string]string{"ALL_PROXY": "socks5://proxy:1"}, "http://127.0.0.1:11434", ""},
	} {
		u, _ := url.Parse(c.target)
		p, err := newTransport(func(name string) string { return c.env[name] }).Proxy(&http.Request{URL: u})
		got := ""
		if p != nil {
			got = p.String()
		}
		if err != nil || got != c.want {
			t.Errorf("%v: %s goes through %q, want %q (%v)", c.env, c.target, got, c.want, err)
		}
	}
}

func TestEgressDoesTLS(t *testing.T) {
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s", r.Proto, r.Header.Get("Authorization"))
	}))
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	defer upstream.Close()
	transport := newTransport(noProxy)
	transport.TLSClientConfig = upstream.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	transport.TLSClientConfig.NextProtos = nil
	b := newBroker(t, transport, upstream.URL)
	versions(t, func(t *testing.T, h2 bool) {
		res, err := b.client(h2).Do(get(t, upstream.URL))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(body) != "HTTP/2.0 Bearer [key removed]" {
			t.Errorf("got %q", body)
		}
	})
}

func TestEgressStreamsAtOnceAndPassesCancelOn(t *testing.T) {
	versions(t, func(t *testing.T, h2 bool) {
		gone := make(chan struct{}, 1)
		next := make(chan struct{})
		upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for i := 0; ; i++ {
				_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-next:
				case <-r.Context().Done():
					gone <- struct{}{}
					return
				}
			}
		}))
		defer upstream.Close()
		b := newBroker(t, newTransport(noProxy), upstream.URL)
		for _, revoke := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			res, err := b.client(h2).Do(post(t, upstream.URL, strings.NewReader("{}")).WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(res.Body)
			for i := range 3 {
				line, err := lines.ReadString('\n')
				if err != nil || line != fmt.Sprintf("data: %d\n", i) {
					t.Fatalf("got %q, %v", line, err)
				}
				_, _ = lines.ReadString('\n')
				next <- struct{}{}
			}
			if revoke {
				b.Revoke(b.grant)
			} else {
				cancel()
			}
			select {
			case <-gone:
			case <-time.After(watchdog):
				t.Fatal("upstream was not told")
			}
			if _, err := io.ReadAll(lines); err == nil {
				t.Error("stream ended as if it were complete")
			}
			_ = res.Body.Close()
		}
		eventually(t, "count of the hang-up", func() bool { return b.disconnects.Load() == 1 })
	})
}

func TestEgressPassesCancelOnBeforeTheFirstByte(t *testing.T) {
	versions(t, func(t *testing.T, h2 bool) {
		there, gone := make(chan struct{}), make(chan struct{})
		upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			close(there)
			<-r.Context().Done()
			close(gone)
		}))
		defer upstream.Close()
		b := newBroker(t, newTransport(noProxy), upstream.URL)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-there
			cancel()
		}()
		_, err := b.client(h2).Do(post(t, upstream.URL, strings.NewReader("{}")).WithContext(ctx))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		select {
		case <-gone:
		case <-time.After(watchdog):
			t.Fatal("upstream was not told")
		}
	})
}

func TestEgressReportsACutAnswer(t *testing.T) {
	versions(t, func(t *testing.T, h2 bool) {
		upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		defer upstream.Close()
		b := newBroker(t, newTransport(noProxy), upstream.URL)
		res, err := b.client(h2).Do(get(t, upstream.URL))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(body) != "half" || err == nil {
			t.Errorf("got %q, %v; want what came and an error", body, err)
		}
	})
}

func TestEgressNeverFollowsRedirects(t *testing.T) {
	hits := atomic.Int64{}
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer other.Close()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/here":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		default:
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		}
	}))
	defer upstream.Close()
	b := newBroker(t, newTransport(noProxy), upstream.URL)
	if status, code, _ := refused(t, b.client(false), get(t, upstream.URL+"/away")); status != 403 || code != "origin_not_allowed" || hits.Load() != 0 {
		t.Errorf("redirect away gave %d %s and %d hits", status, code, hits.Load())
	}
	res, err := b.client(false).Do(get(t, upstream.URL+"/here"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if string(body) != "Bearer [key removed]" {
		t.Errorf("redirect within the origin gave %q", body)
	}
}

func TestEgressKeyGoesToTheBaseURLOnly(t *testing.T) {
	var seen []string
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.Header.Get("Authorization")) })
	one, two := httptest.NewServer(handler), httptest.NewServer(handler)
	defer one.Close()
	defer two.Close()
	b := newBroker(t, newTransport(noProxy), one.URL, two.URL)
	for _, u := range []string{one.URL, two.URL} {
		res, err := b.client(false).Do(get(t, u))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	if len(seen) != 2 || seen[0] != "Bearer host-key-123" || seen[1] != "" {
		t.Errorf("got %q", seen)
	}
}

func TestEgressRemovesTheKeyFromAnswers(t *testing.T) {
	const key = "host-key-123"
	versions(t, func(t *testing.T, h2 bool) {
		for _, status := range []int{200, 201, 302, 307, 401, 500} {
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+key {
					t.Error("the key did not come")
				}
				w.Header().Set("X-Echo", r.Header.Get("Authorization"))
				w.Header().Set("Location", "/there?k="+url.QueryEscape(r.Header.Get("Authorization")))
				w.Header().Set("Trailer", "X-After")
				w.WriteHeader(status)
				// Early, late, over the edge of what is written at once, and in other words.
				_, _ = io.WriteString(w, "wrong key "+r.Header.Get("Authorization")+strings.Repeat(".", 100<<10)+key[:5])
				w.(http.Flusher).Flush()
				_, _ = io.WriteString(w, key[5:]+" "+base64.StdEncoding.EncodeToString([]byte("Bearer "+key)))
				w.Header().Set("X-After", key)
			}))
			b := newBroker(t, newTransport(noProxy), upstream.URL)
			c := b.client(h2)
			c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			res, err := c.Do(get(t, upstream.URL))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			seen := string(body) + fmt.Sprint(res.Header, res.Trailer)
			if err != nil || !strings.HasPrefix(string(body), "wrong key Bearer [key removed]...") || len(body) < 100<<10 || strings.Count(string(body), "[key removed]") != 3 {
				t.Errorf("%d: got %.80q … %q, %v", status, body, body[len(body)-100:], err)
			}
			if strings.Contains(seen, "host-key") || strings.Contains(seen, "aG9zdC1rZXktMTIz") || strings.Contains(seen, "b3N0LWtleS0xMj") {
				t.Errorf("%d: the plugin sees the key: %v %v …%q", status, res.Header, res.Trailer, body[len(body)-100:])
			}
			upstream.Close()
		}
	})
}

func TestEgressAsksForErrorsItCanRead(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Accept-Encoding"))
	}))
	defer upstream.Close()
	b := newBroker(t, newTransport(noProxy), upstream.URL)
	req := get(t, upstream.URL)
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := b.client(false).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err != nil || len(body) > 0 {
		t.Errorf("the upstream was asked for %q, %v", body, err)
	}
}

func TestEgressCarriesLargeBodies(t *testing.T) {
	versions(t, func(t *testing.T, h2 bool) {
		upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
		defer upstream.Close()
		upstream.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			_, _ = w.Write(b)
		})
		b := newBroker(t, newTransport(noProxy), upstream.URL)
		sent := make([]byte, 10<<20)
		_, _ = rand.Read(sent)
		for _, body := range []io.Reader{bytes.NewReader(sent), io.MultiReader(bytes.NewReader(sent))} {
			res, err := b.client(h2).Do(post(t, upstream.URL, body))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
				t.Errorf("got %d bytes, %v; want the %d sent", len(got), err, len(sent))
			}
		}
	})
}

// A request written to a kept connection that the upstream has just closed goes out again if its body can.
func TestEgressLetsSmallBodiesBeSentAgain(t *testing.T) {
	for size, again := range map[int]bool{5: true, replayable: true, replayable + 1: false} {
		var got []int
		b := newBroker(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			bodies := []io.ReadCloser{r.Body}
			if r.GetBody != nil {
				body, err := r.GetBody()
				if err != nil {
					return nil, err
				}
				bodies = append(bodies, body)
			}
			for _, body := range bodies {
				n, err := io.Copy(io.Discard, body)
				if err != nil {
					return nil, err
				}
				got = append(got, int(n))
			}
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		}), "http://a.example")
		res, err := b.client(false).Do(post(t, "http://a.example", strings.NewReader(strings.Repeat("x", size))))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || got[0] != size || (len(got) == 2) != again {
			t.Errorf("body of %d bytes: %s, sent as %v", size, res.Status, got)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A broker that leaves out EnableFullDuplex breaks streams when the upstream answers before it has the whole request.
func TestEgressBreaksNoStream(t *testing.T) {
	streams := int64(12000)
	if testing.Short() {
		streams = 500
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		defer func() { _, _ = io.Copy(io.Discard, r.Body) }()
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
		}
	}))
	defer upstream.Close()
	kept, passed := newBroker(t, newTransport(noProxy), upstream.URL), newBroker(t, newTransport(noProxy), upstream.URL)
	passed.replay = 0
	kept.traffic.rate.SetLimit(rate.Inf)
	passed.traffic.rate.SetLimit(rate.Inf)
	bodies := []func() io.Reader{
		func() io.Reader { return strings.NewReader(strings.Repeat("x", 300)) },
		func() io.Reader { return strings.NewReader(strings.Repeat("x", 6000)) },
		// Without a length.
		func() io.Reader { return io.MultiReader(strings.NewReader(strings.Repeat("x", 6000))) },
	}
	var broken, begun atomic.Int64
	var all sync.WaitGroup
	for worker := range 9 {
		c := passed.client(false)
		if worker < 3 {
			c = kept.client(false)
		}
		all.Go(func() {
			for begun.Add(1) <= streams {
				res, err := c.Do(post(t, upstream.URL, bodies[worker%3]()))
				if err != nil {
					broken.Add(1)
					continue
				}
				got, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err != nil || len(got) != 27 {
					broken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := broken.Load(); n != 0 {
		t.Errorf("%d of %d streams broke", n, streams)
	}
}

func TestEgressUpgrades(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer host-key-123" || r.Header.Get("Upgrade") != "echo" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.Copy(conn, rw)
	}))
	defer upstream.Close()
	b := newBroker(t, newTransport(noProxy), upstream.URL)
	req := get(t, upstream.URL)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	res, err := b.client(false).Do(req)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", res, err)
	}
	conn := res.Body.(io.ReadWriteCloser)
	defer func() { _ = conn.Close() }()
	got := make([]byte, 4)
	_, _ = io.WriteString(conn, "ping")
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "ping" {
		t.Errorf("got %q, %v", got, err)
	}
}
