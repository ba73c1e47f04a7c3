// Package consent holds what the page asks for until a person answers it where no page can.
package consent

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/visible"
)

const (
	life = 5 * time.Minute
	// rest is for how long a question that was answered with no is not asked again.
	rest = time.Minute
	// maxSubject is how much of what it is about is shown.
	maxSubject = 1500
)

// Why there is no consent.
var (
	ErrDenied     = errors.New("it was answered with no")
	ErrUnanswered = errors.New("nobody answered within five minutes")
	ErrBusy       = errors.New("another question of the page waits for an answer: answer that first")
	ErrGone       = errors.New("this question waits no more")
)

// Desk keeps the question that is open: at most one, so that a page can't bury a person under them.
type Desk struct {
	life time.Duration
	// Told whenever there is another question, or none; one call at a time.
	changed func(open *apiv1.Consent)

	asking sync.Mutex

	mu     sync.Mutex
	open   *apiv1.Consent
	answer chan bool
	// What was answered with no, and until when that holds.
	denied map[string]time.Time
}

// New makes a Desk that tells changed what is open.
func New(changed func(open *apiv1.Consent)) *Desk {
	return &Desk{life: life, changed: changed, denied: map[string]time.Time{}}
}

// Ask waits for a person's yes; any error means no. text says what is asked and what it means, subject what exactly it is
// about. It ends with ctx: who asks must be there to hear the answer.
func (d *Desk) Ask(ctx context.Context, text, subject string) error {
	if !d.asking.TryLock() {
		return ErrBusy
	}
	defer d.asking.Unlock()
	now := time.Now()
	c := &apiv1.Consent{
		Id: strings.ToLower(rand.Text()[:8]), Text: shown(text), Subject: shown(subject),
		CreatedMs: now.UnixMilli(), ExpiresMs: now.Add(d.life).UnixMilli(),
	}
	said := c.Text + "\n" + c.Subject
	answer := make(chan bool, 1)
	d.mu.Lock()
	if now.Before(d.denied[said]) {
		d.mu.Unlock()
		return ErrDenied
	}
	d.open, d.answer = c, answer
	d.mu.Unlock()
	d.changed(c)
	defer d.changed(nil)
	defer d.close()

	limit := time.NewTimer(d.life)
	defer limit.Stop()
	select {
	case yes := <-answer:
		if yes {
			return nil
		}
		d.deny(said)
		return ErrDenied
	case <-limit.C:
		return ErrUnanswered
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d *Desk) close() {
	d.mu.Lock()
	d.open, d.answer = nil, nil
	d.mu.Unlock()
}

func (d *Desk) deny(said string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for old, until := range d.denied {
		if now.After(until) {
			delete(d.denied, old)
		}
	}
	d.denied[said] = now.Add(rest)
}

// Open is the question that waits; nil: none does.
func (d *Desk) Open() *apiv1.Consent {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		return nil
	}
	return proto.CloneOf(d.open)
}

// Answer gives a person's answer; the first one counts.
func (d *Desk) Answer(id string, allow bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil || d.open.Id != id {
		return ErrGone
	}
	d.answer <- allow
	d.open = nil
	return nil
}

// shown spells out what can't be seen, and cuts what is too long to be read.
func shown(text string) string {
	if text = visible.Text(text); len(text) > maxSubject {
		return strings.ToValidUTF8(text[:maxSubject], "") + " … (there is more)"
	}
	return text
}
