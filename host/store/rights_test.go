package store

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	root   = apiv1.AccessMode_ACCESS_MODE_ROOT
	scoped = apiv1.AccessMode_ACCESS_MODE_SCOPED
)

// claims is an export whose session claims all that a file could claim: rights in a workspace of here, root, another
// session's files, an allowed question that still waits, a provider's own state, a change that can be undone.
func claims(t *testing.T, s *Store) (session, text string, w *apiv1.Workspace) {
	t.Helper()
	w = must[*apiv1.Workspace](t)(s.AddWorkspace(t.Context(), &apiv1.Workspace{Path: t.TempDir(), Trust: apiv1.Trust_TRUST_TRUSTED}))
	session = rich(t, s)
	must[[]*apiv1.Rule](t)(s.AddRules(t.Context(), &apiv1.Rule{WorkspaceId: w.Id, Prefix: []string{"make"}}))
	text = export(t, s, session)
	text = strings.Replace(text, `"systemPrompt"`, `"accessMode":"ACCESS_MODE_ROOT","workspaceId":"`+w.Id+`","parentId":"`+session+`","parentSeq":"1","systemPrompt"`, 1)
	text = regexp.MustCompile(`"accessMode":"ACCESS_MODE_SCOPED",?`).ReplaceAllString(text, "")
	text = strings.Replace(text, `"diff":`, `"undoable":true,"diff":`, 1)
	if n := strings.Count(text, "ACCESS_MODE_ROOT") + strings.Count(text, "undoable") + strings.Count(text, "providerState"); n != 3 {
		t.Fatalf("the file claims %d things:\n%s", n, text)
	}
	return session, text, w
}

// A file gives no rights, whatever it claims, and what was taken out of it is said.
func TestRightsDoNotTravelInAFile(t *testing.T) {
	s := fresh(t)
	session, text, w := claims(t, s)
	if err := s.PurgeSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	done, err := s.Import(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got := done.Session
	if got.AccessMode != scoped || got.WorkspaceId != "" || got.ParentId != "" || got.ParentSeq != 0 {
		t.Errorf("imported with rights: %v", got)
	}
	want := []apiv1.Right{apiv1.Right_RIGHT_ROOT, apiv1.Right_RIGHT_WORKSPACE, apiv1.Right_RIGHT_PARENT, apiv1.Right_RIGHT_PROVIDER_STATE}
	if !slices.Equal(done.TakenAway, want) {
		t.Errorf("taken away: %v", done.TakenAway)
	}
	if rules := must[[]*apiv1.Rule](t)(s.RulesFor(t.Context(), got)); len(rules) != 0 {
		t.Errorf("rules of %s hold: %v", w.Name, rules)
	}
	for _, e := range must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: session, Limit: 1000})).Entries {
		if e.GetFileChange().GetUndoable() || len(e.GetTurn().GetProviderState()) > 0 {
			t.Errorf("entry %v", e)
		}
	}
	// What is exported from here claims nothing any more.
	if again, err := fresh(t).Import(t.Context(), strings.NewReader(export(t, s, session))); err != nil || len(again.TakenAway) != 0 {
		t.Errorf("the second time: %v, %v", again, err)
	}
}

// What is no access that is known here is not more than scoped; less stays less.
func TestAccessInAFile(t *testing.T) {
	for claimed, want := range map[string]apiv1.AccessMode{
		`"ACCESS_MODE_READ_ONLY"`: apiv1.AccessMode_ACCESS_MODE_READ_ONLY, `"ACCESS_MODE_SCOPED"`: scoped,
		`"ACCESS_MODE_ROOT"`: scoped, "3": scoped, "7": scoped, "-1": scoped,
	} {
		s := fresh(t)
		text := strings.Replace(export(t, s, rich(t, s)), `"ACCESS_MODE_SCOPED"`, claimed, 1)
		done, err := fresh(t).Import(t.Context(), strings.NewReader(text))
		if err != nil || done.Session.AccessMode != want {
			t.Errorf("%s: %v, %v", claimed, done, err)
		}
	}
}

