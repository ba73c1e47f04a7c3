package sdk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Classify sorts an error from the network or the context into a typed one. An error that already holds an [*Error]
// gives that. What it does not know is PLUGIN: the plugin should have said more. Nil gives nil.
//
// Of an answer already under way, an end before its end is CUT.
func Classify(err error) *Error {
	if err == nil {
		return nil
	}
	var typed *Error
	if errors.As(err, &typed) {
		return typed
	}
	e := func(code providerv1.ErrorCode, message string) *Error {
		return &Error{Proto: &providerv1.Error{Code: code, Message: message, Detail: withoutQuery(err)}, cause: err}
	}
	at := where(err)
	switch {
	case errors.Is(err, context.Canceled):
		return e(providerv1.ErrorCode_ERROR_CODE_CANCELLED, "Cancelled.")
	case timedOut(err):
		return e(providerv1.ErrorCode_ERROR_CODE_TIMEOUT, at+" did not answer in time. Try again, or check that it is up.")
	case isTLS(err):
		return e(providerv1.ErrorCode_ERROR_CODE_TLS, "No secure connection to "+at+": its certificate or TLS is not accepted. Check the address, and that this computer's clock is right.")
	case isCut(err):
		return e(providerv1.ErrorCode_ERROR_CODE_CUT, "The connection to "+at+" broke before the answer was complete. Try again.")
	case isUnreachable(err):
		return e(providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, "Nothing answers at "+at+". Check the address, and that it is running and reachable from here.")
	}
	return e(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin failed in a way it has no words for.")
}

// where names the other side of a failed request, without path and query.
func where(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		if parsed, perr := url.Parse(u.URL); perr == nil && parsed.Host != "" {
			return parsed.Scheme + "://" + parsed.Host
		}
	}
	return "the provider"
}

// withoutQuery is the error's own words; a query may hold what should not be in a log.
func withoutQuery(err error) string {
	words := err.Error()
	var u *url.Error
	if errors.As(err, &u) {
		if before, _, found := strings.Cut(u.URL, "?"); found {
			words = strings.ReplaceAll(words, u.URL, before)
		}
	}
	return words
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &n) && n.Timeout()
}

func isTLS(err error) bool {
	var (
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid)
}

func isCut(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	// net/http does not export its type of a reset HTTP/2 stream.
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "stream error: stream ID")
}

