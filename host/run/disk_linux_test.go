package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openvibez/openvibez/e2e/smalldisk"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/store"
)

// diskBench is a bench whose database is on a small disk of its own.
type diskBench struct {
	*bench
	filler string

	mu  sync.Mutex
	log bytes.Buffer
}

func (b *diskBench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

// logged waits for words in the engine's log.
func (b *diskBench) logged(words string) {
	b.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b.mu.Lock()
		found := strings.Contains(b.log.String(), words)
		b.mu.Unlock()
		if found {
			return
		}
	}
	b.Fatalf("waited a minute for %q in the log:\n%s", words, b.log.String())
}

func newDiskBench(t *testing.T) *diskBench { return newDiskBenchOf(t, 8<<20) }

func newDiskBenchOf(t *testing.T, size int) *diskBench {
	t.Helper()
	dir, err := os.MkdirTemp("", "ovr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	smalldisk.Mount(t, dir, size)
	b := &diskBench{bench: &bench{T: t, dir: dir}, filler: filepath.Join(dir, "filler")}
	if b.store, err = store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "openvibez.db")}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(b, nil))
	none := func(string) string { return "" }
	b.processes = plugin.New(plugin.Config{
		PluginDirs: []string{plugins}, RuntimeDir: filepath.Join(dir, "run"), Logger: log, Getenv: none,
	})
	b.plug = provider.New(provider.Config{Plugins: b.processes, Book: b.store, Logger: log, Getenv: none})
	b.engine = New(Config{Store: b.store, Providers: b.plug, Logger: log})
	if err := b.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close() })
	p, err := b.store.AddProvider(t.Context(), &apiv1.Provider{Plugin: "scripted", Name: "Scripted"})
	if err != nil {
		t.Fatal(err)
	}
	b.id = p.Id
	return b
}

// fill leaves no room on the disk.
func (b *diskBench) fill() {
	b.Helper()
	b.filler = smalldisk.Fill(b.T, b.dir)
}

func (b *diskBench) free() {
	b.Helper()
	if err := os.Remove(b.filler); err != nil {
		b.Fatal(err)
	}
}

// deltas is what the script's "slow N" and "text N" say.
func deltas(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "%03d ", i%1000)
	}
	return s.String()
}

const (
	holds = "what comes is held and tried again"
	again = "can be written again"
	stuck = "end run; it is tried again"
)

// hasNotice wants a notice with these words in a run's journal.
func (b *diskBench) hasNotice(r *apiv1.Run, words string) {
	b.Helper()
	for _, e := range b.entries(r.SessionId) {
		if strings.Contains(e.GetNotice().GetText(), words) {
			return
		}
	}
	b.Errorf("no notice says %q", words)
}

// An answer outlives a disk that is full for a while: it goes on where it was, each byte of it kept once.
func TestAnswerOutlivesFullDisk(t *testing.T) {
	b := newDiskBench(t)
	r := b.send("", "slow 300 10\nthought a thought\nraw between \ntool nothing {}\nthen\nsay the end").Run
	b.textBegun(r)
	b.fill()
	b.logged(holds)
	b.free()
	b.logged(again)
	r = b.wantEnd(r, completed, noError)
	if got, want := b.answer(r), deltas(300)+"betweenthe end\n"; got != want {
		t.Errorf("the answer has %d bytes, want %d, and ends with %q", len(got), len(want), got[max(len(got)-40, 0):])
	}
	b.hasNotice(r, "the disk is full")
	if r.Status != "" {
		t.Errorf("the status is still %q", r.Status)
	}
}

// An answer that ends while the disk is full is written with its end.
func TestAnswerEndsOnFullDisk(t *testing.T) {
	b := newDiskBench(t)
	r := b.send("", "reference one two\nslow 200 20\nthought done\ntext 50000\nusage 7 8").Run
	b.textBegun(r)
	b.fill()
	b.logged(stuck)
	if got, err := b.store.Run(t.Context(), r.Id); err != nil || got.EndedMs != 0 {
		t.Errorf("%v %v", got, err)
	}
	_, err := b.engine.Send(t.Context(), &apiv1.SendRequest{ClientRequestId: "refused", Text: strings.Repeat("say hello\n", 10000), Provider: "Scripted"}, nil)
	if !errors.Is(err, store.ErrDiskFull) || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("sent with no room: %v", err)
	}
	b.free()
	r = b.wantEnd(r, completed, noError)
	if got, want := b.answer(r), deltas(200)+deltas(50000); got != want {
		t.Errorf("the answer has %d bytes, want %d", len(got), len(want))
	}
	b.hasNotice(r, "the disk took nothing")
	if r.RequestId != "one" || r.ResponseId != "two" {
		t.Errorf("called %q %q by the provider", r.RequestId, r.ResponseId)
	}
	b.wantEnd(b.send(r.SessionId, "say works").Run, completed, noError)
	if n, err := b.store.SessionRuns(context.Background(), r.SessionId); err != nil || len(n) != 2 {
		t.Errorf("%d runs, %v", len(n), err)
	}
}

