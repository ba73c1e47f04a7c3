package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// broken puts a failed connection into words.
func (c *client) broken(err error) error {
	e := sdk.Classify(err)
	switch e.Code() {
	case providerv1.ErrorCode_ERROR_CODE_UNREACHABLE:
		remedy := "Start it with `ollama serve` or by opening the Ollama app, or correct the address in this provider's settings."
		if !c.here() {
			remedy = "Check the address in this provider's settings, and that Ollama runs there and is open to other machines (OLLAMA_HOST=0.0.0.0 on that machine)."
		}
		e.Proto.Message = fmt.Sprintf("Ollama does not answer at %s. %s", c.base, remedy)
	case providerv1.ErrorCode_ERROR_CODE_CUT:
		e.Proto.Message = fmt.Sprintf("The connection to Ollama at %s broke before the answer was complete; what came of it is kept. Check that Ollama still runs, then try again.", c.base)
	}
	return e
}

// here tells whether the address is this machine's.
func (c *client) here() bool {
	u, err := url.Parse(c.base)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *client) notOllama(said []byte) error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
		"Something answers at %s, but not as Ollama does. Check the address in this provider's settings.", c.base).WithDetail(sdk.Shown(said)).Blaming("base_url")
}

// garbled is for a line of a stream that can't be read: half of one, or none of Ollama's.
func (c *client) garbled(line []byte) error {
	if bytes.HasPrefix(line, []byte("{")) {
		return c.broken(io.ErrUnexpectedEOF)
	}
	return c.notOllama(line)
}

// refused puts an HTTP error into words.
func (c *client) refused(res *http.Response, body []byte, model string) error {
	if res.StatusCode < 400 {
		return sdk.ClassifyHTTP(res, append([]byte{}, body...))
	}
	said := errorText(body)
	e := c.explain(said, model)
	switch {
	case e != nil:
	case res.StatusCode == http.StatusForbidden && said == "":
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"Ollama at %s turns requests for that host name away without a word. Use its IP address in this provider's settings, or allow the name there (OLLAMA_ORIGINS).", c.base)
	case res.StatusCode == http.StatusNotFound && !json.Valid(body):
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"Something answers at %s, but it does not know %s: it is another program, or an Ollama too old. Check the address in this provider's settings.", c.base, res.Request.URL.Path)
	default:
		e = sdk.ClassifyHTTP(res, body)
		if said != "" {
			verb := "refused"
			if res.StatusCode >= 500 {
				verb = "failed"
			}
			e.Proto.Message = fmt.Sprintf("Ollama at %s %s: %s", c.base, verb, said)
		}
	}
	e.Proto.HttpStatus = int32(res.StatusCode)
	return e.WithDetail(said)
}

// failed puts an error inside a stream into words.
func (c *client) failed(raw json.RawMessage, model string) error {
	said := wordsOf(raw)
	e := c.explain(said, model)
	if e == nil {
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "Ollama stopped before the answer was complete: %s. Try again.", strings.TrimRight(said, "."))
	}
	return e.WithDetail(said)
}

// explain knows what Ollama's own words mean and what to do. Nil if it does not.
func (c *client) explain(said, model string) *sdk.Error {
	low := strings.ToLower(said)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	e := func(code providerv1.ErrorCode, format string, args ...any) *sdk.Error {
		return sdk.Errorf(code, format, args...)
	}
	unsupported := func(parameter, format string, args ...any) *sdk.Error {
		err := e(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, format, args...)
		err.Proto.Parameter = parameter
		return err
	}
	switch {
	case strings.HasPrefix(low, "model ") && has("not found"), has("file does not exist"):
		return e(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "Ollama has no model %q. Get it with `ollama pull %s`, or choose another model.", model, model)
	case has("does not support tools"):
		return unsupported("tools", "%s can't use tools. Choose a model that can, or turn tools off for this conversation.", model)
	case has("does not support thinking"):
		return unsupported("reasoning_effort", "%s can't think before it answers. Leave the thinking setting out for this model, or choose one that can.", model)
	case has("think value"):
		return unsupported("reasoning_effort", "%s does not know that amount of thinking. Ollama knows none, low, medium, high and max.", model)
	case has("does not support multimodal", "image input is not supported", "missing data required for image input"):
		return unsupported("images", "%s can't see images. Leave the image out, or choose a model with vision.", model)
	case has("does not support chat", "does not support generate", "does not support completion"):
		return e(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "%s is not made for conversations. Choose another model.", model)
	case has("invalid format"):
		return unsupported("response_schema", "Ollama does not take the form asked of the answer for %s.", model)
	case has("exceed_context_size", "exceeds the available context", "exceeds the context length", "longer than the context length"):
		err := e(providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG,
			"The conversation is too long for %s as it is set up%s. Nothing was cut off. Raise the context length in this provider's settings, start a new conversation, or choose a model with more context.", model, sizes(said))
		if context := contextTokens.FindStringSubmatch(said); context != nil {
			err.Proto.ContextTokens, _ = strconv.ParseInt(context[1], 10, 64)
		}
		return err
	case has("maximum pending requests", "server busy"):
		return e(providerv1.ErrorCode_ERROR_CODE_OVERLOADED, "Ollama at %s has too many requests waiting. Try again in a while.", c.base)
	case has("more system memory", "out of memory", "out-of-memory", "not enough memory", "insufficient memory", "cudamalloc failed"):
		return e(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "%s does not fit into the memory that is free. Close other programs, lower the context length in this provider's settings, or choose a smaller model.", model)
	case has("parsing tool call"):
		return e(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "%s wrote a tool call that Ollama can't read. Try again; if it happens often, choose a model better at tools.", model)
	case has("token repeat limit"):
		return e(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "%s repeated itself without end, so Ollama stopped it. Try again or rephrase.", model)
	case has("while running the model", "unexpectedly stopped", "process has terminated", "no longer running", "error loading model", "unable to load model"):
		return e(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "The engine that runs %s broke down; what came of the answer is kept. Try again. If it happens again, memory may be short or the model's file broken: Ollama's log says more.", model)
	case has("cloud is disabled"):
		return e(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "%s runs in Ollama's cloud, which is turned off in Ollama's settings. Turn it on there, or choose a local model.", model)
	case has("unauthorized"):
		return e(providerv1.ErrorCode_ERROR_CODE_AUTH, "Ollama at %s wants to know who you are. Sign in with `ollama signin`, or enter a key in this provider's settings.", c.base)
	}
	return nil
}

var (
	promptTokens  = regexp.MustCompile(`"n_prompt_tokens":\s*(\d+)`)
	contextTokens = regexp.MustCompile(`"n_ctx":\s*(\d+)`)
)

// sizes quotes how long the conversation and the context are, where the engine says so.
func sizes(said string) string {
	prompt, context := promptTokens.FindStringSubmatch(said), contextTokens.FindStringSubmatch(said)
	if prompt == nil || context == nil {
		return ""
	}
	return fmt.Sprintf(" (%s tokens, room for %s)", prompt[1], context[1])
}

// errorText is what an answer with an HTTP error says.
func errorText(body []byte) string {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && len(answer.Error) > 0 {
		return wordsOf(answer.Error)
	}
	return strings.TrimSpace(string(body))
}

// wordsOf reads an error that is a text, or an object with a message.
func wordsOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &object) == nil && object.Message != "" {
		return object.Message
	}
	return string(raw)
}

// codeOf is the code of a typed error, else unspecified.
func codeOf(err error) providerv1.ErrorCode {
	var e *sdk.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED
}
