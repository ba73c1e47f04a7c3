package sdk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// short is a code without its long name.
func short(c providerv1.ErrorCode) string { return strings.TrimPrefix(c.String(), "ERROR_CODE_") }

func TestClassify(t *testing.T) {
	// Errors as the standard library really makes them.
	get := func(url string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := new(http.Client).Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
		return err
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	cutting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "a")
	}))
	defer cutting.Close()
	hangingUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer hangingUp.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()

	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"cancelled":        {fmt.Errorf("ask: %w", context.Canceled), "CANCELLED"},
		"deadline":         {context.DeadlineExceeded, "TIMEOUT"},
		"i/o timeout":      {os.ErrDeadlineExceeded, "TIMEOUT"},
		"nothing listens":  {get("http://" + closed), "UNREACHABLE"},
		"no such host":     {&url.Error{Op: "Get", URL: "http://x.invalid", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, "UNREACHABLE"},
		"no route":         {&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, "UNREACHABLE"},
		"bad certificate":  {get(secure.URL), "TLS"},
		"no TLS there":     {get(strings.Replace(cutting.URL, "http:", "https:", 1)), "TLS"},
		"alert":            {tls.AlertError(40), "TLS"},
		"cut body":         {get(cutting.URL), "CUT"},
		"hung up":          {get(hangingUp.URL), "CUT"},
		"reset":            {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "CUT"},
		"reset h2 stream":  {errors.New("stream error: stream ID 1; INTERNAL_ERROR"), "CUT"},
		"typed":            {fmt.Errorf("x: %w", Errorf(providerv1.ErrorCode_ERROR_CODE_QUOTA, "Nothing left.")), "QUOTA"},
		"something else":   {errors.New("decode line 3"), "PLUGIN"},
		"typed over cause": {Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "No key: %w", context.Canceled), "AUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			e := Classify(test.err)
			if got := short(e.Code()); got != test.want {
				t.Errorf("%v is %s, want %s", test.err, got, test.want)
			}
			if e.Error() == "" || !errors.Is(test.err, e) && !errors.Is(e, test.err) {
				t.Errorf("%v lost its words or its cause", e)
			}
		})
	}
	if Classify(nil) != nil {
		t.Error("Classify(nil) is not nil")
	}
	e := Classify(&url.Error{Op: "Get", URL: "https://api.example/v1?key=secret", Err: io.EOF})
	if strings.Contains(e.Error(), "secret") || !strings.Contains(e.Proto.GetMessage(), "https://api.example ") {
		t.Errorf("the error names the origin and no query: %v", e)
	}
}

