package sdk

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestJoinURL(t *testing.T) {
	for _, c := range [][3]string{
		{"https://a.example/v1", "/models", "https://a.example/v1/models"},
		{"https://a.example/v1/", "/models", "https://a.example/v1/models"},
		{"https://a.example/x?api-version=1", "/models", "https://a.example/x/models?api-version=1"},
		{"https://a.example/x?v=1", "/models?limit=2", "https://a.example/x/models?limit=2&v=1"},
	} {
		if got := JoinURL(c[0], c[1]); got != c[2] {
			t.Errorf("got %s, want %s", got, c[2])
		}
	}
}

func TestRedirectionsAreNotFollowed(t *testing.T) {
	var reached int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308, 304, 300} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL+"/there")
			w.WriteHeader(status)
		}))
		client := HTTPClient(&providerv1.Connection{})
		client.Transport = http.DefaultTransport
		s := &Service{HTTP: client, Base: server.URL + "/v1"}
		_, err := s.Send(t.Context(), http.MethodPost, "/chat", map[string]string{"a": "b"})
		var e *Error
		if !errors.As(err, &e) || e.Code() != providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST || e.Proto.HttpStatus != int32(status) || e.Proto.Field != "base_url" ||
			!strings.Contains(e.Proto.Message, "sends the request on to "+elsewhere.URL+"/there") {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
	}
	if reached != 0 {
		t.Errorf("the other server was reached %d times", reached)
	}
}

func TestShown(t *testing.T) {
	for came, want := range map[string]string{
		"":                             "",
		"SSH-2.0-OpenSSH_9.2\r\n":      "SSH-2.0-OpenSSH_9.2\r\n",
		"<html>\xff</html> plain text": "<html>\uFFFD</html> plain text",
		"\x00\x01\x02\xff":             "00 01 02 ff",
		strings.Repeat("a", 600):       strings.Repeat("a", 500) + "…",
	} {
		if got := Shown([]byte(came)); got != want {
			t.Errorf("%q: got %q, want %q", came, got, want)
		}
	}
}

func TestRetryAfterHasABound(t *testing.T) {
	now := time.Now()
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "1.5": 1500 * time.Millisecond, "999999": longestWait, "1e30": 0, "-3": 0, "soon": 0, "NaN": 0,
		now.Add(300 * time.Hour).UTC().Format(http.TimeFormat): longestWait,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
}

func TestWatch(t *testing.T) {
	r := newRecord(t.Context())
	looked := make(chan bool, 100)
	ctx, w := WatchSilence(t.Context(), r.Stream, Silence{Name: "Acme", Told: 5 * time.Millisecond, End: time.Minute, Look: func(_ context.Context, begun bool, _ time.Duration) (providerv1.Status_Kind, string) {
		looked <- begun
		return providerv1.Status_KIND_WORKING, "busy"
	}})
	for range 3 {
		if <-looked {
			t.Error("nothing had come")
		}
	}
	w.Alive()
	for begun := false; !begun; {
		begun = <-looked
	}
	w.End()
	w.Stop()
	if ctx.Err() == nil {
		t.Error("its context goes on")
	}
	// The same is told once, until something comes.
	r.mu.Lock()
	if n := len(r.lines); n < 1 || n > 2 {
		t.Errorf("told %d times: %q", n, r.lines)
	}
	r.mu.Unlock()

	ctx, w = WatchSilence(t.Context(), newRecord(t.Context()).Stream, Silence{Name: "Acme", Told: time.Millisecond, End: 5 * time.Millisecond})
	<-ctx.Done()
	var given *Error
	if err := w.Explain(ctx, ctx.Err()); !errors.As(err, &given) || given.Code() != providerv1.ErrorCode_ERROR_CODE_TIMEOUT || !strings.Contains(given.Error(), "Acme has sent nothing for") {
		t.Errorf("given up with %v", err)
	}
	w.Stop()
}
