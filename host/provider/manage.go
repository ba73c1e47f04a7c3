package provider

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// diagnoseTime is how long a plugin may look at its connection.
const diagnoseTime = time.Minute

// PullModel has a provider download a model to where it runs. progress gets each report, the last one finished; then the models are listed anew. ctx ends
// the download; what is kept of a part is up to the provider.
func (m *Manager) PullModel(ctx context.Context, p *apiv1.Provider, model string, progress func(*providerv1.PullProgress)) error {
	c, err := m.openFor(ctx, p, providerv1.Feature_FEATURE_PULL, "can't download models")
	if err != nil {
		return err
	}
	defer c.Close()
	if model == "" {
		return errNoModel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	const when = "while it downloaded a model"
	stream, err := c.RPC.PullModel(ctx, &providerv1.PullModelRequest{Connection: c.connection, Model: model})
	if err != nil {
		return c.Explain(err, when)
	}
	for finished := false; ; {
		report, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && finished:
			c.Succeeded()
			m.resync(ctx, p)
			return nil
		case errors.Is(err, io.EOF):
			return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN,
				"the %s plugin stopped without saying that %s is there; see whether it is with `openvibez provider models %s`", c.Name, model, keys.Word(p.Name))
		case err != nil:
			return c.Explain(err, when)
		}
		c.CensorMessage(report)
		finished = report.Finished
		progress(report)
	}
}

// DeleteModel has a provider remove a downloaded model, and lists the models anew.
func (m *Manager) DeleteModel(ctx context.Context, p *apiv1.Provider, model string) error {
	c, err := m.openFor(ctx, p, providerv1.Feature_FEATURE_DELETE, "can't remove models")
	if err != nil {
		return err
	}
	defer c.Close()
	if model == "" {
		return errNoModel()
	}
	if _, err := c.RPC.DeleteModel(ctx, &providerv1.DeleteModelRequest{Connection: c.connection, Model: model}); err != nil {
		return c.Explain(err, "while it removed a model")
	}
	m.resync(ctx, p)
	return nil
}

// Diagnose tells facts about a provider's connection that help to see why it behaves as it does.
func (m *Manager) Diagnose(ctx context.Context, p *apiv1.Provider) ([]*providerv1.DiagnoseResponse_Fact, error) {
	c, err := m.openFor(ctx, p, providerv1.Feature_FEATURE_DIAGNOSE, "has nothing to tell about its connection")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	r, err := c.RPC.Diagnose(ctx, &providerv1.DiagnoseRequest{Connection: c.connection}, grpc.MaxCallRecvMsgSize(maxSummary))
	if err != nil {
		return nil, c.Explain(err, "while it looked at its connection")
	}
	c.CensorMessage(r)
	return r.Facts, nil
}

// openFor prepares a call that not every plugin can take.
func (m *Manager) openFor(ctx context.Context, p *apiv1.Provider, feature providerv1.Feature, lacking string) (*call, error) {
	d, err := m.plugins.Describe(ctx, p.Plugin)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(d.Features, feature) {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "%s %s", cmp.Or(d.Name, d.Id), lacking)
	}
	return m.open(ctx, p)
}

func errNoModel() error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "no model is named")
}
