package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/e2e/smalldisk"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

// smallHome is an installation on a small disk of its own.
func smallHome(t *testing.T) *home {
	t.Helper()
	h := newHome(t)
	smalldisk.Mount(t, h.dir, 16<<20)
	t.Cleanup(func() { h.cli("stop") })
	return h
}

// sound ends the host and looks through what it leaves.
func sound(t *testing.T, h *home) {
	t.Helper()
	h.must("stop")
	st, err := store.Open(context.Background(), store.Config{Path: filepath.Join(h.dir, "openvibez.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.CheckInvariants(context.Background()); err != nil {
		t.Error(err)
	}
}

// slowly is what the script "slow N" says.
func slowly(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "%03d ", i%1000)
	}
	return s.String()
}

// With no room on the disk the host refuses in words and stays; what streams is kept, and with room all works again.
func TestFullDisk(t *testing.T) {
	h := smallHome(t)
	p := h.start()
	h.must("provider", "add", "scripted")
	h.must("ask", "--provider", "scripted", "say before")
	ctx := t.Context()
	_, runs := h.client()
	sent, err := runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "streaming", Text: "slow 400 10\nsay the end", Provider: "scripted"})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "text", func() bool { return textOf(t, h, sent.Run.Id) != "" })
	filler := smalldisk.Fill(t, h.dir)

	message := strings.Repeat("say many words of one message\n", 20000)
	for range 3 {
		r := h.cliIn(message, "ask", "--provider", "scripted")
		if r.code != 1 || !strings.Contains(r.stderr, "disk full") || !strings.Contains(r.stderr, "free some space") {
			t.Errorf("ask with no room: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
		}
	}
	if _, err := runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "refused", Text: message, Provider: "scripted"}); err == nil {
		t.Error("a message was taken with no room for it")
	}
	if out := h.must("session", "list"); !strings.Contains(out, "slow 400") {
		t.Errorf("with no room the list says\n%s", out)
	}
	wait(t, "the host to hold text", func() bool {
		got, err := runs.GetRun(ctx, &apiv1.GetRunRequest{Id: sent.Run.Id})
		return err == nil && got.Run.EndedMs == 0
	})

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end of the answer", func() bool {
		got, err := runs.GetRun(ctx, &apiv1.GetRunRequest{Id: sent.Run.Id})
		return err == nil && got.Run.State == apiv1.RunState_RUN_STATE_COMPLETED
	})
	if got, want := strings.Join(strings.Fields(textOf(t, h, sent.Run.Id)), " "), slowly(400)+"the end"; got != want {
		t.Errorf("the answer has %d bytes, want %d", len(got), len(want))
	}
	if _, err := runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "refused", Text: "say accepted", Provider: "scripted"}); err != nil {
		t.Errorf("sent again with room: %v", err)
	}
	if out := h.must("ask", "--provider", "scripted", "say after"); !strings.Contains(out, "after") {
		t.Errorf("with room again: %s", out)
	}
	select {
	case <-p.gone:
		t.Error("the host has ended")
	default:
	}
	sound(t, h)
}

// A disk that fails to write is told in words too, and the host outlives it.
func TestDiskError(t *testing.T) {
	h := newHome(t)
	p := h.start()
	h.must("provider", "add", "scripted")
	h.must("ask", "--provider", "scripted", "say before")
	limit := func(bytes uint64) {
		if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(4096)
	if r := h.cli("ask", "--provider", "scripted", "say refused"); r.code != 1 || !strings.Contains(r.stderr, "openvibez.db") || !strings.Contains(r.stderr, "try again") {
		t.Errorf("ask: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	h.must("session", "list")
	limit(unix.RLIM_INFINITY)
	if out := h.must("ask", "--provider", "scripted", "say after"); !strings.Contains(out, "after") {
		t.Errorf("with a good disk again: %s", out)
	}
	sound(t, h)
}

// Of many hosts started at once one serves, and the others hand over to it; when it is killed the next start works.
func TestManyHostsAtOnce(t *testing.T) {
	h := newHome(t)
	for round := range 2 {
		hosts := make([]*host, 8)
		for i := range hosts {
			hosts[i] = h.launch()
		}
		var serves []*host
		wait(t, "all hosts but one to hand over", func() bool {
			serves = nil
			for _, p := range hosts {
				select {
				case <-p.gone:
				default:
					serves = append(serves, p)
				}
			}
			return len(serves) <= 1
		})
		if len(serves) != 1 {
			t.Fatalf("%d hosts serve in round %d", len(serves), round)
		}
		for _, p := range hosts {
			if p != serves[0] && (p.cmd.ProcessState.ExitCode() != 0 || !strings.Contains(p.output(), "running already")) {
				t.Errorf("another host: %v\n%s", p.cmd.ProcessState, p.output())
			}
		}
		if out := h.must("status"); !strings.Contains(out, fmt.Sprint(serves[0].cmd.Process.Pid)) {
			t.Errorf("the status is not that of process %d:\n%s", serves[0].cmd.Process.Pid, out)
		}
		if round == 0 {
			h.must("provider", "add", "scripted")
		}
		h.must("ask", "--provider", "scripted", "say works")
		serves[0].kill()
	}
	h.start()
	h.must("ask", "--provider", "scripted", "say works")
	sound(t, h)
}

// A disk that can't be written is told at the start, with what to do; when it can be, the next start works.
func TestReadOnlyHome(t *testing.T) {
	h := smallHome(t)
	h.start()
	h.must("provider", "add", "scripted")
	h.must("ask", "--provider", "scripted", "say before")
	h.must("stop")
	remount := func(flags uintptr) {
		t.Helper()
		// The host's output is still open for writing until it is gone.
		wait(t, "the disk to be free", func() bool { return unix.Mount("", h.dir, "", unix.MS_REMOUNT|flags, "") == nil })
	}
	remount(unix.MS_RDONLY)
	for _, args := range [][]string{nil, {"ask", "--provider", "scripted", "say refused"}} {
		if r := h.cli(args...); r.code != 1 || !strings.Contains(r.stderr, h.dir) || !strings.Contains(r.stderr, "read-only") || !strings.Contains(r.stderr, "OPENVIBEZ_HOME") {
			t.Errorf("openvibez %q: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	remount(0)
	h.start()
	h.must("ask", "--provider", "scripted", "say after")
	sound(t, h)
}
