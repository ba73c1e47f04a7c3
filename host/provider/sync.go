package provider

import (
	"context"
	"errors"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Tested is what a test of a connection found.
type Tested struct {
	Provider *apiv1.Provider
	// For people; "" where it does not work.
	Summary string
	Models  []*apiv1.Model
}

// Test checks a connection, notes what is wrong with it and, if it works, which models it has. A demonstration that is the
// default gives way to the first that works.
func (m *Manager) Test(ctx context.Context, p *apiv1.Provider) (*Tested, error) {
	asking, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	summary, err := m.Check(asking, p)
	var models []*providerv1.Model
	if err == nil {
		models, err = m.ListModels(asking, p)
	}
	if ctx.Err() != nil {
		// Nobody waits for it any more, and a call that was broken off says nothing about the connection.
		return nil, context.Cause(ctx)
	}
	ctx, end, beginErr := m.begin(ctx)
	if beginErr != nil {
		return nil, beginErr
	}
	defer end()
	var problem *providerv1.Error
	if err != nil {
		summary, problem = "", typed(err)
	} else if err := m.book.SyncModels(ctx, p.Id, models); err != nil {
		return nil, err
	}
	standard, err := m.book.DefaultProvider(ctx)
	if err != nil {
		return nil, err
	}
	t := &Tested{Summary: summary}
	t.Provider, err = m.book.UpdateProvider(ctx, p.Id, func(p *apiv1.Provider) error {
		p.Error, p.CheckedMs = problem, time.Now().UnixMilli()
		p.IsDefault = p.IsDefault || standard.GetCanned() && !p.Canned && problem == nil && len(models) > 0
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.Models, err = m.book.Models(ctx, p.Id)
	return t, err
}

// typed gives what is wrong with a connection.
func typed(err error) *providerv1.Error {
	var e *sdk.Error
	if !errors.As(err, &e) {
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "%w", err)
	}
	return e.Proto
}

// Sync asks a connection for its models and keeps what it says. It gives those that are known then.
func (m *Manager) Sync(ctx context.Context, p *apiv1.Provider) ([]*apiv1.Model, error) {
	models, err := m.ListModels(ctx, p)
	if err != nil {
		return nil, err
	}
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := m.book.SyncModels(ctx, p.Id, models); err != nil {
		return nil, err
	}
	return m.book.Models(ctx, p.Id)
}

// resync is Sync after something was done to the models that has worked by itself.
func (m *Manager) resync(ctx context.Context, p *apiv1.Provider) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if _, err := m.Sync(ctx, p); err != nil {
		m.log.Warn("list the models anew", "provider", p.Id, "error", err)
	}
}
