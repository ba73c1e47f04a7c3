package sdktest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// fault is something that services do now and then, and how a provider must take it.
type fault struct {
	name string
	// serve answers a request for an answer in the place of the service, whose own answer is at hand.
	serve func(w http.ResponseWriter, own *httptest.ResponseRecorder)
	// judge tells what is wrong with the turn beyond the rules for all turns.
	judge func(t turn) []string
}

// faults are what Config.Service is made to do.
func faults() []fault {
	fails := func(codes ...providerv1.ErrorCode) func(turn) []string {
		return func(t turn) []string {
			e := t.end().GetError()
			if e == nil {
				return []string{fmt.Sprintf("the turn ended with %v, want an error", t.end())}
			}
			for _, c := range codes {
				if e.GetCode() == c {
					return nil
				}
			}
			return []string{fmt.Sprintf("the error is %v, want one of %v: %s (%s)", e.GetCode(), codes, e.GetMessage(), e.GetDetail())}
		}
	}
	answers := func(t turn) []string { return t.answered() }
	notTheFault := func(t turn) []string {
		if e := t.end().GetError(); e.GetCode() == providerv1.ErrorCode_ERROR_CODE_PLUGIN {
			return []string{fmt.Sprintf("it looks like a mistake in the plugin: %s (%s)", e.GetMessage(), e.GetDetail())}
		}
		return nil
	}
	whole := func(w http.ResponseWriter, own *httptest.ResponseRecorder, body []byte) {
		for name, values := range own.Header() {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		w.WriteHeader(own.Code)
		_, _ = w.Write(body)
	}
	status := func(code int, header, value string) func(http.ResponseWriter, *httptest.ResponseRecorder) {
		return func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
			w.Header().Set("Content-Type", "application/json")
			if header != "" {
				w.Header().Set(header, value)
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"error":{"message":"the service said so"}}`)
		}
	}
	const (
		rate       = providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED
		overloaded = providerv1.ErrorCode_ERROR_CODE_OVERLOADED
		provider   = providerv1.ErrorCode_ERROR_CODE_PROVIDER
		cut        = providerv1.ErrorCode_ERROR_CODE_CUT
		auth       = providerv1.ErrorCode_ERROR_CODE_AUTH
		empty      = providerv1.ErrorCode_ERROR_CODE_EMPTY
	)
	return []fault{
		{"429", status(429, "Retry-After", "7"), func(t turn) []string {
			problems := fails(rate)(t)
			if e := t.end().GetError(); len(problems) == 0 && e.GetRetryAfterMs() != 7000 {
				problems = append(problems, fmt.Sprintf("retry_after_ms is %d, and the service said Retry-After: 7", e.GetRetryAfterMs()))
			}
			return problems
		}},
		{"500", status(500, "", ""), fails(provider, overloaded)},
		{"503", status(503, "", ""), fails(overloaded, provider)},
		{"401", status(401, "", ""), fails(auth)},
		{"cut in the middle", func(w http.ResponseWriter, own *httptest.ResponseRecorder) {
			body := own.Body.Bytes()
			// More is promised than comes: that is how a broken connection looks.
			w.Header().Set("Content-Type", own.Header().Get("Content-Type"))
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body[:len(body)/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, fails(cut, provider, empty)},
		{"ends too early", func(w http.ResponseWriter, own *httptest.ResponseRecorder) {
			whole(w, own, own.Body.Bytes()[:own.Body.Len()/2])
		}, fails(cut, provider, empty)},
		{"slow", func(w http.ResponseWriter, own *httptest.ResponseRecorder) {
			w.Header().Set("Content-Type", own.Header().Get("Content-Type"))
			w.WriteHeader(own.Code)
			control := http.NewResponseController(w)
			for body := own.Body.Bytes(); len(body) > 0; body = body[min(len(body), 7):] {
				_, _ = w.Write(body[:min(len(body), 7)])
				if control.Flush() != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}, answers},
		{"malformed", func(w http.ResponseWriter, own *httptest.ResponseRecorder) {
			whole(w, own, bytes.ReplaceAll(own.Body.Bytes(), []byte("{"), []byte("{{")))
		}, func(t turn) []string { return append(fails(provider, cut, empty)(t), notTheFault(t)...) }},
		{"not its language", func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html><body>Please sign in to this network</body></html>\n")
		}, fails(provider, cut, empty)},
		{"everything twice", func(w http.ResponseWriter, own *httptest.ResponseRecorder) {
			var b bytes.Buffer
			for lines := bufio.NewScanner(bytes.NewReader(own.Body.Bytes())); lines.Scan(); {
				fmt.Fprintf(&b, "%s\n", lines.Text())
				if strings.TrimSpace(lines.Text()) != "" {
					// Both for events behind blank lines and for one object a line.
					fmt.Fprintf(&b, "\n%s\n", lines.Text())
				}
			}
			whole(w, own, b.Bytes())
		}, notTheFault},
		{"a line of 10 MB", func(w http.ResponseWriter, own *httptest.ResponseRecorder) {
			body := own.Body.Bytes()
			// As a comment where events are sent, as blanks before an object: both mean nothing.
			filler := append(bytes.Repeat([]byte(" "), 10<<20), '\n')
			if strings.HasPrefix(own.Header().Get("Content-Type"), "text/event-stream") {
				filler = append([]byte(":"), filler...)
			}
			whole(w, own, append(filler, body...))
		}, answers},
	}
}

// service serves Config.Service, with a fault where there is one.
type service struct {
	handler http.Handler
	// nil: none.
	fault atomic.Pointer[fault]
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.fault.Load()
	if f == nil || r.Method == http.MethodGet {
		s.handler.ServeHTTP(w, r)
		return
	}
	own := httptest.NewRecorder()
	s.handler.ServeHTTP(own, r)
	f.serve(w, own)
}

// faulty: whatever the service does, a turn ends once, in words, and soon.
func (k *kit) faulty(f fault) func(context.Context, *subject) []string {
	return func(ctx context.Context, s *subject) []string {
		ctx, done := context.WithTimeout(ctx, k.Patience)
		defer done()
		model := k.model(ctx, s)
		k.service.fault.Store(&f)
		defer k.service.fault.Store(nil)
		t := s.run(ctx, k.request(model, said(providerv1.Role_ROLE_USER, k.Prompts[0])), nil)
		return append(t.whole(), f.judge(t)...)
	}
}

// serve starts Config.Service and points the connection to it.
func (k *kit) serve(t testing.TB) {
	k.service = &service{handler: k.Service}
	server := httptest.NewUnstartedServer(k.service)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	path := ""
	_ = k.with(t.Context(), func(ctx context.Context, s *subject) []string {
		d, err := s.client.Describe(ctx, &providerv1.DescribeRequest{})
		if u, uerr := url.Parse(d.GetDefaultBaseUrl()); err == nil && uerr == nil {
			path = u.Path
		}
		return nil
	})
	k.Connection.BaseUrl = server.URL + path
}
