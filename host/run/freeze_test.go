//go:build unix

package run

import (
	"strings"
	"syscall"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// A frozen plugin does not keep a run from being cancelled, nor other providers from answering.
func TestFrozenPlugin(t *testing.T) {
	b := newBench(t)
	other, err := b.store.AddProvider(t.Context(), &apiv1.Provider{Plugin: "second", Name: "Second"})
	if err != nil {
		t.Fatal(err)
	}
	res := b.send("", "say begun\nslow 100000 10")
	b.textBegun(res.Run)
	thaw := b.freeze("scripted")
	defer thaw()
	elsewhere, err := b.engine.Send(t.Context(), &apiv1.SendRequest{ClientRequestId: "elsewhere", Text: "say unharmed", Provider: other.Id}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.wantEnd(elsewhere.Run, completed, noError)
	waiting := b.send("", "say never heard")
	b.state(waiting.Run.Id, apiv1.RunState_RUN_STATE_RUNNING)
	for _, r := range []*apiv1.Run{res.Run, waiting.Run} {
		if got, err := b.engine.Cancel(t.Context(), r.Id); err != nil || got.State != cancelled {
			t.Errorf("cancel: %v, %v", got, err)
		}
	}
	if !strings.HasPrefix(b.answer(res.Run), "begun") {
		t.Error("the text so far is gone")
	}
}

// freeze stops a plugin's process as it is, and gives what lets it go on.
func (b *bench) freeze(plugin string) (thaw func()) {
	b.Helper()
	for _, p := range b.processes.Plugins(b.Context()) {
		if p.Id != plugin || p.Pid == 0 {
			continue
		}
		if err := syscall.Kill(int(p.Pid), syscall.SIGSTOP); err != nil {
			b.Fatal(err)
		}
		return func() { _ = syscall.Kill(int(p.Pid), syscall.SIGCONT) }
	}
	b.Fatalf("plugin %s does not run", plugin)
	return nil
}
