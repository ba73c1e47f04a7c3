package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

// checkFile looks at the database that a killed host left, as the next one will find it.
func (c *chaos) checkFile(n int) {
	ctx := context.WithoutCancel(c.t.Context())
	paths, err := filepath.Glob(filepath.Join(c.dir, "*.db"))
	if err != nil || len(paths) != 1 {
		c.t.Fatalf("find the database in %s: %v, %v", c.dir, paths, err)
	}
	st, err := store.Open(ctx, store.Config{Path: paths[0]})
	if err != nil {
		c.t.Fatalf("cycle %d: %v", n, err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			c.t.Errorf("cycle %d: %v", n, err)
		}
	}()
	if err := st.CheckInvariants(ctx); err != nil {
		c.t.Errorf("cycle %d: %v", n, err)
	}
	// What the next start does with it keeps the promises too.
	if _, err := st.Recover(ctx); err != nil {
		c.t.Errorf("cycle %d: recover: %v", n, err)
	}
	if err := st.CheckInvariants(ctx); err != nil {
		c.t.Errorf("cycle %d, recovered: %v", n, err)
	}
	runs := map[string]*apiv1.Run{}
	seen := map[string]int{} // client request ids
	c.mu.Lock()
	defer c.mu.Unlock()
	known := map[string]bool{}
	for _, id := range c.sessions {
		if known[id] {
			continue
		}
		known[id] = true
		list, err := st.SessionRuns(ctx, id)
		if err != nil {
			c.t.Errorf("cycle %d: runs of session %s: %v", n, id, err)
		}
		for _, r := range list {
			runs[r.Id] = r
			seen[r.ClientRequestId]++
		}
	}
	for _, m := range c.messages {
		if m.run == "" {
			continue
		}
		r := runs[m.run]
		if r == nil || seen[m.id] != 1 || r.ClientRequestId != m.id {
			c.t.Errorf("cycle %d: message %s was accepted as run %s; there are %d of it, and %v", n, m.id, m.run, seen[m.id], r)
		}
	}
	for id := range c.cancelled {
		if r := runs[id]; r != nil && r.EndedMs == 0 {
			c.t.Errorf("cycle %d: run %s was cancelled and is %v", n, id, r.State)
		}
	}
	for id, choice := range c.decided {
		a, err := st.Approval(ctx, id)
		if err != nil || a.Decision.GetChoiceId() != choice {
			c.t.Errorf("cycle %d: approval %s was answered with %s and says %v, %v", n, id, choice, a.GetDecision(), err)
		}
	}
	for id := range known {
		c.checkJournal(ctx, st, n, id, runs)
	}
}

