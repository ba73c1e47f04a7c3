package egress

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/openvibez/openvibez/host/sandbox"
)

// newTransport makes a transport that plugins share. It goes through a proxy where the environment names one, but never
// to this machine.
func newTransport(getenv func(string) string) *http.Transport {
	env := func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return getenv(strings.ToLower(name))
	}
	all := env("ALL_PROXY")
	proxy := (&httpproxy.Config{
		HTTPProxy: cmp.Or(env("HTTP_PROXY"), all), HTTPSProxy: cmp.Or(env("HTTPS_PROXY"), all), NoProxy: env("NO_PROXY"),
	}).ProxyFunc()
	return &http.Transport{
		Proxy:               func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		// A connection that died while the machine slept is noticed.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		DisableCompression:     true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaders,
	}
}

// Routes sends a request where its origin may be: anywhere, if a person named the origin; to public addresses only, if
// a plugin did.
type Routes struct {
	anywhere, public *http.Transport
	dialer           *sandbox.PublicDialer
}

// NewRoutes makes Routes; getenv tells of proxies.
func NewRoutes(getenv func(string) string) *Routes {
	r := &Routes{anywhere: newTransport(getenv), public: newTransport(getenv), dialer: &sandbox.PublicDialer{}}
	direct := r.public.DialContext
	r.public.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		if on, ok := ctx.Value(errandKey{}).(*errand); ok && on.proxied {
			return direct(ctx, network, to)
		}
		return r.dialer.DialContext(ctx, network, to)
	}
	return r
}

// RoundTrip sends a request of a plugin.
func (r *Routes) RoundTrip(req *http.Request) (*http.Response, error) {
	on, ok := req.Context().Value(errandKey{}).(*errand)
	if ok && on.private {
		return r.anywhere.RoundTrip(req)
	}
	if proxy, err := r.public.Proxy(req); err == nil && proxy != nil && ok {
		// The proxy resolves the name. What this machine knows of it is looked at all the same.
		if err := r.seemsPublic(req.Context(), req.URL.Hostname()); err != nil {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, err
		}
		on.proxied = true
	}
	return r.public.RoundTrip(req)
}

// seemsPublic tells whether nothing is known against a host. A name that only the proxy can resolve is trusted to it.
func (r *Routes) seemsPublic(ctx context.Context, host string) error {
	addresses, err := r.addresses(ctx, host)
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if sandbox.PublicAddress(a) {
			return nil
		}
	}
	if len(addresses) == 0 {
		return nil
	}
	return &sandbox.PrivateError{Host: host, Address: addresses[0].Unmap()}
}

func (r *Routes) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if r.dialer.Lookup != nil {
		return r.dialer.Lookup(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// Direct sends the host's own requests, to wherever a person said.
func (r *Routes) Direct() http.RoundTripper { return r.anywhere }

// Close lets go of the connections that are kept.
func (r *Routes) Close() {
	r.anywhere.CloseIdleConnections()
	r.public.CloseIdleConnections()
}

// PrivateName tells whether a host can be nothing but this machine or one of a private network.
func PrivateName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return !sandbox.PublicAddress(a)
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
}

// private gives a *sandbox.PrivateError in err, or nil.
func private(err error) *sandbox.PrivateError {
	var p *sandbox.PrivateError
	errors.As(err, &p)
	return p
}
