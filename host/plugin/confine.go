package plugin

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// What one plugin may use: bytes of memory, and threads.
	maxMemory  = 1 << 30
	maxThreads = 512
)

// confine tells whether a plugin is to be started without confinement, or why it may not be started at all. What came with
// the host is started in any case, with the walls that there are.
func (m *Manager) confine(f file) (unconfined bool, err error) {
	if f.debug {
		return true, nil
	}
	report := m.sandbox.Report(m.ctx)
	if report.Level == policy.LevelFull || f.builtIn || f.unconfinedAllowed || f.development {
		return report.Level == policy.LevelNone, nil
	}
	return false, fmt.Errorf("the plugin %s did not come with OpenVibez, and this system can't confine it: %s. It was not started. %s "+
		"Or, if you trust its author with everything that you can do here, run `openvibez plugin enable %s --unconfined`; it gets no key then",
		f.id, report.Problem, report.Fix, f.id)
}

// confinement says how far a plugin is confined: "full", "reduced" or "none".
func (m *Manager) confinement(f file) string {
	if f.debug {
		return policy.LevelNone.String()
	}
	return m.sandbox.Report(m.ctx).Level.String()
}

// keyWithheld says why a plugin that has to be trusted is not, nil where it may have keys used for it. A plugin that the
// kernel does not hold could take them out of the host.
func (m *Manager) keyWithheld(f file, d *providerv1.DescribeResponse) error {
	report := m.sandbox.Report(m.ctx)
	if f.builtIn || f.development || report.Level == policy.LevelFull {
		return nil
	}
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_DENIED,
		"the plugin %s did not come with OpenVibez and can't be confined on this system (%s), so no key is used for it. %s",
		cmp.Or(d.Name, d.Id), report.Problem, report.Fix)
}

// verified remembers the installed programs whose SHA-256 was found right. Hashing costs more than starting, so each
// version of a file is hashed once, on the descriptor that is then executed.
type verified struct {
	mu    sync.Mutex
	files map[file]bool
}

// expect gives the digest that a program has to be found to have when it is started; zero is none. An unconfined one is
// looked at here, since no helper starts it. What came with the host is vouched for by the directory it is in alone.
func (v *verified) expect(f file, unconfined bool) (sum [sha256.Size]byte, err error) {
	v.mu.Lock()
	known := v.files[f]
	v.mu.Unlock()
	if f.sha256 == "" || known {
		return sum, nil
	}
	if n, err := hex.Decode(sum[:], []byte(f.sha256)); err != nil || n != len(sum) || sum == [sha256.Size]byte{} || unconfined {
		return sum, f.genuine()
	}
	return sum, nil
}

// found notes that f was started, and so found right.
func (v *verified) found(f file) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.files[f] = f.sha256 != ""
}

// Unconfined says why the kernel does not hold plugins here; "" if it does.
func (m *Manager) Unconfined() string {
	report := m.sandbox.Report(m.ctx)
	if report.Level == policy.LevelFull {
		return ""
	}
	return "this system can't confine it (" + report.Problem + ")"
}
