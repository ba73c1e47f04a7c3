package keys

import (
	"strings"
	"sync"
	"time"
)

// held keeps keys from the keychain for a short time, so that it is not asked for each turn. They are held by the
// account they are kept under, which names provider and origin.
type held struct {
	keep time.Duration

	mu   sync.Mutex
	keys map[string]*heldKey
	// Counts drops: a key read before one is not held after it.
	drops int
}

type heldKey struct {
	key    []byte
	expiry *time.Timer
}

func newHeld(keep time.Duration) *held {
	return &held{keep: keep, keys: map[string]*heldKey{}}
}

// get gives a key that is held, or else what put needs.
func (h *held) get(account string) (key string, drops int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if k, ok := h.keys[account]; ok {
		return string(k.key), 0
	}
	return "", h.drops
}

func (h *held) put(account, key string, drops int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if drops != h.drops {
		return
	}
	h.forget(account)
	k := &heldKey{key: []byte(key)}
	k.expiry = time.AfterFunc(h.keep, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.keys[account] == k {
			h.forget(account)
		}
	})
	h.keys[account] = k
}

// drop forgets what is held for a provider; "" is all.
func (h *held) drop(provider string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drops++
	for account := range h.keys {
		if provider == "" || strings.HasPrefix(account, provider+" ") {
			h.forget(account)
		}
	}
}

func (h *held) forget(account string) {
	if k, ok := h.keys[account]; ok {
		k.expiry.Stop()
		clear(k.key)
		delete(h.keys, account)
	}
}
