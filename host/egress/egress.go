package egress

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
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/sdk"
)

const replayable = 256 << 10

// Broker is the one way a plugin reaches the network: an HTTP server on a socket that only this plugin knows. The
// capability in a request says for which connection it is made, and with that where it may go and with which key.
type Broker struct {
	log    *slog.Logger
	server *http.Server
	proxy  *httputil.ReverseProxy
	served chan struct{}
	// Request bodies up to this size are read before they go out, so that they can be sent again when a kept connection
	// turns out to be closed.
	replay int64

	traffic *Traffic
	secrets *keys.Secrets

	mu     sync.RWMutex
	grants map[string]*Grant

	disconnects atomic.Int64
}

// Grant is what one capability permits.
type Grant struct {
	capability string
	// Cancelled when the capability is revoked; it takes requests under way with it.
	ctx    context.Context
	cancel context.CancelFunc
	// Where requests may go, in the form that origin gives; true: even if that is this machine or a private network.
	Origins map[string]bool
	// Where the credentials go, and nowhere else.
	KeyOrigin   string
	Credentials []Credential
	// What to look for in whatever is told or shown.
	forms *keys.Forms
}

// Credential is a secret and the header it travels in; "" is none, and then the header is only kept free of a plugin's own.
type Credential struct{ Header, Prefix, Secret string }

// ValidHeader tells whether a header may carry a key: a plain name, and none that steers the request itself.
func ValidHeader(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	switch http.CanonicalHeaderKey(name) {
	case "", "Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Te", "Trailer", "Upgrade":
		return false
	}
	return true
}

// errand is one request on its way.
type errand struct {
	grant  *Grant
	origin string
	url    url.URL
	// Its origin may be anywhere.
	private bool
	// It goes through the proxy that the environment names.
	proxied bool
}

type errandKey struct{}

// Censor takes the credentials out of a text, however they are written there.
func (g *Grant) Censor(text string) string { return g.forms.Censor(text) }

// Secret tells whether there is anything to keep from the plugin.
func (g *Grant) Secret() bool { return g.forms.Any() }

// Flow takes the credentials out of what comes in pieces.
func (g *Grant) Flow() *keys.Flow { return g.forms.Flow() }

// Capability is what a request has to name to be permitted; "" before Allow.
func (g *Grant) Capability() string { return g.capability }

// Listen serves a plugin's requests on a socket at path, speaking HTTP/1.1 and HTTP/2 without TLS.
func Listen(path string, transport http.RoundTripper, traffic *Traffic, secrets *keys.Secrets, log *slog.Logger) (*Broker, error) {
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
	b := &Broker{log: log, grants: map[string]*Grant{}, served: make(chan struct{}), replay: replayable, traffic: traffic, secrets: secrets}
	quiet := slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	b.proxy = &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      transport,
		FlushInterval:  -1,
		ModifyResponse: b.clean,
		ErrorHandler:   b.failed,
		BufferPool:     &buffers{},
		ErrorLog:       quiet,
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	b.server = &http.Server{
		Handler:           b,
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaders,
		ErrorLog:          quiet,
	}
	go func() {
		defer close(b.served)
		if err := b.server.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("plugin's socket stopped", "error", err)
		}
	}()
	return b, nil
}

// Close revokes everything and stops serving.
func (b *Broker) Close() {
	b.mu.Lock()
	for c, g := range b.grants {
		g.cancel()
		delete(b.grants, c)
	}
	b.mu.Unlock()
	_ = b.server.Close()
	<-b.served
	b.log.Debug("plugin's socket closed", "disconnects", b.disconnects.Load())
}

// Allow makes a capability of g, which nothing else may change afterwards.
func (b *Broker) Allow(g *Grant) {
	for _, c := range g.Credentials {
		b.secrets.Add(c.Secret)
	}
	var all []string
	for _, c := range g.Credentials {
		all = append(all, c.Secret)
	}
	g.forms = keys.FormsOf(all...)
	g.capability = rand.Text()
	g.ctx, g.cancel = context.WithCancel(context.Background())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.grants[g.capability] = g
}

// Permits tells whether a grant is in force.
func (b *Broker) Permits(g *Grant) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.grants[g.capability] == g
}

