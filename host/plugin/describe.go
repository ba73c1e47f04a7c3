package plugin

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// How large what a plugin says of itself may be, its settings' schema included.
	maxDescription = 1 << 20
	maxName        = 100
	maxOrigins     = 100
)

// untried tells whether nothing is known about this version yet.
func (p *plugin) untried(f file) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return f != p.describedBy && (f != p.file || p.problem == "")
}

// describe asks the plugin what it is, once for each version of its file.
func (p *plugin) describe(ctx context.Context) (*providerv1.DescribeResponse, error) {
	f, err := p.m.locate(p.id)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	d, by := p.description, p.describedBy
	p.mu.Unlock()
	if d != nil && by == f {
		return d, nil
	}
	proc, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer p.release(proc)
	return p.ask(ctx, proc)
}

// ask has a process say what it is.
func (p *plugin) ask(ctx context.Context, proc *process) (*providerv1.DescribeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, p.m.timing.describe)
	defer cancel()
	d, err := proc.rpc.Describe(ctx, &providerv1.DescribeRequest{}, grpc.MaxCallRecvMsgSize(maxDescription))
	if err != nil {
		return nil, proc.explain(err, p.name(), "while it was asked what it is")
	}
	err = sound(d, proc.file)
	if err == nil {
		err = p.m.agrees(d, proc.file)
	}
	if err != nil {
		p.mu.Lock()
		p.problem = err.Error()
		p.mu.Unlock()
		p.m.touch()
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.description, p.describedBy = d, proc.file
	p.m.touch()
	return d, nil
}

// report fills in what is known of the plugin now.
func (p *plugin) report(a *apiv1.Plugin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Description = p.description
	a.Confinement = p.m.confinement(p.file)
	a.Requests, a.Refused = p.traffic.Counts()
	switch {
	case p.proc != nil:
		a.State, a.Pid = apiv1.Plugin_STATE_RUNNING, int64(p.proc.runner.launched.PID())
	case p.disabled():
		a.State, a.Problem = apiv1.Plugin_STATE_DISABLED, p.switchedOff().Error()
		return
	case len(p.failures) > 0 && time.Now().Before(p.retryAt):
		a.State = apiv1.Plugin_STATE_BACKING_OFF
	}
	if p.problem != "" {
		a.Problem = p.problem
	}
}

// name is what people call the plugin.
func (p *plugin) name() string {
	if p.description.GetName() != "" {
		return p.description.GetName()
	}
	return p.id
}

// sound tells what is wrong with what a plugin says about itself.
func sound(d *providerv1.DescribeResponse, f file) error {
	wrong := func(format string, args ...any) error {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "%s describes itself wrongly: %s. Its author has to correct that",
			f.path, fmt.Sprintf(format, args...))
	}
	if d.Id != f.id {
		return wrong("it calls itself %q, but its file says %q", d.Id, f.id)
	}
	for what, text := range map[string]string{"name": d.Name, "version": d.Version} {
		if len(text) > maxName || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return wrong("its %s is too long or has characters that can't be shown", what)
		}
	}
	if len(d.Description) > 10*maxName || strings.ContainsFunc(d.Description, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return wrong("its description is too long or has characters that can't be shown")
	}
	if len(d.Origins) > maxOrigins {
		return wrong("it names %d origins, and at most %d are allowed", len(d.Origins), maxOrigins)
	}
	if d.DefaultBaseUrl != "" {
		if _, err := egress.CheckBaseURL(d.DefaultBaseUrl); err != nil {
			return wrong("%v", err)
		}
	}
	for _, o := range d.Origins {
		u, err := url.Parse(o)
		if err == nil {
			_, err = egress.OriginOf(o)
		}
		if err != nil {
			return wrong("origin %q: %v", o, err)
		}
		if egress.PrivateName(u.Hostname()) {
			return wrong("origin %q is this machine or a private network, which only a person may name, as base URL", o)
		}
	}
	if d.Key != nil && !egress.ValidHeader(d.Key.Header) {
		return wrong("%q can't be the header for a key", d.Key.Header)
	}
	if also := d.Key.GetAlso(); also != "" && !egress.ValidHeader(also) {
		return wrong("%q can't be the header for a key", also)
	}
	secrets, err := sdk.SecretSettings(d)
	if err != nil {
		return wrong("its settings schema %v", err)
	}
	for _, s := range secrets {
		if !egress.ValidHeader(s.Header) {
			return wrong("%q can't be the header for a secret", s.Header)
		}
	}
	return nil
}
