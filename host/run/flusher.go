package run

import (
	"context"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

// flushEvery bounds how much streamed text a crash can lose.
const flushEvery = 50 * time.Millisecond

// flusher gathers streamed text and writes it at most once in flushEvery, the first piece at once.
type flusher struct {
	store *store.Store
	runID string

	kind  apiv1.Chunk_Kind
	buf   strings.Builder
	last  time.Time
	timer *time.Timer
}

func (f *flusher) add(kind apiv1.Chunk_Kind, text string) error {
	if kind != f.kind {
		if err := f.flush(); err != nil {
			return err
		}
		f.kind, f.last = kind, time.Time{}
	}
	f.buf.WriteString(text)
	wait := flushEvery - time.Since(f.last)
	if wait <= 0 {
		return f.flush()
	}
	if f.timer == nil {
		f.timer = time.NewTimer(wait)
	}
	return nil
}

// due tells when text has waited long enough; nil while none waits.
func (f *flusher) due() <-chan time.Time {
	if f.timer == nil {
		return nil
	}
	return f.timer.C
}

// flush writes what waits. It does not stop for a cancelled run: text that came is kept.
func (f *flusher) flush() error {
	f.stop()
	if f.buf.Len() == 0 {
		return nil
	}
	text := f.buf.String()
	f.buf.Reset()
	f.last = time.Now()
	return f.store.AppendChunk(context.Background(), f.runID, f.kind, text)
}

func (f *flusher) stop() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}
