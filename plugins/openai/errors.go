package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Pages at OpenAI where a person can put things right.
const (
	keysPage    = "https://platform.openai.com/api-keys"
	billingPage = "https://platform.openai.com/settings/organization/billing"
	limitsPage  = "https://platform.openai.com/settings/organization/limits"
	orgPage     = "https://platform.openai.com/settings/organization/general"
)

// apiError is what a server says went wrong, in an answer or in the middle of a stream.
type apiError struct {
	Code, Message, Param, Type string
}

// UnmarshalJSON takes the forms in which servers put it: an object, whose code may be a number, or just words.
func (e *apiError) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		e.Message = text
		return nil
	}
	var object struct {
		Code, Message, Param, Type any
		// What goes between servers repeats what the one behind it said.
		Metadata struct{ Raw any }
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	e.Code, e.Message, e.Param, e.Type = plain(object.Code), plain(object.Message), plain(object.Param), plain(object.Type)
	if raw := plain(object.Metadata.Raw); raw != "" && !strings.Contains(e.Message, raw) {
		e.Message = strings.TrimSpace(e.Message + ": " + raw)
	}
	return nil
}

func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// errorIn reads the body of an answer with an HTTP error.
func errorIn(body []byte) apiError {
	var answer struct {
		Error   *apiError `json:"error"`
		Message string    `json:"message"`
		Detail  []struct {
			Loc []any  `json:"loc"`
			Msg string `json:"msg"`
		} `json:"detail"`
	}
	err := json.Unmarshal(body, &answer)
	switch {
	case err == nil && answer.Error != nil:
		return *answer.Error
	case err == nil && len(answer.Detail) > 0:
		// What checks a request for many servers written in Python says.
		d := answer.Detail[0]
		e := apiError{Message: d.Msg}
		if len(d.Loc) > 1 {
			e.Param = plain(d.Loc[1])
			e.Message = e.Param + ": " + d.Msg
		}
		return e
	case err == nil && answer.Message != "":
		return apiError{Message: answer.Message}
	}
	return apiError{Message: string(bytes.TrimSpace(body))}
}

// broken puts a failed connection into words.
func (c *client) broken(err error) error {
	e := sdk.Classify(err)
	if c.official {
		if e.Code() == providerv1.ErrorCode_ERROR_CODE_UNREACHABLE {
			e.Proto.Message = "OpenAI can't be reached. Check that this computer is online, then try again."
		}
		return e
	}
	switch e.Code() {
	case providerv1.ErrorCode_ERROR_CODE_UNREACHABLE:
		e.Proto.Message = fmt.Sprintf("Nothing answers at %s. Start the server there, or correct the address in this provider's settings.", c.base)
	case providerv1.ErrorCode_ERROR_CODE_CUT:
		e.Proto.Message = fmt.Sprintf("The connection to %s broke before the answer was complete; what came of it is kept. Check that the server still runs, then try again.", c.host)
	}
	return e
}

// cut is for an answer that ended before its end was said.
func (c *client) cut() error { return c.broken(io.ErrUnexpectedEOF) }

// garbled is for an event that can't be read.
func (c *client) garbled(data []byte) error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER,
		"%s sent a piece of the answer that can't be read; what came before is kept. Try again.", c.name()).WithDetail(sdk.Shown(data))
}

func (c *client) notOpenAI(body []byte) error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
		"Something answers at %s, but not as OpenAI does. Check the address in this provider's settings; it usually ends with /v1.", c.base).
		WithDetail(sdk.Shown(body)).Blaming("base_url")
}

// refused puts an HTTP error into words.
func (c *client) refused(res *http.Response, body []byte, model string) error {
	e := sdk.ClassifyHTTP(res, append([]byte{}, body...))
	if res.StatusCode < 400 {
		return e
	}
	said := errorIn(body)
	c.explain(e, said, model)
	if e.Proto.Detail == "" {
		e.Proto.Detail = said.Message
	}
	if waits(e) {
		if wait := resetIn(res.Header, said.Message); e.Proto.RetryAfterMs == 0 && wait > 0 {
			e.Proto.RetryAfterMs = max(1, wait.Milliseconds())
		}
	} else {
		e.Proto.RetryAfterMs = 0
	}
	return e
}

// failed puts an error that came in place of an answer into words.
func (c *client) failed(said apiError, model, requestID string) error {
	e := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "%s failed before the answer was complete; what came of it is kept. Try again.", c.name())
	e.Proto.Detail, e.Proto.RequestId = said.Message, requestID
	c.explain(e, said, model)
	if waits(e) {
		e.Proto.RetryAfterMs = resetIn(nil, said.Message).Milliseconds()
	}
	return e
}

func waits(e *sdk.Error) bool {
	return e.Code() == providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED || e.Code() == providerv1.ErrorCode_ERROR_CODE_OVERLOADED
}

