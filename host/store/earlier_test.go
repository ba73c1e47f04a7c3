package store

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// unzip gives a frozen file of an earlier version.
func unzip(t *testing.T, name string) []byte {
	t.Helper()
	z := must[*gzip.Reader](t)(gzip.NewReader(bytes.NewReader(must[[]byte](t)(os.ReadFile(name)))))
	return must[[]byte](t)(io.ReadAll(z))
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// outcomes are what a journal tells of a call, in a few words.
func outcomes(entries []*apiv1.Entry) (all []string) {
	for _, e := range entries {
		if o := e.GetToolOutput(); o != nil {
			words := o.Outcome.String()[len("OUTCOME_"):]
			if o.Outcome == apiv1.ToolOutput_OUTCOME_EXITED {
				words += string(rune('0' + o.ExitCode%10))
			}
			if o.Reason != 0 {
				words += " " + o.Reason.String()[len("REASON_"):]
			}
			if o.Why != "" {
				words += ": " + o.Why
			}
			all = append(all, words)
		}
	}
	return all
}

// The database and the export were written by a version that kept who decided, how calls ended and where things ran as
// words. They are read as facts.
func TestEarlierJournals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openvibez.db")
	if err := os.WriteFile(path, unzip(t, "testdata/0002.db.gz"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
	want := []string{
		"EXITED0", "EXITED3", "TIMED_OUT", "REFUSED ARGUMENTS", "FAILED", "DONE", "UNAVAILABLE NO_SUCH_TOOL", "DENIED: not that", "EXITED6",
		"UNANSWERED", "REFUSED RUN_ENDED", "DONE", "UNKNOWN",
	}
	list := must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{}))
	var work, readOnly []*apiv1.Entry
	for _, session := range list.Sessions {
		entries := must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: session.Id, Limit: 1000})).Entries
		if session.AccessMode == apiv1.AccessMode_ACCESS_MODE_READ_ONLY {
			readOnly = entries
		} else {
			work = entries
		}
	}
	same(t, outcomes(work), want)
	same(t, outcomes(readOnly), []string{"REFUSED: It changes a file of the workspace, and this session is read-only. Set the session to scoped."})

	var decided []string
	for _, e := range work {
		if d := e.GetDecision(); d != nil {
			decided = append(decided, d.By.String()[len("AUTHOR_"):])
			if d.By == apiv1.Author_AUTHOR_POLICY && d.Text != "" && (d.Class == 0 || d.Profile == 0 || d.Level != apiv1.Level_LEVEL_FULL) {
				t.Errorf("policy's decision is %v", d)
			}
		}
	}
	same(t, decided, []string{"POLICY", "POLICY", "POLICY", "POLICY", "POLICY", "CLI", "CLI", "TIMEOUT", "CANCEL", "POLICY", "POLICY"})
	runs := must[[]*apiv1.Run](t)(s.SessionRuns(t.Context(), work[0].SessionId))
	var asked []string
	for _, r := range runs {
		for _, a := range must[[]*apiv1.Approval](t)(s.RunApprovals(t.Context(), r.Id)) {
			asked = append(asked, a.Class.String()[len("CLASS_"):]+" "+a.Profile.String()[len("PROFILE_"):]+" "+a.Decision.By.String()[len("AUTHOR_"):])
			if a.Why == "" {
				t.Errorf("approval %v has no words", a)
			}
		}
	}
	same(t, asked, []string{"DANGEROUS WORK CLI", "NETWORK NET CLI", "DANGEROUS WORK TIMEOUT", "DANGEROUS WORK CANCEL"})

	// The same from an export, and what is exported and imported now stays as it is.
	other := fresh(t)
	done, err := other.Import(t.Context(), bytes.NewReader(unzip(t, "testdata/0002.jsonl.gz")))
	if err != nil {
		t.Fatal(err)
	}
	entries := must[*apiv1.ListEntriesResponse](t)(other.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: done.Session.Id, Limit: 1000})).Entries
	same(t, outcomes(entries), want)
	var again bytes.Buffer
	if err := other.Export(t.Context(), done.Session.Id, &again); err != nil {
		t.Fatal(err)
	}
	third := fresh(t)
	if _, err := third.Import(t.Context(), bytes.NewReader(again.Bytes())); err != nil {
		t.Fatal(err)
	}
	entries = must[*apiv1.ListEntriesResponse](t)(third.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: done.Session.Id, Limit: 1000})).Entries
	same(t, outcomes(entries), want)
}
