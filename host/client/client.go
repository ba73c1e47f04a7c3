package client

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/place"
)

// Client speaks to a running host over its unix socket.
type Client struct {
	Sessions   apiv1.SessionServiceClient
	Runs       apiv1.RunServiceClient
	Workspaces apiv1.WorkspaceServiceClient
	Plugins    apiv1.PluginServiceClient
	Providers  apiv1.ProviderServiceClient
	Host       apiv1.HostServiceClient
}

// New makes a client of the host that listens on socket; nothing is dialled before the first call.
func New(socket string) *Client {
	doer := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     30 * time.Second,
	}}
	const base = "http://openvibez"
	wordy := connect.WithInterceptors(errorsInWords{})
	return &Client{
		Sessions:   apiv1.NewSessionServiceClient(doer, base, wordy),
		Runs:       apiv1.NewRunServiceClient(doer, base, wordy),
		Workspaces: apiv1.NewWorkspaceServiceClient(doer, base, wordy),
		Plugins:    apiv1.NewPluginServiceClient(doer, base, wordy),
		Providers:  apiv1.NewProviderServiceClient(doer, base, wordy),
		Host:       apiv1.NewHostServiceClient(doer, base, wordy),
	}
}

// Connect finds the running host of d. The error is errNoHost, or says what answered wrongly.
func Connect(ctx context.Context, d place.Dirs) (*Client, error) {
	var last error = ErrNoHost
	for _, socket := range d.Sockets() {
		if _, err := os.Stat(socket); err != nil {
			continue
		}
		c := New(socket)
		asked, cancel := context.WithTimeout(ctx, 10*time.Second)
		_, err := c.Host.GetSettings(asked, &apiv1.GetSettingsRequest{})
		cancel()
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case connect.CodeOf(err) == connect.CodeUnavailable:
			// A socket left behind by a host that was killed.
		case connect.CodeOf(err) == connect.CodeDeadlineExceeded:
			last = &UnreachableError{Err: fmt.Errorf("the openvibez behind %s does not answer: end its process and start it again", socket)}
		default:
			last = &UnreachableError{Err: fmt.Errorf("ask the openvibez behind %s: %w", socket, err)}
		}
	}
	return nil, last
}
