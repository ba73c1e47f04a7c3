package server

import (
	"crypto/rand"
	"sync"
	"time"
)

const tokenLife = 10 * time.Minute

// visitor is what a token or pass was made out for.
type visitor string

const (
	byWindow  visitor = "window"
	byBrowser visitor = "browser"
)

// tokens are one-time passes to the page.
type tokens struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]token
}

type token struct {
	visitor visitor
	expires time.Time
	// Called when the token is used.
	used func()
}

func (t *tokens) issue(v visitor, used func()) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[string]token{}
	}
	secret := rand.Text()
	t.open[secret] = token{v, t.now().Add(tokenLife), used}
	return secret
}

// redeem takes a token; it works once.
func (t *tokens) redeem(secret string) (visitor, bool) {
	t.mu.Lock()
	found, ok := t.open[secret]
	delete(t.open, secret)
	expired := !t.now().Before(found.expires)
	t.mu.Unlock()
	if !ok || expired {
		return "", false
	}
	if found.used != nil {
		found.used()
	}
	return found.visitor, true
}

// outstanding drops what has expired and tells until when somebody may still come.
func (t *tokens) outstanding() (until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for secret, tok := range t.open {
		if !t.now().Before(tok.expires) {
			delete(t.open, secret)
		} else if tok.expires.After(until) {
			until = tok.expires
		}
	}
	return until
}
