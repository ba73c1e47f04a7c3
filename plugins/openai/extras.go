package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Names of what this plugin adds to a request by itself, where no option of the host has that name.
const (
	parameterReasoning = "reasoning"
	parameterSummary   = "reasoning_summary"
	parameterState     = "provider_state"
)

// parameterEffort is the host's name as well.
const parameterEffort = "reasoning_effort"

// extras is what a request holds beyond what was asked for. A server that does not take one of them is asked again
// without, for nobody else knows that it was sent.
type extras struct {
	effort        string
	effortIsExtra bool // it is not from the options of the request
	summary       bool // of the reasoning
	include       bool // the encrypted reasoning
	state         bool // of earlier turns
	strict        bool // schemas
	verbosity     string
	tier          string
	stream        bool   // some accounts may not have answers as they are written
	usage         bool   // at the end of a stream of Chat Completions
	limit         string // what Chat Completions call the output limit
}

func (p *openAI) extrasFor(c *client, req *providerv1.RunRequest) extras {
	x := extras{
		effort: strings.ToLower(req.GetOptions().GetReasoningEffort()), verbosity: c.settings.Verbosity, tier: c.settings.ServiceTier,
		summary: c.official && reasons(req.GetModel()), include: c.api == apiResponses, state: true, strict: true, stream: true, usage: true, limit: "max_tokens",
	}
	if c.official {
		x.limit = "max_completion_tokens"
	}
	if x.effort == "" && (!c.official || reasons(req.GetModel())) {
		x.effortIsExtra, x.effort = true, c.settings.ReasoningEffort
		small := req.GetPurpose() == providerv1.Purpose_PURPOSE_TITLE || req.GetPurpose() == providerv1.Purpose_PURPOSE_SUMMARY
		if small && c.official {
			x.effort = "low"
		}
	}
	for _, name := range []string{parameterReasoning, parameterEffort, parameterSummary, "include", "strict", "verbosity", "service_tier", "stream", "stream_options", "max_tokens", "max_completion_tokens"} {
		if _, known := p.declined.Load(x.key(c, req.GetModel(), name)); known {
			x.leaveOut(name)
		}
	}
	return x
}

// declinedKey names something a model of a server does not take.
type declinedKey struct{ base, model, parameter, value string }

func (x *extras) key(c *client, model, parameter string) declinedKey {
	k := declinedKey{base: c.base, model: model, parameter: parameter}
	if of := x.setting(parameter); of != nil {
		k.value = *of
	}
	return k
}

// setting is the extra that comes from a setting, if there is one of that name.
func (x *extras) setting(parameter string) *string {
	switch parameter {
	case parameterEffort:
		return &x.effort
	case "verbosity":
		return &x.verbosity
	case "service_tier":
		return &x.tier
	}
	return nil
}

// decline leaves out what the server did not take, if this plugin added it. It reports whether to ask again.
func (p *openAI) decline(t *turn, err error) bool {
	var e *sdk.Error
	if !errors.As(err, &e) || e.Code() != providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER {
		return false
	}
	parameter, before := e.Proto.GetParameter(), t.extras
	if slices.Contains(t.declined, parameter) || !t.extras.leaveOut(parameter) {
		e.Proto.Parameter = ofHost(parameter)
		return false
	}
	t.declined = append(t.declined, parameter)
	if parameter != parameterState {
		p.declined.Store(before.key(t.client, t.req.GetModel(), parameter), true)
	}
	set := t.client.settings
	chosen := map[string]string{parameterEffort: set.ReasoningEffort, "verbosity": set.Verbosity, "service_tier": set.ServiceTier}[parameter]
	if was := before.setting(parameter); was != nil && chosen != "" && *was == chosen {
		t.note(providerv1.Notice_LEVEL_WARNING, fmt.Sprintf("%s does not take the %s %q of this provider's settings, so it was left out.",
			t.req.GetModel(), strings.ReplaceAll(parameter, "_", " "), chosen))
	}
	if parameter == "stream" {
		t.note(providerv1.Notice_LEVEL_INFO, fmt.Sprintf("%s shows this account no answers of %s as they are written, so they come in one piece. %s",
			t.client.name(), t.req.GetModel(), t.client.orElse("Verifying the organization at "+orgPage+" changes that.", "")))
	}
	return true
}

// leaveOut changes or drops an extra; false if it was none.
func (x *extras) leaveOut(parameter string) bool {
	before := *x
	switch parameter {
	case parameterReasoning:
		x.summary = false
		fallthrough
	case parameterEffort:
		if x.effortIsExtra {
			x.effort = ""
		}
	case parameterSummary:
		x.summary = false
	case parameterState:
		x.state = false
	case "include":
		x.include = false
	case "strict":
		x.strict = false
	case "verbosity":
		x.verbosity = ""
	case "service_tier":
		x.tier = ""
	case "stream":
		x.stream = false
	case "stream_options":
		x.usage = false
	case "max_tokens":
		x.limit = "max_completion_tokens"
	case "max_completion_tokens":
		x.limit = "max_tokens"
	}
	return *x != before
}
