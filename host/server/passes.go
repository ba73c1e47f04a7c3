package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

const (
	// passHeader carries a page's pass. It is a header and no cookie: cookies ignore ports, so every server on this
	// machine that the browser comes by would be shown one.
	passHeader = "Openvibez-Pass"
	// passLife is how long a pass is good after it was last used.
	passLife = 12 * time.Hour
	// passRenew is the age at which a page gets a new pass for its old one, passGrace how long the old one is then still
	// good: other tabs may be speaking with it.
	passRenew = time.Hour
	passGrace = 5 * time.Minute
	// passSaved is how far behind the file may be about the last use.
	passSaved = 10 * time.Minute
)

// pass lets one page in. Only what its secret hashes to is kept.
type pass struct {
	Hash    string  `json:"hash"`
	Visitor visitor `json:"visitor"`
	// The port it was made out for: on another one another server may listen.
	Port    int   `json:"port"`
	MadeMS  int64 `json:"made_ms"`
	UsedMS  int64 `json:"used_ms"`
	UntilMS int64 `json:"until_ms,omitempty"` // set once another has taken its place
	// The one whose place it takes, until it is used for the first time.
	After string `json:"after,omitempty"`

	savedMS int64
	streams int
	// Ends when it is taken back.
	life context.Context
	end  context.CancelFunc
}

// passes are kept in a file, so that an open page outlives a restart of the host.
type passes struct {
	path string
	now  func() time.Time
	log  *slog.Logger

	mu  sync.Mutex
	all map[string]*pass
}

func openPasses(path string, log *slog.Logger) (*passes, error) {
	p := &passes{path: path, now: time.Now, log: log, all: map[string]*pass{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the passes of pages: %w", err)
	}
	var kept []*pass
	if err := json.Unmarshal(data, &kept); err != nil {
		// Pages are opened anew.
		log.Warn("read the passes of pages", "error", err)
		return p, nil
	}
	for _, one := range kept {
		one.savedMS = one.UsedMS
		p.take(one)
	}
	return p, nil
}

func (p *passes) take(one *pass) {
	one.life, one.end = context.WithCancel(context.Background())
	p.all[one.Hash] = one
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// issue makes a pass for whoever came with a token.
func (p *passes) issue(port int, v visitor) (secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.make(port, v, "")
}

func (p *passes) make(port int, v visitor, after string) (secret string) {
	secret = rand.Text()
	now := p.now().UnixMilli()
	p.take(&pass{Hash: hashOf(secret), Visitor: v, Port: port, MadeMS: now, UsedMS: now, After: after})
	p.save()
	return secret
}

// verify knows a pass by its secret; nil if it is not good, or no longer.
func (p *passes) verify(port int, secret string) *pass {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.all[hashOf(secret)]
	if one == nil || one.Port != port || !p.good(one) {
		return nil
	}
	now := p.now().UnixMilli()
	one.UsedMS = now
	if old := p.all[one.After]; old != nil && old.UntilMS == 0 {
		old.UntilMS = now + passGrace.Milliseconds()
		one.After, one.savedMS = "", 0
	}
	if now-one.savedMS >= passSaved.Milliseconds() {
		p.save()
	}
	return one
}

func (p *passes) good(one *pass) bool {
	now := p.now().UnixMilli()
	if one.UntilMS != 0 {
		return now < one.UntilMS
	}
	// A page that is open uses its pass, however long nobody has touched it.
	return one.streams > 0 || now < one.UsedMS+passLife.Milliseconds()
}

// renew gives a pass to take the place of one that has become old; "" if it has not.
func (p *passes) renew(one *pass) (secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one.UntilMS != 0 || p.now().UnixMilli() < one.MadeMS+passRenew.Milliseconds() {
		return ""
	}
	return p.make(one.Port, one.Visitor, one.Hash)
}

// hold keeps a pass good while a stream of its page is open.
func (p *passes) hold(one *pass) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one.streams++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		one.streams--
		one.UsedMS = p.now().UnixMilli()
	}
}

// revoke takes all passes back, and ends what is done with them. The error means that they may be good again after a
// restart of the host.
func (p *passes) revoke() (count int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.all {
		if p.good(one) {
			count++
		}
		one.end()
	}
	clear(p.all)
	if err := os.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return count, fmt.Errorf("remove the passes of pages: %w", err)
	}
	return count, nil
}

// save writes down those that are good. Without it pages have to be opened anew after a restart, and that is all.
func (p *passes) save() {
	kept := []*pass{}
	for hash, one := range p.all {
		if !p.good(one) {
			one.end()
			delete(p.all, hash)
			continue
		}
		kept = append(kept, one)
	}
	data, err := json.Marshal(kept)
	if err == nil {
		temp := p.path + ".new"
		if err = os.WriteFile(temp, data, 0o600); err == nil {
			err = os.Rename(temp, p.path)
		}
	}
	if err != nil {
		p.log.Warn("write down the passes of pages", "error", err)
		return
	}
	for _, one := range kept {
		one.savedMS = one.UsedMS
	}
}

func (p *passes) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.save()
}