// Revoke ends a capability and the requests made with it. Revoking twice is no error.
func (b *Broker) Revoke(g *Grant) {
	b.mu.Lock()
	delete(b.grants, g.capability)
	b.mu.Unlock()
	g.cancel()
}

// ServeHTTP takes one request of the plugin.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.traffic.requests.Add(1)
	if !b.traffic.enter() {
		w.Header().Set("Retry-After", strconv.Itoa(1))
		b.refuse(w, tooFast)
		return
	}
	defer b.traffic.leave()
	if r.Method == http.MethodConnect || r.URL.Host != "" || r.URL.Scheme != "" {
		b.refuse(w, refusal{
			http.StatusBadRequest, "request_refused",
			"the host's socket is no proxy: send a plain request with the provider in the Host header, as sdk.HTTPClient does",
		})
		return
	}
	b.mu.RLock()
	g := b.grants[r.Header.Get(sdk.HeaderCapability)]
	b.mu.RUnlock()
	if g == nil {
		b.refuse(w, unknownCapability)
		return
	}
	scheme := strings.ToLower(r.Header.Get(sdk.HeaderScheme))
	to, err := origin(scheme, r.Host)
	if err != nil {
		b.refuse(w, refusal{http.StatusForbidden, "origin_not_allowed", "the host can't tell where this request should go: " + err.Error()})
		return
	}
	private, allowed := g.Origins[to]
	if !allowed {
		b.refuse(w, refusal{http.StatusForbidden, "origin_not_allowed", fmt.Sprintf(
			"the host does not allow this plugin to reach %s. If that is where the provider is, enter it as the provider's base URL", keys.Place(to))})
		return
	}
	if r.ContentLength > maxBody {
		b.refuse(w, tooLarge)
		return
	}

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	defer func() {
		// The server cancels this context when the plugin hangs up.
		if r.Context().Err() != nil {
			b.disconnects.Add(1)
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
		out.Body = counted{http.MaxBytesReader(w, r.Body, maxBody), &b.traffic.sent}
	}
	if r.ContentLength > 0 && r.ContentLength <= b.replay {
		body, err := io.ReadAll(out.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		out.Body = io.NopCloser(bytes.NewReader(body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	b.proxy.ServeHTTP(w, out)
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
		for _, c := range on.grant.Credentials {
			h.Del(c.Header)
		}
	}
	if on.origin != on.grant.KeyOrigin {
		return
	}
	for _, c := range on.grant.Credentials {
		if c.Secret != "" {
			p.Out.Header.Set(c.Header, c.Prefix+c.Secret)
			// An answer that repeats it has to be readable, so that it can be taken out.
			p.Out.Header.Del("Accept-Encoding")
		}
	}
}

// clean takes from an answer what is not for a plugin: cookies, forged refusals, and credentials where a provider repeats
// them.
func (b *Broker) clean(res *http.Response) error {
	if res.StatusCode != http.StatusSwitchingProtocols {
		res.Body = counted{res.Body, &b.traffic.received}
	}
	for name := range res.Header {
		if strings.HasPrefix(name, "Openvibez-") || name == "Set-Cookie" || name == "Set-Cookie2" {
			delete(res.Header, name)
		}
	}
	on := res.Request.Context().Value(errandKey{}).(*errand)
	if !on.grant.forms.Any() || on.origin != on.grant.KeyOrigin {
		return nil
	}
	censor(res.Header, on.grant.forms)
	if res.StatusCode == http.StatusSwitchingProtocols || res.Request.Method == http.MethodHead || res.ContentLength == 0 {
		return nil
	}
	// It may become shorter or longer.
	res.ContentLength = -1
	res.Header.Del("Content-Length")
	res.Body = censoredBody{on.grant.forms.Reader(res.Body), res, on.grant.forms}
	return nil
}

func censor(h http.Header, forms *keys.Forms) {
	for _, values := range h {
		for i, v := range values {
			values[i] = forms.Censor(v)
		}
	}
}

// censoredBody is an answer without the credentials that it may repeat, in what follows it too.
type censoredBody struct {
	io.ReadCloser
	res   *http.Response
	forms *keys.Forms
}

func (b censoredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		censor(b.res.Trailer, b.forms)
	}
	return n, err
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
