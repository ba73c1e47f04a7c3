package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// describeOnce starts a program for one question: what it is.
func (m *Manager) describeOnce(ctx context.Context, f file) (*providerv1.DescribeResponse, error) {
	p, err := m.plugin(f.id)
	if err != nil {
		return nil, err
	}
	proc, err := m.startProcess(f, p)
	if err != nil {
		return nil, err
	}
	defer proc.close()
	// It is asked, not used: its end is no failure.
	proc.stopping = true
	d, err := proc.rpc.Describe(ctx, &providerv1.DescribeRequest{})
	if err != nil {
		return nil, proc.explain(err, f.id, "while it was asked what it is")
	}
	return d, nil
}

// shipped gives a plugin that came with the host.
func (m *Manager) shipped(id string) (file, bool) {
	for _, dir := range m.dirs {
		if f, ok := m.inspect(dir, id); ok {
			return f, true
		}
	}
	return file{}, false
}

// Plugin gives one plugin as it is now. The error is for people.
func (m *Manager) Plugin(ctx context.Context, id string) (*apiv1.Plugin, error) {
	l, err := m.installs.read()
	if err != nil {
		return nil, err
	}
	for _, f := range m.find() {
		if f.id == id {
			a := m.look(f, asking(ctx))
			m.about(a, f, l)
			return a, nil
		}
	}
	return nil, m.unknown(id)
}

func (m *Manager) unknown(id string) error {
	return fmt.Errorf("there is no plugin %.40q; `openvibez plugin list` lists them", id)
}

// about fills in where a plugin comes from and what it may do.
func (m *Manager) about(a *apiv1.Plugin, f file, l *lock) {
	a.Off, a.Size = l.Off[f.id], f.size
	a.Tier = apiv1.Tier_TIER_BUILT_IN
	a.Version = a.Description.GetVersion()
	if a.Description != nil {
		why := m.Unconfined()
		if f.debug {
			why = "it runs without the sandbox, for a debugger"
		}
		a.Abilities = abilities(a.Description, why)
	}
	if f.development {
		a.Tier = apiv1.Tier_TIER_DEVELOPMENT
		a.Source = f.directory
	}
	v := l.Plugins[f.id]
	if f.manifest == "" || v == nil {
		return
	}
	a.Tier, a.Version, a.Source, a.Sha256 = v.tier(), v.Version, v.Source, v.Program
	a.InstalledMs, a.UnconfinedAllowed = v.Installed.UnixMilli(), v.Unconfined
	if v.Previous != nil {
		a.PreviousVersion = v.Previous.Version
	}
	if v.Failed != nil {
		a.Notice = fmt.Sprintf("Version %s did not stay up and was taken back on %s: %s", v.Failed.Version, v.Failed.At.Format("2 January 2006"), v.Failed.Why)
	}
	if manifest, err := m.installs.manifestOf(f); err == nil {
		a.Abilities = abilities(manifest.Describe(), m.Unconfined())
	} else if a.Problem == "" {
		a.Problem = err.Error()
	}
}

// Remove removes an installed plugin. Providers that use it stay.
func (m *Manager) Remove(id string) error {
	if f, ok := m.shipped(id); ok {
		return fmt.Errorf("%s came with OpenVibez (%s) and can't be removed; `openvibez plugin disable %s` switches it off", id, f.path, id)
	}
	err := m.installs.change(func(l *lock) error {
		if l.Plugins[id] == nil {
			return m.unknown(id)
		}
		delete(l.Plugins, id)
		delete(l.Off, id)
		delete(l.Failing, id)
		return nil
	})
	if err != nil {
		return err
	}
	m.halt(id)
	m.log.Info("plugin removed", "plugin", id)
	return removeTree(filepath.Join(m.installs.dir, id))
}

