package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

const (
	proxyConns  = 256
	proxyHeader = 64 << 10
	// How long a connection may do nothing.
	proxyIdle = 5 * time.Minute
	// How many refused hosts are remembered.
	proxyRefused = 50
	// And how many other words.
	proxyTold = 10
)

// proxy is the way to the network of one sandboxed command: an HTTP proxy (CONNECT and absolute URLs) that lets through
// to granted hosts only. It resolves names itself and connects to public addresses only.
//
// A tunnel to any port but 80 begins with TLS that names the granted host in the clear (SNI), or no connection comes
// about; with another name a server that many share would serve a host that was not granted. Hosts granted with a port
// of their own may speak anything there, but TLS is held to that too. What a server does with the HTTP inside the TLS
// can't be seen. Redirects are not followed: each request is looked at anew.
type proxy struct {
	dialer  PublicDialer
	allow   []domain
	log     *slog.Logger
	server  *http.Server
	forward *httputil.ReverseProxy
	served  chan struct{}

	mu      sync.Mutex
	refused []string
	told    []string
	tunnels map[*tunnel]bool
	closed  bool
}

// newProxy serves on l until Close. allow lists hosts: "example.org", "*.example.org" for all below it, either with
// ":port" where it is not 80 and 443.
func newProxy(l net.Listener, allow []string, dialer PublicDialer, log *slog.Logger) *proxy {
	p := &proxy{dialer: dialer, allow: parseDomains(allow), log: log, served: make(chan struct{}), tunnels: map[*tunnel]bool{}}
	quiet := slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			for name := range r.Out.Header {
				if strings.HasPrefix(name, "Proxy-") {
					delete(r.Out.Header, name)
				}
			}
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
				return p.dialer.DialContext(ctx, network, to)
			},
			DisableCompression: true, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: 1 << 20, ResponseHeaderTimeout: proxyIdle,
		},
		FlushInterval: -1,
		ErrorHandler:  p.failed,
		ErrorLog:      quiet,
	}
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: proxyIdle, MaxHeaderBytes: proxyHeader, ErrorLog: quiet,
	}
	go func() {
		defer close(p.served)
		if err := p.server.Serve(netutil.LimitListener(l, proxyConns)); !errors.Is(err, http.ErrServerClosed) {
			log.Warn("a command's proxy stopped", "error", err)
		}
	}()
	return p
}

// Close ends all connections and stops serving.
func (p *proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	for t := range p.tunnels {
		t.close()
	}
	p.mu.Unlock()
	err := p.server.Close()
	<-p.served
	p.forward.Transport.(*http.Transport).CloseIdleConnections()
	return err
}

// Refused lists the hosts that were asked for and not granted, each once, the first 50. A port is named where it is
// neither 80 nor 443.
func (p *proxy) Refused() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.refused)
}

// Told lists what else it did not let through or could not reach, in the words that the command was told, each once.
func (p *proxy) Told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.told)
}

func (p *proxy) note(words string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.told) < proxyTold && !slices.Contains(p.told, words) {
		p.told = append(p.told, words)
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	standard, target := 443, r.Host
	if r.Method != http.MethodConnect {
		if r.URL.Host == "" {
			p.deny(w, http.StatusBadRequest, "this is a proxy: it answers requests for whole URLs only")
			return
		}
		if r.URL.Scheme != "http" {
			p.deny(w, http.StatusBadRequest, "the proxy fetches http URLs; for "+strconv.Quote(r.URL.Scheme)+" use CONNECT")
			return
		}
		standard, target = 80, r.URL.Host
	}
	if r.URL.User != nil {
		p.deny(w, http.StatusForbidden, "a URL with a user name or password in it is not let through")
		return
	}
	host, port, err := hostPort(target, standard)
	if err != nil {
		p.deny(w, http.StatusForbidden, err.Error())
		return
	}
	if !slices.ContainsFunc(p.allow, func(d domain) bool { return d.covers(host, port) }) {
		name := p.refuse(host, port)
		p.answer(w, http.StatusForbidden, fmt.Sprintf("%s is not granted to this workspace. To allow it, grant %s to this workspace", name, name))
		return
	}
	if r.Method == http.MethodConnect {
		p.connect(w, r, host, port)
		return
	}
	if r.Header.Get("Upgrade") != "" {
		// A connection that becomes something else can't be looked at any more.
		p.deny(w, http.StatusForbidden, "upgrades of plain http connections are not let through; use https or wss")
		return
	}
	to := net.JoinHostPort(host, strconv.Itoa(port))
	out := r.Clone(r.Context())
	// What was looked at is what goes out, whatever the Host header said.
	out.URL = &url.URL{Scheme: "http", Host: to, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}
	out.Host = host
	if port != 80 {
		out.Host = to
	}
	// Without it the answer of a very fast server is sometimes lost with the rest of the request.
	_ = http.NewResponseController(w).EnableFullDuplex()
	p.forward.ServeHTTP(w, out)
}

// connect makes a tunnel.
func (p *proxy) connect(w http.ResponseWriter, r *http.Request, host string, port int) {
	if port == 80 {
		p.deny(w, http.StatusForbidden, "plain http goes through the proxy by whole URLs, not by CONNECT")
		return
	}
	up, err := p.dialer.DialContext(r.Context(), "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		p.failed(w, r, err)
		return
	}
	down, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = up.Close()
		p.deny(w, http.StatusBadRequest, "CONNECT is for HTTP/1.1")
		return
	}
	// What the client sent behind its request is in the buffer already.
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	t := &tunnel{host: host, anything: port != 443, down: down, up: up, early: early}
	if !p.keep(t) {
		t.close()
		return
	}
	defer p.drop(t)
	if _, err := io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	if err := t.run(); err != nil {
		p.log.Info("connection of a command refused", "host", host, "problem", err)
		p.note("the connection to " + host + " was ended: " + err.Error())
	}
}

func (p *proxy) keep(t *tunnel) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tunnels[t] = true
	return !p.closed
}

func (p *proxy) drop(t *tunnel) {
	t.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tunnels, t)
}

// refuse remembers a refused host and gives its name as it would be granted.
func (p *proxy) refuse(host string, port int) string {
	if port != 80 && port != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(port))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refused) < proxyRefused && !slices.Contains(p.refused, host) {
		p.refused = append(p.refused, host)
	}
	return host
}

// failed answers for a host that did not.
func (p *proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	var private *PrivateError
	switch {
	case errors.As(err, &private):
		p.deny(w, http.StatusForbidden, private.Error()+"; a granted host is only reached at public addresses")
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	default:
		p.deny(w, http.StatusBadGateway, "the host can't be reached: "+err.Error())
	}
}

// deny answers in words, and remembers them: many a program shows others instead.
func (p *proxy) deny(w http.ResponseWriter, status int, words string) {
	p.note(words)
	p.answer(w, status, words)
}

// answer answers in words that a person reads who sees the output of curl.
func (p *proxy) answer(w http.ResponseWriter, status int, words string) {
	p.log.Debug("request of a command refused", "words", words)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Openvibez-Denied", "proxy")
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "OpenVibez: "+words+".\n")
}
