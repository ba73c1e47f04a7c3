package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func (c *client) unsupported(e *sdk.Error, parameter, model string) {
	e.Proto.Code, e.Proto.Parameter = providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, parameter
	what := map[string]string{
		"tools":             "can't use tools. Choose a model that can, or turn tools off for this conversation.",
		"images":            "can't see images. Leave the image out, or choose a model with vision.",
		"files":             "can't read this kind of file. Leave it out, or paste what it says.",
		parameterEffort:     "can't think as hard as asked, or not at all. Change the reasoning effort, or choose another model.",
		"temperature":       "does not take a temperature. Leave it out for this model.",
		"max_output_tokens": "does not take this limit for its answer. Leave it out or change it.",
		"response_schema":   "does not take the form asked of the answer.",
	}[ofHost(parameter)]
	if what == "" {
		what = fmt.Sprintf("does not take %q.", parameter)
	}
	e.Proto.Message = model + " " + what
}

// wordsOfRefusal are what servers say of a parameter they do not take.
var wordsOfRefusal = []string{"unsupported", "not supported", "does not support", "unknown parameter", "unrecognized", "unexpected", "not permitted", "not allowed", "extra inputs", "invalid reasoning", "invalid value", "must be one of"}

// parameterIn finds which parameter a server does not take, by the name under which the host or this plugin knows it.
// Servers other than OpenAI often say so only in words.
func (c *client) parameterIn(said apiError, status int) string {
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
		return ""
	}
	low := strings.ToLower(said.Message)
	refused := containsAny(said.Code, []string{"unsupported_parameter", "unsupported_value", "unknown_parameter"})
	if !refused && !containsAny(low, wordsOfRefusal) {
		return ""
	}
	if name := known(said.Param); name != "" {
		return name
	}
	switch {
	case containsAny(low, []string{"does not support tools", "tool use", "tool calling", "function calling"}):
		return "tools"
	case containsAny(low, []string{"image", "vision", "multimodal"}):
		return "images"
	case containsAny(low, []string{"thinking", "reasoning value"}):
		return parameterReasoning
	}
	for _, name := range []string{
		"stream_options", "max_completion_tokens", "max_tokens", "max_output_tokens", "reasoning.summary", "reasoning_effort", "reasoning.effort",
		"verbosity", "service_tier", "temperature", "response_format", "text.format", "strict", "tools", "include",
	} {
		if strings.Contains(low, name) {
			return known(name)
		}
	}
	if refused {
		return said.Param
	}
	return ""
}

// known gives a parameter of either API the name it has in the options of a request, or in extras.
func known(param string) string {
	top, rest, _ := strings.Cut(strings.ReplaceAll(param, "[", "."), ".")
	switch top {
	case "temperature", "verbosity", "service_tier", "stream", "stream_options", "include", "max_tokens", "max_completion_tokens", "strict":
		return top
	case "max_output_tokens":
		return "max_output_tokens"
	case "reasoning_effort":
		return parameterEffort
	case "reasoning":
		switch {
		case strings.Contains(rest, "summary"):
			return parameterSummary
		case strings.Contains(rest, "effort"):
			return parameterEffort
		}
		return parameterReasoning
	case "response_format":
		return "response_schema"
	case "text":
		if strings.Contains(rest, "verbosity") {
			return "verbosity"
		}
		return "response_schema"
	case "tools", "tool_choice":
		if strings.HasSuffix(rest, "strict") {
			return "strict"
		}
		return "tools"
	case "messages", "input":
		switch {
		case strings.Contains(rest, "image"):
			return "images"
		case strings.Contains(rest, "file"):
			return "files"
		}
	}
	return ""
}

// ofHost is the name a parameter has among the options of a request.
func ofHost(parameter string) string {
	switch parameter {
	case parameterReasoning:
		return parameterEffort
	case "max_tokens", "max_completion_tokens":
		return "max_output_tokens"
	}
	return parameter
}
