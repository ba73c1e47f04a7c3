package openaitest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// apiError is an error as OpenAI words it.
type apiError struct {
	Message, Type, Code, Param string
}

func (e apiError) body() map[string]any {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	return map[string]any{"message": e.Message, "type": orNull(e.Type), "param": orNull(e.Param), "code": orNull(e.Code)}
}

func refuse(w http.ResponseWriter, status int, e apiError) {
	writeJSON(w, status, map[string]any{"error": e.body()})
}

func invalid(w http.ResponseWriter, code, param, message string) {
	refuse(w, http.StatusBadRequest, apiError{Message: message, Type: "invalid_request_error", Code: code, Param: param})
}

// refusal answers with an HTTP error where the script says so.
func (s *Server) refusal(ctx context.Context, w http.ResponseWriter, a asked) bool {
	words := strings.Fields(a.text)
	if len(words) == 0 {
		return false
	}
	number := func(i int) int {
		if i >= len(words) {
			return 0
		}
		n, _ := strconv.Atoi(words[i])
		return n
	}
	switch words[0] {
	case "status":
		code := number(1)
		if wait := number(2); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(wait))
		}
		e := apiError{Message: "The server had an error while processing your request. Sorry about that!", Type: "server_error"}
		switch code {
		case http.StatusUnauthorized:
			e = apiError{Message: "Incorrect API key provided: sk-1***.", Type: "invalid_request_error", Code: "invalid_api_key"}
		case http.StatusForbidden:
			e = apiError{Message: "Country, region, or territory not supported", Type: "request_forbidden", Code: "unsupported_country_region_territory"}
		case http.StatusTooManyRequests:
			w.Header().Set("X-Ratelimit-Remaining-Requests", "59")
			w.Header().Set("X-Ratelimit-Reset-Requests", "20ms")
			w.Header().Set("X-Ratelimit-Remaining-Tokens", "0")
			w.Header().Set("X-Ratelimit-Reset-Tokens", "1m7s")
			e = apiError{Message: "Rate limit reached for " + a.model + " on tokens per min (TPM).", Type: "tokens", Code: "rate_limit_exceeded"}
		case http.StatusServiceUnavailable:
			e = apiError{Message: "The engine is currently overloaded, please try again later", Type: "server_error"}
		case http.StatusBadGateway:
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(code)
			_, _ = w.Write([]byte("<html><h1>502 Bad Gateway</h1></html>"))
			return true
		}
		refuse(w, code, e)
	case "quota":
		refuse(w, http.StatusTooManyRequests, apiError{Message: "You exceeded your current quota, please check your plan and billing details.", Type: "insufficient_quota", Code: "insufficient_quota"})
	case "context":
		invalid(w, "context_length_exceeded", "input", "Your input exceeds the context window of this model. Please adjust your input and try again.")
	case "too-large":
		refuse(w, http.StatusTooManyRequests, apiError{Message: "Request too large for " + a.model + " on tokens per min (TPM): Limit 30000, Requested 90000.", Type: "tokens", Code: "rate_limit_exceeded"})
	case "policy":
		invalid(w, "content_policy_violation", "", "Your request was rejected as a result of our safety system.")
	case "verify":
		if requestOf(ctx).Body["stream"] != true {
			return false
		}
		invalid(w, "unsupported_value", "stream", "Your organization must be verified to stream this model.")
	case "flaky":
		if s.try(a.text) > number(1) {
			return false
		}
		refuse(w, http.StatusServiceUnavailable, apiError{Message: "The engine is currently overloaded, please try again later", Type: "server_error"})
	default:
		return false
	}
	return true
}

type requestKey struct{}

func withRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

func requestOf(ctx context.Context) *Request { return ctx.Value(requestKey{}).(*Request) }
