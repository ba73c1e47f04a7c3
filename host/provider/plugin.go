package provider

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// plugin is one installed program over time: its processes, one after the other, and what is known of it.
type plugin struct {
	m   *Manager
	id  string
	log *slog.Logger

	mu   sync.Mutex
	proc *process
	// A start under way.
	starting *starting
	// The file that the failures and the problem belong to.
	file     file
	failures []time.Time
	problem  string
	retryAt  time.Time
	// What it says about itself, and the file that said it.
	description *providerv1.DescribeResponse
	describedBy file
	stopped     bool
}

type starting struct {
	done chan struct{}
	err  error
}

// acquire gives the running process, starting one if there is none. A plugin that failed lately is started again only
// after a while. Every acquire needs a release.
func (p *plugin) acquire(ctx context.Context) (*process, error) {
	for {
		p.mu.Lock()
		if p.stopped {
			p.mu.Unlock()
			return nil, errEnding()
		}
		if p.proc != nil && p.proc.dead() {
			p.gone(p.proc)
		}
		f, err := p.m.locate(p.id)
		if p.proc != nil && p.proc.uses == 0 && err == nil && f != p.proc.file {
			p.log.Info("plugin file has changed; starting it anew")
			p.retire(p.proc)
		}
		if p.proc != nil {
			proc := p.proc
			p.use(proc)
			p.mu.Unlock()
			return proc, nil
		}
		if err != nil {
			p.mu.Unlock()
			return nil, err
		}
		p.version(f)
		if p.starting == nil {
			if p.disabled() {
				err := p.switchedOff()
				p.mu.Unlock()
				return nil, err
			}
			p.starting = &starting{done: make(chan struct{})}
			go p.start(p.starting, f, time.Until(p.retryAt))
		}
		s := p.starting
		p.mu.Unlock()
		select {
		case <-s.done:
			if s.err != nil {
				return nil, s.err
			}
		case <-ctx.Done():
			return nil, &sdk.Error{Proto: sdk.FromStatus(ctx.Err())}
		}
	}
}

// start starts a process after wait, for all who are waiting for it.
func (p *plugin) start(s *starting, f file, wait time.Duration) {
	defer close(s.done)
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-p.m.ctx.Done():
		}
	}
	if p.m.ctx.Err() != nil {
		s.err = errEnding()
		return
	}
	proc, err := p.m.startProcess(f, p.log)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting = nil
	switch {
	case p.stopped && err == nil:
		proc.stopping = true
		proc.close()
		s.err = errEnding()
	case err != nil:
		p.failed(err.Error())
		p.log.Error("plugin did not start", "error", err)
		s.err = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "%w", err)
	default:
		p.log.Info("plugin started", "pid", proc.runner.launched.pid)
		p.proc = proc
		p.m.work.Go(func() { p.follow(proc) })
		p.rest(proc)
	}
}

// follow waits for a process's end and notes why it came.
func (p *plugin) follow(proc *process) {
	<-proc.runner.launched.done
	p.mu.Lock()
	p.gone(proc)
	p.mu.Unlock()
	proc.close()
}

// gone takes note of a process's end, once. Call with the lock held.
func (p *plugin) gone(proc *process) {
	if p.proc == proc {
		p.proc = nil
	}
	if proc.idle != nil {
		proc.idle.Stop()
	}
	if !proc.stopping {
		proc.stopping = true
		words := "it " + proc.lastWords("stopped unexpectedly")
		p.failed(words)
		p.log.Error("plugin stopped unexpectedly", "end", proc.runner.launched.end, "killed", proc.killed)
	}
}

// use counts one more user of proc. Health is checked while there is one.
func (p *plugin) use(proc *process) {
	proc.uses++
	if proc.idle != nil {
		proc.idle.Stop()
	}
	if proc.uses == 1 {
		ctx, cancel := context.WithCancel(p.m.ctx)
		proc.unwatch = cancel
		p.m.work.Go(func() { p.watch(ctx, proc) })
	}
}

// release counts one user of proc less.
func (p *plugin) release(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	proc.uses--
	if proc.uses == 0 {
		proc.unwatch()
		if p.proc == proc {
			p.rest(proc)
		}
	}
}

