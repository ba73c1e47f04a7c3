package store

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// rich makes a session with everything in it that one can have; its last run is still being answered.
func rich(t testing.TB, s *Store) string {
	t.Helper()
	_, first, _, err := s.Send(context.Background(), Send{
		ClientRequestID: "rich", Text: "look\n```go\nfunc x() {", SystemPrompt: "be brief", ProviderID: "gone", Model: "m",
		Options: &providerv1.Options{ReasoningEffort: "low"}, Attachments: []*providerv1.Blob{{Name: "a.png", MediaType: "image/png", Data: []byte{0, 1, 2, 255}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	session := first.SessionId
	must[*apiv1.Run](t)(s.StartRun(context.Background(), first.Id))
	if err := s.AppendChunk(context.Background(), first.Id, apiv1.Chunk_KIND_THOUGHT, "hmm"); err != nil {
		t.Fatal(err)
	}
	chunk(t, s, first.Id, "text with ```` in it")
	must[[]*apiv1.Entry](t)(s.Append(context.Background(), first.Id, true,
		&apiv1.Entry{Body: &apiv1.Entry_Plan{Plan: &providerv1.Plan{Steps: []*providerv1.Plan_Step{{Text: "first", State: providerv1.Plan_Step_STATE_DONE}}}}},
		toolCall("c1"),
		&apiv1.Entry{Body: &apiv1.Entry_ToolOutput{ToolOutput: &apiv1.ToolOutput{Result: &providerv1.ToolResult{CallId: "c1", Name: "run_shell", Content: "a\n```\nb"}}}},
		&apiv1.Entry{Body: &apiv1.Entry_FileChange{FileChange: &apiv1.FileChange{Path: "x.go", Kind: apiv1.FileChange_KIND_CHANGED, Diff: "-a\n+b"}}},
		&apiv1.Entry{Body: &apiv1.Entry_Notice{Notice: &providerv1.Notice{Text: "slow today"}}},
		&apiv1.Entry{Body: &apiv1.Entry_Summary{Summary: &apiv1.Summary{Text: "what was said", FirstSeq: 1, UntilSeq: 1}}},
	))
	a := must[*apiv1.Approval](t)(s.Ask(context.Background(), first.Id, &apiv1.Approval{Question: &providerv1.Question{Id: "q", Text: "may I?", Subject: "go test"}, Reason: apiv1.Reason_REASON_WORKSPACE_UNTRUSTED, Why: "why", Class: apiv1.Class_CLASS_BUILD, Prefix: []string{"go"}}))
	must[*apiv1.Approval](t)(s.Decide(context.Background(), a.Id, &apiv1.Decision{ChoiceId: "once", Allowed: true, By: apiv1.Author_AUTHOR_CLI}))
	must[*apiv1.Run](t)(s.EndRun(context.Background(), first.Id, End{State: failed, Error: &providerv1.Error{Message: "broke"}, Entries: []*apiv1.Entry{usageEntry(7, 8), turnEntry()}}))
	_, again, _, err := s.Send(context.Background(), Send{SessionID: session, ClientRequestID: "again", Text: "look again", ReplacesRunID: first.Id})
	if err != nil {
		t.Fatal(err)
	}
	must[*apiv1.Run](t)(s.StartRun(context.Background(), again.Id))
	must[*apiv1.Run](t)(s.EndRun(context.Background(), again.Id, End{State: completed, Entries: []*apiv1.Entry{usageEntry(1, 2)}}))
	return session
}

func export(t testing.TB, s *Store, session string) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Export(context.Background(), session, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExportAndImport(t *testing.T) {
	s := fresh(t)
	session := rich(t, s)
	text := export(t, s, session)
	usage := count(t, s, "SELECT count(*) FROM usage")

	same, err := s.Import(t.Context(), strings.NewReader(text))
	if err != nil || same.Created || same.Session.Id != session {
		t.Fatalf("imported what is here: %v %v", same, err)
	}
	must[time.Time](t)(s.DeleteSession(t.Context(), session))
	if same, err = s.Import(t.Context(), strings.NewReader(text)); err != nil || same.Created || same.Session.DeletedMs != 0 {
		t.Fatalf("imported what was just deleted: %v %v", same, err)
	}
	if err := s.PurgeSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	// What a provider keeps of its own is no fact about the conversation.
	bare := strings.Replace(text, `,"providerState":"AAH/"`, "", 1)
	for name, into := range map[string]*Store{"where it was": s, "elsewhere": fresh(t)} {
		got, err := into.Import(t.Context(), strings.NewReader(text))
		if err != nil || !got.Created || got.Session.Id != session || got.Session.SystemPrompt != "be brief" {
			t.Fatalf("%s: %v %v", name, got, err)
		}
		if again := export(t, into, session); again != bare || bare == text {
			t.Errorf("%s: what is exported again differs:\n%s\n\n%s", name, again, bare)
		}
		if n := count(t, into, "SELECT count(*) FROM usage"); n != usage {
			t.Errorf("%s: %d usage rows, want %d", name, n, usage)
		}
		if hits := found(t, into, &apiv1.SearchSessionsRequest{Query: "look"}); len(hits) != 2 {
			t.Errorf("%s: found %q", name, hits)
		}
		// It is a session like any other: sent again, a message is known; another one goes on.
		_, _, fresh, err := into.Send(t.Context(), Send{SessionID: session, ClientRequestID: "again", Text: "look again", ReplacesRunID: must[[]*apiv1.Run](t)(into.SessionRuns(t.Context(), session))[0].Id})
		if err != nil || fresh {
			t.Errorf("%s: sent again: %v, %v", name, fresh, err)
		}
		send(t, into, session, "go on")
	}
}

func TestImportOfWhatWasStillGoingOn(t *testing.T) {
	s, other := fresh(t), fresh(t)
	session := rich(t, s)
	run := started(t, s, session, "and then")
	must[*apiv1.Approval](t)(s.Ask(t.Context(), run.Id, &apiv1.Approval{Question: &providerv1.Question{Id: "q"}}))
	chunk(t, s, run.Id, "still being wri")
	send(t, s, session, "queued")
	must[[]*apiv1.Entry](t)(s.Append(t.Context(), run.Id, false))
	chunk(t, s, run.Id, "tten")
	text := export(t, s, session)
	if _, err := other.Import(t.Context(), strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	runs := must[[]*apiv1.Run](t)(other.SessionRuns(t.Context(), session))
	for _, r := range runs[2:] {
		if r.State != interrupted || r.Error.GetMessage() == "" {
			t.Errorf("run %v", r)
		}
	}
	if n := count(t, other, "SELECT count(*) FROM approvals WHERE state = 1"); n != 0 {
		t.Errorf("%d open questions", n)
	}
	if hits := found(t, other, &apiv1.SearchSessionsRequest{Query: "tten"}); len(hits) != 1 {
		t.Errorf("found %q", hits)
	}
	// From then on it is the same each time.
	once := export(t, other, session)
	third := fresh(t)
	if _, err := third.Import(t.Context(), strings.NewReader(once)); err != nil {
		t.Fatal(err)
	}
	if twice := export(t, third, session); twice != once {
		t.Errorf("differs:\n%s\n\n%s", once, twice)
	}
}

func TestImportRefusesGarbage(t *testing.T) {
	s := fresh(t)
	text := export(t, s, rich(t, s))
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	without := func(n int) string { return strings.Join(append(append([]string{}, lines[:n]...), lines[n+1:]...), "") }
	swap := func(n int, old, with string) string {
		changed := append([]string{}, lines...)
		if changed[n] = strings.Replace(lines[n], old, with, 1); changed[n] == lines[n] {
			t.Fatalf("line %d has no %s: %s", n+1, old, lines[n])
		}
		return strings.Join(changed, "")
	}
	last := len(lines) - 1
	entry := 4
	for name, c := range map[string]struct{ text, words string }{
		"nothing":              {"", "line 1: the file ends here"},
		"a picture":            {"\x89PNG\r\n\x1a\n", "line 1: this is no JSON"},
		"other JSON":           {`{"hello":1}`, "line 1: an export begins with"},
		"another format":       {swap(0, "openvibez-session", "something"), "line 1"},
		"a later version":      {swap(0, `"version":1`, `"version":2`), "newer"},
		"cut off":              {strings.Join(lines[:last-2], ""), fmt.Sprintf("line %d: the file ends here", last-1)},
		"cut in a line":        {text[:len(text)/2], "this is no JSON"},
		"no first line":        {without(0), "line 1: an export begins with"},
		"no session":           {without(1), "line 2: a run does not belong here"},
		"an entry missing":     {without(entry + 1), fmt.Sprintf("line %d: the entry has the numbers", entry+2)},
		"a run missing":        {without(2), "line 3: run"},
		"a usage missing":      {without(last - 1), "something is missing"},
		"a wrong number":       {swap(entry, `"seq":"1"`, `"seq":"7"`), fmt.Sprintf("line %d", entry+1)},
		"a wrong type":         {swap(entry, `"seq":"1"`, `"seq":{}`), fmt.Sprintf("line %d", entry+1)},
		"a bad id":             {swap(1, `"id":"`, `"id":"../`), "line 2"},
		"twice in one file":    {text + text, "there is more after the end"},
		"an unknown state":     {swap(2, "RUN_STATE_FAILED", "RUN_STATE_RUNNING"), "does not fit together"},
		"an unknown entry":     {swap(entry, `"user":{`, `"dance":{`), "nothing that this program knows"},
		"no message":           {swap(entry, `"user":{`, `"text":{`), "line 5"},
		"invalid text":         {swap(entry, "look", "\xff\xff"), "line 5"},
		"a huge gap":           {swap(entry, `"lastSeq":"1"`, `"lastSeq":"9223372036854775807"`), "line 5"},
		"an approval of other": {swap(last-3, `"runId":"`, `"runId":"x`), "does not belong"},
	} {
		t.Run(name, func(t *testing.T) {
			into := fresh(t)
			done, err := into.Import(t.Context(), strings.NewReader(c.text))
			wantErr(t, err, ErrInvalid, c.words, "nothing was imported")
			if done != nil || count(t, into, "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM runs) + (SELECT count(*) FROM entries)") != 0 {
				t.Error("something was imported")
			}
		})
	}
	// A run that is here in another session.
	into := openAt(t, filepath.Join(t.TempDir(), "db"))
	if _, err := into.Import(t.Context(), strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	_, err := into.Import(t.Context(), strings.NewReader(swap(1, `"id":"`, `"id":"other`)))
	wantErr(t, err, ErrConflict, "another session")
	// A question that is.
	others := regexp.MustCompile(`"(id|runId|replacesRunId|continuesRunId|run_id)":"`).ReplaceAllString(text, `${0}other`)
	approval := regexp.MustCompile(`("approval":\{"id":")other`)
	if !approval.MatchString(others) {
		t.Fatalf("no approval in %s", others)
	}
	_, err = into.Import(t.Context(), strings.NewReader(approval.ReplaceAllString(others, "$1")))
	wantErr(t, err, ErrConflict, "approval", "another session")
	if n := count(t, into, "SELECT count(*) FROM sessions"); n != 1 {
		t.Errorf("%d sessions", n)
	}
}
