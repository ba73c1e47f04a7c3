package provider

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/openvibez/openvibez/sdk"
)

const (
	replayable = 256 << 10
	// How much of a provider's error is searched for its own key.
	scrubbed = 64 << 10
)

// egress is the one way a plugin reaches the network: an HTTP server on a socket that only this plugin knows. The
// capability in a request says for which connection it is made, and with that where it may go and with which key.
type egress struct {
	log    *slog.Logger
	server *http.Server
	proxy  *httputil.ReverseProxy
	served chan struct{}
	// Request bodies up to this size are read before they go out, so that they can be sent again when a kept connection
	// turns out to be closed.
	replay int64

	traffic *traffic
	secrets *secrets

	mu     sync.RWMutex
	grants map[string]*grant

	disconnects atomic.Int64
}

// grant is what one capability permits.
type grant struct {
	capability string
	// Cancelled when the capability is revoked; it takes requests under way with it.
	ctx    context.Context
	cancel context.CancelFunc
	// Where requests may go, in the form that origin gives; true: even if that is this machine or a private network.
	origins map[string]bool
	// Where the credentials go, and nowhere else.
	keyOrigin   string
	credentials []credential
}

// credential is a secret and the header it travels in; "" is none, and then the header is only kept free of a plugin's own.
type credential struct{ header, prefix, secret string }

// errand is one request on its way.
type errand struct {
	grant  *grant
	origin string
	url    url.URL
	// Its origin may be anywhere.
	private bool
	// It goes through the proxy that the environment names.
	proxied bool
}

type errandKey struct{}

// censor takes the credentials out of a text.
func (g *grant) censor(text string) string {
	for _, c := range g.credentials {
		if c.secret != "" {
			text = strings.ReplaceAll(text, c.secret, removed)
		}
	}
	return text
}

// secret tells whether there is anything to keep from the plugin.
func (g *grant) secret() bool {
	return slices.ContainsFunc(g.credentials, func(c credential) bool { return c.secret != "" })
}

// listenEgress serves a plugin's requests on a socket at path, speaking HTTP/1.1 and HTTP/2 without TLS.
func listenEgress(path string, transport http.RoundTripper, traffic *traffic, secrets *secrets, log *slog.Logger) (*egress, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for the plugin's requests: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect socket: %w", err), l.Close())
	}
	e := &egress{log: log, grants: map[string]*grant{}, served: make(chan struct{}), replay: replayable, traffic: traffic, secrets: secrets}
	quiet := slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	e.proxy = &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      transport,
		FlushInterval:  -1,
		ModifyResponse: e.clean,
		ErrorHandler:   e.failed,
		BufferPool:     &buffers{},
		ErrorLog:       quiet,
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	e.server = &http.Server{
		Handler:           e,
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaders,
		ErrorLog:          quiet,
	}
	go func() {
		defer close(e.served)
		if err := e.server.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("plugin's socket stopped", "error", err)
		}
	}()
	return e, nil
}

// close revokes everything and stops serving.
func (e *egress) close() {
	e.mu.Lock()
	for c, g := range e.grants {
		g.cancel()
		delete(e.grants, c)
	}
	e.mu.Unlock()
	_ = e.server.Close()
	<-e.served
	e.log.Debug("plugin's socket closed", "disconnects", e.disconnects.Load())
}

// allow makes a capability of g, which nothing else may change afterwards.
func (e *egress) allow(g *grant) {
	for _, c := range g.credentials {
		e.secrets.add(c.secret)
	}
	// The longest first: one may be the beginning of another.
	slices.SortFunc(g.credentials, func(a, b credential) int { return len(b.secret) - len(a.secret) })
	g.capability = rand.Text()
	g.ctx, g.cancel = context.WithCancel(context.Background())
	e.mu.Lock()
	defer e.mu.Unlock()
	e.grants[g.capability] = g
}

// revoke ends a capability and the requests made with it. Revoking twice is no error.
func (e *egress) revoke(g *grant) {
	e.mu.Lock()
	delete(e.grants, g.capability)
	e.mu.Unlock()
	g.cancel()
}