// SetEnabled switches a plugin on or off. On, it gets another chance if it had failed too often; unconfined says that a
// person agreed to run this version of it although the kernel does not confine it here.
func (m *Manager) SetEnabled(ctx context.Context, id string, on, unconfined bool) (*apiv1.Plugin, error) {
	_, ships := m.shipped(id)
	err := m.installs.change(func(l *lock) error {
		v := l.Plugins[id]
		if v == nil && !ships {
			return m.unknown(id)
		}
		if on {
			delete(l.Off, id)
		} else {
			l.Off[id] = true
		}
		if v != nil && on && unconfined {
			v.Unconfined = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !on {
		m.halt(id)
	} else if p, err := m.plugin(id); err == nil {
		p.retry()
	}
	return m.Plugin(ctx, id)
}

// Rollback makes the version before the installed one again. Doing it twice is undoing it.
func (m *Manager) Rollback(ctx context.Context, id string) (*apiv1.Plugin, error) {
	err := m.installs.change(func(l *lock) error { return m.back(l, id, nil) })
	if err != nil {
		return nil, err
	}
	m.log.Info("plugin rolled back", "plugin", id)
	m.replaced(id)
	return m.Plugin(ctx, id)
}

// back puts the previous version in the place of the present one, which is kept for another rollback unless it failed.
func (m *Manager) back(l *lock, id string, failed *failedVersion) error {
	now := l.Plugins[id]
	if now == nil {
		if _, ok := m.shipped(id); ok {
			return fmt.Errorf("%s came with OpenVibez: it has no earlier version of its own", id)
		}
		return m.unknown(id)
	}
	before := now.Previous
	if before == nil {
		return fmt.Errorf("there is no earlier version of %s to go back to", id)
	}
	if _, problems := openPackage(m.installs.path(id, before.Manifest)); len(problems) > 0 {
		return fmt.Errorf("the earlier version %s of %s is damaged: %s", before.Version, id, problems[0])
	}
	now.Previous, now.Failed = nil, nil
	before.Failed = failed
	if failed == nil {
		before.Previous = now
	}
	l.Plugins[id] = before
	if before.Key != "" {
		l.Keys[id] = before.Key
	}
	return nil
}

// rollBack goes back to the version before, because f failed too often; why is what happened last. It does nothing where
// there is none, or another version is installed by now.
func (m *Manager) rollBack(f file, why string) {
	if f.manifest == "" {
		return
	}
	errOther := errors.New("another version")
	var bad, good string
	err := m.installs.change(func(l *lock) error {
		now := l.Plugins[f.id]
		if now == nil || now.Manifest != f.manifest || now.Previous == nil {
			return errOther
		}
		bad, good = now.Version, now.Previous.Version
		return m.back(l, f.id, &failedVersion{Version: now.Version, Manifest: now.Manifest, Why: why, At: time.Now().UTC().Truncate(time.Second)})
	})
	switch {
	case errors.Is(err, errOther):
	case err != nil:
		m.log.Error("roll a plugin back", "plugin", f.id, "error", err)
	default:
		m.log.Warn("plugin rolled back: it did not stay up", "plugin", f.id, "from", bad, "to", good, "why", why)
		_ = removeTree(m.installs.path(f.id, f.manifest))
	}
}

// agrees sees that an installed plugin says what its manifest says, whenever it is asked.
func (m *Manager) agrees(d *providerv1.DescribeResponse, f file) error {
	manifest, err := m.installs.manifestOf(f)
	if err != nil || manifest == nil {
		return err
	}
	return agree(manifest, d)
}

// Verify compares what is on the disk with what was installed, and gives what does not fit.
func (m *Manager) Verify(id string) ([]string, error) {
	l, err := m.installs.read()
	if err != nil {
		return nil, err
	}
	v := l.Plugins[id]
	if v == nil {
		if _, ok := m.shipped(id); ok {
			return nil, fmt.Errorf("%s came with OpenVibez: there is no package to compare it with", id)
		}
		return nil, m.unknown(id)
	}
	dir := m.installs.path(id, v.Manifest)
	p, problems := openPackage(dir)
	if p == nil {
		return problems, nil
	}
	for _, c := range []struct{ what, is, was string }{
		{"plugin.json", p.sum, v.Manifest},
		{"the hash of its program", p.programSum, v.Program},
		{"its program", p.program, v.File},
		{"its key", p.key, v.Key},
		{"its id", p.manifest.ID, id},
		{"its version", p.manifest.Version, v.Version},
	} {
		if c.is != c.was {
			problems = append(problems, fmt.Sprintf("%s is %s, and %s says %s", c.what, cmp.Or(short(c.is), "missing"), lockName, cmp.Or(short(c.was), "none")))
		}
	}
	return problems, nil
}

// replaced has the next use of a plugin start its new version, even if that failed too often once; what uses the old one
// may come to its end.
func (m *Manager) replaced(id string) {
	p, err := m.plugin(id)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.switchOn()
	if p.proc != nil && p.proc.uses == 0 {
		p.retire(p.proc)
	}
}

// halt ends a plugin's process, whoever uses it.
func (m *Manager) halt(id string) {
	p, err := m.plugin(id)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proc != nil {
		p.retire(p.proc)
	}
}
