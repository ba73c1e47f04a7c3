package run

import (
	"cmp"
	"context"
	"sync"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Tokens are estimated from bytes until a provider has reported some, and what a picture takes is assumed.
const (
	usualRatio   = 0.25
	leastRatio   = 0.12
	mostRatio    = 1.0
	learnFrom    = 2000 // bytes; below, what a provider adds of its own counts too much
	pictureBytes = 4000
	// mostAnswer is what is kept free for an answer, in tokens, where nothing else is known; never more than a quarter of
	// the window.
	mostAnswer = 8192
	// mostLearned is how many of each are remembered; beyond, any one is forgotten, to be learned again.
	mostLearned = 1000
)

// learned is what calls have taught since the host began.
type learned struct {
	mu sync.Mutex
	// How large a model's window turned out to be, in tokens, by provider and model.
	windows map[string]int64
	// Tokens a byte, by session, provider and model.
	ratios map[string]float64
}

func (l *learned) window(r *apiv1.Run) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.windows[r.ProviderId+"/"+r.Model]
}

func (l *learned) setWindow(r *apiv1.Run, tokens int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	remember(l.windows, r.ProviderId+"/"+r.Model, tokens)
}

func (l *learned) ratio(r *apiv1.Run) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cmp.Or(l.ratios[r.SessionId+"/"+r.ProviderId+"/"+r.Model], usualRatio)
}

func (l *learned) setRatio(r *apiv1.Run, ratio float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	remember(l.ratios, r.SessionId+"/"+r.ProviderId+"/"+r.Model, min(max(ratio, leastRatio), mostRatio))
}

func remember[T any](all map[string]T, key string, value T) {
	if _, known := all[key]; !known && len(all) >= mostLearned {
		for other := range all {
			delete(all, other)
			break
		}
	}
	all[key] = value
}

// window is how many tokens the run's model takes, and how many of them to keep free for its answer; 0: unknown.
func (x *execution) window(ctx context.Context) (size, answer int64, err error) {
	m, err := x.desk.know.Model(ctx, x.run.ProviderId, x.run.Model)
	if err != nil {
		return 0, 0, err
	}
	size, answer = m.GetModel().GetContextTokens(), m.GetModel().GetMaxOutputTokens()
	for _, known := range []int64{x.desk.providers.ContextTokens(ctx, x.provider), x.desk.learned.window(x.run)} {
		if known > 0 && (size == 0 || known < size) {
			size = known
		}
	}
	if asked := x.run.Options.GetMaxOutputTokens(); asked > 0 {
		answer = asked
	}
	answer = min(cmp.Or(answer, mostAnswer), mostAnswer, size/4)
	return size, answer, nil
}

// tokens estimates how many tokens so many bytes are for the run's model.
func (x *execution) tokens(bytes int64) int64 {
	return int64(float64(bytes) * x.desk.learned.ratio(x.run))
}

// measure keeps how full the window is after a call, and learns from what the provider counted.
func (x *execution) measure(ctx context.Context) {
	e := x.desk
	used := x.tokens(x.sent + x.came)
	if u := x.usage; u != nil && u.InputTokens > 0 {
		used = u.InputTokens + u.OutputTokens
		if !u.Estimated && x.sent >= learnFrom {
			e.learned.setRatio(x.run, float64(u.InputTokens)/float64(x.sent))
		}
	}
	size, _, err := x.window(ctx)
	if err == nil {
		err = x.write.perhaps(func(st *store.Store) error { return st.SetContext(ctx, x.run.Id, used, size) })
	}
	if err != nil && ctx.Err() == nil {
		e.log.Warn("keep how full the window is", "run", x.run.Id, "error", err)
	}
}

// shrink prepares for another try after the provider found the request too long; false if that was tried before.
func (x *execution) shrink(failure *sdk.Error) bool {
	if x.fitting.refused {
		return false
	}
	x.fitting.refused = true
	if known := failure.Proto.GetContextTokens(); known > 0 {
		x.desk.learned.setWindow(x.run, known)
	}
	x.fitting.limit = x.tokens(x.sent) * 2 / 3
	return true
}

// size is how many bytes a request is worth, as far as tokens go.
func size(req *providerv1.RunRequest) (n int64) {
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			n += partSize(p)
		}
	}
	for _, t := range req.Tools {
		n += int64(len(t.Name) + len(t.Description) + len(t.ParametersSchema))
	}
	return n
}

func partSize(p *providerv1.Part) int64 {
	switch body := p.Part.(type) {
	case *providerv1.Part_Text:
		return int64(len(body.Text))
	case *providerv1.Part_Thought:
		return int64(len(body.Thought))
	case *providerv1.Part_ToolCall:
		return int64(len(body.ToolCall.GetName()) + len(body.ToolCall.GetArgumentsJson()))
	case *providerv1.Part_ToolResult:
		return int64(len(body.ToolResult.GetContent()))
	case *providerv1.Part_Image:
		return pictureBytes
	case *providerv1.Part_File:
		return int64(len(body.File.GetData()))
	}
	return 0
}

// weight is what an entry adds to a request's size.
func weight(e *apiv1.Entry) (n int64) {
	switch body := e.Body.(type) {
	case *apiv1.Entry_User:
		for _, p := range userParts(body.User) {
			n += partSize(p)
		}
	case *apiv1.Entry_Text:
		n = int64(len(body.Text.Text))
	case *apiv1.Entry_Thought:
		n = int64(len(body.Thought.Text))
	case *apiv1.Entry_ToolCall:
		n = int64(len(body.ToolCall.Name) + len(body.ToolCall.ArgumentsJson))
	case *apiv1.Entry_ToolOutput:
		n = int64(len(body.ToolOutput.GetResult().GetContent()))
	case *apiv1.Entry_Summary:
		n = int64(len(summaryHead) + len(body.Summary.Text))
	}
	return n
}
