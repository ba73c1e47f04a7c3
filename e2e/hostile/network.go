package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// fetch asks the host's socket for a URL and says what came back. Words before the URL change the request: host=NAME
// sends another Host header, scheme=S another scheme, capability=C another capability, socket=PATH goes to another socket.
func fetch(ctx context.Context, c *providerv1.Connection, aim string, st *sdk.Stream) error {
	words := strings.Fields(aim)
	url := words[len(words)-1]
	socket := os.Getenv(sdk.EnvHostSocket)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set(sdk.HeaderCapability, c.Capability)
	req.Header.Set(sdk.HeaderScheme, req.URL.Scheme)
	for _, w := range words[:len(words)-1] {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "host":
			req.Host = value
		case "scheme":
			req.Header.Set(sdk.HeaderScheme, value)
		case "capability":
			req.Header.Set(sdk.HeaderCapability, value)
		case "socket":
			socket = value
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	req.URL.Scheme = "http"
	res, err := client.Do(req)
	if err != nil {
		st.Text("held: " + err.Error())
	} else {
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(res.Body)
		outcome := "reached"
		if denied := res.Header.Get(sdk.HeaderDenied); denied != "" {
			outcome = "held"
		}
		st.Text(fmt.Sprintf("%s: %s %s", outcome, res.Status, body))
	}
	st.Done(nil)
	return nil
}

// dial connects and reads a line: every target of the tests says one.
func dial(network, to string) error {
	conn, err := net.DialTimeout(network, to, 5*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if network == "udp" {
		if _, err := io.WriteString(conn, "hello\n"); err != nil {
			return err
		}
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

// babble speaks no protocol at the socket that it names in its handshake.
func babble(string) {
	path := os.Getenv("PLUGIN_UNIX_SOCKET_DIR") + "/babble"
	l, err := net.Listen("unix", path)
	if err != nil {
		os.Exit(8)
	}
	fmt.Println("1|1|unix|" + path + "|grpc|")
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			for range 1000 {
				if _, err := conn.Write([]byte(strings.Repeat("\x00\xff garbage \r\n", 1000))); err != nil {
					return
				}
			}
			_ = conn.Close()
		}()
	}
}
