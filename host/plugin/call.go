package plugin

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// answerTime is how long a plugin may take to accept an answer to its question.
const answerTime = 10 * time.Second

// Call is a plugin in use: a process that stays while the call lasts, and a capability that ends with it.
type Call struct {
	RPC providerv1.ProviderServiceClient
	// What people call the plugin.
	Name string

	plugin *plugin
	proc   *process
	grant  *egress.Grant
	// Told of every error that comes, its keys taken out.
	told   func(*providerv1.Error)
	ending sync.Once
}

// Open prepares a call to a plugin that may do what g says. told, if not nil, is told of every error that comes. Every call
// has to be closed.
func (m *Manager) Open(ctx context.Context, id string, g *egress.Grant, told func(*providerv1.Error)) (*Call, error) {
	p, err := m.plugin(id)
	if err != nil {
		return nil, err
	}
	proc, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	proc.egress.Allow(g)
	p.mu.Lock()
	name := p.name()
	p.mu.Unlock()
	return &Call{RPC: proc.rpc, Name: name, plugin: p, proc: proc, grant: g, told: told}, nil
}

// Close revokes the capability and lets go of the process. Closing twice is no error.
func (c *Call) Close() {
	c.ending.Do(func() {
		c.proc.egress.Revoke(c.grant)
		c.plugin.release(c.proc)
	})
}

// Capability is what names the call to the host's socket.
func (c *Call) Capability() string { return c.grant.Capability() }

// Censor takes the keys that the call uses out of a text.
func (c *Call) Censor(text string) string { return c.grant.Censor(text) }

// Succeeded forgets earlier failures of the plugin: it works.
func (c *Call) Succeeded() { c.plugin.succeeded() }

// Explain gives the typed error of what went wrong in the call. No key is in its words, whoever put it there. when is
// "while it was tested".
func (c *Call) Explain(err error, when string) error {
	e := sdk.FromStatus(c.proc.explain(err, c.Name, when))
	c.failed(e)
	return &sdk.Error{Proto: e}
}

// failed takes credentials out of an error's words, and tells of it.
func (c *Call) failed(e *providerv1.Error) {
	for _, s := range []*string{&e.Message, &e.Detail, &e.Parameter, &e.Field, &e.RequestId} {
		*s = c.grant.Censor(*s)
	}
	if c.told != nil {
		c.told(e)
	}
}

// Answer hands a person's answer to the plugin whose turn asked. The turn must still be under way.
func (m *Manager) Answer(ctx context.Context, id string, req *providerv1.AnswerRequest) error {
	p, err := m.plugin(id)
	if err != nil {
		return err
	}
	p.mu.Lock()
	proc, name := p.proc, p.name()
	if proc == nil || proc.uses == 0 {
		p.mu.Unlock()
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the answer comes too late: the turn of the %s plugin that asked has ended", name)
	}
	p.use(proc)
	p.mu.Unlock()
	defer p.release(proc)
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, err := proc.rpc.Answer(ctx, req); err != nil {
		return proc.explain(err, cmp.Or(name, id), "while it was given an answer")
	}
	return nil
}
