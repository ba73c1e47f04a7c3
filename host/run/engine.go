package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/tool"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Config is what an Engine works with. All fields but Box are required.
type Config struct {
	Store     *store.Store
	Providers *provider.Manager
	Logger    *slog.Logger
	// What models may call; nil: nothing. Those that have no tools of their own are told the text protocol.
	Box *tool.Tools
}

// Engine holds the one loop. Runs of a session go one after the other, those of different sessions side by side.
type Engine struct {
	*desk
	store *store.Store

	closing bool
	// Sessions whose queue is being worked on; true when something was queued meanwhile.
	sessions map[string]bool
	active   map[string]*execution
	workers  sync.WaitGroup
}

var (
	errCancelled = errors.New("cancelled")
	errClosing   = errors.New("the host is ending")
)

// New makes an Engine; nothing runs before Start.
func New(c Config) *Engine {
	e := &Engine{
		desk: &desk{
			know: c.Store, providers: c.Providers, log: c.Logger, box: c.Box,
			questions: map[string]*question{},
			learned:   learned{windows: map[string]int64{}, ratios: map[string]float64{}},
			ending:    make(chan struct{}),
		},
		store:    c.Store,
		sessions: map[string]bool{},
		active:   map[string]*execution{},
	}
	e.tools = func() []*providerv1.Tool { return nil }
	if c.Box != nil {
		e.tools = c.Box.Declarations
	}
	return e
}

// Start settles what the last host left open, then goes on with the queues.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.reportCut(ctx); err != nil {
		return err
	}
	n, err := e.store.Recover(ctx)
	if err != nil {
		return fmt.Errorf("settle the runs of the last start: %w", err)
	}
	if n > 0 {
		e.log.Info("interrupted runs settled", "count", n)
	}
	e.sweep(ctx)
	open, err := e.store.OpenRuns(ctx)
	if err != nil {
		return fmt.Errorf("list open runs: %w", err)
	}
	for _, r := range open {
		if r.State == apiv1.RunState_RUN_STATE_QUEUED || held(r.State) {
			e.wake(r.SessionId)
		}
	}
	return nil
}

// Active tells how many runs are under way.
func (e *Engine) Active() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.active)
}

// Close stops all runs, keeping their text, and waits for them until ctx ends. They become interrupted; queued ones stay
// queued.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if !e.closing {
		e.closing = true
		close(e.ending)
	}
	for _, x := range e.active {
		x.cancel(errClosing)
	}
	e.mu.Unlock()

	done := make(chan struct{})
	go func() {
		e.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %d runs to stop: %w", e.Active(), context.Cause(ctx))
	}
}

// Cancel stops a run; one that has ended is returned as it is. The next of its session's queue goes on.
func (e *Engine) Cancel(ctx context.Context, runID string) (*apiv1.Run, error) {
	r, err := e.store.RequestCancel(ctx, runID)
	if err != nil {
		// The work stops all the same; that it has is kept as soon as it can be.
		if x := e.execution(runID); x != nil && store.Passing(err) {
			x.cancel(errCancelled)
		}
		return nil, err
	}
	for {
		if x := e.execution(r.Id); x != nil {
			x.cancel(errCancelled)
			select {
			case <-x.ended:
				return e.store.Run(ctx, r.Id)
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		if r.State != apiv1.RunState_RUN_STATE_RUNNING {
			return r, nil
		}
		// It was accepted this very moment and is about to be taken up.
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if r, err = e.store.Run(ctx, r.Id); err != nil {
			return nil, err
		}
	}
}

// Decide answers an approval for whoever by names; the first answer wins.
func (e *Engine) Decide(ctx context.Context, req *apiv1.DecideRequest, by apiv1.Author) (*apiv1.Approval, error) {
	a, err := e.store.Approval(ctx, req.ApprovalId)
	if err != nil {
		return nil, err
	}
	allowed, err := permits(a.Question, req)
	if err != nil {
		return nil, err
	}
	a, err = e.store.Decide(ctx, a.Id, &apiv1.Decision{ChoiceId: req.ChoiceId, Text: req.Text, Allowed: allowed, By: by})
	if err != nil {
		return a, err
	}
	// It is decided: what follows from that does not end with who decided.
	ctx = context.WithoutCancel(ctx)
	if own, err := e.answered(ctx, a, by); own {
		return a, err
	}
	x := e.execution(a.RunId)
	if x == nil {
		return a, nil
	}
	err = e.providers.Answer(ctx, x.provider, &providerv1.AnswerRequest{
		RunId:      a.RunId,
		QuestionId: a.Question.GetId(),
		ChoiceId:   req.ChoiceId,
		Text:       req.Text,
	})
	if err != nil {
		// The decision stands; a run that can't hear it ends with these words.
		x.cancel(err)
		return a, fmt.Errorf("pass the answer on to the provider: %w", err)
	}
	return a, nil
}

// permits tells whether an answer allows what was asked, and refuses one that does not fit the question.
func permits(q *providerv1.Question, req *apiv1.DecideRequest) (bool, error) {
	if len(q.Choices) == 0 {
		return true, nil
	}
	var ids []string
	for _, c := range q.Choices {
		if c.Id == req.ChoiceId {
			return c.Allows, nil
		}
		ids = append(ids, c.Id)
	}
	return false, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "%q is none of the choices; choose one of %s", req.ChoiceId, list(ids))
}

// execution is the work on a run under way; nil if there is none.
func (e *Engine) execution(runID string) *execution {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.active[runID]
}
