package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// watch tells a person that nothing comes, and gives up on a server from which nothing comes for very long.
type watch struct {
	client *client
	stream *sdk.Stream
	cancel context.CancelCauseFunc
	ended  chan struct{}

	mu   sync.Mutex
	last time.Time // when anything came
	done bool
}

// watch begins; the context it gives ends with stop, or when it gives up.
func (p *openAI) watch(ctx context.Context, c *client, s *sdk.Stream) (context.Context, *watch) {
	quiet, silence := cmp.Or(p.quiet, 30*time.Second), cmp.Or(p.silence, 10*time.Minute)
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{client: c, stream: s, cancel: cancel, ended: make(chan struct{}), last: time.Now()}
	go func() {
		defer close(w.ended)
		look := time.NewTimer(quiet)
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			since := w.since()
			switch {
			case since >= silence:
				cancel(sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_TIMEOUT,
					"%s has sent nothing for %s, so the wait was given up; what came before is kept. Try again.", c.name(), words(silence)))
				return
			case since >= quiet:
				w.tell(since)
				look.Reset(min(quiet, silence-since))
			default:
				look.Reset(quiet - since)
			}
		}
	}()
	return ctx, w
}

func (w *watch) since() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.last)
}

// tell shows a status; the lock keeps it from coming after the end of the turn.
func (w *watch) tell(since time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done {
		w.stream.Status(providerv1.Status_KIND_WAITING, fmt.Sprintf("nothing from %s for %s, still waiting", w.client.host, words(since)))
	}
}

// end is called before the turn's end is written.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
}

func (w *watch) stop() {
	w.cancel(nil)
	<-w.ended
}

// explain puts the words of giving up in the place of the cancelled request's.
func (w *watch) explain(ctx context.Context, err error) error {
	var given *sdk.Error
	if err != nil && errors.As(context.Cause(ctx), &given) {
		return given
	}
	return err
}

// over lets the watch see what comes of an answer.
func (w *watch) over(res *http.Response) {
	res.Body = &watchedBody{ReadCloser: res.Body, watch: w}
}

type watchedBody struct {
	io.ReadCloser
	watch *watch
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.watch.mu.Lock()
		b.watch.last = time.Now()
		b.watch.mu.Unlock()
	}
	return n, err
}

// words gives a time as people say it.
func words(d time.Duration) string {
	if d = d.Round(time.Second); d >= 2*time.Minute {
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%d seconds", int(d.Seconds()))
}
