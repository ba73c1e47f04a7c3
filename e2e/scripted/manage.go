package main

import (
	"context"
	"fmt"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const settingsSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "greeting": {"type": "string", "title": "Greeting", "description": "What it says first."},
    "level": {"type": "integer", "minimum": 0, "maximum": 9, "default": 3, "title": "Level", "description": "How loud it is."},
    "speed": {"type": "string", "enum": ["slow", "fast"], "default": "fast", "title": "Speed"},
    "loud": {"type": "boolean", "title": "Loud"},
    "stops": {"type": "array", "items": {"type": "string"}, "title": "Stops"},
    "account": {"type": "string", "writeOnly": true, "x-openvibez-header": "X-Scripted-Account", "title": "Account token"}
  },
  "additionalProperties": false
}`

// PullModel "downloads" any model but the one called "broken", which fails in the middle.
func (s *scripted) PullModel(ctx context.Context, _ *providerv1.Connection, model string, progress func(*providerv1.PullProgress)) error {
	for i := range int64(4) {
		progress(&providerv1.PullProgress{Status: fmt.Sprintf("part %d", i), CompletedBytes: i * 1e6, TotalBytes: 3e6})
		if model == "broken" && i == 2 {
			return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CUT, "The download of %s broke off. Try again.", model)
		}
		if model == "endless" && i == 2 {
			<-ctx.Done()
			return ctx.Err()
		}
	}
	s.pulled.Store(model, true)
	return nil
}

// DeleteModel removes what was pulled.
func (s *scripted) DeleteModel(_ context.Context, _ *providerv1.Connection, model string) error {
	if _, there := s.pulled.LoadAndDelete(model); !there {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "There is no model %s to remove.", model)
	}
	return nil
}

// Diagnose tells its address and settings.
func (s *scripted) Diagnose(_ context.Context, c *providerv1.Connection) ([]*providerv1.DiagnoseResponse_Fact, error) {
	return []*providerv1.DiagnoseResponse_Fact{
		{Name: "address", Value: c.BaseUrl, Ok: true},
		{Name: "settings", Value: c.SettingsJson, Ok: true},
		{Name: "weather", Value: "rain"},
	}, nil
}
