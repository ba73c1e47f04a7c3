package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/sdk/sdktest"
)

// TestAcceptance holds the acceptance criteria that the predecessor of this program set itself, a line each.
func TestAcceptance(t *testing.T) {
	t.Run("integration tests for send cancel retry races", acceptRaces)
	t.Run("restart recovery mid-stream crash", acceptRecovery)
	t.Run("provider contract ordering and finalization", acceptContract)
	t.Run("security scoped vs root and trust levels", acceptSecurity)
	t.Run("regression of timeline rendering", acceptTimeline)
}

// Many clients send the same messages, cancel and retry them, all at once: each message is there once, each run has one
// end.
func acceptRaces(t *testing.T) {
	h := newHome(t)
	h.start()
	h.must("provider", "add", "scripted")
	ctx := t.Context()
	_, runs := h.client()
	const clients, messages = 12, 4
	ids := make([][clients]string, messages)
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			_, runs := h.client()
			for m := range messages {
				sent, err := runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: fmt.Sprint("message-", m), Text: "say begun\nslow 40 5", Provider: "scripted"})
				if err != nil {
					t.Error(err)
					return
				}
				ids[m][c] = sent.Run.Id
				if _, err := runs.Cancel(ctx, &apiv1.CancelRequest{RunId: sent.Run.Id}); err != nil {
					t.Error(err)
				}
				if _, err := runs.Retry(ctx, &apiv1.RetryRequest{RunId: sent.Run.Id, ClientRequestId: fmt.Sprint("retry-", m)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for m := range messages {
		for _, id := range ids[m] {
			if id != ids[m][0] {
				t.Fatalf("message %d became the runs %s and %s", m, ids[m][0], id)
			}
		}
		first, err := runs.GetRun(ctx, &apiv1.GetRunRequest{Id: ids[m][0], WithEntries: true})
		if err != nil {
			t.Fatal(err)
		}
		if first.Run.EndedMs == 0 || first.Entries[0].GetUser().GetText() != "say begun\nslow 40 5" {
			t.Errorf("message %d: %v", m, first)
		}
		var list *apiv1.ListRunsResponse
		wait(t, "the retry to end", func() bool {
			if list, err = runs.ListRuns(ctx, &apiv1.ListRunsRequest{SessionId: first.Run.SessionId}); err != nil {
				t.Fatal(err)
			}
			return len(list.Runs) == 2 && list.Runs[1].EndedMs != 0
		})
		if r := list.Runs[1]; r.ReplacesRunId != first.Run.Id || r.State != apiv1.RunState_RUN_STATE_COMPLETED {
			t.Errorf("the retry of message %d: %v", m, r)
		}
	}
}

// Killed in mid-stream, the host has everything that a client had seen when it comes back; the answer can be gone on
// with and asked for again.
func acceptRecovery(t *testing.T) {
	h := newHome(t)
	p := h.start()
	h.must("provider", "add", "scripted")
	ctx := t.Context()
	_, runs := h.client()
	sent, err := runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "one", Text: "slow 100000 5", Provider: "scripted"})
	if err != nil {
		t.Fatal(err)
	}
	queued, err := runs.Send(ctx, &apiv1.SendRequest{SessionId: sent.Session.Id, ClientRequestId: "two", Text: "say queued"})
	if err != nil {
		t.Fatal(err)
	}
	seen := ""
	wait(t, "text", func() bool {
		seen = textOf(t, h, sent.Run.Id)
		return len(seen) > 200
	})
	p.kill()
	h.start()
	_, runs = h.client()
	got, err := runs.GetRun(ctx, &apiv1.GetRunRequest{Id: sent.Run.Id})
	if err != nil || got.Run.State != apiv1.RunState_RUN_STATE_INTERRUPTED || got.Run.Error.GetMessage() == "" {
		t.Fatalf("after the crash: %v, %v", got, err)
	}
	if kept := textOf(t, h, sent.Run.Id); !strings.HasPrefix(kept, seen) {
		t.Errorf("seen before the crash: %d bytes; kept: %d", len(seen), len(kept))
	}
	again, err := runs.Send(ctx, &apiv1.SendRequest{SessionId: sent.Session.Id, ClientRequestId: "two", Text: "say queued"})
	if err != nil || again.Run.Id != queued.Run.Id {
		t.Errorf("the queued message sent again: %v, %v", again, err)
	}
	ended := func(id string) *apiv1.Run {
		var r *apiv1.Run
		wait(t, "the end of a run", func() bool {
			got, err := runs.GetRun(ctx, &apiv1.GetRunRequest{Id: id})
			if err != nil {
				t.Fatal(err)
			}
			r = got.Run
			return r.EndedMs != 0
		})
		return r
	}
	if r := ended(queued.Run.Id); r.State != apiv1.RunState_RUN_STATE_COMPLETED {
		t.Errorf("the queued message ended as %v", r.State)
	}
	on, err := runs.Continue(ctx, &apiv1.ContinueRequest{RunId: sent.Run.Id, ClientRequestId: "on"})
	if err != nil {
		t.Fatal(err)
	}
	if r := ended(on.Run.Id); r.State != apiv1.RunState_RUN_STATE_COMPLETED || r.ContinuesRunId != sent.Run.Id {
		t.Errorf("the continuation: %v", r)
	}
	retry, err := runs.Retry(ctx, &apiv1.RetryRequest{RunId: queued.Run.Id, ClientRequestId: "retry"})
	if err != nil {
		t.Fatal(err)
	}
	if r := ended(retry.Run.Id); r.State != apiv1.RunState_RUN_STATE_COMPLETED || r.ReplacesRunId != queued.Run.Id {
		t.Errorf("the retry: %v", r)
	}
}

