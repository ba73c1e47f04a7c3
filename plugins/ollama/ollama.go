package main

import (
	"context"
	"fmt"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// version of this plugin.
const version = "0.1.0"

// ollama speaks Ollama's own API, not its imitations of others: only that one tells of thinking, context and errors.
type ollama struct{}

func (ollama) Describe() *providerv1.DescribeResponse {
	return &providerv1.DescribeResponse{
		Id:             "ollama",
		Name:           "Ollama",
		Description:    "Models that run on this computer, with Ollama.",
		Version:        version,
		SettingsSchema: settingsSchema,
		DefaultBaseUrl: "http://127.0.0.1:11434",
		BaseUrlEnv:     "OLLAMA_HOST",
		ProbePath:      "/api/version",
		ContextSetting: "num_ctx",
		OptionNames:    map[string]string{"num_predict": "max_output_tokens", "think": "reasoning_effort", "format": "response_schema"},
		Key: &providerv1.KeyScheme{
			Header:   "Authorization",
			Prefix:   "Bearer ",
			Env:      "OLLAMA_API_KEY",
			Optional: true,
			Url:      "https://ollama.com/settings/keys",
		},
	}
}

func (ollama) Check(ctx context.Context, conn *providerv1.Connection) (string, error) {
	if _, err := parseSettings(conn.GetSettingsJson()); err != nil {
		return "", err
	}
	c, err := newClient(conn)
	if err != nil {
		return "", err
	}
	name, err := c.version(ctx)
	if err != nil {
		return "", err
	}
	models, err := c.tags(ctx)
	if err != nil {
		return "", err
	}
	switch len(models) {
	case 0:
		return name + ", no models yet: get one with `ollama pull llama3.2`", nil
	case 1:
		return name + ", 1 model", nil
	}
	return fmt.Sprintf("%s, %d models", name, len(models)), nil
}
