package main

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const settingsSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "num_ctx": {
      "type": "integer",
      "minimum": 256,
      "title": "Context length",
      "description": "How many tokens of a conversation a model remembers. More needs more memory; changing it loads the model anew. Left out: what Ollama chooses, often 4096."
    },
    "keep_alive": {
      "type": "string",
      "title": "Keep in memory",
      "description": "How long a model stays loaded after an answer: a time such as 30m or 24h, 0 for not at all, -1 for always. Left out: what Ollama chooses, usually 5m.",
      "examples": ["5m", "1h", "-1"]
    },
    "temperature": {
      "type": "number",
      "minimum": 0,
      "maximum": 2,
      "title": "Temperature",
      "description": "Low is steady, high is inventive. Left out: what the model's makers chose."
    },
    "num_predict": {
      "type": "integer",
      "minimum": 1,
      "title": "Output limit",
      "description": "How many tokens an answer may have, unless a message asks for something else. Left out: as many as the model likes."
    },
    "think": {
      "type": "boolean",
      "default": true,
      "title": "Let models think",
      "description": "Models that can think first do so, unless a message asks for something else."
    }
  },
  "additionalProperties": false
}`

// settings of a connection; nil is left to Ollama.
type settings struct {
	NumCtx      *int64          `json:"num_ctx"`
	KeepAlive   string          `json:"keep_alive"`
	Temperature *float64        `json:"temperature"`
	NumPredict  *int64          `json:"num_predict"`
	Think       *bool           `json:"think"`
	keepAlive   json.RawMessage // as Ollama wants it
}

func parseSettings(text string) (*settings, error) {
	s := &settings{}
	if text == "" {
		return s, nil
	}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, badSetting("", "The settings of this provider can't be read: %w. Correct them in its settings.", err)
	}
	if s.NumCtx != nil && *s.NumCtx < 1 {
		return nil, badSetting("num_ctx", "The context length is set to %d. Give a number of tokens such as 8192, or leave it out.", *s.NumCtx)
	}
	if s.KeepAlive == "" {
		return s, nil
	}
	// Ollama takes a number as seconds, but only outside of quotes.
	if seconds, err := strconv.ParseInt(s.KeepAlive, 10, 64); err == nil {
		s.keepAlive = json.RawMessage(strconv.FormatInt(seconds, 10))
		return s, nil
	}
	if _, err := time.ParseDuration(s.KeepAlive); err != nil {
		return nil, badSetting("keep_alive", "%q is no time to keep a model in memory. Write for example 30m, 24h, 0 or -1 in this provider's settings.", s.KeepAlive)
	}
	s.keepAlive, _ = json.Marshal(s.KeepAlive)
	return s, nil
}

func badSetting(name, format string, args ...any) error {
	err := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, format, args...)
	err.Proto.Field = name
	return err
}
