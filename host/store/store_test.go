package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// openAt opens a store that a test closes itself, or that closes with the test.
func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), Config{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// fresh opens an empty store and checks its promises at the end of the test.
func fresh(t testing.TB) *Store {
	t.Helper()
	s := openAt(t, filepath.Join(t.TempDir(), "openvibez.db"))
	t.Cleanup(func() {
		if err := s.CheckInvariants(context.Background()); err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("invariants: %v", err)
		}
	})
	return s
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// kept is must for what may have been taken away from.
func kept(t testing.TB) func(*apiv1.Session, []apiv1.Right, error) *apiv1.Session {
	return func(p *apiv1.Session, _ []apiv1.Right, err error) *apiv1.Session {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

func wantErr(t testing.TB, err, target error, words ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

var sends int

// send sends a message to a session ("" for a new one) and gives its run.
func send(t testing.TB, s *Store, sessionID, text string) *apiv1.Run {
	t.Helper()
	sends++
	_, run, created, err := s.Send(t.Context(), Send{SessionID: sessionID, ClientRequestID: fmt.Sprint("r", sends), Text: text, ProviderID: "p", Model: "m"})
	if err != nil || !created {
		t.Fatalf("send: created %v, %v", created, err)
	}
	return run
}

// started sends a message and starts its run.
func started(t testing.TB, s *Store, sessionID, text string) *apiv1.Run {
	t.Helper()
	return must[*apiv1.Run](t)(s.StartRun(t.Context(), send(t, s, sessionID, text).Id))
}

func chunk(t testing.TB, s *Store, runID, text string) {
	t.Helper()
	if err := s.AppendChunk(t.Context(), runID, apiv1.Chunk_KIND_TEXT, text); err != nil {
		t.Fatal(err)
	}
}

func journal(t testing.TB, s *Store, sessionID string) []*apiv1.Entry {
	t.Helper()
	return must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: sessionID, Limit: 1000})).Entries
}

// brief writes a journal in one line: places, kinds and texts.
func brief(entries []*apiv1.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%d-%d:", e.Seq, e.LastSeq)
		switch body := e.Body.(type) {
		case *apiv1.Entry_User:
			fmt.Fprintf(&b, "user(%s) ", body.User.Text)
		case *apiv1.Entry_Text:
			fmt.Fprintf(&b, "text(%s) ", body.Text.Text)
		case *apiv1.Entry_Thought:
			fmt.Fprintf(&b, "thought(%s) ", body.Thought.Text)
		case *apiv1.Entry_Chunk:
			fmt.Fprintf(&b, "chunk@%d(%s) ", body.Chunk.Offset, body.Chunk.Text)
		case *apiv1.Entry_ToolOutput:
			fmt.Fprintf(&b, "output(%s,%v) ", body.ToolOutput.Result.GetCallId(), body.ToolOutput.Outcome == apiv1.ToolOutput_OUTCOME_UNKNOWN)
		case *apiv1.Entry_Decision:
			fmt.Fprintf(&b, "decision(%s,%v) ", body.Decision.By, body.Decision.Allowed)
		default:
			fmt.Fprintf(&b, "%T ", body)
		}
	}
	return strings.TrimSpace(b.String())
}

func wantJournal(t testing.TB, s *Store, sessionID, want string) {
	t.Helper()
	if got := brief(journal(t, s, sessionID)); got != want {
		t.Errorf("journal\n got %s\nwant %s", got, want)
	}
}

// begun lets a call begin.
func begun(id string) *apiv1.Entry {
	return &apiv1.Entry{Body: &apiv1.Entry_Decision{Decision: &apiv1.Decision{QuestionId: id, Allowed: true, By: apiv1.Author_AUTHOR_POLICY}}}
}

func toolCall(id string) *apiv1.Entry {
	return &apiv1.Entry{Body: &apiv1.Entry_ToolCall{ToolCall: &providerv1.ToolCall{Id: id, Name: "run_shell", ArgumentsJson: "{}"}}}
}

