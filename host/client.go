package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// client speaks to a running host over its unix socket.
type client struct {
	Sessions   apiv1.SessionServiceClient
	Runs       apiv1.RunServiceClient
	Workspaces apiv1.WorkspaceServiceClient
	Plugins    apiv1.PluginServiceClient
	Providers  apiv1.ProviderServiceClient
	Host       apiv1.HostServiceClient
}

// newClient makes a client of the host that listens on socket; nothing is dialled before the first call.
func newClient(socket string) *client {
	doer := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     30 * time.Second,
	}}
	const base = "http://openvibez"
	return &client{
		Sessions:   apiv1.NewSessionServiceClient(doer, base),
		Runs:       apiv1.NewRunServiceClient(doer, base),
		Workspaces: apiv1.NewWorkspaceServiceClient(doer, base),
		Plugins:    apiv1.NewPluginServiceClient(doer, base),
		Providers:  apiv1.NewProviderServiceClient(doer, base),
		Host:       apiv1.NewHostServiceClient(doer, base),
	}
}

// errNoHost says that nothing answers where the host should.
var errNoHost = errors.New("no openvibez is running: start it with `openvibez`")

// connectHost finds the running host of d. The error is errNoHost, or says what answered wrongly.
func connectHost(ctx context.Context, d dirs) (*client, error) {
	var last error = errNoHost
	for _, socket := range d.sockets() {
		if _, err := os.Stat(socket); err != nil {
			continue
		}
		c := newClient(socket)
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
			last = &unreachableError{fmt.Errorf("the openvibez behind %s does not answer: end its process and start it again", socket)}
		default:
			last = &unreachableError{fmt.Errorf("ask the openvibez behind %s: %w", socket, err)}
		}
	}
	return nil, last
}

// unreachableError is a host that is there and can't be talked to.
type unreachableError struct{ error }

func (e *unreachableError) Unwrap() error { return e.error }
