//go:build unix

package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// acked is what a killed process had said about a run.
type acked struct {
	run    string
	pieces int
	called bool
	ended  bool
}

func child(t *testing.T, mode, path string) *exec.Cmd {
	t.Helper()
	exe := must[string](t)(os.Executable())
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD="+mode, "STORE_TEST_PATH="+path)
	return cmd
}

func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "killed.db")
	sent := map[string]*acked{}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for round := range 10 {
		streamAndKill(t, path, sent, time.Duration(rnd.IntN(200))*time.Millisecond, round%3 != 2)
		s := openAt(t, path)
		if err := s.CheckInvariants(t.Context()); err != nil {
			t.Fatalf("after kill %d: %v", round, err)
		}
		must[int](t)(s.Recover(t.Context()))
		if err := s.CheckInvariants(t.Context()); err != nil {
			t.Fatalf("after recovery %d: %v", round, err)
		}
		if open := must[[]*apiv1.Run](t)(s.OpenRuns(t.Context())); len(open) > 1 || len(open) == 1 && open[0].State != queued {
			t.Errorf("open after recovery: %v", open)
		} else if len(open) == 1 {
			must[*apiv1.Run](t)(s.RequestCancel(t.Context(), open[0].Id))
		}
		checkAcked(t, s, sent)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(sent) == 0 {
		t.Error("nothing was sent")
	}
}

// streamAndKill kills a process some time after it began to work, or after it was started.
func streamAndKill(t *testing.T, path string, sent map[string]*acked, after time.Duration, working bool) {
	t.Helper()
	cmd := child(t, "stream", path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out := must[io.ReadCloser](t)(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) }
	if !working {
		kill()
	}
	byRun := map[string]*acked{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == 0 && working {
			kill()
		}
		f := strings.Fields(lines.Text())
		switch f[0] {
		case "sent":
			sent[f[1]] = &acked{run: f[2]}
			byRun[f[2]] = sent[f[1]]
		case "text":
			byRun[f[1]].pieces++
		case "call":
			byRun[f[1]].called = true
		case "end":
			byRun[f[1]].ended = true
		}
	}
	_ = cmd.Wait()
	if stderr.Len() > 0 && !strings.Contains(stderr.String(), "under way") {
		t.Fatalf("the process ended by itself: %s", stderr.String())
	}
}

func checkAcked(t *testing.T, s *Store, sent map[string]*acked) {
	t.Helper()
	for id, a := range sent {
		if n := count(t, s, "SELECT count(*) FROM runs WHERE client_request_id = ? AND id = ?", id, a.run); n != 1 {
			t.Errorf("message %s is there %d times", id, n)
			continue
		}
		run := must[*apiv1.Run](t)(s.Run(t.Context(), a.run))
		var text, whole strings.Builder
		calls, outputs := 0, 0
		for _, e := range must[[]*apiv1.Entry](t)(s.History(t.Context(), run.SessionId, run.Id)) {
			if e.RunId != run.Id {
				continue
			}
			text.WriteString(e.GetText().GetText())
			if e.GetToolCall() != nil {
				calls++
			}
			if e.GetToolOutput().GetOutcome() == apiv1.ToolOutput_OUTCOME_UNKNOWN {
				outputs++
			}
		}
		for n := range 30 {
			whole.WriteString(piece(n))
		}
		var least strings.Builder
		for n := range a.pieces {
			least.WriteString(piece(n))
		}
		if !strings.HasPrefix(whole.String(), text.String()) || !strings.HasPrefix(text.String(), least.String()) {
			t.Errorf("run %s: %d pieces were acknowledged, there is %q", run.Id, a.pieces, text.String())
		}
		if a.called && calls != 1 || calls != outputs {
			t.Errorf("run %s: %d calls, %d outputs, acknowledged %v", run.Id, calls, outputs, a.called)
		}
		if a.ended && run.State != completed {
			t.Errorf("run %s ended as completed and is %v", run.Id, run.State)
		}
	}
}