// The files of a session that is gone belong to its branches: who brings its export gets others.
func TestImportSharesNoFilesWithBranches(t *testing.T) {
	s := fresh(t)
	session := rich(t, s)
	text := export(t, s, session)
	kept(t)(s.BranchSession(t.Context(), session, 0, ""))
	if err := s.PurgeSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	done, err := s.Import(t.Context(), strings.NewReader(text))
	if err != nil || !done.Created || done.Session.Id == session {
		t.Errorf("%v, %v", done, err)
	}
}

// Whoever deletes and restores, branches or brings a file of a deleted session ends up without root.
func TestCopiesHaveNoRoot(t *testing.T) {
	for name, again := range map[string]func(*testing.T, *Store, string) (*apiv1.Session, []apiv1.Right, error){
		"restored": func(t *testing.T, s *Store, id string) (*apiv1.Session, []apiv1.Right, error) {
			must[time.Time](t)(s.DeleteSession(t.Context(), id))
			return s.RestoreSession(t.Context(), id)
		},
		"restored as the last": func(t *testing.T, s *Store, id string) (*apiv1.Session, []apiv1.Right, error) {
			must[time.Time](t)(s.DeleteSession(t.Context(), id))
			return s.RestoreSession(t.Context(), "")
		},
		"branched": func(t *testing.T, s *Store, id string) (*apiv1.Session, []apiv1.Right, error) {
			return s.BranchSession(t.Context(), id, 0, "")
		},
		"imported while deleted": func(t *testing.T, s *Store, id string) (*apiv1.Session, []apiv1.Right, error) {
			text := export(t, s, id)
			must[time.Time](t)(s.DeleteSession(t.Context(), id))
			done, err := s.Import(t.Context(), strings.NewReader(text))
			if err != nil {
				return nil, nil, err
			}
			return done.Session, done.TakenAway, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			w := must[*apiv1.Workspace](t)(s.AddWorkspace(t.Context(), &apiv1.Workspace{Path: t.TempDir(), Trust: apiv1.Trust_TRUST_TRUSTED}))
			id := rich(t, s)
			must[*apiv1.Session](t)(s.UpdateSession(t.Context(), id, func(p *apiv1.Session) error {
				p.WorkspaceId, p.AccessMode = w.Id, root
				return nil
			}))
			got, taken, err := again(t, s, id)
			if err != nil || got.AccessMode != scoped || !slices.Equal(taken, []apiv1.Right{apiv1.Right_RIGHT_ROOT}) {
				t.Errorf("%v, %v, %v", got, taken, err)
			}
		})
	}
}

// A whole database brings its rights along, so it is said which.
func TestRightsInABackup(t *testing.T) {
	s := fresh(t)
	file := filepath.Join(t.TempDir(), "b.db")
	rights := func() *BackupRights {
		t.Helper()
		_ = os.Remove(file)
		if _, _, err := s.Backup(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		return must[*BackupRights](t)(RightsIn(t.Context(), file))
	}
	if r := rights(); r.Any() {
		t.Errorf("an empty database allows %+v", r)
	}
	dir := t.TempDir()
	w := must[*apiv1.Workspace](t)(s.AddWorkspace(t.Context(), &apiv1.Workspace{Path: dir, Trust: apiv1.Trust_TRUST_TRUSTED, RunUnknown: true}))
	must[[]*apiv1.Rule](t)(s.AddRules(t.Context(), &apiv1.Rule{WorkspaceId: w.Id, Domain: "example.org"}))
	must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{WorkspaceId: w.Id, AccessMode: root}))
	must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "openai", Name: "A", KeySource: "command:pass show openai"}))
	must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "openai", Name: "B", KeySource: "env:OPENAI_API_KEY"}))
	r := rights()
	if !slices.Equal(r.Trusted, []string{w.Path}) || !slices.Equal(r.Unknown, r.Trusted) || r.Rules != 1 || r.Root != 1 ||
		!slices.Equal(r.Commands, []string{"pass show openai"}) || !slices.Equal(r.Variables, []string{"OPENAI_API_KEY"}) {
		t.Errorf("%+v", r)
	}
}
