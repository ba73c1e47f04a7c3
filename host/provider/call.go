package provider

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// How long a plugin may take to test its connection, or to list its models.
	checkTime = 2 * time.Minute
	// The size of what a plugin may answer to that.
	maxSummary = 64 << 10
	maxModels  = 8 << 20
)

// call is a plugin in use for one provider.
type call struct {
	*plugin.Call
	connection *providerv1.Connection
}

// open prepares a call to a provider's plugin. Every call has to be closed.
func (m *Manager) open(ctx context.Context, p *apiv1.Provider) (*call, error) {
	d, err := m.plugins.Describe(ctx, p.Plugin)
	if err != nil {
		return nil, err
	}
	base, err := egress.BaseURL(p.BaseUrl, d.DescribeResponse, m.getenv)
	if err != nil {
		return nil, err
	}
	g, err := m.permit(ctx, p, d, base)
	if err != nil {
		return nil, err
	}
	c, err := m.plugins.Open(ctx, p.Plugin, g, func(e *providerv1.Error) {
		if e.Code == providerv1.ErrorCode_ERROR_CODE_AUTH {
			// It was not accepted: the next request asks for it anew.
			m.keys.Drop(p)
		}
	})
	if err != nil {
		return nil, err
	}
	return &call{Call: c, connection: &providerv1.Connection{
		ProviderId: p.Id, BaseUrl: base, SettingsJson: keys.WithoutSecrets(p.SettingsJson, d.DescribeResponse), Capability: c.Capability(),
	}}, nil
}

// permit says where a provider's requests may go and with which key. Those for its base URL may go to this machine and to
// private networks only if a person has named it, or its plugin came with the host.
func (m *Manager) permit(ctx context.Context, p *apiv1.Provider, d plugin.Described, base string) (*egress.Grant, error) {
	g := &egress.Grant{Origins: map[string]bool{}}
	for _, o := range d.Origins {
		o, err := egress.OriginOf(o)
		if err != nil {
			return nil, fmt.Errorf("read origins of the plugin: %w", err)
		}
		g.Origins[o] = false
	}
	owner, err := m.owner(p, d.DescribeResponse)
	if err != nil {
		return nil, err
	}
	if base != "" {
		g.Origins[owner.Origin] = p.BaseUrl != "" || d.BuiltIn
		g.KeyOrigin = owner.Origin
	}
	secrets, err := sdk.SecretSettings(d.DescribeResponse)
	if err != nil {
		return nil, fmt.Errorf("read the plugin's settings: %w", err)
	}
	kept := keys.Kept(p.SettingsJson, secrets)
	if d.Key != nil && (p.KeySource != "" || !d.Key.Optional) || len(kept) > 0 {
		if d.KeyWithheld != nil {
			return nil, d.KeyWithheld
		}
	}
	if d.Key != nil {
		m.bind(ctx, p, owner)
		key, err := m.keys.Key(ctx, owner)
		if err != nil {
			return nil, err
		}
		g.Credentials = append(g.Credentials, egress.Credential{Header: http.CanonicalHeaderKey(d.Key.Header), Prefix: d.Key.Prefix, Secret: key})
		if d.Key.Also != "" {
			g.Credentials = append(g.Credentials, egress.Credential{Header: http.CanonicalHeaderKey(d.Key.Also), Secret: key})
		}
	}
	for _, s := range secrets {
		c := egress.Credential{Header: http.CanonicalHeaderKey(s.Header)}
		if slices.Contains(kept, s.Name) {
			if c.Secret, err = m.keys.Setting(ctx, owner, s); err != nil {
				return nil, err
			}
		}
		g.Credentials = append(g.Credentials, c)
	}
	return g, nil
}

// bind notes where a key of a variable or a command goes that was configured before that was noted.
func (m *Manager) bind(ctx context.Context, p *apiv1.Provider, o keys.Owner) {
	if p.KeyOrigin != "" || p.CreatedMs == 0 || boundTo(p, o) == "" {
		return
	}
	_, err := m.book.UpdateProvider(ctx, p.Id, func(now *apiv1.Provider) error {
		if now.KeyOrigin == "" && now.KeySource == p.KeySource {
			now.KeyOrigin = o.Origin
		}
		return nil
	})
	if err != nil {
		m.log.Warn("note where a key may go", "provider", p.Id, "error", err)
	}
}

func invalid(format string, args ...any) *sdk.Error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, format, args...)
}

// Check tells whether a provider works and what was found there. A plugin that is switched off because it failed gets
// another chance.
func (m *Manager) Check(ctx context.Context, p *apiv1.Provider) (string, error) {
	m.plugins.Retry(p.Plugin)
	m.keys.Drop(p)
	c, err := m.open(ctx, p)
	if err != nil {
		return "", err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	r, err := c.RPC.Check(ctx, &providerv1.CheckRequest{Connection: c.connection}, grpc.MaxCallRecvMsgSize(maxSummary))
	if err != nil {
		return "", c.Explain(err, "while it was tested")
	}
	c.Succeeded()
	return c.Censor(r.Summary), nil
}

// ListModels asks a provider for the models it offers now.
func (m *Manager) ListModels(ctx context.Context, p *apiv1.Provider) ([]*providerv1.Model, error) {
	c, err := m.open(ctx, p)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	r, err := c.RPC.ListModels(ctx, &providerv1.ListModelsRequest{Connection: c.connection}, grpc.MaxCallRecvMsgSize(maxModels))
	if err != nil {
		return nil, c.Explain(err, "while it listed its models")
	}
	c.CensorMessage(r)
	return r.Models, nil
}

// Run begins one model turn. It fills in req.Connection with what the plugin needs to reach the provider; the
// capability in it ends with the turn. Every Turn has to be closed. ctx ends the turn.
func (m *Manager) Run(ctx context.Context, p *apiv1.Provider, req *providerv1.RunRequest) (*plugin.Turn, error) {
	c, err := m.open(ctx, p)
	if err != nil {
		return nil, err
	}
	req.Connection = c.connection
	if size := proto.Size(req); size > sdk.MaxMessageBytes {
		c.Close()
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG,
			"the conversation with its attachments is %d MiB, and a plugin takes at most %d MiB; begin a new session or leave attachments out", size>>20, sdk.MaxMessageBytes>>20)
	}
	return c.Call.Run(ctx, req)
}

// Poll looks once at work that a turn has left running at the provider. It fills in req.Connection as Run does, and its
// Turn ends as one of Run does; background means "not yet".
func (m *Manager) Poll(ctx context.Context, p *apiv1.Provider, req *providerv1.PollRequest) (*plugin.Turn, error) {
	c, err := m.open(ctx, p)
	if err != nil {
		return nil, err
	}
	req.Connection = c.connection
	return c.Call.Poll(ctx, req)
}

// CancelBackground stops work that a turn has left running at the provider; unknown or finished work is no error.
func (m *Manager) CancelBackground(ctx context.Context, p *apiv1.Provider, handle string) error {
	c, err := m.open(ctx, p)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.RPC.CancelBackground(ctx, &providerv1.CancelBackgroundRequest{Connection: c.connection, Handle: handle}); err != nil {
		return c.Explain(err, "when it was to stop the work")
	}
	return nil
}

// Answer hands a person's answer to the plugin whose turn asked. The turn must still be under way.
func (m *Manager) Answer(ctx context.Context, p *apiv1.Provider, req *providerv1.AnswerRequest) error {
	return m.plugins.Answer(ctx, p.Plugin, req)
}
