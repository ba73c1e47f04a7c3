package plugin

import (
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/keys"
)

const (
	maxKeptLines = 1000
	maxKeptBytes = 512 << 10
)

// kept are the newest lines of a plugin's log: what it wrote, and what the host says about it.
type kept struct {
	mu    sync.Mutex
	lines []string
	bytes int
	// How many lines there ever were.
	total int
	// Closed when a line comes; nil while nobody waits.
	more chan struct{}
}

// Write takes one line, as a log's handler gives it.
func (k *kept) Write(b []byte) (int, error) {
	line := strings.TrimRight(string(b), "\n")
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = append(k.lines, line)
	k.total++
	if k.more != nil {
		close(k.more)
		k.more = nil
	}
	k.bytes += len(line)
	drop := 0
	for ; len(k.lines)-drop > maxKeptLines || k.bytes > maxKeptBytes; drop++ {
		k.bytes -= len(k.lines[drop])
	}
	k.lines = slices.Delete(k.lines, 0, drop)
	return len(b), nil
}

func (k *kept) last(n int) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.lines[max(0, len(k.lines)-n):])
}

// Logs gives the newest n lines about a plugin, oldest first: what it wrote since the host was started, its keys taken
// out, and what the host says about it.
func (m *Manager) Logs(id string, n int) []string {
	p, err := m.plugin(id)
	if err != nil {
		return nil
	}
	return p.kept.last(n)
}

// after gives the lines that are left of those that came after the first n, how many there are by now, and what closes
// when there are more.
func (k *kept) after(n int) (lines []string, total int, more <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.more == nil {
		k.more = make(chan struct{})
	}
	missed := min(max(0, k.total-n), len(k.lines))
	return slices.Clone(k.lines[len(k.lines)-missed:]), k.total, k.more
}

// FollowLogs gives the lines about a plugin that came after the first n, how many there are by now, and a channel that
// closes when there are more.
func (m *Manager) FollowLogs(id string, n int) (lines []string, total int, more <-chan struct{}, err error) {
	p, err := m.plugin(id)
	if err != nil {
		return nil, 0, nil, err
	}
	lines, total, more = p.kept.after(n)
	return lines, total, more, nil
}

// newPlugin makes the plugin of an id, with a log of its own.
func newPlugin(m *Manager, id string) *plugin {
	p := &plugin{m: m, id: id, traffic: egress.NewTraffic(), secrets: &keys.Secrets{}, kept: &kept{}}
	own := slog.NewTextHandler(p.kept, &slog.HandlerOptions{Level: slog.LevelDebug})
	p.log = p.secrets.Log(slog.NewMultiHandler(m.log.Handler().WithAttrs([]slog.Attr{slog.String("plugin", id)}), own))
	if l, err := m.installs.read(); err == nil {
		p.off = l.Failing[id]
	}
	return p
}