func isUnreachable(err error) bool {
	var (
		op  *net.OpError
		dns *net.DNSError
	)
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial" ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

// ClassifyHTTP makes a typed error of an answer with status 300 or more, from the provider or from the host. body is
// what was read of it; with a nil body at most 64 KiB are read from res, whose body is then closed. The message names
// the provider by its origin; plugins that know better words for a case make their own error.
func ClassifyHTTP(res *http.Response, body []byte) *Error {
	if body == nil && res.Body != nil {
		body, _ = io.ReadAll(io.LimitReader(res.Body, maxRefusal))
		_ = res.Body.Close()
	}
	said := parseHTTPError(body)
	code, message := httpError(res, said)
	p := &providerv1.Error{
		Code: code, Message: message, Detail: said.Message, Parameter: said.Param,
		HttpStatus: int32(res.StatusCode), RequestId: requestID(res.Header, said),
	}
	if res.StatusCode < 400 {
		p.Field = "base_url"
	}
	if denied := res.Header.Get(HeaderDenied); denied != "" {
		p.Code, p.Message = deniedError(denied, said.Message, origin(res))
		p.Parameter, p.HttpStatus = "", 0
		if denied == "upstream_garbage" {
			p.Field = "base_url"
		}
	}
	if code == providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED || code == providerv1.ErrorCode_ERROR_CODE_OVERLOADED {
		p.RetryAfterMs = retryAfter(res.Header, time.Now()).Milliseconds()
	}
	return &Error{Proto: p}
}

// httpError chooses code and words: first by what the provider calls the error, then by status.
func httpError(res *http.Response, said saidError) (providerv1.ErrorCode, string) {
	at := origin(res)
	switch code := said.Code + " " + said.Type; {
	case contains(code, "context_length_exceeded", "request_too_large"):
		return providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "The conversation is too long for this model. Shorten it, or choose a model with more context."
	case contains(code, "insufficient_quota", "billing", "credit_balance"):
		return providerv1.ErrorCode_ERROR_CODE_QUOTA, "The account at " + at + " has nothing left to spend. Add credit or raise its limit there."
	case contains(code, "model_not_found"):
		return providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, at + " does not know this model. Choose another from the list."
	case contains(code, "unsupported_parameter", "unsupported_value"):
		return providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "This model does not take " + orWords(said.Param, "one of the parameters sent") + "."
	case contains(code, "content_filter", "content_policy", "moderation_blocked"):
		return providerv1.ErrorCode_ERROR_CODE_CONTENT_FILTERED, at + " refused to answer this because of its content rules. Change the message and try again."
	}
	if res.StatusCode < 400 {
		return providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, movedWords(res, at)
	}
	switch res.StatusCode {
	case http.StatusUnauthorized:
		return providerv1.ErrorCode_ERROR_CODE_AUTH, at + " does not accept the key. Check it, or enter a new one."
	case http.StatusForbidden:
		return providerv1.ErrorCode_ERROR_CODE_AUTH, at + " does not allow this with the key in use. Check what the key and its account may do."
	case http.StatusPaymentRequired:
		return providerv1.ErrorCode_ERROR_CODE_QUOTA, "The account at " + at + " has nothing left to spend. Add credit or raise its limit there."
	case http.StatusNotFound:
		if contains(said.Message, "model") {
			return providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, at + " does not know this model. Choose another from the list."
		}
		return providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, at + " has nothing at this address (404). Check the base URL."
	case http.StatusProxyAuthRequired:
		return providerv1.ErrorCode_ERROR_CODE_PROXY, "The proxy on the way to " + at + " wants a login. Check the proxy settings of this computer."
	case http.StatusRequestTimeout:
		return providerv1.ErrorCode_ERROR_CODE_TIMEOUT, at + " gave up waiting for the request. Try again."
	case http.StatusRequestEntityTooLarge:
		return providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "The message is too large for " + at + ". Shorten the conversation or its attachments."
	case http.StatusTooManyRequests:
		return providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, "Too many requests to " + at + ". Wait a little."
	case http.StatusServiceUnavailable, 529:
		return providerv1.ErrorCode_ERROR_CODE_OVERLOADED, at + " is overloaded. Try again in a while."
	}
	if res.StatusCode >= 500 {
		return providerv1.ErrorCode_ERROR_CODE_PROVIDER, at + " failed on its side (" + strconv.Itoa(res.StatusCode) + "). Try again in a while."
	}
	return providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, at + " does not accept the request (" + strconv.Itoa(res.StatusCode) + ")."
}

// movedWords says where an answer sends the request. That is not followed: a key and a conversation go where a person said.
func movedWords(res *http.Response, at string) string {
	words := at + " does not answer itself, but sends the request on"
	if to, err := res.Location(); err == nil && to.Host != "" {
		words += " to " + to.Scheme + "://" + to.Host + to.EscapedPath()
	}
	return words + " (" + strconv.Itoa(res.StatusCode) + "), which is not followed. If that is where the provider is, enter it as the base URL."
}

// Shown gives the beginning of what came, for an error's details: as text where it is text, and otherwise with its bytes
// in hex.
func Shown(came []byte) string {
	const most = 500
	short := came[:min(len(came), most)]
	text := strings.ToValidUTF8(string(short), replacement)
	odd := strings.Count(text, replacement)
	for _, r := range text {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			odd++
		}
	}
	switch {
	case len(came) == 0:
		return ""
	case odd*8 > len(text):
		return fmt.Sprintf("% x", came[:min(len(came), 32)])
	case len(came) > most:
		return text + "…"
	}
	return text
}