// rest lets proc be stopped when nobody uses it for a while.
func (p *plugin) rest(proc *process) {
	after := p.m.timing.idleUnused
	if proc.served {
		after = p.m.timing.idle
	}
	proc.idle = time.AfterFunc(after, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.proc == proc && proc.uses == 0 {
			p.log.Info("plugin stopped; it was idle")
			p.retire(proc)
		}
	})
}

// retire stops proc without counting it as a failure. The next acquire starts another.
func (p *plugin) retire(proc *process) {
	proc.stopping = true
	p.proc = nil
	p.m.work.Go(proc.close)
}

// stop ends the plugin for good.
func (p *plugin) stop() {
	p.mu.Lock()
	p.stopped = true
	proc, s := p.proc, p.starting
	if proc != nil {
		p.retire(proc)
	}
	p.mu.Unlock()
	if s != nil {
		<-s.done
	}
}

// watch checks a process's health and kills it when it stays silent.
func (p *plugin) watch(ctx context.Context, proc *process) {
	tick := time.NewTicker(p.m.timing.ping)
	defer tick.Stop()
	for misses := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := proc.ping(ctx, p.m.timing.pingReply)
		if err == nil || ctx.Err() != nil {
			misses = 0
			continue
		}
		misses++
		p.log.Warn("plugin does not answer", "misses", misses, "error", err)
		if misses >= maxMisses {
			p.mu.Lock()
			proc.killed = "it did not answer any more and was ended"
			p.mu.Unlock()
			proc.runner.launched.kill()
			return
		}
	}
}

// failed notes a failure of the process or of its start. Call with the lock held.
func (p *plugin) failed(words string) {
	now := time.Now()
	p.recent(now)
	p.failures = append(p.failures, now)
	p.problem = words
	p.retryAt = now.Add(min(p.m.timing.maxBackoff, p.m.timing.backoff<<min(len(p.failures)-1, 10)))
	if p.disabled() {
		p.log.Error("plugin is switched off", "failures", len(p.failures), "problem", words)
	}
}

// succeeded forgets failures: the plugin works.
func (p *plugin) succeeded() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures, p.problem, p.retryAt = nil, "", time.Time{}
}

// retry gives a plugin that failed another chance at once, because a person asked for it.
func (p *plugin) retry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures, p.retryAt = nil, time.Time{}
}

func (p *plugin) disabled() bool {
	p.recent(time.Now())
	return len(p.failures) > maxRestarts
}

func (p *plugin) switchedOff() error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN,
		"the %s plugin is switched off, because it failed %d times within an hour. The last time: %s. Update %s, or test the provider to try again",
		p.name(), len(p.failures), p.problem, p.file.path)
}

// recent drops failures that are too old to count.
func (p *plugin) recent(now time.Time) {
	for len(p.failures) > 0 && now.Sub(p.failures[0]) > p.m.timing.memory {
		p.failures = p.failures[1:]
	}
}

// version notes which file is about to be used; what a former version did is forgotten.
func (p *plugin) version(f file) {
	if f != p.file {
		p.file, p.failures, p.problem, p.retryAt = f, nil, "", time.Time{}
	}
}

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
	d, err := proc.rpc.Describe(ctx, &providerv1.DescribeRequest{})
	if err != nil {
		return nil, proc.explain(err, p.name(), "while it was asked what it is")
	}
	if err := sound(d, proc.file); err != nil {
		p.mu.Lock()
		p.problem = err.Error()
		p.mu.Unlock()
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.description, p.describedBy = d, proc.file
	return d, nil
}

// report fills in what is known of the plugin now.
func (p *plugin) report(a *apiv1.Plugin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Description = p.description
	switch {
	case p.proc != nil:
		a.State, a.Pid = apiv1.Plugin_STATE_RUNNING, int64(p.proc.runner.launched.pid)
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
	if d.DefaultBaseUrl != "" {
		if _, err := CheckBaseURL(d.DefaultBaseUrl); err != nil {
			return wrong("%v", err)
		}
	}
	for _, o := range d.Origins {
		if _, err := originOf(o); err != nil {
			return wrong("origin %q: %v", o, err)
		}
	}
	if d.Key != nil && !validKeyHeader(d.Key.Header) {
		return wrong("%q can't be the header for a key", d.Key.Header)
	}
	return nil
}
