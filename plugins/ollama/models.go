package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// shownAtOnce is how many models are looked at in parallel.
const shownAtOnce = 4

func (ollama) Models(ctx context.Context, conn *providerv1.Connection) ([]*providerv1.Model, error) {
	set, err := parseSettings(conn.GetSettingsJson())
	if err != nil {
		return nil, err
	}
	c, err := newClient(conn)
	if err != nil {
		return nil, err
	}
	listed, err := c.tags(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.fillIn(ctx, listed); err != nil {
		return nil, err
	}
	var models []*providerv1.Model
	for _, m := range listed {
		if chats(m) {
			models = append(models, c.describe(m, set))
		}
	}
	return models, nil
}

// chats tells whether a model is made for conversations. A server that does not say is believed to have only such.
func chats(m listedModel) bool {
	return len(m.Capabilities) == 0 || slices.Contains(m.Capabilities, "completion")
}

func (c *client) describe(m listedModel, set *settings) *providerv1.Model {
	id := m.Model
	if id == "" {
		id = m.Name
	}
	cloud := m.RemoteHost != "" || strings.HasSuffix(id, "-cloud") || strings.HasSuffix(id, ":cloud")
	model := &providerv1.Model{
		Id:            id,
		Name:          strings.TrimSuffix(id, ":latest"),
		ContextTokens: m.Details.ContextLength,
		Local:         !cloud && c.here(),
		SizeBytes:     m.Size,
		Details:       details(m, cloud),
	}
	if set.NumCtx != nil && (model.ContextTokens == 0 || *set.NumCtx < model.ContextTokens) {
		model.ContextTokens = *set.NumCtx
	}
	for _, known := range []struct {
		word string
		is   providerv1.Capability
	}{
		{"tools", providerv1.Capability_CAPABILITY_TOOLS},
		{"thinking", providerv1.Capability_CAPABILITY_THINKING},
		{"vision", providerv1.Capability_CAPABILITY_IMAGES},
		{"completion", providerv1.Capability_CAPABILITY_STRUCTURED_OUTPUT},
	} {
		if slices.Contains(m.Capabilities, known.word) {
			model.Capabilities = append(model.Capabilities, known.is)
		}
	}
	return model
}

func details(m listedModel, cloud bool) string {
	var words []string
	for _, w := range []string{m.Details.ParameterSize, m.Details.QuantizationLevel} {
		if w != "" {
			words = append(words, w)
		}
	}
	if cloud {
		words = append(words, "in Ollama's cloud")
	}
	return strings.Join(words, ", ")
}

// fillIn asks for each model what the list of an older server leaves out.
func (c *client) fillIn(ctx context.Context, models []listedModel) error {
	var (
		wait  sync.WaitGroup
		slots = make(chan struct{}, shownAtOnce)
		errs  = make([]error, len(models))
	)
	for i := range models {
		if len(models[i].Capabilities) > 0 && models[i].Details.ContextLength > 0 {
			continue
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = c.show(ctx, &models[i])
		})
	}
	wait.Wait()
	for _, err := range errs {
		// A model that is listed but can't be shown, such as one of the cloud without a network, stays in the list.
		switch codeOf(err) {
		case providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, providerv1.ErrorCode_ERROR_CODE_DENIED, providerv1.ErrorCode_ERROR_CODE_CANCELLED:
			return err
		}
	}
	return nil
}

func (c *client) show(ctx context.Context, m *listedModel) error {
	var shown struct {
		Capabilities []string                   `json:"capabilities"`
		Info         map[string]json.RawMessage `json:"model_info"`
	}
	if err := c.call(ctx, http.MethodPost, "/api/show", m.Model, map[string]string{"model": m.Model}, &shown); err != nil {
		return err
	}
	if len(m.Capabilities) == 0 {
		m.Capabilities = shown.Capabilities
	}
	if m.Details.ContextLength == 0 {
		var architecture string
		_ = json.Unmarshal(shown.Info["general.architecture"], &architecture)
		_ = json.Unmarshal(shown.Info[architecture+".context_length"], &m.Details.ContextLength)
	}
	return nil
}
