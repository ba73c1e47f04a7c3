package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const walBound = 16 << 20

// Under a sustained stream the write-ahead log stays small, though somebody reads all the time and somebody for long.
func TestLogStaysSmallWhileRead(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "go")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		reader <- s.readLong(ctx, func(v view) error {
			var n int
			if err := v.one("SELECT count(*) FROM entries", nil, &n); err != nil {
				return err
			}
			close(begun)
			<-v.ctx.Done()
			return v.ctx.Err()
		})
	}()
	<-begun
	go func() {
		for ctx.Err() == nil {
			_, _ = s.ListEntries(ctx, &apiv1.ListEntriesRequest{SessionId: run.SessionId, Limit: 2})
		}
	}()
	most, written, enough := int64(0), 0, 10<<20
	if raced {
		enough = 2 << 20
	}
	piece := strings.Repeat("words ", 700)
	for written < enough {
		chunk(t, s, run.Id, piece)
		written += len(piece)
		if most = max(most, fileSize(s.path+"-wal")); most > walBound {
			t.Fatalf("the log has %d bytes after %d were written", most, written)
		}
		if written>>19 != (written-len(piece))>>19 {
			// A part ends now and then.
			must[[]*apiv1.Entry](t)(s.Append(t.Context(), run.Id, true, turnEntry()))
		}
	}
	if err := <-reader; !errors.Is(err, errInWay) {
		t.Errorf("who read for long: %v", err)
	}
	t.Logf("at most %d bytes", most)
}