func turnEntry() *apiv1.Entry {
	return &apiv1.Entry{Body: &apiv1.Entry_Turn{Turn: &apiv1.Turn{Model: "m", ProviderState: []byte{0, 1, 0xff}}}}
}

func usageEntry(in, out int64) *apiv1.Entry {
	return &apiv1.Entry{Body: &apiv1.Entry_Usage{Usage: &providerv1.Usage{InputTokens: in, OutputTokens: out}}}
}

func TestConversation(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "What is  a\nrune?")
	chunk(t, s, run.Id, "A r")
	chunk(t, s, run.Id, "ün")
	wantJournal(t, s, run.SessionId, "1-1:user(What is  a\nrune?) 2-3:chunk@0(A rün)")
	chunk(t, s, run.Id, "e.")
	if err := s.AppendChunk(t.Context(), run.Id, apiv1.Chunk_KIND_THOUGHT, "hm"); err != nil {
		t.Fatal(err)
	}
	chunk(t, s, run.Id, "Is")
	got := must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{
		State: completed, FinishReason: providerv1.Done_REASON_STOP, Entries: []*apiv1.Entry{usageEntry(3, 4), turnEntry()},
	}))
	if got.State != completed || got.EndedMs == 0 || got.LastSeq != 8 || got.FinishReason != providerv1.Done_REASON_STOP {
		t.Errorf("ended run: %v", got)
	}
	wantJournal(t, s, run.SessionId, "1-1:user(What is  a\nrune?) 2-4:text(A rüne.) 5-5:thought(hm) 6-6:text(Is) 7-7:*apiv1.Entry_Usage 8-8:*apiv1.Entry_Turn")
	session := must[*apiv1.Session](t)(s.Session(t.Context(), run.SessionId[:6]))
	if session.Title != "What is a rune?" || session.Titled || session.LastSeq != 8 || session.ProviderId != "p" || session.Model != "m" {
		t.Errorf("session: %v", session)
	}
	turn := journal(t, s, run.SessionId)[5]
	if string(turn.GetTurn().ProviderState) != "\x00\x01\xff" {
		t.Errorf("provider state: %q", turn.GetTurn().ProviderState)
	}
	wantErr(t, s.AppendChunk(t.Context(), run.Id, apiv1.Chunk_KIND_TEXT, "x"), ErrEnded)
	_, err := s.Append(t.Context(), run.Id, true, turnEntry())
	wantErr(t, err, ErrEnded)
}

func TestSendingTwice(t *testing.T) {
	s := fresh(t)
	m := Send{ClientRequestID: "one", Text: "hi", ProviderID: "p", Model: "m", Options: &providerv1.Options{ReasoningEffort: "low"}, Attachments: []*providerv1.Blob{{Name: "a", Data: []byte{1}}}}
	_, _, err := s.Sent(t.Context(), m)
	wantErr(t, err, ErrNotFound)
	session, run, created, err := s.Send(t.Context(), m)
	if err != nil || !created {
		t.Fatal(created, err)
	}
	check := func(again Send) {
		t.Helper()
		rev := s.Rev()
		session2, run2, created, err := s.Send(t.Context(), again)
		if err != nil || created || run2.Id != run.Id || session2.Id != session.Id || s.Rev() != rev {
			t.Errorf("again: %v %v %v", run2, created, err)
		}
		if _, run3, err := s.Sent(t.Context(), again); err != nil || run3.Id != run.Id {
			t.Errorf("sent: %v %v", run3, err)
		}
	}
	check(m)
	other := m
	other.ProviderID, other.Model = "q", "the default has changed since"
	check(other)
	other.SessionID = session.Id
	check(other)
	if _, err := s.RequestCancel(t.Context(), run.Id); err != nil {
		t.Fatal(err)
	}
	check(m)
	for name, change := range map[string]func(*Send){
		"text": func(m *Send) { m.Text = "ho" }, "options": func(m *Send) { m.Options = nil }, "attachment": func(m *Send) { m.Attachments = nil },
		"asked": func(m *Send) { m.AskedModel = "n" }, "prompt": func(m *Send) { m.SystemPrompt = "be brief" }, "replaces": func(m *Send) { m.ReplacesRunID = run.Id },
	} {
		different := m
		change(&different)
		_, _, _, err := s.Send(t.Context(), different)
		if !errors.Is(err, ErrConflict) {
			t.Errorf("other %s: %v", name, err)
		}
		_, _, err = s.Sent(t.Context(), different)
		if !errors.Is(err, ErrConflict) {
			t.Errorf("sent with other %s: %v", name, err)
		}
	}
	// The same id is free in another session.
	elsewhere := must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{}))
	m.SessionID = elsewhere.Id
	if _, run2, created, err := s.Send(t.Context(), m); err != nil || !created || run2.Id == run.Id {
		t.Error(run2, created, err)
	}
}

