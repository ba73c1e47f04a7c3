package provider

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// How long a plugin may take to accept an answer to its question.
	answerTime = 10 * time.Second
	// How long a plugin may take to test its connection, or to list its models.
	checkTime = 2 * time.Minute
	// The size of what a plugin may answer to that.
	maxSummary = 64 << 10
	maxModels  = 8 << 20
)

// call is a plugin in use for one provider: a process that stays while the call lasts, and a capability that ends with
// it.
type call struct {
	plugin     *plugin
	proc       *process
	grant      *grant
	connection *providerv1.Connection
	name       string
	keySource  string
	ending     sync.Once
}

// open prepares a call to a provider's plugin. Every call has to be closed.
func (m *Manager) open(ctx context.Context, p *apiv1.Provider) (*call, error) {
	pl, err := m.plugin(p.Plugin)
	if err != nil {
		return nil, err
	}
	d, err := pl.describe(ctx)
	if err != nil {
		return nil, err
	}
	base, err := baseURL(p.BaseUrl, d, m.getenv)
	if err != nil {
		return nil, err
	}
	g, err := m.permit(ctx, p, d, base, pl.described())
	if err != nil {
		return nil, err
	}
	proc, err := pl.acquire(ctx)
	if err != nil {
		return nil, err
	}
	proc.egress.allow(g)
	return &call{plugin: pl, proc: proc, grant: g, name: orElse(d.Name, d.Id), keySource: p.KeySource, connection: &providerv1.Connection{
		ProviderId: p.Id, BaseUrl: base, SettingsJson: withoutSecrets(p.SettingsJson, d), Capability: g.capability,
	}}, nil
}

// close revokes the capability and lets go of the process. Closing twice is no error.
func (c *call) close() {
	c.ending.Do(func() {
		c.proc.egress.revoke(c.grant)
		c.plugin.release(c.proc)
	})
}

// explain gives the typed error of what went wrong in the call. No key is in its words, whoever put it there.
func (c *call) explain(err error, when string) error {
	e := sdk.FromStatus(c.proc.explain(err, c.name, when))
	c.failed(e)
	return &sdk.Error{Proto: e}
}

// failed takes credentials out of an error's words, and forgets those that were not accepted.
func (c *call) failed(e *providerv1.Error) {
	if e.Code == providerv1.ErrorCode_ERROR_CODE_AUTH {
		c.plugin.m.dropKey(c.connection.ProviderId, c.keySource)
	}
	for _, s := range []*string{&e.Message, &e.Detail, &e.Parameter, &e.Field, &e.RequestId} {
		*s = c.grant.censor(*s)
	}
}

// permit says where a provider's requests may go and with which key. Those for its base URL may go to this machine and to
// private networks only if a person has named it, or its plugin came with the host.
func (m *Manager) permit(ctx context.Context, p *apiv1.Provider, d *providerv1.DescribeResponse, base string, f file) (*grant, error) {
	g := &grant{origins: map[string]bool{}}
	for _, o := range d.Origins {
		o, err := originOf(o)
		if err != nil {
			return nil, fmt.Errorf("read origins of the plugin: %w", err)
		}
		g.origins[o] = false
	}
	if base != "" {
		o, err := originOf(base)
		if err != nil {
			return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the base URL %q can't be used: %w", base, err).Blaming("base_url")
		}
		g.origins[o] = p.BaseUrl != "" || f.builtIn
		g.keyOrigin = o
	}
	secrets, err := sdk.SecretSettings(d)
	if err != nil {
		return nil, fmt.Errorf("read the plugin's settings: %w", err)
	}
	kept := keptSecrets(p.SettingsJson, secrets)
	if d.Key != nil && (p.KeySource != "" || !d.Key.Optional) || len(kept) > 0 {
		if err := m.keyWithheld(f, d); err != nil {
			return nil, err
		}
	}
	if d.Key != nil {
		key, err := m.key(ctx, p, d, base)
		if err != nil {
			return nil, err
		}
		g.credentials = append(g.credentials, credential{http.CanonicalHeaderKey(d.Key.Header), d.Key.Prefix, key})
	}
	for _, s := range secrets {
		c := credential{header: http.CanonicalHeaderKey(s.Header)}
		if slices.Contains(kept, s.Name) {
			if c.secret, err = m.secretSetting(ctx, p, d, base, s); err != nil {
				return nil, err
			}
		}
		g.credentials = append(g.credentials, c)
	}
	return g, nil
}

