package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

const (
	// flushEvery bounds how much streamed text a crash can lose.
	flushEvery = 50 * time.Millisecond
	// retryEvery is the pause where the disk takes nothing.
	retryEvery = time.Second
	// maxHeld is how much text is held for a disk that takes nothing, in bytes.
	maxHeld = 16 << 20
)

// flusher gathers streamed text and writes it at most once in flushEvery, the first piece at once. What the disk does not
// take is held, and tried again until it is written or the run's end takes it.
type flusher struct {
	write *writer
	runID string

	kind  apiv1.Chunk_Kind
	buf   strings.Builder
	last  time.Time
	timer *time.Timer

	// What could not be written yet, oldest first, and why.
	held    []store.Piece
	size    int
	trouble error
}

func (f *flusher) add(kind apiv1.Chunk_Kind, text string) error {
	if kind != f.kind {
		if err := f.flush(); err != nil {
			return err
		}
		if f.kind = kind; f.trouble == nil {
			f.last = time.Time{}
		}
	}
	f.buf.WriteString(text)
	pause := flushEvery
	if f.trouble != nil {
		pause = retryEvery
	}
	wait := pause - time.Since(f.last)
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

// flush writes what waits. It does not stop for a cancelled run: text that came is kept. What the disk does not take is no
// error as long as it can be held.
func (f *flusher) flush() error {
	f.stop()
	f.hold()
	if len(f.held) == 0 {
		return nil
	}
	f.last = time.Now()
	for len(f.held) > 0 {
		p := f.held[0]
		err := f.write.once(func(st *store.Store) error { return st.AppendChunk(context.Background(), f.runID, p.Kind, p.Text) })
		if store.Passing(err) {
			f.trouble = err
			f.write.disk(err)
			if f.size > maxHeld {
				return fmt.Errorf("hold more than %d MB of the answer: %w", maxHeld>>20, err)
			}
			f.timer = time.NewTimer(retryEvery)
			return nil
		}
		if err != nil {
			return err
		}
		f.held, f.size = f.held[1:], f.size-len(p.Text)
		if f.trouble != nil {
			f.trouble = nil
			f.write.disk(nil)
		}
	}
	return nil
}

// settle is flush for what must be written before something else is.
func (f *flusher) settle() error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.trouble
}

// hold moves the text that came last to what is to be written.
func (f *flusher) hold() {
	text := f.buf.String()
	f.buf.Reset()
	if text == "" {
		return
	}
	f.size += len(text)
	if n := len(f.held); n > 0 && f.held[n-1].Kind == f.kind {
		f.held[n-1].Text += text
		return
	}
	f.held = append(f.held, store.Piece{Kind: f.kind, Text: text})
}

func (f *flusher) stop() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}