func TestBadMessages(t *testing.T) {
	s := fresh(t)
	run := send(t, s, "", "hi")
	for want, m := range map[string]Send{
		"byte 4": {ClientRequestID: "a", Text: "a�b\xff"[1:]}, "empty": {ClientRequestID: "a", Text: " \n\t"},
		"client request id": {Text: "hi"}, "another session": {ClientRequestID: "a", Text: "hi", ReplacesRunID: run.Id},
	} {
		_, _, _, err := s.Send(t.Context(), m)
		wantErr(t, err, ErrInvalid, want)
	}
	_, _, _, err := s.Send(t.Context(), Send{ClientRequestID: "a", Text: "hi", SessionID: "nope"})
	wantErr(t, err, ErrNotFound, "nope")
	_, _, _, err = s.Send(t.Context(), Send{ClientRequestID: "a", Text: "hi", ReplacesRunID: "nope"})
	wantErr(t, err, ErrNotFound, "nope")
	if n := len(must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{})).Sessions); n != 1 {
		t.Errorf("%d sessions, want 1: refused messages left some", n)
	}
}

func TestOddTextIsVisible(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "nul \x00 here")
	chunk(t, s, run.Id, "a\xffb\x00c\xc3")
	must[[]*apiv1.Entry](t)(s.Append(t.Context(), run.Id, true,
		&apiv1.Entry{Body: &apiv1.Entry_ToolOutput{ToolOutput: &apiv1.ToolOutput{Result: &providerv1.ToolResult{CallId: "1", Content: "x\xfe\xffy\x00"}}}},
		&apiv1.Entry{Body: &apiv1.Entry_Plan{Plan: &providerv1.Plan{Steps: []*providerv1.Plan_Step{{Text: "\xff"}}}}}))
	all := journal(t, s, run.SessionId)
	if got := all[0].GetUser().Text; got != "nul � here" {
		t.Errorf("user text %q", got)
	}
	if got := all[1].GetText().Text; got != "a�b�c�" {
		t.Errorf("model text %q", got)
	}
	if got := all[2].GetToolOutput().Result.Content; got != "x��y�" {
		t.Errorf("tool output %q", got)
	}
	if got := all[3].GetPlan().Steps[0].Text; got != "�" {
		t.Errorf("step %q", got)
	}
	if err := s.SetStatus(t.Context(), run.Id, "\xff"); err != nil {
		t.Error(err)
	}
	if err := s.SetReference(t.Context(), run.Id, "\xff", ""); err != nil {
		t.Error(err)
	}
}