// validKeyHeader tells whether a header may carry a key: a plain name, and none that steers the request itself.
func validKeyHeader(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	switch http.CanonicalHeaderKey(name) {
	case "", "Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Te", "Trailer", "Upgrade":
		return false
	}
	return true
}

// Check tells whether a provider works and what was found there. A plugin that is switched off because it failed gets
// another chance.
func (m *Manager) Check(ctx context.Context, p *apiv1.Provider) (string, error) {
	if pl, err := m.plugin(p.Plugin); err == nil {
		pl.retry()
	}
	m.dropKey(p.Id, p.KeySource)
	c, err := m.open(ctx, p)
	if err != nil {
		return "", err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	r, err := c.proc.rpc.Check(ctx, &providerv1.CheckRequest{Connection: c.connection}, grpc.MaxCallRecvMsgSize(maxSummary))
	if err != nil {
		return "", c.explain(err, "while it was tested")
	}
	c.plugin.succeeded()
	return c.grant.censor(r.Summary), nil
}

// ListModels asks a provider for the models it offers now.
func (m *Manager) ListModels(ctx context.Context, p *apiv1.Provider) ([]*providerv1.Model, error) {
	c, err := m.open(ctx, p)
	if err != nil {
		return nil, err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	r, err := c.proc.rpc.ListModels(ctx, &providerv1.ListModelsRequest{Connection: c.connection}, grpc.MaxCallRecvMsgSize(maxModels))
	if err != nil {
		return nil, c.explain(err, "while it listed its models")
	}
	return r.Models, nil
}

// Run begins one model turn. It fills in req.Connection with what the plugin needs to reach the provider; the
// capability in it ends with the turn. Every Turn has to be closed. ctx ends the turn.
func (m *Manager) Run(ctx context.Context, p *apiv1.Provider, req *providerv1.RunRequest) (*Turn, error) {
	c, err := m.open(ctx, p)
	if err != nil {
		return nil, err
	}
	req.Connection = c.connection
	if size := proto.Size(req); size > sdk.MaxMessageBytes {
		c.close()
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG,
			"the conversation with its attachments is %d MiB, and a plugin takes at most %d MiB; begin a new session or leave attachments out", size>>20, sdk.MaxMessageBytes>>20)
	}
	c.plugin.mu.Lock()
	c.proc.served = true
	c.plugin.mu.Unlock()
	return newTurn(ctx, c, func(ctx context.Context) (grpc.ServerStreamingClient[providerv1.Event], error) {
		return c.proc.rpc.Run(ctx, req)
	})
}

// Poll looks once at work that a turn has left running at the provider. It fills in req.Connection as Run does, and its
// Turn ends as one of Run does; background means "not yet".
func (m *Manager) Poll(ctx context.Context, p *apiv1.Provider, req *providerv1.PollRequest) (*Turn, error) {
	c, err := m.open(ctx, p)
	if err != nil {
		return nil, err
	}
	req.Connection = c.connection
	return newTurn(ctx, c, func(ctx context.Context) (grpc.ServerStreamingClient[providerv1.Event], error) {
		return c.proc.rpc.Poll(ctx, req)
	})
}

// CancelBackground stops work that a turn has left running at the provider; unknown or finished work is no error.
func (m *Manager) CancelBackground(ctx context.Context, p *apiv1.Provider, handle string) error {
	c, err := m.open(ctx, p)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.proc.rpc.CancelBackground(ctx, &providerv1.CancelBackgroundRequest{Connection: c.connection, Handle: handle}); err != nil {
		return c.explain(err, "when it was to stop the work")
	}
	return nil
}

// Answer hands a person's answer to the plugin whose turn asked. The turn must still be under way.
func (m *Manager) Answer(ctx context.Context, p *apiv1.Provider, req *providerv1.AnswerRequest) error {
	pl, err := m.plugin(p.Plugin)
	if err != nil {
		return err
	}
	pl.mu.Lock()
	proc, name := pl.proc, pl.name()
	if proc == nil || proc.uses == 0 {
		pl.mu.Unlock()
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the answer comes too late: the turn of the %s plugin that asked has ended", name)
	}
	pl.use(proc)
	pl.mu.Unlock()
	defer pl.release(proc)
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, err := proc.rpc.Answer(ctx, req); err != nil {
		return proc.explain(err, name, "while it was given an answer")
	}
	return nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