// checkJournal compares a session's journal with what its messages were and what the provider says to them.
func (c *chaos) checkJournal(ctx context.Context, st *store.Store, n int, session string, runs map[string]*apiv1.Run) {
	texts, users, usages, outputs := map[string]*strings.Builder{}, map[string]string{}, map[string]int{}, map[string]string{}
	ends := int64(0)
	for before := int64(0); ; {
		page, err := st.ListEntries(ctx, &apiv1.ListEntriesRequest{SessionId: session, BeforeSeq: before, Limit: 1000})
		if err != nil {
			c.t.Errorf("cycle %d: entries of session %s: %v", n, session, err)
			return
		}
		for i := len(page.Entries) - 1; i >= 0; i-- {
			e := page.Entries[i]
			if ends != 0 && e.LastSeq+1 != ends {
				c.t.Errorf("cycle %d: session %s goes from entry %d to %d", n, session, e.LastSeq, ends)
			}
			ends = e.Seq
			b := texts[e.RunId]
			if b == nil {
				b = &strings.Builder{}
				texts[e.RunId] = b
			}
			switch {
			case e.GetText() != nil:
				before := b.String()
				b.Reset()
				b.WriteString(e.GetText().Text + before)
			case e.GetUser() != nil:
				users[e.RunId] = e.GetUser().Text
			case e.GetToolOutput() != nil:
				outputs[e.RunId] += e.GetToolOutput().GetResult().GetContent()
			case e.GetUsage() != nil:
				usages[e.RunId]++
			}
		}
		if !page.More {
			break
		}
		before = page.Entries[0].Seq
	}
	if ends > 1 {
		c.t.Errorf("cycle %d: session %s begins with entry %d", n, session, ends)
	}
	for _, m := range c.messages {
		if m.run == "" || m.session != session || m.linked || runs[m.run] == nil {
			continue
		}
		if !m.edited && users[m.run] != m.text {
			c.t.Errorf("cycle %d: message %s was %q and is %q", n, m.id, m.text, users[m.run])
		}
		r, text := runs[m.run], ""
		if b := texts[m.run]; b != nil {
			text = b.String()
		}
		if m.model != "" {
			c.checkMark(n, m, r, outputs[m.run])
		}
		if m.edited || m.model != "" || strings.Contains(m.text, "\nquestion ") {
			continue
		}
		whole := m.answer
		if !strings.HasPrefix(whole, text) {
			c.t.Errorf("cycle %d: the answer to %s is %.200q, the provider says %.200q", n, m.id, text, whole)
		}
		if r.State == apiv1.RunState_RUN_STATE_COMPLETED && text != whole {
			c.t.Errorf("cycle %d: the whole answer to %s has %d bytes, the provider said %d", n, m.id, len(text), len(whole))
		}
		if r.State == apiv1.RunState_RUN_STATE_COMPLETED && usages[m.run] != 1 {
			c.t.Errorf("cycle %d: the usage of run %s was counted %d times", n, m.run, usages[m.run])
		}
	}
}

// checkMark counts what a message's tool has left: nothing is done twice, and what was completed was done.
func (c *chaos) checkMark(n int, m *message, r *apiv1.Run, said string) {
	text, err := os.ReadFile(filepath.Join(c.workplace, "marks"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	done := strings.Count("\n"+string(text), "\n"+m.id+"\n")
	if done > 1+m.repeats {
		c.t.Errorf("cycle %d: the tool call of message %s was carried out %d times, its run was repeated %d times", n, m.id, done, m.repeats)
	}
	denied := strings.Contains(said, "denied")
	if r.State == apiv1.RunState_RUN_STATE_COMPLETED && done == 0 && !denied && !m.edited {
		c.t.Errorf("cycle %d: run %s was completed, and its tool call %q has left nothing: %s", n, m.run, m.text, said)
	}
}

// checkAPI looks at the same through the next host: what its clients are shown is what the file holds.
func (c *chaos) checkAPI(n int) {
	p := c.start()
	defer p.kill()
	_, runs, sessions := c.calls()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.messages {
		if m.run == "" || m.linked {
			continue
		}
		res, err := runs.GetRun(c.t.Context(), &apiv1.GetRunRequest{Id: m.run})
		if err != nil || res.Run.ClientRequestId != m.id {
			c.t.Errorf("cycle %d: the API gives for run %s: %v, %v", n, m.run, res.GetRun(), err)
			continue
		}
		if m.edited {
			continue
		}
		// Its mark is a word nobody else has written.
		found, err := sessions.SearchSessions(c.t.Context(), &apiv1.SearchSessionsRequest{Query: m.id, SessionId: m.session})
		if err != nil {
			c.t.Errorf("cycle %d: search for %s: %v", n, m.id, err)
			continue
		}
		users := 0
		for _, hit := range found.Hits {
			if hit.User && hit.RunId == m.run {
				users++
			}
		}
		if users != 1 {
			c.t.Errorf("cycle %d: search finds message %s %d times", n, m.id, users)
		}
	}
	if out := c.must("session", "list", "-n", "1000", "--json"); len(c.sessions) > 0 && out == "" {
		c.t.Errorf("cycle %d: no sessions are listed", n)
	}
}