func TestLargePrompt(t *testing.T) {
	s := fresh(t)
	text := strings.Repeat("ten bytes ", 1<<20)
	run := send(t, s, "", text)
	if got := journal(t, s, run.SessionId)[0].GetUser().Text; got != text {
		t.Errorf("%d bytes came back, want %d", len(got), len(text))
	}
	changes, _, err := s.Changes(t.Context(), ChangesQuery{SessionID: run.SessionId, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_ENTRIES}})
	if err != nil || changes[0].GetEntry().GetUser().Text != text {
		t.Errorf("changes: %d, %v", len(changes), err)
	}
	if got := must[*apiv1.Session](t)(s.Session(t.Context(), run.SessionId)).Title; got != "ten bytes ten bytes ten bytes ten bytes ten bytes ten bytes…" {
		t.Errorf("title %q", got)
	}
}

func TestMessageWhileWriting(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "first")
	chunk(t, s, run.Id, "one ")
	chunk(t, s, run.Id, "two ")
	next := send(t, s, run.SessionId, "second")
	chunk(t, s, run.Id, "three")
	wantJournal(t, s, run.SessionId, "1-1:user(first) 2-3:text(one two ) 4-4:user(second) 5-5:chunk@0(three)")
	must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed}))
	wantJournal(t, s, run.SessionId, "1-1:user(first) 2-3:text(one two ) 4-4:user(second) 5-5:text(three)")
	history := must[[]*apiv1.Entry](t)(s.History(t.Context(), run.SessionId, run.Id))
	if got := brief(history); got != "1-1:user(first) 2-3:text(one two ) 5-5:text(three)" {
		t.Errorf("history of the first: %s", got)
	}
	if got := must[*apiv1.Run](t)(s.NextQueued(t.Context(), run.SessionId)); got.GetId() != next.Id {
		t.Errorf("next queued: %v", got)
	}
}

func TestHistory(t *testing.T) {
	s := fresh(t)
	answer := func(run *apiv1.Run, text string) {
		t.Helper()
		if run.State == queued {
			must[*apiv1.Run](t)(s.StartRun(t.Context(), run.Id))
		}
		chunk(t, s, run.Id, text)
		must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed}))
	}
	replace := func(old *apiv1.Run, text string) *apiv1.Run {
		t.Helper()
		sends++
		_, run, _, err := s.Send(t.Context(), Send{SessionID: old.SessionId, ClientRequestID: fmt.Sprint("r", sends), Text: text, ReplacesRunID: old.Id})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	texts := func(upto *apiv1.Run) string {
		t.Helper()
		var all []string
		for _, e := range must[[]*apiv1.Entry](t)(s.History(t.Context(), upto.SessionId, upto.Id)) {
			all = append(all, e.GetUser().GetText()+e.GetText().GetText())
		}
		return strings.Join(all, " ")
	}
	a := send(t, s, "", "a")
	answer(a, "A")
	b := send(t, s, a.SessionId, "b")
	answer(b, "B")
	b2 := replace(b, "b2")
	answer(b2, "B2")
	b3 := replace(b, "b3")
	answer(b3, "B3")
	taken := replace(b3, "b4")
	must[*apiv1.Run](t)(s.RequestCancel(t.Context(), taken.Id))
	c := send(t, s, a.SessionId, "c")
	later := send(t, s, a.SessionId, "later")
	for _, want := range []struct {
		upto *apiv1.Run
		text string
	}{{a, "a A"}, {b, "a A b B"}, {b2, "a A b2 B2"}, {b3, "a A b3 B3"}, {c, "a A b3 B3 c"}, {later, "a A b3 B3 c later"}} {
		if got := texts(want.upto); got != want.text {
			t.Errorf("history up to %s: %s", want.text, got)
		}
	}
	_, err := s.History(t.Context(), "elsewhere", a.Id)
	wantErr(t, err, ErrNotFound)
}

