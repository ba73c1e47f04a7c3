package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// version of this plugin.
const version = "0.1.0"

// openAI speaks the Responses API, and Chat Completions where a server knows only that.
type openAI struct {
	// quiet is how long nothing may come before that is said; 0: half a minute.
	quiet time.Duration
	// given is how long nothing may come at all; 0: ten minutes, for models that think long say nothing meanwhile.
	given time.Duration
	// declined remembers what a server did not take, so that it is asked once and not at every turn. Forgetting it
	// costs one request.
	declined sync.Map // of declinedKey
	tools    encodedTools
}

func (*openAI) Describe() *providerv1.DescribeResponse {
	return &providerv1.DescribeResponse{
		Id:             "openai",
		Name:           "OpenAI",
		Description:    "OpenAI's models, and servers that speak as OpenAI does.",
		Version:        version,
		SettingsSchema: settingsSchema,
		DefaultBaseUrl: "https://api.openai.com/v1",
		BaseUrlEnv:     "OPENAI_BASE_URL",
		ContextSetting: "context_tokens",
		OptionNames: map[string]string{
			"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens",
			"reasoning": "reasoning_effort", "reasoning.effort": "reasoning_effort",
			"response_format": "response_schema", "text.format": "response_schema",
		},
		Key: &providerv1.KeyScheme{
			Header: "Authorization",
			Prefix: "Bearer ",
			Env:    "OPENAI_API_KEY",
			// Azure, and what imitates it.
			Also: "api-key",
			// Servers on one's own machine ask for none.
			Optional: true,
			Url:      keysPage,
		},
	}
}

func (*openAI) Check(ctx context.Context, conn *providerv1.Connection) (string, error) {
	c, err := newClient(conn)
	if err != nil {
		return "", err
	}
	models, err := c.models(ctx)
	if err != nil {
		return "", err
	}
	where := "OpenAI"
	if !c.official {
		where = "A server that speaks as OpenAI does"
	}
	switch len(models) {
	case 0:
		return where + ", but it has no models for conversations", nil
	case 1:
		return where + ", 1 model", nil
	}
	return fmt.Sprintf("%s, %d models", where, len(models)), nil
}

func (p *openAI) Run(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
	c, err := newClient(req.GetConnection())
	if err != nil {
		return err
	}
	if req.GetModel() == "" {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "No model is chosen. Choose one from the list.")
	}
	if !hasContent(req.GetMessages()) {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "There is nothing to answer: the conversation is empty. Write a message first.")
	}
	ctx, watch := sdk.WatchSilence(ctx, s, p.silence(c))
	defer watch.Stop()
	t := &turn{client: c, req: req, stream: s, watch: watch, extras: p.extrasFor(c, req), tools: &p.tools}
	run := t.respond
	if c.api == apiChat {
		run = t.chat
	}
	for {
		err := watch.Explain(ctx, run(ctx))
		if err == nil || t.begun || !p.decline(t, err) {
			return err
		}
	}
}

// silence is how a server is watched over from which nothing comes.
func (p *openAI) silence(c *client) sdk.Silence {
	return sdk.Silence{Name: c.host, Told: p.quiet, End: cmp.Or(p.given, 10*time.Minute)}
}

// turn is one turn under way, of either API.
type turn struct {
	client *client
	req    *providerv1.RunRequest
	stream *sdk.Stream
	watch  *sdk.Watch
	extras extras
	tools  *encodedTools
	// declined are the extras that were refused in this turn.
	declined []string
	// notes are told at the end: told before the answer, they would keep the host from asking again where that helps.
	notes []*providerv1.Notice
	// begun is set once anything of the answer was shown; from then on nothing is asked again.
	begun bool
}

func (t *turn) note(level providerv1.Notice_Level, text string) {
	t.notes = append(t.notes, &providerv1.Notice{Level: level, Text: strings.TrimSpace(text)})
}

func (t *turn) tellNotes() {
	for _, n := range t.notes {
		t.stream.Notice(n.GetLevel(), n.GetText())
	}
	t.notes = nil
}

// hasContent tells whether anybody said anything besides the instructions.
func hasContent(messages []*providerv1.Message) bool {
	for _, m := range messages {
		if m.GetRole() == providerv1.Role_ROLE_SYSTEM {
			continue
		}
		for _, p := range m.GetParts() {
			if _, empty := p.GetPart().(*providerv1.Part_Text); !empty || p.GetText() != "" {
				return true
			}
		}
	}
	return false
}