func TestClassifyHTTP(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		want   string
		check  func(*providerv1.Error) bool
	}{
		"401":           {status: 401, want: "AUTH"},
		"403":           {status: 403, want: "AUTH"},
		"402":           {status: 402, want: "QUOTA"},
		"404 address":   {status: 404, body: "404 page not found", want: "INVALID_REQUEST"},
		"404 ollama":    {status: 404, body: `{"error":"model 'x' not found"}`, want: "UNKNOWN_MODEL", check: detail("model 'x' not found")},
		"404 openai":    {status: 404, body: `{"error":{"message":"no","code":"model_not_found"}}`, want: "UNKNOWN_MODEL"},
		"404 anthropic": {status: 404, body: `{"type":"error","error":{"type":"not_found_error","message":"model: x"},"request_id":"req_1"}`, want: "UNKNOWN_MODEL", check: func(e *providerv1.Error) bool { return e.GetRequestId() == "req_1" }},
		"400":           {status: 400, body: `{"error":{"message":"bad"}}`, want: "INVALID_REQUEST", check: detail("bad")},
		"400 google":    {status: 400, body: `{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}`, want: "INVALID_REQUEST", check: detail("bad")},
		"400 context":   {status: 400, body: `{"error":{"message":"long","code":"context_length_exceeded"}}`, want: "CONTEXT_TOO_LONG"},
		"400 parameter": {status: 400, body: `{"error":{"message":"no","code":"unsupported_parameter","param":"temperature"}}`, want: "UNSUPPORTED_PARAMETER", check: func(e *providerv1.Error) bool {
			return e.GetParameter() == "temperature" && strings.Contains(e.GetMessage(), "temperature")
		}},
		"400 filter":    {status: 400, body: `{"error":{"message":"no","code":"content_policy_violation"}}`, want: "CONTENT_FILTERED"},
		"407":           {status: 407, want: "PROXY"},
		"408":           {status: 408, want: "TIMEOUT"},
		"413":           {status: 413, want: "CONTEXT_TOO_LONG"},
		"422":           {status: 422, want: "INVALID_REQUEST"},
		"429":           {status: 429, header: http.Header{"Retry-After": {"7"}}, want: "RATE_LIMITED", check: retry(7000)},
		"429 ms":        {status: 429, header: http.Header{"Retry-After-Ms": {"250"}, "Retry-After": {"1"}}, want: "RATE_LIMITED", check: retry(250)},
		"429 fraction":  {status: 429, header: http.Header{"Retry-After": {"0.5"}}, want: "RATE_LIMITED", check: retry(500)},
		"429 date":      {status: 429, header: http.Header{"Date": {"Sat, 21 Nov 2026 10:00:00 GMT"}, "Retry-After": {"Sat, 21 Nov 2026 10:01:30 GMT"}}, want: "RATE_LIMITED", check: retry(90_000)},
		"429 past date": {status: 429, header: http.Header{"Retry-After": {"Sat, 21 Nov 2020 10:01:30 GMT"}}, want: "RATE_LIMITED", check: retry(0)},
		"429 nonsense":  {status: 429, header: http.Header{"Retry-After": {"soon"}}, want: "RATE_LIMITED", check: retry(0)},
		"429 negative":  {status: 429, header: http.Header{"Retry-After": {"-3"}}, want: "RATE_LIMITED", check: retry(0)},
		"429 quota":     {status: 429, body: `{"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}`, want: "QUOTA"},
		"500":           {status: 500, header: http.Header{"X-Request-Id": {"r-9"}}, want: "PROVIDER", check: func(e *providerv1.Error) bool { return e.GetRequestId() == "r-9" && e.GetHttpStatus() == 500 }},
		"502":           {status: 502, body: "<html>\xff</html>", want: "PROVIDER", check: detail("<html>\uFFFD</html>")},
		"503":           {status: 503, header: http.Header{"Retry-After": {"2"}}, want: "OVERLOADED", check: retry(2000)},
		"529":           {status: 529, want: "OVERLOADED"},
		"418":           {status: 418, want: "INVALID_REQUEST"},
		"json null":     {status: 500, body: `null`, want: "PROVIDER"},
		"json array":    {status: 500, body: `[{"error":{"message":"x"}}]`, want: "PROVIDER"},
		"error null":    {status: 500, body: `{"error":null,"message":"words"}`, want: "PROVIDER", check: detail("words")},

		"host: origin":      denied(403, "origin_not_allowed", "DENIED"),
		"host: capability":  denied(403, "unknown_capability", "DENIED"),
		"host: other":       denied(400, "something_new", "DENIED"),
		"host: unreachable": denied(502, "upstream_unreachable", "UNREACHABLE"),
		"host: tls":         denied(502, "upstream_tls", "TLS"),
		"host: timeout":     denied(502, "upstream_timeout", "TIMEOUT"),
		"host: proxy":       denied(502, "upstream_proxy", "PROXY"),
		"host: cut":         denied(502, "upstream_cut", "CUT"),
	} {
		t.Run(name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			for k, v := range test.header {
				rec.Header()[k] = v
			}
			rec.WriteHeader(test.status)
			_, _ = rec.WriteString(test.body)
			res := rec.Result()
			defer res.Body.Close()
			res.Request = httptest.NewRequest(http.MethodPost, "https://api.example/v1/chat?key=secret", nil)
			e := ClassifyHTTP(res, nil).Proto
			if short(e.GetCode()) != test.want || test.check != nil && !test.check(e) {
				t.Errorf("is %v, want %s", e, test.want)
			}
			if !strings.Contains(e.GetMessage(), " ") || strings.Contains(e.GetMessage(), "secret") {
				t.Errorf("message %q", e.GetMessage())
			}
		})
	}
}