func TestSessions(t *testing.T) {
	now := time.UnixMilli(1000)
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "s.db"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var want []string
	for i := range 25 {
		now = now.Add(time.Duration(i%3) * time.Millisecond)
		p := must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{Title: fmt.Sprint("s", i)}))
		if !p.Titled || p.AccessMode != apiv1.AccessMode_ACCESS_MODE_SCOPED {
			t.Errorf("created: %v", p)
		}
		if i%10 == 3 {
			must[*apiv1.Session](t)(s.UpdateSession(t.Context(), p.Id, func(p *apiv1.Session) error { p.Pinned = true; return nil }))
		}
		if i%10 == 4 {
			must[*apiv1.Session](t)(s.UpdateSession(t.Context(), p.Id, func(p *apiv1.Session) error { p.ArchivedMs = 5; return nil }))
		}
	}
	all := must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{}))
	for i, p := range all.Sessions {
		want = append(want, p.Id)
		if p.Pinned != (i < 3) {
			t.Errorf("session %d: %v", i, p)
		}
	}
	if len(want) != 22 || all.NextPageToken != "" || all.Rev != s.Rev() {
		t.Errorf("%d sessions, token %q", len(want), all.NextPageToken)
	}
	for size := range int32(len(want)) {
		var got []string
		for req := (&apiv1.ListSessionsRequest{Limit: size + 1}); ; {
			page := must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), req))
			for _, p := range page.Sessions {
				got = append(got, p.Id)
			}
			if req.PageToken = page.NextPageToken; req.PageToken == "" {
				break
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("pages of %d: %v\nwhole %v", size+1, got, want)
		}
	}
	if n := len(must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{Archived: true})).Sessions); n != 3 {
		t.Errorf("%d archived", n)
	}
	_, err = s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{PageToken: "?"})
	wantErr(t, err, ErrInvalid, "page token")
	_, err = s.Session(t.Context(), "!")
	wantErr(t, err, ErrNotFound)
	_, err = s.Session(t.Context(), "")
	wantErr(t, err, ErrInvalid)
	byLetter := map[byte]int{}
	for _, id := range want {
		if byLetter[id[0]]++; byLetter[id[0]] == 2 {
			_, err = s.Session(t.Context(), id[:1])
			wantErr(t, err, ErrAmbiguous, "fits several sessions", id[:1])
		}
	}
	rev := s.Rev()
	must[*apiv1.Session](t)(s.UpdateSession(t.Context(), want[0], func(*apiv1.Session) error { return nil }))
	if s.Rev() != rev {
		t.Error("an update without a change changed something")
	}
	boom := errors.New("boom")
	_, err = s.UpdateSession(t.Context(), want[0], func(p *apiv1.Session) error { p.Title = "x"; return boom })
	wantErr(t, err, boom)
	got1 := must[*apiv1.Session](t)(s.UpdateSession(t.Context(), want[0], func(p *apiv1.Session) error {
		p.Id, p.CreatedMs, p.LastSeq, p.Rev, p.Draft, p.SystemPrompt = "no", 1, 99, 99, "typed", "be kind"
		return nil
	}))
	if got1.Id != want[0] || got1.CreatedMs == 1 || got1.LastSeq != 0 || got1.Rev != s.Rev() || got1.Draft != "typed" || got1.SystemPrompt != "be kind" {
		t.Errorf("updated: %v", got1)
	}
	_, err = s.UpdateSession(t.Context(), "nope", func(*apiv1.Session) error { return nil })
	wantErr(t, err, ErrNotFound)
}