// deniedError is the host's own refusal, or its word on why it could not reach the provider.
func deniedError(denied, words, at string) (providerv1.ErrorCode, string) {
	code := providerv1.ErrorCode_ERROR_CODE_DENIED
	switch denied {
	case "upstream_unreachable":
		code, at = providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, "Nothing answers at "+at+". Check the address, and that it is running and reachable from here."
	case "upstream_tls":
		code, at = providerv1.ErrorCode_ERROR_CODE_TLS, sentence(orWords(words, "no secure connection to "+at+": its certificate or TLS is not accepted. Check the address, and that this computer's clock is right."))
	case "upstream_garbage":
		code, at = providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, sentence(orWords(words, "something answers at "+at+", but not in HTTP. Check the address."))
	case "upstream_timeout":
		code, at = providerv1.ErrorCode_ERROR_CODE_TIMEOUT, at+" did not answer in time. Try again, or check that it is up."
	case "upstream_proxy":
		code, at = providerv1.ErrorCode_ERROR_CODE_PROXY, "The proxy on the way to "+at+" refused or failed. Check the proxy settings of this computer."
	case "too_many_requests":
		code, at = providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, orWords(words, "Too many requests. Wait a little.")
	case "body_too_large":
		code, at = providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, orWords(words, "The request is too large. Shorten the conversation or its attachments.")
	case "upstream_cut":
		code, at = providerv1.ErrorCode_ERROR_CODE_CUT, "The connection to "+at+" broke before the answer was complete. Try again."
	default:
		at = orWords(words, "The host refused a request to "+at+" ("+denied+").")
	}
	return code, at
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if strings.HasPrefix(s, "Http") {
		s = "h" + s[1:]
	}
	return strings.TrimRight(s, ".") + "."
}

// saidError is what providers commonly put into the body of an error.
type saidError struct {
	Message, Type, Code, Param, RequestID string
}

// parseHTTPError reads {"error":{"message","type","code","param"}} (OpenAI, Anthropic, Google, the host),
// {"error":"words"} (Ollama), {"message":"words"}, or plain text.
func parseHTTPError(body []byte) saidError {
	var outer struct {
		Error     json.RawMessage `json:"error"`
		Message   string          `json:"message"`
		RequestID string          `json:"request_id"`
	}
	plain := saidError{Message: cut(strings.TrimSpace(strings.ToValidUTF8(string(body), replacement)), 2<<10)}
	if err := json.Unmarshal(body, &outer); err != nil {
		return plain
	}
	said := saidError{Message: outer.Message, RequestID: outer.RequestID}
	var inner struct {
		Message, Type, Status string
		Code, Param           any
	}
	if json.Unmarshal(outer.Error, &said.Message) != nil && json.Unmarshal(outer.Error, &inner) == nil {
		said.Message, said.Type = inner.Message, strings.TrimSpace(inner.Type+" "+inner.Status)
		said.Code, _ = inner.Code.(string)
		said.Param, _ = inner.Param.(string)
	}
	if said.Message == "" {
		said.Message = plain.Message
	}
	return said
}

// longestWait is the longest that a service may ask to be left alone for. Beyond that it is asked again.
const longestWait = 24 * time.Hour

// retryAfter reads Retry-After, in seconds or as a date; 0 is unknown.
func retryAfter(h http.Header, now time.Time) time.Duration {
	return min(saidWait(h, now), longestWait)
}

func saidWait(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 && ms < 1e12 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if s > 0 && s < 1e9 {
			return time.Duration(s * float64(time.Second))
		}
		return 0
	}
	if at, err := http.ParseTime(v); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		return max(0, at.Sub(now))
	}
	return 0
}

func requestID(h http.Header, said saidError) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Goog-Request-Id", "Cf-Ray"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return said.RequestID
}

// origin names who answered.
func origin(res *http.Response) string {
	if res.Request != nil && res.Request.URL != nil && res.Request.URL.Host != "" {
		return res.Request.URL.Scheme + "://" + res.Request.URL.Host
	}
	return "The provider"
}

func contains(s string, words ...string) bool {
	s = strings.ToLower(s)
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func orWords(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
