package run

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

// clocked is an execution of a run that has begun, in a store whose clock is the bubble's.
func clocked(t *testing.T) (*execution, *Engine, *store.Store, context.Context) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "t.db"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	_, r, _, err := st.Send(t.Context(), store.Send{ClientRequestID: "one", Text: "hello", ProviderID: "p", Model: "m", Start: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	e := New(Config{Store: st, Logger: log})
	x := &execution{desk: e.desk, run: r, cancel: cancel, ended: make(chan struct{}), resumed: make(chan struct{}, 1)}
	x.write = &writer{store: st, disk: x.disk}
	return x, e, st, ctx
}

func stateOf(t *testing.T, st *store.Store, id string) apiv1.RunState {
	t.Helper()
	r, err := st.Run(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r.State
}

// A run waits for a limit exactly as long as it was told to, however long that is, and a cancel or the host's end comes
// through at once.
func TestWaitIsExact(t *testing.T) {
	for _, tt := range []struct {
		name string
		stop error
		want error
	}{{"to its end", nil, nil}, {"cancelled", errCancelled, errCancelled}, {"host ends", errClosing, errStays}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, _, st, ctx := clocked(t)
				defer st.Close()
				begun := time.Now()
				done := make(chan error, 1)
				go func() { done <- x.wait(ctx, begun.Add(26*time.Hour), "too many requests") }()
				time.Sleep(25 * time.Hour)
				synctest.Wait()
				if got := stateOf(t, st, x.run.Id); got != apiv1.RunState_RUN_STATE_WAITING_LIMIT {
					t.Fatalf("after 25 hours it is %v", got)
				}
				if tt.stop != nil {
					x.cancel(tt.stop)
				}
				if err := <-done; err != tt.want { //nolint:errorlint // the very one
					t.Errorf("waiting ended with %v, want %v", err, tt.want)
				}
				waited := time.Since(begun)
				if tt.stop == nil && waited != 26*time.Hour || tt.stop != nil && waited != 25*time.Hour {
					t.Errorf("it waited %v", waited)
				}
				want := apiv1.RunState_RUN_STATE_RUNNING
				if tt.stop != nil {
					want = apiv1.RunState_RUN_STATE_WAITING_LIMIT
				}
				if got := stateOf(t, st, x.run.Id); got != want {
					t.Errorf("then it is %v, want %v", got, want)
				}
			})
		})
	}
}

// Pause, resume, cancel and the host's end in every order of two: whichever comes first counts, and nothing hangs.
func TestPauseOrders(t *testing.T) {
	acts := []string{"pause", "resume", "cancel", "close"}
	for _, first := range acts {
		for _, second := range acts {
			t.Run(first+" "+second, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					x, e, st, ctx := clocked(t)
					defer st.Close()
					e.active[x.run.Id] = x
					act := func(name string) {
						switch name {
						case "pause":
							_, _ = e.Pause(context.Background(), x.run.Id)
						case "resume":
							_, _ = e.Resume(context.Background(), x.run.Id)
						case "cancel":
							_, _ = st.RequestCancel(context.Background(), x.run.Id)
							x.cancel(errCancelled)
						case "close":
							x.cancel(errClosing)
						}
					}
					done := make(chan error, 1)
					act(first)
					go func() { done <- x.betweenTurns(ctx) }()
					synctest.Wait()
					act(second)
					synctest.Wait()
					select {
					case <-done:
					default:
						if got := stateOf(t, st, x.run.Id); got != paused {
							t.Errorf("nothing goes on, and it is %v", got)
						}
						x.cancel(errClosing)
						if err := <-done; err != errStays { //nolint:errorlint // the very one
							t.Errorf("the end of the host brings %v", err)
						}
						return
					}
					if got := stateOf(t, st, x.run.Id); got == paused && first != "close" && second != "close" {
						t.Errorf("it goes on, and is %v", got)
					}
				})
			})
		}
	}
}

// Streamed text is written the moment it begins, then at most every 50 ms, and never later than that.
func TestFlusherKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, _, st, _ := clocked(t)
		defer st.Close()
		f := &flusher{write: x.write, runID: x.run.Id}
		defer f.stop()
		kept := func() (text string, pieces int) {
			changes, _, err := st.Changes(t.Context(), store.ChangesQuery{SessionID: x.run.SessionId, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_ENTRIES}})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				if piece := c.GetEntry().GetChunk(); piece != nil {
					text += piece.Text
					pieces++
				}
			}
			return text, pieces
		}
		sent := ""
		for i := range 100 {
			if err := f.add(apiv1.Chunk_KIND_TEXT, "word "); err != nil {
				t.Fatal(err)
			}
			sent += "word "
			if text, _ := kept(); i == 0 && text != "word " {
				t.Error("the first word was not kept at once")
			}
			next := time.After(10 * time.Millisecond)
			for waiting := true; waiting; {
				select {
				case <-next:
					waiting = false
				case <-f.due():
					if err := f.flush(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if text, _ := kept(); len(sent)-len(text) > 5*len("word ") {
				t.Fatalf("%d bytes wait after 50 ms", len(sent)-len(text))
			}
		}
		if err := f.flush(); err != nil {
			t.Fatal(err)
		}
		text, pieces := kept()
		if text != sent || pieces > 100*10/50+2 {
			t.Errorf("%d of %d bytes in %d pieces", len(text), len(sent), pieces)
		}
	})
}
