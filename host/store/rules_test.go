package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func TestWorkspaces(t *testing.T) {
	s := fresh(t)
	base := must[string](t)(filepath.EvalSymlinks(t.TempDir()))
	dir, link := filepath.Join(base, "project"), filepath.Join(base, "link")
	for _, err := range []error{os.Mkdir(dir, 0o755), os.Symlink(dir, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.AddWorkspace(t.Context(), &apiv1.Workspace{Path: "relative"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a relative path: %v", err)
	}
	w := must[*apiv1.Workspace](t)(s.AddWorkspace(t.Context(), &apiv1.Workspace{Path: link}))
	if w.Path != dir || w.Name != "project" || w.Trust != apiv1.Trust_TRUST_UNTRUSTED || w.Problem != "" {
		t.Errorf("added %v", w)
	}
	if _, err := s.AddWorkspace(t.Context(), &apiv1.Workspace{Path: dir}); !errors.Is(err, ErrConflict) {
		t.Errorf("added twice: %v", err)
	}
	trust := func(w *apiv1.Workspace) error {
		w.Trust, w.RunUnknown = apiv1.Trust_TRUST_TRUSTED, true
		return nil
	}
	for _, name := range []string{w.Id, link, "PROJECT"} {
		if got := must[*apiv1.Workspace](t)(s.Workspace(t.Context(), name)); got.Id != w.Id {
			t.Errorf("%s is %v", name, got)
		}
	}
	if got := must[*apiv1.Workspace](t)(s.UpdateWorkspace(t.Context(), w.Id, trust)); got.Trust != apiv1.Trust_TRUST_TRUSTED || !got.RunUnknown {
		t.Errorf("trusted %v", got)
	}

	// Another directory in its place is not trusted, until a person trusts that one.
	for _, err := range []error{os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := must[*apiv1.Workspace](t)(s.Workspace(t.Context(), w.Id))
	if got.Trust != apiv1.Trust_TRUST_UNTRUSTED || got.Problem == "" || got.RunUnknown {
		t.Errorf("replaced %v", got)
	}
	rename := func(w *apiv1.Workspace) error { w.Name = "other"; return nil }
	if got = must[*apiv1.Workspace](t)(s.UpdateWorkspace(t.Context(), w.Id, rename)); got.Trust != apiv1.Trust_TRUST_UNTRUSTED || got.Problem == "" {
		t.Errorf("renamed %v", got)
	}
	if got = must[*apiv1.Workspace](t)(s.UpdateWorkspace(t.Context(), w.Id, trust)); got.Trust != apiv1.Trust_TRUST_TRUSTED || got.Problem != "" {
		t.Errorf("trusted again %v", got)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	all, _, err := s.Workspaces(t.Context())
	if err != nil || len(all) != 1 || all[0].Problem == "" || all[0].Trust != apiv1.Trust_TRUST_UNTRUSTED {
		t.Errorf("gone: %v, %v", all, err)
	}

	session := must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{WorkspaceId: w.Id, AccessMode: apiv1.AccessMode_ACCESS_MODE_ROOT}))
	must[[]*apiv1.Rule](t)(s.AddRules(t.Context(), &apiv1.Rule{WorkspaceId: w.Id, Domain: "example.org"}))
	rev := s.Rev()
	if err := s.RemoveWorkspace(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	if session = must[*apiv1.Session](t)(s.Session(t.Context(), session.Id)); session.WorkspaceId != "" || session.AccessMode != apiv1.AccessMode_ACCESS_MODE_SCOPED {
		t.Errorf("its session is %v", session)
	}
	changes, _, err := s.Changes(t.Context(), ChangesQuery{After: rev})
	var gone []apiv1.Topic
	for _, c := range changes {
		if c.GetTombstone() != nil {
			gone = append(gone, c.GetTombstone().Topic)
		}
	}
	slices.Sort(gone)
	if err != nil || !slices.Equal(gone, []apiv1.Topic{apiv1.Topic_TOPIC_WORKSPACES, apiv1.Topic_TOPIC_RULES}) {
		t.Errorf("gone %v, %v", gone, err)
	}
}

func TestRules(t *testing.T) {
	s := fresh(t)
	w := must[*apiv1.Workspace](t)(s.AddWorkspace(t.Context(), &apiv1.Workspace{Path: t.TempDir()}))
	in := must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{WorkspaceId: w.Id}))
	out := must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{}))
	for _, wrong := range []*apiv1.Rule{{WorkspaceId: w.Id}, {Domain: "a"}, {WorkspaceId: w.Id, Domain: "a", Prefix: []string{"b"}}} {
		if _, err := s.AddRules(t.Context(), wrong); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	rules := must[[]*apiv1.Rule](t)(s.AddRules(t.Context(),
		&apiv1.Rule{WorkspaceId: w.Id, Prefix: []string{"go", "test"}, MadeBy: apiv1.Author_AUTHOR_CLI},
		&apiv1.Rule{WorkspaceId: w.Id, SessionId: in.Id, Prefix: []string{"go", "vet"}},
		&apiv1.Rule{SessionId: out.Id, Prefix: []string{"ls"}},
		&apiv1.Rule{WorkspaceId: w.Id, Domain: "proxy.golang.org"}))
	again := must[[]*apiv1.Rule](t)(s.AddRules(t.Context(), &apiv1.Rule{WorkspaceId: w.Id, Prefix: []string{"go", "test"}, MadeBy: apiv1.Author_AUTHOR_WINDOW}))
	if again[0].Id != rules[0].Id || again[0].MadeBy != apiv1.Author_AUTHOR_CLI {
		t.Errorf("the same again is %v", again)
	}
	ids := func(session *apiv1.Session) (ids []string) {
		for _, r := range must[[]*apiv1.Rule](t)(s.RulesFor(t.Context(), session)) {
			ids = append(ids, r.Id)
		}
		return ids
	}
	if got := ids(in); !slices.Equal(got, []string{rules[0].Id, rules[1].Id, rules[3].Id}) {
		t.Errorf("rules in the workspace %v", got)
	}
	if got := ids(out); !slices.Equal(got, []string{rules[2].Id}) {
		t.Errorf("rules outside %v", got)
	}
	if err := s.UseRules(t.Context(), rules[0].Id, rules[0].Id, "gone"); err != nil {
		t.Fatal(err)
	}
	listed, _, err := s.Rules(t.Context(), w.Id)
	if err != nil || len(listed) != 3 || listed[2].Uses != 2 || listed[2].UsedMs == 0 {
		t.Errorf("listed %v, %v", listed, err)
	}
	if err := s.RevokeRule(t.Context(), rules[0].Id[:10]); err != nil {
		t.Error(err)
	}
	if err := s.RevokeRule(t.Context(), rules[0].Id); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	if err := s.PurgeSession(t.Context(), in.Id); err != nil {
		t.Fatal(err)
	}
	if listed, _, err = s.Rules(t.Context(), ""); err != nil || len(listed) != 2 {
		t.Errorf("after the session: %v, %v", listed, err)
	}
}

func TestUndo(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "edit it")
	change := func(path string) *apiv1.Entry {
		return &apiv1.Entry{Body: &apiv1.Entry_FileChange{FileChange: &apiv1.FileChange{Path: path, Kind: apiv1.FileChange_KIND_CHANGED}}}
	}
	kept := must[[]*apiv1.Entry](t)(s.AppendChanges(t.Context(), run.Id,
		Added{Entry: change("a"), Undo: &Undo{Path: "/w/a", Existed: true, Before: nil, Mode: 0o640, After: []byte{1}}},
		Added{Entry: change("b"), Undo: &Undo{Path: "/w/b", After: []byte{2}}},
		Added{Entry: change("c")}))
	if !kept[0].GetFileChange().Undoable || kept[2].GetFileChange().Undoable {
		t.Errorf("kept %v", kept)
	}
	undos := must[[]Undo](t)(s.Undos(t.Context(), run.Id, 0))
	if len(undos) != 2 || undos[0].Path != "/w/b" || undos[0].Existed || !undos[1].Existed || undos[1].Mode != 0o640 || undos[1].Undone {
		t.Errorf("undos %+v", undos)
	}
	if err := s.SetUndone(t.Context(), run.SessionId, kept[0].Seq); err != nil {
		t.Fatal(err)
	}
	if err := s.SetUndone(t.Context(), run.SessionId, run.UserSeq); !errors.Is(err, ErrNotFound) {
		t.Errorf("undone what was said: %v", err)
	}
	undos = must[[]Undo](t)(s.Undos(t.Context(), run.Id, kept[0].Seq))
	if len(undos) != 1 || !undos[0].Undone {
		t.Errorf("undos %+v", undos)
	}
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}
