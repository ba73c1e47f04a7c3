package plugin

import (
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// failed notes a failure of the process or of its start. Call with the lock held.
func (p *plugin) failed(words string) {
	now := time.Now()
	p.recent(now)
	p.failures = append(p.failures, now)
	p.problem = words
	p.m.touch()
	p.retryAt = now.Add(min(p.m.timing.maxBackoff, p.m.timing.backoff<<min(len(p.failures)-1, 10)))
	if len(p.failures) <= maxRestarts || p.disabled() {
		return
	}
	p.off = &failing{File: p.file.mark(), Times: len(p.failures), Why: words, At: now.UTC().Truncate(time.Second)}
	p.log.Error("plugin is switched off", "failures", len(p.failures), "problem", words)
	f := p.file
	if !f.development {
		p.keepOff(p.off)
	}
	p.m.work.Go(func() { p.m.rollBack(f, words) })
}

// keepOff writes down that the plugin failed too often, so that another host knows it too; nil: that it did not. Call with
// the lock held.
func (p *plugin) keepOff(off *failing) {
	if p.m.installs.dir == "" {
		return
	}
	err := p.m.installs.change(func(l *lock) error {
		delete(l.Failing, p.id)
		if off != nil {
			l.Failing[p.id] = off
		}
		return nil
	})
	if err != nil {
		p.log.Error("write down whether the plugin is switched off", "error", err)
	}
}

// succeeded forgets failures: the plugin works.
func (p *plugin) succeeded() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.disabled() {
		if p.problem != "" {
			p.m.touch()
		}
		p.failures, p.problem, p.retryAt = nil, "", time.Time{}
	}
}

// retry gives a plugin that failed another chance at once, because a person asked for it.
func (p *plugin) retry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures, p.retryAt = nil, time.Time{}
	p.m.touch()
	p.switchOn()
}

// switchOn has the plugin no longer be off for its failures. Call with the lock held.
func (p *plugin) switchOn() {
	if p.off != nil {
		p.off = nil
		p.keepOff(nil)
		p.log.Info("plugin is switched on again")
	}
}

// disabled tells whether this version of the plugin failed too often and no person has switched it on since.
func (p *plugin) disabled() bool {
	return p.off != nil && p.off.File == p.file.mark()
}

func (p *plugin) switchedOff() error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN,
		"the %s plugin is switched off, because it failed %d times within an hour. The last time: %s. Enable it or test the provider to try again: `openvibez plugin enable %s`. `openvibez plugin logs %s` shows what it wrote",
		p.name(), p.off.Times, p.off.Why, p.id, p.id)
}

// recent drops failures that are too old to count.
func (p *plugin) recent(now time.Time) {
	for len(p.failures) > 0 && now.Sub(p.failures[0]) > p.m.timing.memory {
		p.failures = p.failures[1:]
	}
}
