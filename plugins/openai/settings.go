package main

import (
	"encoding/json"
	"slices"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// The two ways to talk to a server.
const (
	apiAuto      = "auto"
	apiResponses = "responses"
	apiChat      = "chat"
)

const settingsSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "api": {
      "type": "string",
      "enum": ["auto", "responses", "chat"],
      "default": "auto",
      "title": "API",
      "description": "How to talk to the server. responses is OpenAI's own and knows most; chat is Chat Completions, which nearly every server speaks. auto is responses for OpenAI and chat for all others."
    },
    "reasoning_effort": {
      "type": "string",
      "enum": ["none", "minimal", "low", "medium", "high", "xhigh", "max"],
      "title": "Reasoning effort",
      "description": "How hard models think before they answer, unless a message asks for something else. Not every model knows every step. Left out: what the model's makers chose."
    },
    "verbosity": {
      "type": "string",
      "enum": ["low", "medium", "high"],
      "title": "Verbosity",
      "description": "How long answers are. Left out: what the model's makers chose."
    },
    "service_tier": {
      "type": "string",
      "enum": ["auto", "default", "flex", "priority"],
      "title": "Service tier",
      "description": "flex is cheaper and slower, priority is faster and costs more. Left out: what the OpenAI project is set to."
    }
  },
  "additionalProperties": false
}`

// settings of a connection; what is empty is left to the server.
type settings struct {
	API             string `json:"api"`
	ReasoningEffort string `json:"reasoning_effort"`
	Verbosity       string `json:"verbosity"`
	ServiceTier     string `json:"service_tier"`
}

func parseSettings(text string) (*settings, error) {
	s := &settings{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), s); err != nil {
			return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "The settings of this provider can't be read: %w. Correct them in its settings.", err)
		}
	}
	if s.API == "" {
		s.API = apiAuto
	}
	if !slices.Contains([]string{apiAuto, apiResponses, apiChat}, s.API) {
		e := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "There is no API %q. Choose auto, responses or chat in this provider's settings.", s.API)
		e.Proto.Field = "api"
		return nil, e
	}
	return s, nil
}