func (e *egress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.traffic.requests.Add(1)
	if !e.traffic.enter() {
		w.Header().Set("Retry-After", strconv.Itoa(1))
		e.refuse(w, tooFast)
		return
	}
	defer e.traffic.leave()
	if r.Method == http.MethodConnect || r.URL.Host != "" || r.URL.Scheme != "" {
		e.refuse(w, refusal{
			http.StatusBadRequest, "request_refused",
			"the host's socket is no proxy: send a plain request with the provider in the Host header, as sdk.HTTPClient does",
		})
		return
	}
	e.mu.RLock()
	g := e.grants[r.Header.Get(sdk.HeaderCapability)]
	e.mu.RUnlock()
	if g == nil {
		e.refuse(w, unknownCapability)
		return
	}
	scheme := strings.ToLower(r.Header.Get(sdk.HeaderScheme))
	to, err := origin(scheme, r.Host)
	if err != nil {
		e.refuse(w, refusal{http.StatusForbidden, "origin_not_allowed", "the host can't tell where this request should go: " + err.Error()})
		return
	}
	private, allowed := g.origins[to]
	if !allowed {
		e.refuse(w, refusal{http.StatusForbidden, "origin_not_allowed", fmt.Sprintf(
			"the host does not allow this plugin to reach %s. If that is where the provider is, enter it as the provider's base URL", plain(to))})
		return
	}
	if r.ContentLength > maxBody {
		e.refuse(w, tooLarge)
		return
	}

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	defer func() {
		// The server cancels this context when the plugin hangs up.
		if r.Context().Err() != nil {
			e.disconnects.Add(1)
		}
	}()
	if r.ProtoMajor == 1 {
		// Without it the server closes the request's body at the first byte of the answer, and an upstream that answers
		// very fast loses its connection in mid-answer: about one stream in a thousand.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	ctx = context.WithValue(ctx, errandKey{}, &errand{
		grant: g, origin: to, private: private,
		url: url.URL{Scheme: scheme, Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery},
	})
	out := r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = counted{http.MaxBytesReader(w, r.Body, maxBody), &e.traffic.sent}
	}
	if r.ContentLength > 0 && r.ContentLength <= e.replay {
		body, err := io.ReadAll(out.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		out.Body = io.NopCloser(bytes.NewReader(body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	e.proxy.ServeHTTP(w, out)
}

// rewrite turns a plugin's request into the one that leaves the machine.
func rewrite(p *httputil.ProxyRequest) {
	on := p.In.Context().Value(errandKey{}).(*errand)
	p.Out.URL, p.Out.Host = &on.url, p.In.Host
	for _, h := range []http.Header{p.Out.Header, p.Out.Trailer} {
		for name := range h {
			if strings.HasPrefix(name, "Openvibez-") || strings.HasPrefix(name, "Proxy-") {
				delete(h, name)
			}
		}
		for _, name := range []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie"} {
			h.Del(name)
		}
		for _, c := range on.grant.credentials {
			h.Del(c.header)
		}
	}
	if on.origin != on.grant.keyOrigin {
		return
	}
	for _, c := range on.grant.credentials {
		if c.secret != "" {
			p.Out.Header.Set(c.header, c.prefix+c.secret)
			// An error that repeats it has to be readable, so that it can be taken out.
			p.Out.Header.Del("Accept-Encoding")
		}
	}
}

// clean takes from an answer what is not for a plugin: cookies, forged refusals, and credentials where a provider's error
// repeats them.
func (e *egress) clean(res *http.Response) error {
	if res.StatusCode != http.StatusSwitchingProtocols {
		res.Body = counted{res.Body, &e.traffic.received}
	}
	for name := range res.Header {
		if strings.HasPrefix(name, "Openvibez-") || name == "Set-Cookie" || name == "Set-Cookie2" {
			delete(res.Header, name)
		}
	}
	on := res.Request.Context().Value(errandKey{}).(*errand)
	if !on.grant.secret() || res.StatusCode < 400 || on.origin != on.grant.keyOrigin {
		return nil
	}
	for _, values := range res.Header {
		for i, v := range values {
			values[i] = on.grant.censor(v)
		}
	}
	head, err := io.ReadAll(io.LimitReader(res.Body, scrubbed))
	if err != nil {
		return fmt.Errorf("read the provider's error: %w", err)
	}
	found := []byte(on.grant.censor(string(head)))
	if len(found) != len(head) {
		res.ContentLength = -1
		res.Header.Del("Content-Length")
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(found), res.Body), res.Body}
	return nil
}

// buffers lends the proxy its copying buffers.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 16<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
