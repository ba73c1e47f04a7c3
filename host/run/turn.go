package run

import (
	"context"
	"slices"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// pass journals what an event comes to. A done or an error ends the turn.
func (x *execution) pass(ctx context.Context, text *flusher, ev *providerv1.Event) (*providerv1.Done, error) {
	if x.filter == nil {
		return x.take(ctx, text, ev)
	}
	for _, ev := range x.filter.Feed(ev) {
		if done, err := x.take(ctx, text, ev); done != nil || err != nil {
			return done, err
		}
	}
	return nil, nil
}

// cut journals what is left of a turn that broke off.
func (x *execution) cut(ctx context.Context, text *flusher) error {
	if x.filter != nil {
		for _, ev := range x.filter.Cut() {
			if _, err := x.take(ctx, text, ev); err != nil {
				return err
			}
		}
	}
	return text.flush()
}

// correct tells whether the model must be told something about the turn that has ended.
func (x *execution) correct(done *providerv1.Done) bool {
	x.correction = nil
	if x.filter == nil {
		return false
	}
	x.correction = x.filter.Correction()
	if done.Reason == providerv1.Done_REASON_CONTENT_FILTER {
		x.correction = nil
	}
	if x.correction == nil {
		return false
	}
	x.corrections++
	return true
}

// planned tells whether the turn that has ended brought a plan or a step.
func (x *execution) planned() bool { return x.filter != nil && x.filter.Planned() }

// withCorrection adds what the model must be told; its own words join those it has said before.
func withCorrection(ms, correction []*providerv1.Message) []*providerv1.Message {
	for _, m := range correction {
		if n := len(ms); n > 0 && ms[n-1].Role == providerv1.Role_ROLE_ASSISTANT && m.Role == ms[n-1].Role {
			last := ms[n-1]
			parts := appendPart(appendPart(slices.Clone(last.Parts), textPart("\n")), m.Parts[0])
			ms[n-1] = &providerv1.Message{Role: m.Role, Parts: parts, ProviderState: last.ProviderState}
			continue
		}
		ms = append(ms, m)
	}
	return ms
}

func textPart(text string) *providerv1.Part {
	return &providerv1.Part{Part: &providerv1.Part_Text{Text: text}}
}
