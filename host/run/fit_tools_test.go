package run

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// A run that reads more than its model's window holds goes on: outputs are shortened, then its own earlier work is
// summarised, and each is said. The message itself always stays.
func TestLongWorkFits(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	if err := b.store.SyncModels(t.Context(), b.id, []*providerv1.Model{
		{Id: "cloud", ContextTokens: 8000, Capabilities: []providerv1.Capability{providerv1.Capability_CAPABILITY_TOOLS}},
	}); err != nil {
		t.Fatal(err)
	}
	lines := []string{`tool read_file {"path":"0.txt"}`}
	const files = 12
	for i := range files {
		b.put(fmt.Sprint(i, ".txt"), strings.Repeat(fmt.Sprintf("line of file %d\n", i), 1200))
		if i > 0 {
			lines = append(lines, "then", "window 8000", fmt.Sprintf(`say %s`, strings.Repeat("considered at length ", 40)), fmt.Sprintf(`tool read_file {"path":"%d.txt"}`, i))
		}
	}
	lines = append(lines, "then", "window 8000", "say all read")
	r := b.wantEnd(b.script("cloud", lines...), completed, noError)
	if got := strings.TrimSpace(b.answer(r)); !strings.HasSuffix(got, "all read") {
		t.Errorf("answer %q", got)
	}
	var notices []string
	whole := 0
	for _, e := range b.entries(r.SessionId) {
		if n := e.GetNotice().GetText(); n != "" {
			notices = append(notices, n)
		}
		if len(e.GetToolOutput().GetResult().GetContent()) > 10000 {
			whole++
		}
	}
	if whole != files {
		t.Errorf("%d of %d outputs are kept whole", whole, files)
	}
	if !slices.ContainsFunc(notices, func(n string) bool { return strings.Contains(n, "shortened") }) {
		t.Errorf("nothing says that outputs are shortened: %q", notices)
	}
	if all := b.summaries(r.SessionId); len(all) == 0 || all[0].FirstSeq <= r.UserSeq {
		t.Errorf("the run's own work is summarised as %v", all)
	}
	if told := b.told(r); !strings.Contains(told, lines[0]) {
		t.Error("the message itself is gone")
	}
	if r.ContextUsed == 0 || r.ContextUsed > r.ContextSize {
		t.Errorf("the window is said to hold %d of %d", r.ContextUsed, r.ContextSize)
	}
}

// A command that was under way when its run was cancelled is told as of unknown outcome, and not run again.
func TestContinueAfterACommand(t *testing.T) {
	b := newWorkBench(t, trusted, scoped)
	r := b.script("cloud", `tool run_shell {"command":"echo once >> ran; sleep 600"}`, "after the tool", "say over")
	if a := waitAsk(b, r, "ran"); a != nil {
		b.decide(a, "once", "")
		waitAsk(b, r, "ran")
	}
	if got, err := b.engine.Cancel(t.Context(), r.Id); err != nil || got.State != cancelled {
		t.Fatalf("cancel: %v, %v", got, err)
	}
	on := b.wantEnd(b.goOn(r, "on"), completed, noError)
	told := b.told(on)
	if !strings.Contains(told, goOnWork) {
		t.Errorf("the model is told:\n%s", told)
	}
	if got := strings.Count(b.get("ran"), "once"); got != 1 {
		t.Errorf("the command ran %d times", got)
	}
}
