package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/openvibez/openvibez/host/keys"
)

const (
	maxLogLine = 8 << 10
	// Lines a second a plugin may write to the host's log, and how many may come at once.
	logRate  = 50
	logBurst = 200
	// Bytes a second that are read of what a plugin prints, and how many at once. Beyond that it waits: a flood costs the
	// plugin time, not the host.
	readRate  = 1 << 20
	readBurst = 4 << 20
	// Last lines kept for the words about a crash.
	tailLines = 6
)

// lineLog writes what a plugin prints into the host's log, a line at a time, capped in length and rate.
type lineLog struct {
	log   *slog.Logger
	now   func() time.Time
	speed *rate.Limiter
	// Takes out the keys in use; nil where none can be.
	censor func(string) string

	mu      sync.Mutex
	line    []byte
	tail    []string
	tokens  float64
	last    time.Time
	dropped int
}

func newLineLog(log *slog.Logger) *lineLog {
	return &lineLog{log: log, now: time.Now, tokens: logBurst, speed: rate.NewLimiter(readRate, readBurst)}
}

// Write takes the next bytes; it never fails. It takes its time when they are many.
func (l *lineLog) Write(b []byte) (int, error) {
	time.Sleep(l.speed.ReserveN(time.Now(), min(len(b), readBurst)).Delay())
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for {
		piece, rest, whole := bytes.Cut(b, []byte{'\n'})
		if room := maxLogLine - len(l.line); room > 0 {
			l.line = append(l.line, piece[:min(room, len(piece))]...)
		}
		if !whole {
			return n, nil
		}
		l.flush()
		b = rest
	}
}

// last lines, oldest first.
func (l *lineLog) lastLines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) > 0 {
		l.flush()
	}
	lines := make([]string, len(l.tail))
	for i, text := range l.tail {
		lines[i] = l.clean(text)
	}
	return lines
}

func (l *lineLog) flush() {
	line := strings.TrimSpace(strings.ToValidUTF8(string(l.line), "\uFFFD"))
	l.line = l.line[:0]
	if line == "" {
		return
	}
	level, text := logLevel(line)
	if level > slog.LevelDebug {
		l.tail = append(l.tail, text)
		if len(l.tail) > tailLines {
			l.tail = l.tail[1:]
		}
	}
	if !l.log.Enabled(context.Background(), level) || !l.allowed() {
		return
	}
	if l.dropped > 0 {
		l.log.Warn("plugin wrote too much; lines left out", "lines", l.dropped)
		l.dropped = 0
	}
	l.log.Log(context.Background(), level, l.clean(text))
}

// clean takes out what must not be seen. It costs more than all the rest, so only what is shown goes through it.
func (l *lineLog) clean(text string) string {
	if l.censor != nil {
		text = l.censor(text)
	}
	return keys.Redact(text)
}

func (l *lineLog) allowed() bool {
	now := l.now()
	if !l.last.IsZero() {
		l.tokens = min(logBurst, l.tokens+now.Sub(l.last).Seconds()*logRate)
	}
	l.last = now
	if l.tokens < 1 {
		l.dropped++
		return false
	}
	l.tokens--
	return true
}

// logLevel reads the level of lines written by hclog or slog as JSON; all other lines are information.
func logLevel(line string) (slog.Level, string) {
	if !strings.HasPrefix(line, "{") {
		return slog.LevelInfo, line
	}
	var entry struct {
		Hclog   string `json:"@level"`
		Message string `json:"@message"`
		Slog    string `json:"level"`
		Msg     string `json:"msg"`
	}
	if json.Unmarshal([]byte(line), &entry) != nil {
		return slog.LevelInfo, line
	}
	text := line
	if entry.Message+entry.Msg != "" && !strings.Contains(line, `,"error"`) {
		text = entry.Message + entry.Msg
	}
	switch strings.ToLower(entry.Hclog + entry.Slog) {
	case "trace", "debug":
		return slog.LevelDebug, text
	case "warn":
		return slog.LevelWarn, text
	case "error":
		return slog.LevelError, text
	}
	return slog.LevelInfo, text
}