// explain gives e the code and the words for what a server says, as far as it is understood.
func (c *client) explain(e *sdk.Error, said apiError, model string) {
	if e.Code() == providerv1.ErrorCode_ERROR_CODE_DENIED {
		return
	}
	status := int(e.Proto.HttpStatus)
	if n, err := strconv.Atoi(said.Code); err == nil && status == 0 {
		status = n // the server asked another one, and that one failed
	}
	code, low := said.Code+" "+said.Type, strings.ToLower(said.Message)
	set := func(code providerv1.ErrorCode, format string, args ...any) {
		e.Proto.Code, e.Proto.Message = code, fmt.Sprintf(format, args...)
	}
	coded := func(words ...string) bool { return containsAny(code, words) }
	has := func(words ...string) bool { return containsAny(low, words) }
	switch {
	case coded("insufficient_quota", "billing_hard_limit", "billing_not_active"), has("exceeded your current quota"), status == http.StatusPaymentRequired:
		set(providerv1.ErrorCode_ERROR_CODE_QUOTA, "The account at %s has nothing left to spend%s", c.shortName(),
			c.orElse(". Add credit or raise its limit at "+billingPage+", then try again.", "; add credit there, then try again."))
	case has("request too large for"), status == http.StatusRequestEntityTooLarge:
		set(providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "The conversation is larger than %s takes from this account at once. Start a new one, leave out attachments, or raise the account's limit%s.",
			c.shortName(), c.orElse(" at "+limitsPage, ""))
	case coded("context_length_exceeded"), has("maximum context length", "context window", "exceed_context_size", "exceeds the available context", "exceeds the context", "input is too long", "prompt is too long"):
		set(providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "The conversation is too long for %s. Nothing was cut off. Start a new one, or choose a model with more context.", model)
		if m := windowIs.FindStringSubmatch(low); m != nil {
			e.Proto.ContextTokens, _ = strconv.ParseInt(m[1], 10, 64)
		}
	case coded("model_not_found"), status == http.StatusNotFound && has("model"), has("model") && has("does not exist", "not found", "is not a valid model"):
		set(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "%s has no model %q, or this key may not use it. Choose another from the list.", c.name(), model)
	case coded("invalid_encrypted_content"), has("encrypted content", "encrypted_content") && status == http.StatusBadRequest:
		c.unsupported(e, parameterState, model)
	case has("must be verified") && known(said.Param) == "":
		set(providerv1.ErrorCode_ERROR_CODE_AUTH, "OpenAI wants to know who this account belongs to before it may use %s. Verify the organization at %s, or choose another model.", model, orgPage)
	case c.parameterIn(said, status) != "":
		c.unsupported(e, c.parameterIn(said, status), model)
	case coded("unsupported_country"):
		set(providerv1.ErrorCode_ERROR_CODE_AUTH, "OpenAI does not serve the country this computer seems to be in.")
	case coded("invalid_api_key"), status == http.StatusUnauthorized:
		c.notKnown(e, low)
	case coded("content_policy", "content_filter", "moderation", "safety", "invalid_prompt", "cyber_policy"), has("usage policy", "usage policies", "content management policy"):
		set(providerv1.ErrorCode_ERROR_CODE_CONTENT_FILTERED, "%s refused this because of its content rules. Change the message and try again.", c.name())
	case coded("server_overloaded", "overloaded", "slow_down"), status == http.StatusServiceUnavailable, has("overloaded", "slow down"):
		set(providerv1.ErrorCode_ERROR_CODE_OVERLOADED, "%s is overloaded. Try again in a while.", c.name())
	case coded("rate_limit"), status == http.StatusTooManyRequests:
		set(providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, "Too many requests to %s for this account. It goes on by itself after a while.", c.shortName())
	case status >= 500, coded("server_error", "internal_error"):
		if status > 0 {
			set(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "%s failed on its side (%d). Try again in a while.", c.name(), status)
		}
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		set(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "The server at %s does not know this call. Check the address in this provider's settings (it usually ends with /v1), or choose the other API there.", c.base)
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		set(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "%s refused the request: %s", c.name(), sentence(said.Message))
	}
}

func (c *client) notKnown(e *sdk.Error, said string) {
	e.Proto.Code = providerv1.ErrorCode_ERROR_CODE_AUTH
	switch {
	case containsAny(said, []string{"didn't provide", "no api key", "missing"}):
		e.Proto.Message = fmt.Sprintf("%s wants a key and got none. Enter one in this provider's settings%s.", c.name(), c.orElse("; it can be made at "+keysPage, ""))
	default:
		e.Proto.Message = fmt.Sprintf("%s does not accept the key. Check it in this provider's settings, or enter a new one%s.", c.name(), c.orElse(" from "+keysPage, ""))
	}
}

// windowIs finds how many tokens a model takes in the words of OpenAI, llama.cpp and vLLM.
var windowIs = regexp.MustCompile(`(?:maximum context length is|available context size \(|context size is|"n_ctx": ?) ?([0-9]+)`)

var tryAgainIn = regexp.MustCompile(`(?i)try again in ((?:[0-9.]+(?:ms|s|m|h))+)`)

// resetIn is how long a limit holds: by the server's words, or by its headers. 0 is unknown.
func resetIn(h http.Header, message string) time.Duration {
	if m := tryAgainIn.FindStringSubmatch(message); m != nil {
		if d, err := time.ParseDuration(m[1]); err == nil {
			return d
		}
	}
	var spent, soonest time.Duration
	for _, of := range []string{"Requests", "Tokens"} {
		d, err := time.ParseDuration(h.Get("X-Ratelimit-Reset-" + of))
		if err != nil || d <= 0 {
			continue
		}
		if h.Get("X-Ratelimit-Remaining-"+of) == "0" {
			spent = max(spent, d)
		}
		if soonest == 0 || d < soonest {
			soonest = d
		}
	}
	if spent > 0 {
		return spent
	}
	return soonest
}

// shortName is the server's name inside a sentence.
func (c *client) shortName() string {
	if c.official {
		return "OpenAI"
	}
	return c.host
}

// orElse is what holds only for OpenAI itself, or what is said otherwise.
func (c *client) orElse(official, otherwise string) string {
	if c.official {
		return official
	}
	return otherwise
}

// sentence ends with a full stop.
func sentence(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return "it did not say why."
	}
	return strings.TrimRight(s, ".") + "."
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// httpStatus is that of a typed error, else 0.
func httpStatus(err error) int32 {
	var e *sdk.Error
	if errors.As(err, &e) {
		return e.Proto.GetHttpStatus()
	}
	return 0
}
