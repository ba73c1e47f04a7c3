package sdktest

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Network stands in for the host's socket during a test: requests of sdk.HTTPClient reach the origins given
// ("http://127.0.0.1:11434") and no others, with header added as the host adds the key. It gives the socket's path,
// which is also in the environment.
func Network(t testing.TB, header http.Header, origins ...string) (socket string) {
	return serveHost(t, host{origins: origins, header: header})
}

// Client serves p until the test ends, as the host's side of the connection sees it: over gRPC. It is for tests of a
// provider's own answers; [Run] checks what holds for all.
func Client(t testing.TB, p sdk.Provider) providerv1.ProviderServiceClient {
	t.Helper()
	s, err := inProcess(p)()
	if err != nil {
		t.Fatalf("serve the provider: %v", err)
	}
	t.Cleanup(func() { s.close() })
	return s.client
}

// host lets requests through as the real one does: exact origins, no credentials but its own, typed refusals.
type host struct {
	origins    []string
	header     http.Header
	capability string // required where set
	// Instead of the network.
	through http.RoundTripper
}

func serveHost(t testing.TB, h host) string {
	t.Helper()
	for i, o := range h.origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" {
			t.Fatalf("%q is no address like http://127.0.0.1:11434", o)
		}
		h.origins[i] = u.Scheme + "://" + u.Host
	}
	// The directory of t would be too long for a socket on some systems.
	dir, err := os.MkdirTemp("", "sdktest")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "host.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	if h.through == nil {
		h.through = transport
	}
	server := &http.Server{Handler: h.handler(h.through), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		transport.CloseIdleConnections()
		_ = os.RemoveAll(dir)
	})
	t.Setenv(sdk.EnvHostSocket, socket)
	return socket
}

func (h host) handler(transport http.RoundTripper) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = r.In.Header.Get(sdk.HeaderScheme), r.In.Host
			for name := range r.Out.Header {
				if strings.HasPrefix(name, "Openvibez-") || slices.Contains(credentials, name) {
					r.Out.Header.Del(name)
				}
			}
			for name, values := range h.header {
				r.Out.Header[http.CanonicalHeaderKey(name)] = values
			}
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			code := "upstream_cut"
			var op *net.OpError
			if errors.As(err, &op) && op.Op == "dial" {
				code = "upstream_unreachable"
			}
			refuse(w, http.StatusBadGateway, code, err.Error())
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get(sdk.HeaderScheme) + "://" + r.Host
		switch {
		case h.capability != "" && r.Header.Get(sdk.HeaderCapability) != h.capability:
			refuse(w, http.StatusForbidden, "unknown_capability", "The host does not know the connection this request was made for: pass on the Connection of the call.")
		case !slices.Contains(h.origins, origin):
			refuse(w, http.StatusForbidden, "origin_not_allowed", "The host does not allow this plugin to reach "+origin+".")
		default:
			// Without it, an answer that comes before the request's body was read breaks the stream now and then.
			_ = http.NewResponseController(w).EnableFullDuplex()
			proxy.ServeHTTP(w, r)
		}
	})
}

// credentials are headers only the host sets.
var credentials = []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Proxy-Authorization"}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set(sdk.HeaderDenied, code)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "type": "host_policy", "message": message}})
}
