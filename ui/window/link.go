// Package main is the chat window: a web view in a process of its own, told what to do by the host.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// order is what the host says in one line on standard input when it starts a window. It comes that way because it holds
// a credential, and arguments can be read by every process.
type order struct {
	URL      string `json:"url"`
	Socket   string `json:"socket"`
	Title    string `json:"title"`
	DevTools bool   `json:"devtools"`
}

func readOrder(r io.Reader) (order, error) {
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return order{}, errors.New("nothing on standard input: this program is started by openvibez (try: openvibez open)")
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return order{}, fmt.Errorf("read the order on standard input: %w", err)
	}
	if o.URL == "" || o.Socket == "" {
		return order{}, errors.New("read the order on standard input: url and socket must be set")
	}
	if o.Title == "" {
		o.Title = "OpenVibez"
	}
	return o, nil
}

// link is the line to the host: a response that never ends, in which each line is a command and an empty one a sign of
// life.
type link struct {
	socket string
	// How long the window outlives the host, so that a host that is restarted finds it again.
	patience time.Duration
	// A host that says nothing for so long is gone, though its socket is open.
	silence time.Duration
	command func(string)
}

var errClosed = errors.New("the host closed the window")

// follow hands on the host's commands until it says "close" (errClosed), until it has been away for longer than the
// link's patience, or until ctx ends.
func (l *link) follow(ctx context.Context) error {
	client := l.client()
	lastSeen := time.Now()
	for {
		seen, err := l.listen(ctx, client)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errClosed) {
			return err
		}
		if seen {
			lastSeen = time.Now()
		}
		if time.Since(lastSeen) > l.patience {
			return fmt.Errorf("the host has been away for %s: %w", l.patience, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(250*time.Millisecond, l.patience/4)):
		}
	}
}

func (l *link) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableCompression: true,
		DisableKeepAlives:  true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", l.socket)
		},
	}}
}

// listen holds one connection until it breaks. It reports whether there was a host at its other end.
func (l *link) listen(ctx context.Context, client *http.Client) (seen bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alive := time.AfterFunc(l.silence, cancel)
	defer alive.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://host/window", nil)
	if err != nil {
		return false, fmt.Errorf("ask the host for commands: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return false, fmt.Errorf("ask the host for commands: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false, fmt.Errorf("ask the host for commands: it said %s", res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		alive.Reset(l.silence)
		switch line := strings.TrimSpace(lines.Text()); line {
		case "":
		case "close":
			return true, errClosed
		default:
			l.command(line)
		}
	}
	if err := lines.Err(); err != nil {
		return true, fmt.Errorf("read the host's commands: %w", err)
	}
	return true, fmt.Errorf("read the host's commands: %w", io.EOF)
}

// goTo is JavaScript that takes the page to a fragment, also when it is there already: the person may have gone
// elsewhere inside the page since.
func goTo(fragment string) string {
	s, _ := json.Marshal(fragment) // a string always can be
	return fmt.Sprintf(`(h => { if (location.hash === h) dispatchEvent(new HashChangeEvent("hashchange")); else location.hash = h })(%s)`, s)
}
