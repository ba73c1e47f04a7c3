package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	// The host gives a sign of life every ten seconds.
	watchSilence = 35 * time.Second
	watchPause   = 100 * time.Millisecond
)

// ErrOtherJournal says that the host knows less than was watched already: its database is another one now.
var ErrOtherJournal = errors.New("the host has another database now: begin anew")

// Watching is what a client wants to know of a host.
type Watching struct {
	// Request says what, and after which rev; it is kept up to date.
	Request *apiv1.WatchRequest
	// A host that has been away for longer is given up; 0: it is waited for as long as it takes.
	Patience time.Duration
	// Begin is called before each stream, to ask for what is in no journal; may be nil. It may set the rev anew.
	Begin func(ctx context.Context) error
	// Take gets what changed, in order and each change once, until it wants no more.
	Take func(*apiv1.WatchResponse) (more bool, err error)

	seen time.Time
}

// Watch follows what changes until w.Take wants no more or ctx ends. A stream that breaks, or falls silent, is taken up
// again where it was. A host that is given up is an UnreachableError.
func (c *Client) Watch(ctx context.Context, w Watching) error {
	w.seen = time.Now()
	for {
		done, err := c.watchOnce(ctx, &w)
		switch {
		case done:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case w.Patience > 0 && time.Since(w.seen) > w.Patience:
			return &UnreachableError{Err: fmt.Errorf("the host has been away for %s: %w", w.Patience, err)}
		}
		select {
		case <-time.After(watchPause):
		case <-ctx.Done():
		}
	}
}

// watchOnce holds one stream; done means that no other is wanted. Otherwise the error is why the stream broke.
func (c *Client) watchOnce(ctx context.Context, w *Watching) (done bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alive := time.AfterFunc(watchSilence, cancel)
	defer alive.Stop()
	if w.Begin != nil {
		if err := w.Begin(ctx); err != nil {
			return false, err
		}
	}
	stream, err := c.Host.Watch(ctx, w.Request)
	if err != nil {
		return false, err
	}
	defer stream.Close()
	for stream.Receive() {
		alive.Reset(watchSilence)
		w.seen = time.Now()
		res := stream.Msg()
		if res.Rev < w.Request.AfterRev {
			return w.Begin == nil, ErrOtherJournal
		}
		if more, err := w.Take(res); err != nil || !more {
			return true, err
		}
		w.Request.AfterRev = res.Rev
	}
	if err := stream.Err(); err != nil {
		return false, err
	}
	return false, errors.New("the stream ended")
}
