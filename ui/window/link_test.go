package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testHost serves the commands sent to lines, each connection taking over from the one before.
type testHost struct {
	socket string
	server *http.Server
	lines  chan string
	joined chan struct{}
	// What was answered to the page's questions.
	answers chan string
}

func newTestHost(t *testing.T) *testHost {
	t.Helper()
	h := &testHost{socket: filepath.Join(t.TempDir(), "api.sock"), lines: make(chan string), joined: make(chan struct{}, 100), answers: make(chan string, 10)}
	h.start(t)
	return h
}

func (h *testHost) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("unix", h.socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /window", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		h.joined <- struct{}{}
		for {
			select {
			case line := <-h.lines:
				fmt.Fprintln(w, line)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("POST /openvibez.api.v1.HostService/AnswerConsent", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.answers <- string(body)
		fmt.Fprint(w, "{}")
	})
	h.server = &http.Server{Handler: mux}
	go h.server.Serve(l) //nolint:errcheck // It always ends with an error, when the test closes it.
	t.Cleanup(func() { h.server.Close() })
}

func (h *testHost) stop(t *testing.T) {
	t.Helper()
	if err := h.server.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReadOrder(t *testing.T) {
	o, err := readOrder(strings.NewReader(`{"url":"http://127.0.0.1:1/#token=x","socket":"/s","devtools":true}` + "\nrest"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (order{"http://127.0.0.1:1/#token=x", "/s", "OpenVibez", true}); o != want {
		t.Errorf("got %+v, want %+v", o, want)
	}
	for _, in := range []string{"", "\n", "{}\n", "not json\n", `{"url":"http://127.0.0.1:1"}` + "\n"} {
		if o, err := readOrder(strings.NewReader(in)); err == nil {
			t.Errorf("%q was read as %+v", in, o)
		}
	}
}

func TestGoTo(t *testing.T) {
	js := goTo(`#session="</script>`)
	if strings.Contains(js, "</script>") || !strings.HasSuffix(js, `("#session=\"\u003c/script\u003e")`) {
		t.Error("not quoted:", js)
	}
}

func TestLinkFollows(t *testing.T) {
	host := newTestHost(t)
	got := make(chan string, 10)
	l := &link{socket: host.socket, patience: time.Minute, silence: time.Minute, command: func(s string) { got <- s }}
	over := make(chan error, 1)
	go func() { over <- l.follow(t.Context()) }()

	<-host.joined
	host.lines <- ""
	host.lines <- "raise"
	if s := <-got; s != "raise" {
		t.Fatalf("got %q", s)
	}
	host.stop(t)
	host.start(t)
	<-host.joined
	host.lines <- "go #session=abc"
	if s := <-got; s != "go #session=abc" {
		t.Fatalf("after a restart: got %q", s)
	}
	host.lines <- "close"
	if err := <-over; !errors.Is(err, errClosed) {
		t.Fatal(err)
	}
}

func TestLinkLosesPatience(t *testing.T) {
	host := newTestHost(t)
	l := &link{socket: host.socket, patience: 200 * time.Millisecond, silence: time.Minute}
	over := make(chan error, 1)
	go func() { over <- l.follow(t.Context()) }()
	<-host.joined
	host.stop(t)
	if err := <-over; err == nil || !strings.Contains(err.Error(), "away for 200ms") {
		t.Fatal(err)
	}
}

func TestLinkLeavesSilentHost(t *testing.T) {
	host := newTestHost(t)
	l := &link{socket: host.socket, patience: time.Minute, silence: 50 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- l.follow(ctx) }()
	<-host.joined
	<-host.joined // it left the first connection and made another
	cancel()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
