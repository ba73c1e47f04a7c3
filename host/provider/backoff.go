package provider

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
	p.retryAt = now.Add(min(p.m.timing.maxBackoff, p.m.timing.backoff<<min(len(p.failures)-1, 10)))
	if p.disabled() {
		p.log.Error("plugin is switched off", "failures", len(p.failures), "problem", words)
		f := p.file
		p.m.work.Go(func() { p.m.rollBack(f, words) })
	}
}

// succeeded forgets failures: the plugin works.
func (p *plugin) succeeded() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures, p.problem, p.retryAt = nil, "", time.Time{}
}

// Enable switches a plugin on again that was switched off because it failed.
func (m *Manager) Enable(id string) error {
	p, err := m.plugin(id)
	if err != nil {
		return err
	}
	p.retry()
	p.log.Info("plugin is switched on again")
	return nil
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
		"the %s plugin is switched off, because it failed %d times within an hour. The last time: %s. Update %s, or test the provider to try again; `openvibez plugin enable %s` switches it on too, and `openvibez plugin logs %s` shows what it said",
		p.name(), len(p.failures), p.problem, p.file.path, p.id, p.id)
}

// recent drops failures that are too old to count.
func (p *plugin) recent(now time.Time) {
	for len(p.failures) > 0 && now.Sub(p.failures[0]) > p.m.timing.memory {
		p.failures = p.failures[1:]
	}
}
