package sdk

import (
	"context"
	"net"
	"net/http"
	"os"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// EnvHostSocket is the environment variable in which the host names its unix socket to a plugin.
const EnvHostSocket = "OPENVIBEZ_HOST_SOCKET"

// Headers between a plugin and the host's socket. They never leave the machine.
const (
	// HeaderCapability says for which connection and run a request is made.
	HeaderCapability = "Openvibez-Capability"
	// HeaderScheme is the scheme of the real URL: the way to the socket is always plain HTTP.
	HeaderScheme = "Openvibez-Scheme"
	// HeaderDenied marks an answer of the host itself; its value is the code of the refusal.
	HeaderDenied = "Openvibez-Denied"
)

// HTTPClient is a plugin's only way to the network. Requests keep their real URLs; the host lets them through to the
// origins of the connection, adds its key, and does the TLS. It sends no key, cookie or credential that the plugin sets.
// A redirection is an answer like any other: it is not followed, for it would lead the conversation where nobody sent it.
//
// It has no time limit of its own: use the context. What the host refuses or cannot reach is an [*Error] inside the
// error of Do. Nothing is left open between requests, so a client need not be closed or kept.
func HTTPClient(c *providerv1.Connection) *http.Client {
	socket := os.Getenv(EnvHostSocket)
	notFollowed := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{CheckRedirect: notFollowed, Transport: &throughHost{
		capability: c.GetCapability(),
		socket:     socket,
		transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
				if err != nil && ctx.Err() == nil {
					return nil, Errorf(providerv1.ErrorCode_ERROR_CODE_HOST, "The plugin cannot reach the host at its socket: %w", err)
				}
				return conn, err
			},
			// A connection to a unix socket costs next to nothing, and one kept would outlive the run.
			DisableKeepAlives: true,
		},
	}}
}

// throughHost sends requests to the host's socket.
type throughHost struct {
	capability string
	socket     string
	transport  *http.Transport
}

func (t *throughHost) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	out := req.Clone(req.Context())
	out.Header.Set(HeaderCapability, t.capability)
	out.Header.Set(HeaderScheme, req.URL.Scheme)
	out.URL.Scheme = "http"
	res, err := t.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	res.Request = req
	if res.Header.Get(HeaderDenied) != "" {
		return nil, ClassifyHTTP(res, nil)
	}
	return res, nil
}

func (t *throughHost) check(req *http.Request) error {
	if t.socket == "" {
		return Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN,
			"The plugin has no way to the network: %s is not set. OpenVibez sets it when it starts a plugin; in a test, use sdktest.", EnvHostSocket)
	}
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "%q is no http or https address. Check the base URL.", req.URL.Redacted())
	}
	return nil
}
