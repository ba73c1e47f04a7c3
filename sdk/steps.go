package sdk

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Login shows the steps of a login. It may be used from many goroutines.
type Login struct {
	mu    sync.Mutex
	send  func(*providerv1.LoginEvent) error
	ended bool
}

// DeviceCode asks the person to enter code at url within the time given; 0 is unknown.
func (l *Login) DeviceCode(url, code string, expires time.Duration) {
	d := &providerv1.DeviceCode{Url: url, Code: code, ExpiresMs: max(0, expires.Milliseconds())}
	_ = l.write(&providerv1.LoginEvent{Event: &providerv1.LoginEvent_DeviceCode{DeviceCode: d}}, false)
}

// Status says what the login waits for.
func (l *Login) Status(text string) {
	_ = l.write(&providerv1.LoginEvent{Event: &providerv1.LoginEvent_Status{Status: text}}, false)
}

func (l *Login) end(done *providerv1.LoginDone, err error) error {
	if err != nil {
		return l.write(&providerv1.LoginEvent{Event: &providerv1.LoginEvent_Error{Error: Classify(err).wire()}}, true)
	}
	return l.write(&providerv1.LoginEvent{Event: &providerv1.LoginEvent_Done{Done: orNew(done)}}, true)
}

func (l *Login) write(ev *providerv1.LoginEvent, end bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil
	}
	l.ended = end
	return l.send(validUTF8(ev))
}

// often is how often a download is reported while its status stays the same.
const often = 100 * time.Millisecond

// pull thins out the reports of a download.
type pull struct {
	mu    sync.Mutex
	send  func(*providerv1.PullProgress) error
	last  *providerv1.PullProgress
	sent  time.Time
	ended bool
}

// report sends p, unless one with the same status was sent just before. What is held back is in a later one, at the
// latest in the last.
func (u *pull) report(p *providerv1.PullProgress) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended || p == nil {
		return
	}
	news := u.last.GetStatus() != p.GetStatus() || time.Since(u.sent) >= often
	u.last = validUTF8(proto.CloneOf(p))
	u.last.Finished = false
	if news {
		u.sent = time.Now()
		_ = u.send(u.last)
	}
}

// finish sends the last report.
func (u *pull) finish() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = true
	last := orNew(proto.CloneOf(u.last))
	last.Finished = true
	return u.send(last)
}