func TestPurgeSession(t *testing.T) {
	s := fresh(t)
	kept := started(t, s, "", "kept words")
	run := started(t, s, "", "secret words")
	chunk(t, s, run.Id, "an answer")
	must[[]*apiv1.Entry](t)(s.Append(t.Context(), run.Id, true, usageEntry(5, 6)))
	ask := must[*apiv1.Approval](t)(s.Ask(t.Context(), run.Id, &apiv1.Approval{Question: &providerv1.Question{Id: "q"}}))
	chunk(t, s, run.Id, "open")
	rev := s.Rev()
	if err := s.PurgeSession(t.Context(), run.SessionId); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM entries": 1, "SELECT count(*) FROM runs": 1, "SELECT count(*) FROM chunks": 0, "SELECT count(*) FROM approvals": 0,
		"SELECT count(*) FROM search WHERE search MATCH 'secret'": 0, "SELECT count(*) FROM search WHERE search MATCH 'answer'": 0,
		"SELECT count(*) FROM search WHERE search MATCH 'kept'": 1, "SELECT count(*) FROM usage": 1,
	} {
		if got := count(t, s, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	changes, _, err := s.Changes(t.Context(), ChangesQuery{After: rev})
	if err != nil {
		t.Fatal(err)
	}
	gone := map[string]string{}
	for _, c := range changes {
		gone[c.GetTombstone().GetTopic().String()] = c.GetTombstone().GetId()
		if c.GetTombstone().GetSessionId() != run.SessionId {
			t.Errorf("tombstone %v", c)
		}
	}
	if len(changes) != 3 || gone["TOPIC_SESSIONS"] != run.SessionId || gone["TOPIC_RUNS"] != run.Id || gone["TOPIC_APPROVALS"] != ask.Id {
		t.Errorf("tombstones %v", changes)
	}
	wantErr(t, s.AppendChunk(t.Context(), run.Id, apiv1.Chunk_KIND_TEXT, "late"), ErrNotFound)
	wantErr(t, s.PurgeSession(t.Context(), run.SessionId), ErrNotFound)
	chunk(t, s, kept.Id, "still works")
}

func TestDeletedTextIsGone(t *testing.T) {
	s := fresh(t)
	kept := runIn(t, s, completed)
	var secret []string
	for range 40 {
		for range 5 {
			secret = append(secret, "zq"+newID())
		}
		sends++
		session, run, _, err := s.Send(t.Context(), Send{ClientRequestID: fmt.Sprint("r", sends), SessionID: kept.SessionId, Text: strings.Join(secret[len(secret)-5:], " ")})
		if err != nil {
			t.Fatal(err)
		}
		must[*apiv1.Run](t)(s.StartRun(t.Context(), run.Id))
		chunk(t, s, run.Id, strings.Join(secret[len(secret)-5:], " "))
		must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed}))
		must[*apiv1.Session](t)(s.UpdateSession(t.Context(), session.Id, func(p *apiv1.Session) error { p.Draft = secret[len(secret)-1]; return nil }))
	}
	traces := func() (n int) {
		t.Helper()
		for _, path := range []string{s.path, s.path + "-wal"} {
			content := must[[]byte](t)(os.ReadFile(path))
			for _, word := range secret {
				// The index keeps only what tells a word from the one before it.
				n += bytes.Count(content, []byte(word)) + bytes.Count(content, []byte(word[4:]))
			}
		}
		return n
	}
	if traces() == 0 {
		t.Fatal("the words are not found where they are")
	}
	other := runIn(t, s, completed)
	if err := s.PurgeSession(t.Context(), kept.SessionId); err != nil {
		t.Fatal(err)
	}
	if n := traces(); n != 0 {
		t.Errorf("%d traces left", n)
	}
	if len(journal(t, s, other.SessionId)) == 0 {
		t.Error("the other session is gone too")
	}
}

