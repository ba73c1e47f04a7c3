package egress

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/time/rate"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestEgressHoldsAPluginToItsRate(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }))
	defer upstream.Close()
	b := newBroker(t, newTransport(noProxy), upstream.URL)
	b.traffic.rate.SetLimit(0)
	b.traffic.rate.SetBurst(3)
	c := b.client(true)
	for range 3 {
		res, err := c.Do(get(t, upstream.URL))
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v", res, err)
		}
		_, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if status, code, words := refused(t, c, get(t, upstream.URL)); status != 429 || code != "too_many_requests" || !strings.Contains(words, "1200 a minute") {
		t.Errorf("got %d %s %q", status, code, words)
	}
	if n := b.traffic; n.requests.Load() != 4 || n.refused.Load() != 1 || n.received.Load() != 12 || n.underWay.Load() != 0 {
		t.Errorf("counted %d requests, %d refused, %d bytes, %d under way", n.requests.Load(), n.refused.Load(), n.received.Load(), n.underWay.Load())
	}
}

func TestEgressLimitsRequestsUnderWay(t *testing.T) {
	release := make(chan struct{})
	var there atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		there.Add(1)
		<-release
	}))
	defer upstream.Close()
	b := newBroker(t, newTransport(noProxy), upstream.URL)
	b.traffic.rate.SetLimit(rate.Inf)
	c := b.client(true)
	ended := make(chan error, maxConcurrent)
	for range maxConcurrent {
		go func() {
			res, err := c.Do(get(t, upstream.URL))
			if err == nil {
				_ = res.Body.Close()
			}
			ended <- err
		}()
	}
	eventually(t, "all requests under way", func() bool { return there.Load() == maxConcurrent })
	if status, code, _ := refused(t, b.client(false), get(t, upstream.URL)); status != 429 || code != "too_many_requests" {
		t.Errorf("got %d %s", status, code)
	}
	close(release)
	for range maxConcurrent {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	res, err := c.Do(get(t, upstream.URL))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestEgressLimitsBodiesAndHeaders(t *testing.T) {
	var came atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		came.Store(n)
	}))
	defer upstream.Close()
	versions(t, func(t *testing.T, h2 bool) {
		b := newBroker(t, newTransport(noProxy), upstream.URL)
		req := post(t, upstream.URL, endless{})
		req.ContentLength = maxBody + 1
		if status, code, words := refused(t, b.client(h2), req); status != 413 || code != "body_too_large" || !strings.Contains(words, "93 MiB") {
			t.Errorf("told its length: %d %s %q", status, code, words)
		}
		if status, code, _ := refused(t, b.client(h2), post(t, upstream.URL, io.MultiReader(endless{}))); status != 413 || code != "body_too_large" {
			t.Errorf("without a length: %d %s", status, code)
		}
		if came.Load() > maxBody {
			t.Errorf("%d bytes went out", came.Load())
		}
		req = get(t, upstream.URL)
		req.Header.Set("X-Large", strings.Repeat("x", maxHeaders+64<<10))
		if res, err := b.client(h2).Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("a huge header: %s", res.Status)
			}
		}
	})
	chatty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", maxHeaders+1))
	}))
	defer chatty.Close()
	b := newBroker(t, newTransport(noProxy), chatty.URL)
	if status, _, _ := refused(t, b.client(false), get(t, chatty.URL)); status != 502 {
		t.Errorf("an answer with a huge header: %d", status)
	}
}

func TestOnlyAPersonMayNameAPrivateAddress(t *testing.T) {
	var hits atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer upstream.Close()
	port := upstream.URL[strings.LastIndex(upstream.URL, ":"):]
	r := NewRoutes(noProxy)
	public := netip.MustParseAddr("93.184.215.14")
	r.dialer.Lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "public.example" {
			return []netip.Addr{public}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	r.dialer.Dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		if to.Addr() != public {
			t.Errorf("connects to %s", to)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", upstream.Listener.Addr().String())
	}
	b := newBroker(t, r)
	for _, u := range []string{"http://public.example", "http://rebound.example" + port, upstream.URL} {
		o, err := OriginOf(u)
		if err != nil {
			t.Fatal(err)
		}
		b.grant.Origins[o] = false
	}
	c := b.client(false)
	for u, words := range map[string]string{
		"http://rebound.example" + port: "rebound.example leads to 127.0.0.1", upstream.URL: "127.0.0.1 leads to 127.0.0.1",
	} {
		if status, code, said := refused(t, c, get(t, u)); status != 403 || code != "address_not_allowed" || !strings.Contains(said, words) {
			t.Errorf("%s: %d %s %q", u, status, code, said)
		}
	}
	if hits.Load() != 0 {
		t.Error("the server on this machine was reached")
	}
	res, err := c.Do(get(t, "http://public.example"))
	if err != nil || res.StatusCode != http.StatusOK || hits.Load() != 1 {
		t.Fatalf("got %v, %v", res, err)
	}
	_ = res.Body.Close()

	o, _ := OriginOf(upstream.URL)
	b.grant.Origins[o] = true
	res, err = c.Do(get(t, upstream.URL))
	if err != nil || res.StatusCode != http.StatusOK || hits.Load() != 2 {
		t.Fatalf("named by a person: %v, %v", res, err)
	}
	_ = res.Body.Close()
	// The connection that is kept open now is not used for those who may not have it.
	b.grant.Origins[o] = false
	if status, _, _ := refused(t, c, get(t, upstream.URL)); status != 403 {
		t.Errorf("through a kept connection: %d", status)
	}
}

func TestPluginsMayNotLeadIntoANetworkByItsProxy(t *testing.T) {
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, r.URL.Host)
	}))
	defer proxy.Close()
	r := NewRoutes(func(name string) string { return map[string]string{"HTTP_PROXY": proxy.URL}[name] })
	r.dialer.Lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "intranet.example" {
			return []netip.Addr{netip.MustParseAddr("10.1.1.1")}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	b := newBroker(t, r)
	for _, u := range []string{"http://intranet.example", "http://10.1.1.1", "http://far.example"} {
		o, _ := OriginOf(u)
		b.grant.Origins[o] = false
	}
	for _, u := range []string{"http://intranet.example", "http://10.1.1.1"} {
		if status, code, _ := refused(t, b.client(false), get(t, u)); status != 403 || code != "address_not_allowed" {
			t.Errorf("%s: %d %s", u, status, code)
		}
	}
	if asked.Load() != 0 {
		t.Error("the proxy was asked")
	}
	res, err := b.client(false).Do(get(t, "http://far.example"))
	if err != nil || asked.Load() != 1 {
		t.Fatalf("a name that only the proxy knows: %v, %v", res, err)
	}
	_ = res.Body.Close()
}

func TestHostsLimitsAreTypedErrors(t *testing.T) {
	for _, c := range []struct {
		refusal refusal
		code    providerv1.ErrorCode
	}{{tooFast, providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED}, {tooLarge, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG}} {
		w := httptest.NewRecorder()
		b := newBroker(t, newTransport(noProxy))
		b.refuse(w, c.refusal)
		if e := sdk.ClassifyHTTP(w.Result(), nil); e.Proto.Code != c.code || e.Proto.Message != c.refusal.message {
			t.Errorf("got %v %q", e.Proto.Code, e.Proto.Message)
		}
	}
}
