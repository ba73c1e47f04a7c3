package plugin

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// plugin is one installed program over time: its processes, one after the other, and what is known of it.
type plugin struct {
	m   *Manager
	id  string
	log *slog.Logger
	// Of all its processes.
	traffic *egress.Traffic
	secrets *keys.Secrets
	kept    *kept

	mu   sync.Mutex
	proc *process
	// A start under way.
	starting *starting
	// The file that the failures and the problem belong to.
	file     file
	failures []time.Time
	problem  string
	retryAt  time.Time
	// It failed too often; nil: it did not.
	off *failing
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
	proc, err := p.m.startProcess(f, p)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting = nil
	defer p.m.touch()
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
		p.log.Info("plugin started", "pid", proc.runner.launched.PID())
		p.proc = proc
		p.m.work.Go(func() { p.follow(proc) })
		p.rest(proc)
	}
}

// follow waits for a process's end and notes why it came.
func (p *plugin) follow(proc *process) {
	<-proc.runner.launched.Done()
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
	p.m.touch()
	if proc.idle != nil {
		proc.idle.Stop()
	}
	if !proc.stopping {
		proc.stopping = true
		words := "it " + proc.lastWords("stopped unexpectedly")
		p.failed(words)
		p.log.Error("plugin stopped unexpectedly", "end", proc.runner.launched.End(), "killed", proc.killed)
	}
}

// use counts one more user of proc. Health is checked while there is one.
func (p *plugin) use(proc *process) {
	proc.uses++
	if proc.idle != nil {
		proc.idle.Stop()
	}
	if proc.uses == 1 {
		if proc.file.debug {
			proc.unwatch = func() {}
			return
		}
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
	if proc.uses > 0 {
		return
	}
	proc.unwatch()
	if p.proc != proc {
		return
	}
	p.rest(proc)
	if proc.abandoned {
		proc.abandoned = false
		time.AfterFunc(p.m.timing.stubborn, func() { p.unhang(proc) })
	}
}

// unhang ends a process in which a run goes on long after it was cancelled, if nobody else uses it.
func (p *plugin) unhang(proc *process) {
	ctx, cancel := context.WithTimeout(p.m.ctx, p.m.timing.describe)
	defer cancel()
	var trailer metadata.MD
	_, err := proc.rpc.Describe(ctx, &providerv1.DescribeRequest{}, grpc.Trailer(&trailer))
	running := 0
	if v := trailer.Get(sdk.TrailerRunning); len(v) > 0 {
		running, _ = strconv.Atoi(v[0])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proc != proc || proc.uses > 0 {
		return
	}
	if err != nil || running > 0 {
		p.log.Warn("plugin ended: a run in it goes on after its cancel", "runs", running, "error", err)
		p.retire(proc)
	}
}

// rest lets proc be stopped when nobody uses it for a while.
func (p *plugin) rest(proc *process) {
	if proc.file.debug {
		return
	}
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
	p.m.touch()
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
			proc.runner.launched.Kill()
			return
		}
	}
}

// version notes which file is about to be used; what a former version did is forgotten. Call with the lock held.
func (p *plugin) version(f file) {
	if f == p.file {
		return
	}
	p.file, p.failures, p.problem, p.retryAt = f, nil, "", time.Time{}
	if !p.disabled() && !f.development {
		p.switchOn()
	}
}