func TestFileLimit(t *testing.T) {
	cmd := child(t, "file limit", filepath.Join(t.TempDir(), "limited.db"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestDiskFull(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "before")
	chunk(t, s, run.Id, "kept ")
	pages := func(n int) {
		t.Helper()
		if _, err := s.writer.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	pages(1)
	_, _, _, err := s.Send(t.Context(), Send{ClientRequestID: "x", Text: strings.Repeat("long ", 100000)})
	wantErr(t, err, ErrDiskFull, "free some space", s.path)
	for n := 0; ; n++ {
		if err := s.AppendChunk(t.Context(), run.Id, apiv1.Chunk_KIND_TEXT, strings.Repeat("x", 5000)); err != nil {
			wantErr(t, err, ErrDiskFull)
			break
		}
		if n > 100 {
			t.Fatal("there is always room")
		}
	}
	pages(1 << 30)
	chunk(t, s, run.Id, "and on")
	if got := brief(journal(t, s, run.SessionId)); !strings.Contains(got, "(kept ") || !strings.HasSuffix(got, "and on)") {
		t.Errorf("journal %.100s", got)
	}
	send(t, s, "", "room again")
}

func TestLogStaysSmall(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "go")
	r := newReader(run.SessionId)
	var largest int64
	for n := range 3000 {
		switch n % 20 {
		case 7:
			must[[]*apiv1.Entry](t)(s.Append(t.Context(), run.Id, false, turnEntry()))
		case 13:
			if err := s.SetStatus(t.Context(), run.Id, fmt.Sprint(n)); err != nil {
				t.Fatal(err)
			}
		default:
			chunk(t, s, run.Id, strings.Repeat("text ", 20))
		}
		if n%50 == 0 {
			r.follow(t, s, 1000)
			largest = max(largest, fileSize(s.path+"-wal"))
		}
	}
	if largest == 0 || largest > 16<<20 {
		t.Errorf("the write-ahead log grew to %d bytes", largest)
	}
}

func TestFailedChangeIsForgotten(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "go")
	chunk(t, s, run.Id, "text")
	boom := errors.New("boom")
	err := s.write(t.Context(), false, func(t *tx) error {
		if _, err := t.openPart(run.Id, apiv1.Chunk_KIND_THOUGHT); err != nil {
			return err
		}
		return boom
	})
	wantErr(t, err, boom)
	wantJournal(t, s, run.SessionId, "1-1:user(go) 2-2:chunk@0(text)")
	if err := s.AppendChunk(t.Context(), run.Id, apiv1.Chunk_KIND_THOUGHT, "thought"); err != nil {
		t.Fatal(err)
	}
	wantJournal(t, s, run.SessionId, "1-1:user(go) 2-2:text(text) 3-3:chunk@0(thought)")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_, _ = s.UpdateSession(t.Context(), run.SessionId, func(*apiv1.Session) error { panic("in the middle") })
	}()
	chunk(t, s, run.Id, "the store goes on")
}

// Pieces of text draw revisions that the counter's row does not know. A host that is killed draws none of them again.
func TestRevisionsOfPiecesOutliveAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := openAt(t, path)
	run := started(t, s, "", "go")
	for range 5 {
		chunk(t, s, run.Id, "piece ")
	}
	rev := s.Rev()
	copied := filepath.Join(t.TempDir(), "db")
	for _, end := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+end, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := openAt(t, copied)
	if got := again.Rev(); got != rev {
		t.Errorf("the revision is %d after the kill, it was %d", got, rev)
	}
	if changes, got, err := again.Changes(t.Context(), ChangesQuery{After: rev, SessionID: run.SessionId}); err != nil || len(changes) != 0 || got != rev {
		t.Errorf("after %d: %v, %d, %v", rev, changes, got, err)
	}
	if changes, got, err := again.Changes(t.Context(), ChangesQuery{After: rev - 2, SessionID: run.SessionId}); err != nil || len(changes) != 2 || got != rev {
		t.Errorf("after %d: %v, %d, %v", rev-2, changes, got, err)
	}
	chunk(t, again, run.Id, "and on")
	must[int](t)(again.Recover(t.Context()))
	if got := texts(journal(t, again, run.SessionId)); got[1] != strings.Repeat("piece ", 5)+"and on" {
		t.Errorf("the text is %q", got[1])
	}
	if again.Rev() <= rev {
		t.Error("the revision went back")
	}
	if err := again.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}