func count(t testing.TB, s *Store, query string, args ...any) int {
	t.Helper()
	var n int
	err := s.read(t.Context(), func(v view) error { return v.one(query, args, &n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestListEntriesPages(t *testing.T) {
	s := fresh(t)
	run := started(t, s, "", "go")
	for i := range 20 {
		chunk(t, s, run.Id, fmt.Sprint("part ", i))
		chunk(t, s, run.Id, "!")
		must[[]*apiv1.Entry](t)(s.Append(t.Context(), run.Id, false, toolCall(fmt.Sprint(i))))
	}
	chunk(t, s, run.Id, "still ")
	chunk(t, s, run.Id, "open")
	whole := must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: run.SessionId}))
	if len(whole.Entries) != 42 || whole.More || whole.Rev != s.Rev() {
		t.Errorf("%d entries, more %v", len(whole.Entries), whole.More)
	}
	for _, limit := range []int32{1, 2, 3, 41, 42, 43} {
		var pages []*apiv1.Entry
		req := &apiv1.ListEntriesRequest{SessionId: run.SessionId, Limit: limit}
		for {
			page := must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), req))
			pages = append(page.Entries, pages...)
			if !page.More {
				break
			}
			req.BeforeSeq = page.Entries[0].Seq
		}
		if brief(pages) != brief(whole.Entries) {
			t.Errorf("pages of %d:\n got %s\nwant %s", limit, brief(pages), brief(whole.Entries))
		}
	}
	_, err := s.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: "nope"})
	wantErr(t, err, ErrNotFound)
}

func TestListEntriesWithRuns(t *testing.T) {
	s := fresh(t)
	finish := func(run *apiv1.Run) *apiv1.Run {
		return must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed, Entries: []*apiv1.Entry{turnEntry()}}))
	}
	first := finish(started(t, s, "", "one"))
	_, again, _, err := s.Send(t.Context(), Send{SessionID: first.SessionId, ClientRequestID: "again", Text: "one, again", ReplacesRunID: first.Id})
	if err != nil {
		t.Fatal(err)
	}
	finish(must[*apiv1.Run](t)(s.StartRun(t.Context(), again.Id)))
	plain := finish(started(t, s, first.SessionId, "two"))
	last := finish(started(t, s, first.SessionId, "three"))
	of := func(page *apiv1.ListEntriesResponse) []string {
		var ids []string
		for _, r := range page.Runs {
			ids = append(ids, r.Id)
		}
		return ids
	}
	req := &apiv1.ListEntriesRequest{SessionId: first.SessionId, Limit: 1}
	if page := must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), req)); len(page.Runs) != 0 {
		t.Errorf("runs that nobody asked for: %v", of(page))
	}
	req.WithRuns = true
	page := must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), req))
	if ids := of(page); len(ids) != 2 || !slices.Contains(ids, last.Id) || !slices.Contains(ids, again.Id) {
		t.Errorf("the last page has the runs %v, not %s and %s; %s is plain", ids, last.Id, again.Id, plain.Id)
	}
	whole := must[*apiv1.ListEntriesResponse](t)(s.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: first.SessionId, WithRuns: true}))
	if len(whole.Runs) != 4 {
		t.Errorf("all entries have the runs %v", of(whole))
	}
}

func TestSettings(t *testing.T) {
	s := fresh(t)
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), "theme", `"dark"`))
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), "theme", `"light"`))
	rev := s.Rev()
	if got := must[*apiv1.Setting](t)(s.SetSetting(t.Context(), "theme", `"light"`)); s.Rev() != rev || got.Rev != rev {
		t.Errorf("the same value again: %v, rev %d", got, s.Rev())
	}
	if got := must[string](t)(s.Setting(t.Context(), "theme")); got != `"light"` {
		t.Errorf("theme %s", got)
	}
	_, err := s.SetSetting(t.Context(), "theme", "dark")
	wantErr(t, err, ErrInvalid, "JSON")
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), "theme", ""))
	if got := must[string](t)(s.Setting(t.Context(), "theme")); got != "" {
		t.Errorf("theme %s", got)
	}
	changes, _, err := s.Changes(t.Context(), ChangesQuery{After: rev})
	if err != nil || len(changes) != 1 || changes[0].GetTombstone().GetId() != "theme" {
		t.Errorf("changes %v, %v", changes, err)
	}
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), "theme", "1"))
	changes, _, err = s.Changes(t.Context(), ChangesQuery{After: rev})
	if err != nil || len(changes) != 1 || changes[0].GetSetting().GetValueJson() != "1" {
		t.Errorf("changes %v, %v", changes, err)
	}
	if all := must[[]*apiv1.Setting](t)(s.Settings(t.Context())); len(all) != 1 {
		t.Errorf("settings %v", all)
	}
}

