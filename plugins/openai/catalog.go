package main

import (
	"regexp"
	"slices"
	"strings"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// facts is what OpenAI publishes of a model and does not say in its list. Prices are in dollars per million tokens, for
// the standard tier and prompts of ordinary length (very long ones cost more), as they were in November 2026.
type facts struct {
	context, output       int64
	input, cached, answer float64
}

// catalog is by id without date. A model that is not in it has no known size and price.
var catalog = map[string]facts{
	"gpt-6.2-astra": {1050000, 128000, 8, 0.40, 40},
	"gpt-6.2-sol":   {1050000, 128000, 2, 0.20, 10},
	"gpt-6.1-sol":   {1050000, 128000, 2, 0.20, 10},
	"gpt-6-astra":   {1050000, 128000, 10, 1, 50},
	"gpt-6-sol":     {1050000, 128000, 2, 0.20, 10},
	"gpt-6-luna":    {1050000, 128000, 0.10, 0.01, 0.50},
	"gpt-5.6-sol":   {1050000, 128000, 4, 0.40, 20},
	"gpt-5.6-terra": {1050000, 128000, 2, 0.20, 12},
	"gpt-5.6-luna":  {1050000, 128000, 0.20, 0.02, 1.20},
	"gpt-5.5":       {1050000, 128000, 5, 0.50, 30},
	"gpt-5.4":       {1050000, 128000, 2.50, 0.25, 15},
	"gpt-5.4-mini":  {400000, 128000, 0.75, 0.075, 4.50},
	"gpt-5.4-nano":  {400000, 128000, 0.20, 0.02, 1.25},
	"gpt-5.2":       {400000, 128000, 1.75, 0.175, 14},
	"gpt-5.1":       {400000, 128000, 1.25, 0.125, 10},
	"gpt-5":         {400000, 128000, 1.25, 0.125, 10},
	"gpt-5-mini":    {400000, 128000, 0.25, 0.025, 2},
	"gpt-5-nano":    {400000, 128000, 0.05, 0.005, 0.40},
	"gpt-4.1":       {1047576, 32768, 2, 0.50, 8},
	"gpt-4.1-mini":  {1047576, 32768, 0.40, 0.10, 1.60},
	"gpt-4.1-nano":  {1047576, 32768, 0.10, 0.025, 0.40},
	"gpt-4o":        {128000, 16384, 2.50, 1.25, 10},
	"gpt-4o-mini":   {128000, 16384, 0.15, 0.075, 0.60},
	"o4-mini":       {200000, 100000, 1.10, 0.275, 4.40},
	"o3":            {200000, 100000, 2, 0.50, 8},
	"o3-mini":       {200000, 100000, 1.10, 0.55, 4.40},
	"o1":            {200000, 100000, 15, 7.50, 60},
}

// first are the models for someone who has not chosen yet: able at a moderate price, the newest first.
var first = []string{"gpt-6.2-sol", "gpt-6.1-sol", "gpt-6-sol", "gpt-5.6-terra", "gpt-5.4", "gpt-5.2", "gpt-5.1", "gpt-5", "gpt-4.1", "gpt-4o"}

var (
	dated        = regexp.MustCompile(`-\d{4}-\d{2}-\d{2}$`)
	conversation = regexp.MustCompile(`^(ft:)?(gpt-|chatgpt-|codex-|o\d)`)
	oSeries      = regexp.MustCompile(`^o\d`)
)

// other is in the ids of models that are not made for conversations with text, though they are named like those that are.
var other = []string{"audio", "realtime", "transcribe", "tts", "image", "search", "instruct", "embedding", "deep-research", "moderation"}

// chats tells whether a model of OpenAI's own list is made for conversations.
func chats(id string) bool {
	return conversation.MatchString(id) && !containsAny(id, other)
}

// reasons tells whether a model of OpenAI thinks before it answers, as all since o1 and GPT-5 do but those named chat.
func reasons(id string) bool {
	id = strings.TrimPrefix(id, "ft:")
	return !strings.Contains(id, "-chat") && chats(id) && !containsAny(id, []string{"gpt-3", "gpt-4", "chatgpt"})
}

// describe is all that is known of a model of OpenAI.
func describe(id string) *providerv1.Model {
	m := &providerv1.Model{Id: id}
	bare := dated.ReplaceAllString(id, "")
	if f, ok := catalog[bare]; ok {
		m.ContextTokens, m.MaxOutputTokens = f.context, f.output
		m.Price = &providerv1.Price{Input: micro(f.input), CachedInput: micro(f.cached), Output: micro(f.answer)}
	}
	add := func(is bool, c providerv1.Capability) {
		if is {
			m.Capabilities = append(m.Capabilities, c)
		}
	}
	family := strings.TrimPrefix(id, "ft:")
	old := containsAny(family, []string{"gpt-3.5", "o1-mini", "o1-preview"}) || family == "gpt-4" || strings.HasPrefix(family, "gpt-4-0") || strings.HasPrefix(family, "gpt-4-32k")
	sees := !old && !strings.HasPrefix(family, "o3-mini") && !strings.HasPrefix(family, "gpt-4-1106")
	add(!containsAny(family, []string{"chatgpt", "o1-mini", "o1-preview"}), providerv1.Capability_CAPABILITY_TOOLS)
	add(reasons(id), providerv1.Capability_CAPABILITY_THINKING)
	add(sees, providerv1.Capability_CAPABILITY_IMAGES)
	add(sees, providerv1.Capability_CAPABILITY_FILES)
	add(!old && !strings.HasPrefix(family, "gpt-4-") && !strings.Contains(family, "chatgpt"), providerv1.Capability_CAPABILITY_STRUCTURED_OUTPUT)
	add(reasons(id) || oSeries.MatchString(family), providerv1.Capability_CAPABILITY_BACKGROUND)
	return m
}

// recommend marks the model for someone who has not chosen yet.
func recommend(models []*providerv1.Model) {
	for _, id := range first {
		if i := slices.IndexFunc(models, func(m *providerv1.Model) bool { return m.GetId() == id }); i >= 0 {
			models[i].Recommended = true
			return
		}
	}
}

// micro turns dollars into millionths.
func micro(dollars float64) int64 { return int64(dollars*1e6 + 0.5) }