// A run can be cancelled with no room to say so; what it had said is kept.
func TestCancelOnFullDisk(t *testing.T) {
	b := newDiskBench(t)
	r := b.send("", "slow 300 20\nhang").Run
	b.textBegun(r)
	b.fill()
	b.logged(holds)
	if _, err := b.engine.Cancel(t.Context(), r.Id); !errors.Is(err, store.ErrDiskFull) {
		t.Errorf("cancelled with no room: %v", err)
	}
	b.logged(stuck)
	b.free()
	r = b.wantEnd(r, cancelled, noError)
	if got := b.answer(r); got == "" || !strings.HasPrefix(deltas(300), got) {
		t.Errorf("the answer is %q", got)
	}
}

// A run that waits for a limit goes on though the disk is full as its wait ends.
func TestWaitEndsOnFullDisk(t *testing.T) {
	b := newDiskBench(t)
	r := b.send("", "once error rate_limited 1500\nsay the end").Run
	b.state(r.Id, apiv1.RunState_RUN_STATE_WAITING_LIMIT)
	b.fill()
	b.logged(holds)
	b.state(r.Id, apiv1.RunState_RUN_STATE_WAITING_LIMIT)
	b.free()
	r = b.wantEnd(r, completed, noError)
	if got := b.answer(r); got != "the end\n" {
		t.Errorf("the answer is %q", got)
	}
	b.hasNotice(r, "the disk is full")
}

// Nobody answers a question while the disk is full: that counts as a no once it can be written, and the run goes on.
func TestQuestionTimesOutOnFullDisk(t *testing.T) {
	b := newDiskBench(t)
	w := &workBench{bench: b.bench, root: t.TempDir()}
	log := slog.New(slog.NewTextHandler(b, nil))
	if err := b.engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.equipFor(log)
	ws, err := b.store.AddWorkspace(t.Context(), &apiv1.Workspace{Path: w.root, Trust: untrusted})
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.store.CreateSession(t.Context(), &apiv1.Session{WorkspaceId: ws.Id, AccessMode: scoped})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.SetSetting(t.Context(), "tools.approval_minutes", "0.03"); err != nil {
		t.Fatal(err)
	}
	r := w.sendTo("cloud", s.Id, edit("a", "1")+"\nthen\nsay the end")
	w.asked(r, 1)
	b.fill()
	b.logged(holds)
	b.free()
	r = b.wantEnd(r, completed, noError)
	if outs := w.outputs(r); len(outs) != 1 || outs[0].Outcome != apiv1.ToolOutput_OUTCOME_UNANSWERED {
		t.Errorf("outputs %v", outs)
	}
}

// A conversation whose run can't end, since the disk is full, can be deleted: that is what makes room.
func TestDeleteOnFullDisk(t *testing.T) {
	// Large enough for the store to keep some of it for deleting.
	b := newDiskBenchOf(t, 48<<20)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go b.store.Keep(ctx)
	for _, err := os.Stat(filepath.Join(b.dir, "openvibez.db.reserve")); err != nil; _, err = os.Stat(filepath.Join(b.dir, "openvibez.db.reserve")) {
		time.Sleep(5 * time.Millisecond)
	}
	r := b.send("", "slow 300 20\nhang").Run
	b.textBegun(r)
	b.fill()
	b.logged(holds)
	if _, err := b.engine.DeleteSession(t.Context(), r.SessionId, true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Session(t.Context(), r.SessionId); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the session is there: %v", err)
	}
	if err := b.wait(); err != nil {
		t.Error(err)
	}
	b.free()
}