type httpCase = struct {
	status int
	header http.Header
	body   string
	want   string
	check  func(*providerv1.Error) bool
}

func denied(status int, code, want string) httpCase {
	return httpCase{
		status: status, header: http.Header{HeaderDenied: {code}}, want: want,
		body: `{"error":{"code":"` + code + `","type":"host_policy","message":"the host's own words"}}`,
		check: func(e *providerv1.Error) bool {
			return e.GetHttpStatus() == 0 && e.GetDetail() == "the host's own words" &&
				(want == "DENIED") == (e.GetMessage() == "the host's own words")
		},
	}
}

func detail(want string) func(*providerv1.Error) bool {
	return func(e *providerv1.Error) bool { return e.GetDetail() == want }
}

func retry(ms int64) func(*providerv1.Error) bool {
	return func(e *providerv1.Error) bool { return e.GetRetryAfterMs() == ms }
}

func TestErrorTravelsInStatus(t *testing.T) {
	e := Errorf(providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, "Too many requests.").WithDetail("429\xff").WithRetryAfter(3 * time.Second)
	e.Proto.RequestId = "r-1"
	got := FromStatus(status.Convert(e).Err())
	if short(got.GetCode()) != "RATE_LIMITED" || got.GetMessage() != "Too many requests." || got.GetDetail() != "429\uFFFD" ||
		got.GetRetryAfterMs() != 3000 || got.GetRequestId() != "r-1" {
		t.Errorf("arrived as %v", got)
	}
	for code := range providerv1.ErrorCode_name {
		c := providerv1.ErrorCode(code)
		st := status.Convert(Errorf(c, "Some words."))
		if st.Code() == codes.OK {
			t.Errorf("%v travels as OK", c)
		}
		if got := FromStatus(st.Err()); got.GetCode() != c && c != providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED {
			t.Errorf("%v arrived as %v", c, got)
		}
	}
	long := FromStatus(status.Convert(Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "%s", strings.Repeat("€", 1<<20))).Err())
	if n := len(long.GetMessage()); n > maxMessage+len("…") || !strings.HasSuffix(long.GetMessage(), "€…") {
		t.Errorf("a long message arrives with %d bytes", n)
	}
}

func TestFromStatus(t *testing.T) {
	if FromStatus(nil) != nil {
		t.Error("FromStatus(nil) is not nil")
	}
	for want, errs := range map[string][]error{
		"CANCELLED":   {context.Canceled, status.Error(codes.Canceled, "x"), status.FromContextError(context.Canceled).Err()},
		"TIMEOUT":     {context.DeadlineExceeded, status.Error(codes.DeadlineExceeded, "x")},
		"UNSUPPORTED": {status.Error(codes.Unimplemented, "x")},
		"PLUGIN":      {io.EOF, io.ErrUnexpectedEOF, errors.New("x"), status.Error(codes.Unavailable, "x"), status.Error(codes.ResourceExhausted, "x"), status.Error(codes.Unknown, "x"), &Error{}},
		"AUTH":        {fmt.Errorf("check: %w", Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "x")), fmt.Errorf("check: %w", status.Convert(Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "x")).Err())},
	} {
		for _, err := range errs {
			if got := FromStatus(err); short(got.GetCode()) != want || got.GetMessage() == "" {
				t.Errorf("%v is %v, want %s", err, got, want)
			}
		}
	}
}

func TestErrorWords(t *testing.T) {
	e := Errorf(providerv1.ErrorCode_ERROR_CODE_CUT, "Broke off: %w", io.ErrUnexpectedEOF)
	if e.Error() != "Broke off: unexpected EOF" || !errors.Is(e, io.ErrUnexpectedEOF) {
		t.Errorf("error %q, cause %v", e, errors.Unwrap(e))
	}
	if got := e.WithDetail("at byte 7").Error(); got != "Broke off: unexpected EOF (at byte 7)" {
		t.Errorf("error with detail: %q", got)
	}
	if got := (&Error{}).Error(); got == "" {
		t.Error("an empty error has no words")
	}
}