func TestProviders(t *testing.T) {
	s := fresh(t)
	if p, err := s.DefaultProvider(t.Context()); p != nil || err != nil {
		t.Errorf("default of none: %v, %v", p, err)
	}
	add := func(name string, isDefault bool) *apiv1.Provider {
		t.Helper()
		return must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "ollama", Name: name, IsDefault: isDefault, SettingsJson: `{"a":1}`, Error: &providerv1.Error{Message: "x"}}))
	}
	a, b := add("Home", true), add("Work", true)
	if got := must[*apiv1.Provider](t)(s.Provider(t.Context(), "home")); got.Id != a.Id || got.IsDefault || got.Error.GetMessage() != "x" {
		t.Errorf("home: %v", got)
	}
	if got := must[*apiv1.Provider](t)(s.DefaultProvider(t.Context())); got.Id != b.Id {
		t.Errorf("default: %v", got)
	}
	_, err := s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "ollama", Name: "hOME"})
	wantErr(t, err, ErrDuplicateName, "hOME")
	for _, bad := range []*apiv1.Provider{{Name: "x"}, {Plugin: "x"}, {Plugin: "x", Name: "y", SettingsJson: "[1]"}} {
		_, err := s.AddProvider(t.Context(), bad)
		wantErr(t, err, ErrInvalid)
	}
	_, err = s.UpdateProvider(t.Context(), a.Id, func(p *apiv1.Provider) error { p.Name = "work"; return nil })
	wantErr(t, err, ErrDuplicateName)
	got := must[*apiv1.Provider](t)(s.UpdateProvider(t.Context(), a.Id, func(p *apiv1.Provider) error { p.Name, p.Error, p.IsDefault = "HOME", nil, true; return nil }))
	if got.Name != "HOME" || got.Error != nil || !got.IsDefault {
		t.Errorf("updated: %v", got)
	}
	model := func(id string) *providerv1.Model { return &providerv1.Model{Id: id, ContextTokens: 8} }
	sync := func(ids ...string) {
		t.Helper()
		var list []*providerv1.Model
		for _, id := range ids {
			list = append(list, model(id))
		}
		if err := s.SyncModels(t.Context(), a.Id, list); err != nil {
			t.Fatal(err)
		}
	}
	names := func() string {
		t.Helper()
		var all []string
		for _, m := range must[[]*apiv1.Model](t)(s.Models(t.Context(), a.Id)) {
			name := m.Model.Id
			if m.Vanished {
				name = "-" + name
			}
			all = append(all, name)
		}
		return strings.Join(all, " ")
	}
	sync("c", "a", "b", "a")
	if names() != "c a b" {
		t.Errorf("models %s", names())
	}
	rev := s.Rev()
	sync("c", "a", "b")
	if s.Rev() != rev {
		t.Error("the same models again changed something")
	}
	must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{ProviderId: a.Id, Model: "a"}))
	sync("b")
	if names() != "b -a" {
		t.Errorf("models %s", names())
	}
	changes, _, err := s.Changes(t.Context(), ChangesQuery{After: rev, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_MODELS}})
	if err != nil || len(changes) != 3 {
		t.Errorf("changes %v, %v", changes, err)
	}
	sync("a", "c")
	if names() != "a c" {
		t.Errorf("models %s", names())
	}
	if err := s.RemoveProvider(t.Context(), a.Id); err != nil {
		t.Fatal(err)
	}
	_, err = s.Provider(t.Context(), "home")
	wantErr(t, err, ErrNotFound, "home")
	wantErr(t, s.RemoveProvider(t.Context(), a.Id), ErrNotFound)
	if all := must[[]*apiv1.Model](t)(s.Models(t.Context(), "")); len(all) != 0 {
		t.Errorf("models left: %v", all)
	}
	add("home", false)
}
