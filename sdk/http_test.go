package sdk

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// hostSocket serves h where a plugin looks for its host.
func hostSocket(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	// The directory of t would be too long for a socket on some systems.
	dir, err := os.MkdirTemp("", "sdktest")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(func() { server.Close(); _ = os.RemoveAll(dir) })
	t.Setenv(EnvHostSocket, socket)
}

func TestHTTPClientGoesThroughTheHost(t *testing.T) {
	hostSocket(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", fmt.Sprint(r.Host, " ", r.URL, " ", r.Header.Get(HeaderScheme), " ", r.Header.Get(HeaderCapability), " ", string(body)))
		w.WriteHeader(http.StatusTeapot)
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example:8443/v1/chat?a=b", strings.NewReader("hi"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := HTTPClient(&providerv1.Connection{Capability: "cap-1"}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, want := res.Header.Get("X-Seen"), "api.example:8443 /v1/chat?a=b https cap-1 hi"; got != want {
		t.Errorf("the host saw %q, want %q", got, want)
	}
	if res.Request.URL.String() != "https://api.example:8443/v1/chat?a=b" || len(res.Request.Header) != 0 || len(req.Header) != 0 {
		t.Errorf("the answer's request is %v with %v, not the plugin's own", res.Request.URL, res.Request.Header)
	}
	if res.StatusCode != http.StatusTeapot {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestHTTPClientRefusals(t *testing.T) {
	hostSocket(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(HeaderDenied, "origin_not_allowed")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error":{"code":"origin_not_allowed","type":"host_policy","message":"The host does not allow this plugin to reach %s."}}`, r.Host)
	})
	want := func(name, url string, code providerv1.ErrorCode, words string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := HTTPClient(nil).Do(req)
		if err == nil {
			_ = res.Body.Close()
			t.Fatalf("%s: no error", name)
		}
		var e *Error
		if !errors.As(err, &e) || e.Code() != code || !strings.Contains(e.Proto.GetMessage(), words) {
			t.Errorf("%s: %v is not %v with %q", name, err, code, words)
		}
	}
	want("refused", "https://evil.example/", providerv1.ErrorCode_ERROR_CODE_DENIED, "does not allow this plugin to reach evil.example")
	want("other scheme", "ftp://evil.example/", providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "no http or https")
	t.Setenv(EnvHostSocket, filepath.Join(t.TempDir(), "gone"))
	want("no host", "https://a.example/", providerv1.ErrorCode_ERROR_CODE_HOST, "cannot reach the host")
	t.Setenv(EnvHostSocket, "")
	want("not started by a host", "https://a.example/", providerv1.ErrorCode_ERROR_CODE_PLUGIN, EnvHostSocket)
}

func TestHTTPClientStreamsAndCancels(t *testing.T) {
	gone := make(chan struct{})
	hostSocket(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := HTTPClient(nil).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" {
		t.Fatalf("first line %q, %v", line, err)
	}
	cancel()
	if _, err := lines.ReadString('\n'); Classify(err).Code() != providerv1.ErrorCode_ERROR_CODE_CANCELLED {
		t.Errorf("after the cancel, reading gives %v", err)
	}
	<-gone
}

func TestHTTPClientSeesACut(t *testing.T) {
	hostSocket(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	res, err := HTTPClient(nil).Get("http://127.0.0.1:9/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if string(body) != "part" || Classify(err).Code() != providerv1.ErrorCode_ERROR_CODE_CUT {
		t.Errorf("read %q and %v", body, err)
	}
}
