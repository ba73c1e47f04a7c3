package store

import (
	"slices"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// queueOf gives the ids of the runs that wait, in their order.
func queueOf(t *testing.T, s *Store, session string) (ids []string) {
	t.Helper()
	for _, r := range must[[]*apiv1.Run](t)(s.SessionRuns(t.Context(), session)) {
		if r.State == queued {
			ids = append(ids, r.Id)
		}
	}
	return ids
}

func TestMoveQueued(t *testing.T) {
	s := fresh(t)
	first := started(t, s, "", "one")
	a, b, c := send(t, s, first.SessionId, "a"), send(t, s, first.SessionId, "b"), send(t, s, first.SessionId, "c")
	for _, move := range []struct {
		run, before string
		want        []string
	}{
		{c.Id, a.Id, []string{c.Id, a.Id, b.Id}},
		{c.Id, "", []string{a.Id, b.Id, c.Id}},
		{a.Id, c.Id, []string{b.Id, a.Id, c.Id}},
		{a.Id, a.Id, []string{b.Id, a.Id, c.Id}},
		{a.Id, c.Id, []string{b.Id, a.Id, c.Id}},
	} {
		must[*apiv1.Run](t)(s.MoveQueued(t.Context(), move.run, move.before))
		if got := queueOf(t, s, first.SessionId); !slices.Equal(got, move.want) {
			t.Fatalf("after moving %s before %q: %v, want %v", move.run, move.before, got, move.want)
		}
		if next := must[*apiv1.Run](t)(s.NextQueued(t.Context(), first.SessionId)); next.Id != move.want[0] {
			t.Errorf("next is %s, want %s", next.Id, move.want[0])
		}
	}
	_, err := s.MoveQueued(t.Context(), first.Id, "")
	wantErr(t, err, ErrStarted, "has begun")
	_, err = s.MoveQueued(t.Context(), a.Id, first.Id)
	wantErr(t, err, ErrStarted, "look at the queue again")

	// What a model is told goes by the queue, not by when a message was typed.
	must[*apiv1.Run](t)(s.EndRun(t.Context(), first.Id, End{State: completed}))
	must[*apiv1.Run](t)(s.StartRun(t.Context(), b.Id))
	chunk(t, s, b.Id, "answer to b")
	must[*apiv1.Run](t)(s.EndRun(t.Context(), b.Id, End{State: completed}))
	var told []string
	for _, e := range must[[]*apiv1.Entry](t)(s.History(t.Context(), first.SessionId, a.Id)) {
		told = append(told, e.GetUser().GetText()+e.GetText().GetText())
	}
	if want := []string{"one", "b", "answer to b", "a"}; !slices.Equal(told, want) {
		t.Errorf("the model is told %q, want %q", told, want)
	}
}

func TestMoveQueuedKeepsWhatBelongsTogether(t *testing.T) {
	s := fresh(t)
	a := send(t, s, "", "a")
	_, b, _, err := s.Send(t.Context(), Send{SessionID: a.SessionId, ClientRequestID: "again", Text: "a, better", ReplacesRunID: a.Id})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.MoveQueued(t.Context(), b.Id, a.Id)
	wantErr(t, err, ErrInvalid, "belongs")
	if got := queueOf(t, s, a.SessionId); !slices.Equal(got, []string{a.Id, b.Id}) {
		t.Errorf("the queue is %v", got)
	}
}

func TestEditQueued(t *testing.T) {
	s := fresh(t)
	first := started(t, s, "", "one")
	m := Send{SessionID: first.SessionId, ClientRequestID: "edited later", Text: "thw words"}
	_, run, _, err := s.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	rev := s.Rev()
	must[*apiv1.Run](t)(s.EditQueued(t.Context(), run.Id, "the words", []*providerv1.Blob{{Name: "a.txt", MediaType: "text/plain", Data: []byte("a")}}))
	changes, _, err := s.Changes(t.Context(), ChangesQuery{After: rev, SessionID: first.SessionId, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_ENTRIES}})
	if err != nil || len(changes) != 1 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
	if e := changes[0].GetEntry(); e.Seq != run.UserSeq || e.GetUser().Text != "the words" || len(e.GetUser().Attachments) != 1 {
		t.Errorf("a watcher sees %v", e)
	}
	if _, same, created, err := s.Send(t.Context(), m); err != nil || created || same.Id != run.Id {
		t.Errorf("sent again as it was first: %v %v %v", same, created, err)
	}
	_, err = s.EditQueued(t.Context(), run.Id, "  ", nil)
	wantErr(t, err, ErrInvalid, "empty")
	_, err = s.EditQueued(t.Context(), first.Id, "too late", nil)
	wantErr(t, err, ErrStarted, "has begun")
	must[*apiv1.Run](t)(s.RequestCancel(t.Context(), run.Id))
	_, err = s.EditQueued(t.Context(), run.Id, "too late", nil)
	wantErr(t, err, ErrEnded)
}

func TestPauseContextAndContinue(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "one")
	if r := must[*apiv1.Run](t)(s.RequestPause(t.Context(), run.Id, true)); !r.PauseRequested {
		t.Error("the wish to pause is not kept")
	}
	if err := s.SetContext(t.Context(), run.Id, 900, 1000); err != nil {
		t.Fatal(err)
	}
	r := must[*apiv1.Run](t)(s.Wait(t.Context(), run.Id, paused, time.Time{}, "paused"))
	if r.PauseRequested || r.ContextUsed != 900 || r.ContextSize != 1000 {
		t.Errorf("paused: %v", r)
	}
	must[*apiv1.Run](t)(s.Resume(t.Context(), run.Id))
	must[*apiv1.Run](t)(s.RequestPause(t.Context(), run.Id, true))
	if r = must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: interrupted})); r.PauseRequested {
		t.Error("an ended run is still to pause")
	}
	m := Send{SessionID: run.SessionId, ClientRequestID: "go on", ContinuesRunID: run.Id}
	_, next, _, err := s.Send(t.Context(), m)
	if err != nil || next.ContinuesRunId != run.Id {
		t.Fatalf("continued: %v, %v", next, err)
	}
	m.ContinuesRunID = next.Id
	_, _, _, err = s.Send(t.Context(), m)
	wantErr(t, err, ErrConflict)
	_, _, _, err = s.Send(t.Context(), Send{ClientRequestID: "elsewhere", ContinuesRunID: run.Id})
	wantErr(t, err, ErrInvalid, "another session")
}
