package keys

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
)

// Removed stands where a key was.
const Removed = "[key removed]"

// likely finds what looks like a credential, whoever's it is.
var likely = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}|\bsk-[a-z0-9_-]{8,}|\b((?:authorization|cookie|openvibez-capability|(?:x-)?(?:goog-)?api-key)["']?\s*[:=]\s*)(?:bearer\s+|basic\s+)?\S+`)

// Redact takes out of a text for people what looks like a credential.
func Redact(text string) string { return likely.ReplaceAllString(text, "${1}${2} [removed]") }

// Secrets are the keys that a plugin's requests were given lately, so that they are known wherever they turn up.
type Secrets struct {
	mu    sync.RWMutex
	keys  []string
	forms *Forms
}

// Add has a key be known; "" is none.
func (s *Secrets) Add(key string) {
	if key == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.keys, key) {
		return
	}
	if len(s.keys) == 32 {
		s.keys = slices.Delete(s.keys, 0, 1)
	}
	s.keys = append(s.keys, key)
	s.forms = FormsOf(s.keys...)
}

// Censor takes the keys out of a text, however they are written there.
func (s *Secrets) Censor(text string) string {
	s.mu.RLock()
	forms := s.forms
	s.mu.RUnlock()
	return forms.Censor(text)
}

// Log gives a log that the keys don't get into.
func (s *Secrets) Log(h slog.Handler) *slog.Logger { return slog.New(censored{h, s}) }

// censored is a log that keys don't get into.
type censored struct {
	slog.Handler
	secrets *Secrets
}

func (c censored) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, c.secrets.Censor(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(c.attr(a))
		return true
	})
	return c.Handler.Handle(ctx, clean)
}

func (c censored) attr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, c.secrets.Censor(v.String()))
	case slog.KindAny:
		return slog.String(a.Key, c.secrets.Censor(fmt.Sprint(v.Any())))
	case slog.KindGroup:
		group := slices.Clone(v.Group())
		for i := range group {
			group[i] = c.attr(group[i])
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(group...)}
	default:
		return a
	}
}

func (c censored) WithAttrs(attrs []slog.Attr) slog.Handler {
	return censored{c.Handler.WithAttrs(attrs), c.secrets}
}

func (c censored) WithGroup(name string) slog.Handler {
	return censored{c.Handler.WithGroup(name), c.secrets}
}
