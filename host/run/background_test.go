package run

import (
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func (b *bench) leave(session, text string) *apiv1.Run {
	b.Helper()
	res, err := b.engine.Send(b.Context(), &apiv1.SendRequest{
		SessionId: session, ClientRequestId: text + session, Text: text, Provider: "Scripted", Options: &providerv1.Options{Background: true},
	}, nil)
	if err != nil {
		b.Fatalf("send %q: %v", text, err)
	}
	return res.Run
}

func TestBackground(t *testing.T) {
	b := newBench(t)
	for _, handle := range []string{"h", "down"} {
		r := b.wantEnd(b.leave("", "background "+handle), completed, 0)
		if got := b.answer(r); got != "background work "+handle+" is done" {
			t.Errorf("answer %q", got)
		}
		if r.RequestId != "request-of-poll" {
			t.Errorf("reference %q", r.RequestId)
		}
		var kinds []string
		for _, e := range b.entries(r.SessionId) {
			switch e.Body.(type) {
			case *apiv1.Entry_Thought:
				kinds = append(kinds, "thought")
			case *apiv1.Entry_Text:
				kinds = append(kinds, "text")
			case *apiv1.Entry_Usage:
				kinds = append(kinds, "usage")
			case *apiv1.Entry_Turn:
				kinds = append(kinds, "turn")
			}
		}
		if got := strings.Join(kinds, " "); got != "thought text usage turn" {
			t.Errorf("entries %s", got)
		}
		job, err := b.store.Job(t.Context(), r.Id)
		if err != nil || job.EndedMs == 0 || job.Attempts == 0 {
			t.Errorf("job %v, %v", job, err)
		}
	}
}

// The work goes on at the provider while there is no host, and what it brings is there once.
func TestBackgroundOverRestart(t *testing.T) {
	b := newBench(t)
	r := b.leave("", "background never")
	b.until(r.Id, "left and looked at", func(r *apiv1.Run) bool { return r.State == background && r.Status == "working on it" })
	next := b.send(r.SessionId, "say next")
	b.close()
	b.open()
	if got := b.until(r.Id, "looked at again", func(got *apiv1.Run) bool { return got.Rev > next.Run.Rev && got.ResumeMs > 0 }); got.State != background {
		t.Errorf("state %v", got.State)
	}
	if got, err := b.engine.Cancel(t.Context(), r.Id); err != nil || got.State != cancelled {
		t.Errorf("cancelled: %v, %v", got, err)
	}
	p, err := b.store.Provider(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	if summary, err := b.plug.Check(t.Context(), p); err != nil || !strings.Contains(summary, "stopped never") {
		t.Errorf("the work was not stopped at the provider: %q, %v", summary, err)
	}
	b.wantEnd(next.Run, completed, 0)

	again := b.leave("", "background over")
	b.until(again.Id, "left", func(r *apiv1.Run) bool { return r.State == background })
	b.close()
	b.open()
	if got := b.answer(b.wantEnd(again, completed, 0)); got != "background work over is done" {
		t.Errorf("answer %q", got)
	}
}

func TestBackgroundThatFails(t *testing.T) {
	b := newBench(t)
	r := b.wantEnd(b.leave("", "background lost"), failed, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST)
	if !strings.Contains(r.Error.Message, "not known any more") {
		t.Errorf("words %q", r.Error.Message)
	}
	// The run ends when it is cancelled, whatever the provider says; the person is told.
	r = b.leave("", "background stubborn")
	b.until(r.Id, "left", func(r *apiv1.Run) bool { return r.State == background })
	if r, err := b.engine.Cancel(t.Context(), r.Id); err != nil || r.State != cancelled {
		t.Errorf("cancelled: %v, %v", r, err)
	}
	told := false
	for _, e := range b.entries(r.SessionId) {
		told = told || strings.Contains(e.GetNotice().GetText(), "could not be told to stop")
	}
	if !told {
		t.Error("nobody is told that the work may go on")
	}
}
