package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tokenLife  = 10 * time.Minute
	cookieLife = 30 * 24 * time.Hour
)

// visitor is what a token or cookie was made out for.
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

// cookieKey signs cookies; it is kept in a file, so that an open page outlives a restart of the host.
type cookieKey struct {
	path string
	now  func() time.Time

	mu  sync.Mutex
	key []byte
}

func openCookieKey(path string) (*cookieKey, error) {
	k := &cookieKey{path: path, now: time.Now}
	key, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the page's key: %w", err)
	}
	if len(key) == sha256.Size {
		k.key = key
		return k, nil
	}
	return k, k.replace()
}

// replace makes a new key: all cookies become worthless.
func (k *cookieKey) replace() error {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	temp := k.path + ".new"
	if err := os.WriteFile(temp, key, 0o600); err != nil {
		return fmt.Errorf("write the page's key: %w", err)
	}
	if err := os.Rename(temp, k.path); err != nil {
		return fmt.Errorf("write the page's key: %w", err)
	}
	k.mu.Lock()
	k.key = key
	k.mu.Unlock()
	return nil
}

// sign makes a cookie's value, good on one port.
func (k *cookieKey) sign(port int, v visitor) string {
	body := fmt.Sprintf("%s.%d.%s", v, k.now().Add(cookieLife).Unix(), rand.Text())
	return body + "." + k.mac(port, body)
}

func (k *cookieKey) verify(port int, value string) (visitor, bool) {
	cut := strings.LastIndexByte(value, '.')
	if cut < 0 || !hmac.Equal([]byte(value[cut+1:]), []byte(k.mac(port, value[:cut]))) {
		return "", false
	}
	parts := strings.Split(value[:cut], ".")
	if len(parts) != 3 {
		return "", false
	}
	expires, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || k.now().Unix() >= expires {
		return "", false
	}
	return visitor(parts[0]), true
}

func (k *cookieKey) mac(port int, body string) string {
	k.mu.Lock()
	h := hmac.New(sha256.New, k.key)
	k.mu.Unlock()
	fmt.Fprintf(h, "%d %s", port, body)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