// textOf is the text of a run's answer so far.
func textOf(t *testing.T, h *home, id string) (text string) {
	t.Helper()
	_, runs := h.client()
	res, err := runs.GetRun(context.Background(), &apiv1.GetRunRequest{Id: id, WithEntries: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range res.Entries {
		text += e.GetText().GetText() + e.GetChunk().GetText()
	}
	return text
}

// Every plugin passes the contract in its own tests; here the built programs do.
func acceptContract(t *testing.T) {
	sdktest.Run(t, sdktest.Config{Command: []string{filepath.Join(bin, "openvibez-provider-demo")}, Prompts: []string{"Hello!"}})
}

// The lines that slipped through the predecessor's policy, and what must never pass.
func acceptSecurity(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		trust   policy.Trust
		access  policy.Access
		command string
		want    policy.Verdict
	}{
		{policy.TrustTrusted, policy.AccessReadOnly, "ls", policy.Allow},
		{policy.TrustUntrusted, policy.AccessReadOnly, "find . -delete", policy.Deny},
		{policy.TrustUntrusted, policy.AccessReadOnly, "rm -rf ~", policy.Deny},
		{policy.TrustUntrusted, policy.AccessReadOnly, `python3 -c "print(1)"`, policy.Deny},
		{policy.TrustUntrusted, policy.AccessScoped, "touch a", policy.Ask},
		{policy.TrustUntrusted, policy.AccessRoot, "ls", policy.Deny},
		{policy.TrustUntrusted, policy.AccessRoot, "touch a", policy.Deny},
		{policy.TrustReadOnly, policy.AccessRoot, "touch a", policy.Deny},
		{policy.TrustTrusted, policy.AccessScoped, "touch a", policy.Allow},
		{policy.TrustTrusted, policy.AccessScoped, "rm -rf ~", policy.Ask},
		{policy.TrustTrusted, policy.AccessRoot, "curl https://example.org", policy.Ask},
	} {
		d := policy.Decide(policy.Request{Command: tt.command, Dir: dir, Place: policy.Place{
			Root: dir, Trust: tt.trust, Access: tt.access, Level: policy.LevelFull,
		}})
		if d.Verdict != tt.want {
			t.Errorf("%v in a %v workspace, %v: %v (%s), want %v", tt.command, tt.trust, tt.access, d.Verdict, d.Reason, tt.want)
		}
		if _, granted := d.Grant(); granted != (d.Verdict == policy.Allow) {
			t.Errorf("%v: a grant without being allowed", tt.command)
		}
	}
}

// The page's own tests of how a journal becomes what is shown.
func acceptTimeline(t *testing.T) {
	npx, err := exec.LookPath("npx")
	need(t, err == nil, "npx: install Node 20.19 or newer")
	_, err = os.Stat("../ui/node_modules/vitest")
	need(t, err == nil, "vitest: run `npm ci` in ui")
	cmd := exec.CommandContext(t.Context(), npx, "vitest", "run", "src/state/journal.test.ts", "src/state/rows.test.ts", "src/state/versions.test.ts")
	cmd.Dir = "../ui"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
