package egress

import (
	"io"
	"net/http"
	"sync/atomic"

	"golang.org/x/time/rate"

	"github.com/openvibez/openvibez/sdk"
)

const (
	// Requests of one plugin under way at once.
	maxConcurrent = 128
	// Requests a minute, and how many may come at once.
	maxPerMinute = 1200
	maxBurst     = 600
	// A request's body: what fits into one message of the protocol still fits when it is written in base64.
	maxBody = sdk.MaxMessageBytes*4/3 + 8<<20
	// The header of a request or of an answer.
	maxHeaders = 256 << 10
	// Connections of one plugin to its socket.
	maxConnections = 256
)

// Traffic counts what a plugin sends and receives while the host runs, and holds it to its limits. The processes of a
// plugin share it.
type Traffic struct {
	requests, refused, sent, received atomic.Int64

	underWay atomic.Int64
	rate     *rate.Limiter
}

// NewTraffic begins to count.
func NewTraffic() *Traffic {
	return &Traffic{rate: rate.NewLimiter(rate.Limit(maxPerMinute)/60, maxBurst)}
}

// enter takes part in the limits for one request; ok tells whether there is room, and then leave has to follow.
func (t *Traffic) enter() (ok bool) {
	if t.underWay.Add(1) > maxConcurrent || !t.rate.Allow() {
		t.underWay.Add(-1)
		return false
	}
	return true
}

// Counts gives how many requests there were, and how many of them were refused.
func (t *Traffic) Counts() (requests, refused int64) { return t.requests.Load(), t.refused.Load() }

func (t *Traffic) leave() { t.underWay.Add(-1) }

var (
	tooFast = refusal{
		http.StatusTooManyRequests, "too_many_requests",
		"this plugin sends more requests than the host lets one plugin send (1200 a minute, 128 at once); wait a little",
	}
	tooLarge = refusal{
		http.StatusRequestEntityTooLarge, "body_too_large",
		"the request is larger than the host lets a plugin send (93 MiB); shorten the conversation or leave attachments out",
	}
)

// counted counts the bytes that are read through it.
type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n.Add(int64(n))
	return n, err
}
