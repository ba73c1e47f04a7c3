package main

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func (*openAI) Models(ctx context.Context, conn *providerv1.Connection) ([]*providerv1.Model, error) {
	c, err := newClient(conn)
	if err != nil {
		return nil, err
	}
	return c.models(ctx)
}

// listedModel is one model in a server's list. All but the first two fields are what one server or another adds.
type listedModel struct {
	ID            string          `json:"id"`
	Created       float64         `json:"created"`
	Name          string          `json:"name"`
	ContextLength int64           `json:"context_length"` // OpenRouter
	ContextWindow int64           `json:"context_window"` // Groq
	MaxModelLen   int64           `json:"max_model_len"`  // vLLM
	MaxOutput     int64           `json:"max_completion_tokens"`
	Parameters    []string        `json:"supported_parameters"` // OpenRouter
	Architecture  json.RawMessage `json:"architecture"`
	Pricing       json.RawMessage `json:"pricing"`
}

func (c *client) models(ctx context.Context) ([]*providerv1.Model, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	res, err := c.send(ctx, http.MethodGet, "/models", "", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var list struct {
		Data *[]json.RawMessage `json:"data"`
	}
	if err := c.read(res, &list); err != nil {
		return nil, err
	}
	if list.Data == nil {
		return nil, c.notOpenAI(nil)
	}
	var listed []listedModel
	for _, raw := range *list.Data {
		var m listedModel
		// A server with other ideas of a field beyond the id still has its model listed.
		_ = json.Unmarshal(raw, &m)
		if m.ID != "" && !slices.ContainsFunc(listed, func(l listedModel) bool { return l.ID == m.ID }) {
			listed = append(listed, m)
		}
	}
	return c.describeAll(listed), nil
}

func (c *client) describeAll(listed []listedModel) []*providerv1.Model {
	var models []*providerv1.Model
	if !c.official {
		local := c.here()
		for i := range listed {
			m := listed[i].describe(local)
			if c.api == apiResponses {
				// One that can't answers at once.
				m.Capabilities = append(m.Capabilities, providerv1.Capability_CAPABILITY_BACKGROUND)
			}
			models = append(models, m)
		}
		return models
	}
	slices.SortStableFunc(listed, func(a, b listedModel) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.ID, b.ID))
	})
	for _, m := range listed {
		if chats(m.ID) {
			models = append(models, describe(m.ID))
		}
	}
	recommend(models)
	return models
}

// describe says of a model of another server what that server says of it.
func (l *listedModel) describe(local bool) *providerv1.Model {
	m := &providerv1.Model{Id: l.ID, Name: l.Name, Local: local, MaxOutputTokens: l.MaxOutput}
	m.ContextTokens = cmp.Or(l.ContextLength, l.ContextWindow, l.MaxModelLen)
	var architecture struct {
		Input []string `json:"input_modalities"`
	}
	_ = json.Unmarshal(l.Architecture, &architecture)
	for _, known := range []struct {
		in   []string
		word string
		is   providerv1.Capability
	}{
		{l.Parameters, "tools", providerv1.Capability_CAPABILITY_TOOLS},
		{l.Parameters, "reasoning", providerv1.Capability_CAPABILITY_THINKING},
		{architecture.Input, "image", providerv1.Capability_CAPABILITY_IMAGES},
		{architecture.Input, "file", providerv1.Capability_CAPABILITY_FILES},
		{l.Parameters, "structured_outputs", providerv1.Capability_CAPABILITY_STRUCTURED_OUTPUT},
	} {
		if slices.Contains(known.in, known.word) {
			m.Capabilities = append(m.Capabilities, known.is)
		}
	}
	if len(l.Parameters) == 0 {
		// Most servers say nothing. Their models mostly do use tools, and one that can't says so when asked.
		m.Capabilities = []providerv1.Capability{providerv1.Capability_CAPABILITY_TOOLS}
	}
	// Dollars per token, in quotes.
	var pricing struct {
		Prompt     string `json:"prompt"`
		Completion string `json:"completion"`
		Cached     string `json:"input_cache_read"`
	}
	if json.Unmarshal(l.Pricing, &pricing) == nil {
		p := &providerv1.Price{Input: perMillion(pricing.Prompt), CachedInput: perMillion(pricing.Cached), Output: perMillion(pricing.Completion)}
		if p.Input > 0 || p.Output > 0 {
			m.Price = p
		}
	}
	return m
}

func perMillion(perToken string) int64 {
	dollars, err := strconv.ParseFloat(perToken, 64)
	if err != nil || dollars < 0 {
		return 0
	}
	return micro(dollars * 1e6)
}

// here tells whether the address is this machine's.
func (c *client) here() bool {
	u, err := url.Parse(c.base)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
