package sdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Silence is how a plugin watches over a service from which nothing comes.
type Silence struct {
	// Name is what people call the service.
	Name string
	// Told is how long nothing may come before a person is told, and Again how often that is looked at anew; 0: 30 seconds,
	// and Told.
	Told, Again time.Duration
	// End is how long nothing may come at all before the wait is given up; 0: for ever.
	End time.Duration
	// Look finds out what the service is busy with; KIND_UNSPECIFIED: nothing to tell. begun says that something came
	// before. Nil: it is told how long nothing has come.
	Look func(ctx context.Context, begun bool, quiet time.Duration) (providerv1.Status_Kind, string)
}

// Watch tells a person why nothing comes, and gives up on a service from which nothing comes for very long.
type Watch struct {
	silence Silence
	stream  *Stream
	cancel  context.CancelCauseFunc
	ended   chan struct{}

	mu    sync.Mutex
	begun bool
	last  time.Time
	// What was told since something came.
	told string
	done bool
}

// WatchSilence begins. The context it gives ends with Stop, or when the wait is given up: then its cause is an [*Error].
func WatchSilence(ctx context.Context, s *Stream, silence Silence) (context.Context, *Watch) {
	silence.Told = cmp.Or(silence.Told, 30*time.Second)
	silence.Again = cmp.Or(silence.Again, silence.Told)
	ctx, cancel := context.WithCancelCause(ctx)
	w := &Watch{silence: silence, stream: s, cancel: cancel, ended: make(chan struct{}), last: time.Now()}
	go w.run(ctx)
	return ctx, w
}

func (w *Watch) run(ctx context.Context) {
	defer close(w.ended)
	look := time.NewTimer(w.silence.Told)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		begun, quiet := w.quiet()
		switch end := w.silence.End; {
		case end > 0 && quiet >= end:
			w.cancel(Errorf(providerv1.ErrorCode_ERROR_CODE_TIMEOUT,
				"%s has sent nothing for %s, so the wait was given up; what came before is kept. Try again.", w.silence.Name, timeWords(end)))
			return
		case quiet < w.silence.Told:
			look.Reset(w.silence.Told - quiet)
			continue
		default:
			kind, text := providerv1.Status_KIND_WAITING, fmt.Sprintf("nothing from %s for %s, still waiting", w.silence.Name, timeWords(quiet))
			if w.silence.Look != nil {
				kind, text = w.silence.Look(ctx, begun, quiet)
			}
			w.tell(ctx, kind, text)
			next := w.silence.Again
			if end > 0 {
				next = min(next, max(end-quiet, time.Millisecond))
			}
			look.Reset(next)
		}
	}
}

func (w *Watch) quiet() (begun bool, quiet time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun, time.Since(w.last)
}

// tell shows a status, unless something came meanwhile; the lock keeps it from coming after the end of the turn.
func (w *Watch) tell(ctx context.Context, kind providerv1.Status_Kind, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done || ctx.Err() != nil || kind == providerv1.Status_KIND_UNSPECIFIED || text == w.told || time.Since(w.last) < w.silence.Told/2 {
		return
	}
	w.told = text
	w.stream.Status(kind, text)
}

// Alive notes that something came.
func (w *Watch) Alive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun, w.last, w.told = true, time.Now(), ""
}

// Over notes whatever is read of an answer's body.
func (w *Watch) Over(body io.ReadCloser) io.ReadCloser { return watchedBody{body, w} }

type watchedBody struct {
	io.ReadCloser
	watch *Watch
}

func (b watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.watch.Alive()
	}
	return n, err
}

// End is called before the turn's end is written: nothing is told after it.
func (w *Watch) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
}

// Stop ends the watch and its context.
func (w *Watch) Stop() {
	w.cancel(nil)
	<-w.ended
}

// Explain puts the words of giving up in the place of those of the request that was broken off for it.
func (w *Watch) Explain(ctx context.Context, err error) error {
	var given *Error
	if err != nil && errors.As(context.Cause(ctx), &given) {
		return given
	}
	return err
}

// timeWords gives a time as people say it.
func timeWords(d time.Duration) string {
	if d = d.Round(time.Second); d >= 2*time.Minute {
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%d seconds", int(d.Seconds()))
}
