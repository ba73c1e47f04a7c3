package store

import (
	"slices"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestBranchSession(t *testing.T) {
	s := fresh(t)
	_, first, _, err := s.Send(t.Context(), Send{ClientRequestID: "1", Text: "one", SystemPrompt: "be brief", Attachments: []*providerv1.Blob{{Name: "a.txt", Data: []byte("attached")}}})
	if err != nil {
		t.Fatal(err)
	}
	session := first.SessionId
	must[*apiv1.Run](t)(s.StartRun(t.Context(), first.Id))
	chunk(t, s, first.Id, "answer one")
	changed := &apiv1.Entry{Body: &apiv1.Entry_FileChange{FileChange: &apiv1.FileChange{Path: "a", Undoable: true}}}
	must[*apiv1.Run](t)(s.EndRun(t.Context(), first.Id, End{State: completed, Entries: []*apiv1.Entry{changed, usageEntry(3, 4), turnEntry()}}))
	second := started(t, s, session, "two")
	chunk(t, s, second.Id, "answer two")
	must[*apiv1.Run](t)(s.EndRun(t.Context(), second.Id, End{State: completed, Entries: []*apiv1.Entry{usageEntry(3, 4), turnEntry()}}))
	third := started(t, s, session, "three")
	chunk(t, s, third.Id, "still being wri")
	all := journal(t, s, session)
	usage := count(t, s, "SELECT count(*) FROM usage")

	seqOf := func(text string) int64 {
		return all[slices.IndexFunc(all, func(e *apiv1.Entry) bool { return texts([]*apiv1.Entry{e})[0] == text })].Seq
	}
	for _, c := range []struct {
		name   string
		until  int64
		texts  []string
		states []apiv1.RunState
	}{
		{"everything", 0, []string{"one", "answer one", "two", "answer two", "three", "still being wri"}, []apiv1.RunState{completed, completed, interrupted}},
		{"an answer, with the end of its turn", seqOf("answer two"), []string{"one", "answer one", "two", "answer two"}, []apiv1.RunState{completed, completed}},
		{"an answer before a change", seqOf("answer one"), []string{"one", "answer one"}, []apiv1.RunState{interrupted}},
		{"a message", seqOf("two"), []string{"one", "answer one", "two"}, []apiv1.RunState{completed, interrupted}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := kept(t)(s.BranchSession(t.Context(), session, c.until, ""))
			if b.ParentId != session || b.ParentSeq == 0 || b.SystemPrompt != "be brief" || b.Title != "one (branch)" || b.Titled || b.LastSeq != b.ParentSeq {
				t.Errorf("branch %v", b)
			}
			if again := kept(t)(s.BranchSession(t.Context(), b.Id, 0, "")); again.Title != b.Title {
				t.Errorf("a branch of a branch is called %q", again.Title)
			}
			copies := journal(t, s, b.Id)
			if got := slices.DeleteFunc(texts(copies), func(s string) bool { return s == "" }); !slices.Equal(got, c.texts) {
				t.Errorf("entries %q, want %q", got, c.texts)
			}
			if a := copies[0].GetUser().Attachments; len(a) != 1 || string(a[0].Data) != "attached" {
				t.Errorf("attachments %v", a)
			}
			var states []apiv1.RunState
			runs := must[[]*apiv1.Run](t)(s.SessionRuns(t.Context(), b.Id))
			for _, r := range runs {
				states = append(states, r.State)
			}
			if !slices.Equal(states, c.states) {
				t.Errorf("runs are %v, want %v", states, c.states)
			}
			for _, e := range copies {
				if e.GetFileChange().GetUndoable() {
					t.Error("a change can be undone from a copy")
				}
			}
			// The model knows what came before, and the branch goes on by itself.
			next := send(t, s, b.Id, "and now")
			var told []string
			for _, e := range must[[]*apiv1.Entry](t)(s.History(t.Context(), b.Id, next.Id)) {
				told = append(told, texts([]*apiv1.Entry{e})...)
			}
			if told = slices.DeleteFunc(told, func(s string) bool { return s == "" }); !slices.Equal(told, append(c.texts, "and now")) {
				t.Errorf("the model is told %q", told)
			}
		})
	}
	if n := count(t, s, "SELECT count(*) FROM usage"); n != usage {
		t.Errorf("%d usage rows, want %d: copies are not counted", n, usage)
	}
	named := kept(t)(s.BranchSession(t.Context(), session, 1, "mine"))
	if named.Title != "mine" || !named.Titled {
		t.Errorf("named %v", named)
	}
	_, _, err = s.BranchSession(t.Context(), must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{})).Id, 0, "")
	wantErr(t, err, ErrInvalid, "no entry")
	// Replaced runs stay linked.
	_, again, _, err := s.Send(t.Context(), Send{SessionID: session, ClientRequestID: "again", Text: "two, better", ReplacesRunID: second.Id})
	if err != nil {
		t.Fatal(err)
	}
	b := kept(t)(s.BranchSession(t.Context(), session, again.UserSeq, ""))
	runs := must[[]*apiv1.Run](t)(s.SessionRuns(t.Context(), b.Id))
	if last := runs[len(runs)-1]; last.ReplacesRunId != runs[1].Id {
		t.Errorf("the copy replaces %q, want %q", last.ReplacesRunId, runs[1].Id)
	}
}

func TestBranchHasNoRoot(t *testing.T) {
	s := fresh(t)
	run := send(t, s, "", "hello")
	for mode, want := range map[apiv1.AccessMode]apiv1.AccessMode{
		apiv1.AccessMode_ACCESS_MODE_ROOT:      apiv1.AccessMode_ACCESS_MODE_SCOPED,
		apiv1.AccessMode_ACCESS_MODE_READ_ONLY: apiv1.AccessMode_ACCESS_MODE_READ_ONLY,
	} {
		must[*apiv1.Session](t)(s.UpdateSession(t.Context(), run.SessionId, func(p *apiv1.Session) error { p.AccessMode = mode; return nil }))
		if got := kept(t)(s.BranchSession(t.Context(), run.SessionId, 0, "")); got.AccessMode != want {
			t.Errorf("the branch of one that is %v is %v", mode, got.AccessMode)
		}
	}
}

// What commands keep belongs to the first of all branches: whichever goes, those that stay still find it.
func TestBranchesKeepTheirRoot(t *testing.T) {
	for _, goes := range [][]int{{0}, {1}, {0, 1}, {1, 0}, {1, 2}, {2, 1, 0}} {
		s := fresh(t)
		run := send(t, s, "", "hello")
		ids := []string{run.SessionId}
		for range 3 {
			ids = append(ids, kept(t)(s.BranchSession(t.Context(), ids[len(ids)-1], 0, "")).Id)
		}
		for _, i := range goes {
			if _, err := s.DeleteSession(t.Context(), ids[i]); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Root(t.Context(), ids[3]); err != nil || got != ids[0] {
				t.Errorf("%v deleted: the root is %s, want %s (%v)", goes, got, ids[0], err)
			}
			if err := s.PurgeSession(t.Context(), ids[i]); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Root(t.Context(), ids[3]); err != nil || got != ids[0] {
				t.Errorf("%v gone: the root is %s, want %s (%v)", goes, got, ids[0], err)
			}
			if needed, err := s.Referred(t.Context(), ids[0]); err != nil || !needed {
				t.Errorf("%v gone: nobody is said to need what the first one kept (%v)", goes, err)
			}
		}
	}
}
