// Package main is the demo provider: canned answers without key and network, and the template for authors.
package main

import (
	"context"
	_ "embed"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

//go:embed tour.md
var tour string

const thoughts = "There is no model behind me, so there is nothing to think about. But this is where a thinking model's thoughts appear: above the answer, and folded away once it begins. "

func main() { sdk.Serve(demo{pause: 15 * time.Millisecond}) }

// demo answers everyone with the same tour, pausing after each word.
type demo struct{ pause time.Duration }

func (demo) Describe() *providerv1.DescribeResponse {
	return &providerv1.DescribeResponse{
		Id: "demo", Name: "Demo", Version: sdk.Version, Canned: true,
		Description: "Canned answers that show you around. No key, no network, no model.",
	}
}

func (demo) Check(context.Context, *providerv1.Connection) (string, error) {
	return "Always there, with canned answers", nil
}

func (demo) Models(context.Context, *providerv1.Connection) ([]*providerv1.Model, error) {
	thinking := []providerv1.Capability{providerv1.Capability_CAPABILITY_THINKING}
	return []*providerv1.Model{
		{Id: "demo", Name: "Demo (canned)", Local: true, Recommended: true},
		{Id: "demo-thinker", Name: "Demo with thoughts (canned)", Local: true, Capabilities: thinking},
	}, nil
}

func (d demo) Run(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
	switch req.GetModel() {
	case "demo":
	case "demo-thinker":
		s.Status(providerv1.Status_KIND_THINKING, "Pretending to think")
		if err := d.say(ctx, thoughts, s.Thought); err != nil {
			return err
		}
	default:
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "The demo has no model %q. Choose demo or demo-thinker.", req.GetModel())
	}
	words := strings.Fields(lastWords(req.GetMessages()))
	if len(words) > 40 {
		words = append(words[:40], "…")
	}
	answer := strings.Replace(tour, "{{words}}", strings.Join(words, " "), 1)
	if err := d.say(ctx, answer, s.Text); err != nil {
		return err
	}
	s.Usage(&providerv1.Usage{InputTokens: int64(len(words)), OutputTokens: int64(strings.Count(answer, " ") + 1), Estimated: true})
	s.Done(nil)
	return nil
}

// say writes text word by word, as a model does, until the turn is cancelled.
func (d demo) say(ctx context.Context, text string, write func(string)) error {
	for word := range strings.SplitAfterSeq(text, " ") {
		write(word)
		select {
		case <-time.After(d.pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// lastWords are what the person wrote last.
func lastWords(messages []*providerv1.Message) (words string) {
	for _, m := range messages {
		if m.GetRole() == providerv1.Role_ROLE_USER {
			words = ""
			for _, p := range m.GetParts() {
				words += p.GetText()
			}
		}
	}
	return words
}
