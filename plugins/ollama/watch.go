package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// firstLook is how long nothing may come before it is said why.
	firstLook = time.Second
	// nextLook is how often that is looked at again.
	nextLook = 2 * time.Second
)

// watch tells a person why nothing comes. Ollama itself says nothing while it loads a model, answers others first, reads
// a long prompt or writes a tool call, and all of that may take minutes.
type watch struct {
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	begun bool      // the answer has begun
	last  time.Time // when the last line came
}

func startWatch(ctx context.Context, c *client, body *chatRequest, s *sdk.Stream) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cancel: cancel, ended: make(chan struct{}), last: time.Now()}
	go func() {
		defer close(w.ended)
		told := providerv1.Status_KIND_UNSPECIFIED
		for wait := firstLook; ; wait = nextLook {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			kind, text := w.look(ctx, c, body)
			if kind != told && ctx.Err() == nil {
				w.tell(kind, text, s)
			}
			told = kind
		}
	}()
	return w
}

// alive notes that a line came.
func (w *watch) alive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun, w.last = true, time.Now()
}

func (w *watch) stop() {
	w.cancel()
	<-w.ended
}

// look finds out what Ollama is busy with; unspecified means that lines are coming.
func (w *watch) look(ctx context.Context, c *client, body *chatRequest) (providerv1.Status_Kind, string) {
	w.mu.Lock()
	begun, quiet := w.begun, time.Since(w.last)
	w.mu.Unlock()
	switch {
	case quiet < firstLook/2, begun && quiet < nextLook:
		return providerv1.Status_KIND_UNSPECIFIED, ""
	case begun && len(body.Tools) > 0:
		return providerv1.Status_KIND_WORKING, "the model is working, perhaps on a tool call"
	case begun:
		return providerv1.Status_KIND_WORKING, "the model is working"
	}
	running, err := c.running(ctx)
	if err == nil && !contains(running, body.Model) {
		return providerv1.Status_KIND_LOADING_MODEL, "loading " + strings.TrimSuffix(body.Model, ":latest") + " into memory"
	}
	return providerv1.Status_KIND_WAITING, "waiting for the model (Ollama is busy or loading it)"
}

// tell shows a status unless the answer went on in the meantime; the lock keeps it from coming after the end.
func (w *watch) tell(kind providerv1.Status_Kind, text string, s *sdk.Stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind != providerv1.Status_KIND_UNSPECIFIED && time.Since(w.last) >= firstLook/2 {
		s.Status(kind, text)
	}
}

func contains(models []listedModel, name string) bool {
	for _, m := range models {
		if strings.TrimSuffix(m.Name, ":latest") == strings.TrimSuffix(name, ":latest") {
			return true
		}
	}
	return false
}
