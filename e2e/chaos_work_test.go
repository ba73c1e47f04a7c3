package e2e

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// pick draws one of the values of a list; the zero value of an empty one.
func pick[T any](rnd *rand.Rand, list []T) T {
	if len(list) == 0 {
		var none T
		return none
	}
	return list[rnd.IntN(len(list))]
}

// keepSending sends messages, old ones whose fate is unknown among them.
func (c *chaos) keepSending(ctx context.Context, rnd *rand.Rand) {
	_, runs, sessions := c.calls()
	for ctx.Err() == nil {
		if rnd.IntN(15) == 0 {
			c.moveIn(ctx, sessions)
		}
		m := c.compose(rnd)
		res, err := runs.Send(ctx, &apiv1.SendRequest{SessionId: m.session, ClientRequestId: m.id, Text: m.text, Model: m.model})
		if err != nil {
			if !gone(err) && connect.CodeOf(err) != connect.CodeNotFound {
				c.t.Errorf("send %s: %v", m.id, err)
			}
		} else {
			c.accepted(m, res.Session, res.Run)
		}
		select {
		case <-time.After(time.Duration(rnd.IntN(60)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// moveIn makes a session in the workspace.
func (c *chaos) moveIn(ctx context.Context, sessions apiv1.SessionServiceClient) {
	made, err := sessions.CreateSession(ctx, &apiv1.CreateSessionRequest{WorkspaceId: c.workspace})
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms, c.sessions = append(c.rooms, made.Session.Id), append(c.sessions, made.Session.Id)
}

// compose gives a new message, or one that was tried before.
func (c *chaos) compose(rnd *rand.Rand) *message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rnd.IntN(4) == 0 {
		for _, m := range c.messages {
			if !m.linked && !m.edited && (m.run == "" || rnd.IntN(20) == 0) {
				return m
			}
		}
	}
	id := strings.ToLower("m" + randomText(rnd))
	script, answer := pick(rnd, scripts)(rnd, id)
	m := &message{id: id, text: script, answer: answer}
	if len(c.rooms) > 0 && rnd.IntN(4) == 0 {
		m.session, m.model, m.answer = pick(rnd, c.rooms[max(0, len(c.rooms)-3):]), "cloud", ""
		m.text = pick(rnd, toolScripts)(id)
		c.messages[id] = m
		return m
	}
	if len(c.sessions) > 0 && rnd.IntN(5) > 0 {
		// The newest few, so that queues form.
		m.session = c.sessions[max(0, len(c.sessions)-1-rnd.IntN(4))]
	}
	c.messages[id] = m
	return m
}

func randomText(rnd *rand.Rand) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	var b strings.Builder
	for range 12 {
		b.WriteByte(letters[rnd.IntN(len(letters))])
	}
	return b.String()
}

// accepted takes note of what the host has promised.
func (c *chaos) accepted(m *message, s *apiv1.Session, r *apiv1.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.run != "" && m.run != r.Id {
		c.t.Errorf("message %s was run %s and is now run %s", m.id, m.run, r.Id)
	}
	if m.run == "" {
		c.counts["messages accepted"]++
	} else {
		c.counts["messages sent again"]++
	}
	m.run = r.Id
	if m.session == "" {
		m.session = s.Id
		c.sessions = append(c.sessions, s.Id)
	}
}

// meddle cancels, retries, continues, pauses, edits, moves and decides, as impatient people do.
func (c *chaos) meddle(ctx context.Context, rnd *rand.Rand) {
	_, runs, sessions := c.calls()
	for ctx.Err() == nil {
		select {
		case <-time.After(time.Duration(10+rnd.IntN(80)) * time.Millisecond):
		case <-ctx.Done():
			return
		}
		if rnd.IntN(3) == 0 {
			c.decide(ctx, rnd, runs)
			continue
		}
		var list []*apiv1.Run
		if res, err := runs.ListRuns(ctx, &apiv1.ListRunsRequest{}); err == nil {
			list = res.Runs
		}
		if r := pick(rnd, list); r != nil {
			c.disturb(ctx, rnd, runs, r)
		}
		if rnd.IntN(4) == 0 {
			c.goOn(ctx, rnd, runs, sessions)
		}
	}
}

// disturb does something to a run that has not ended.
func (c *chaos) disturb(ctx context.Context, rnd *rand.Rand, runs apiv1.RunServiceClient, r *apiv1.Run) {
	queued := r.State == apiv1.RunState_RUN_STATE_QUEUED
	switch what := rnd.IntN(6); {
	case what == 0:
		if res, err := runs.Cancel(ctx, &apiv1.CancelRequest{RunId: r.Id}); err == nil {
			c.mu.Lock()
			c.cancelled[res.Run.Id] = true
			c.counts["cancels"]++
			c.mu.Unlock()
		}
	case what == 1:
		if _, err := runs.Pause(ctx, &apiv1.PauseRequest{RunId: r.Id}); err == nil {
			c.count("pauses")
		}
	case what == 2 && r.State == apiv1.RunState_RUN_STATE_PAUSED:
		if _, err := runs.Resume(ctx, &apiv1.ResumeRequest{RunId: r.Id}); err == nil {
			c.count("resumes")
		}
	case what == 3 && queued:
		c.edit(ctx, rnd, runs, r)
	case what == 4 && queued:
		if _, err := runs.MoveQueued(ctx, &apiv1.MoveQueuedRequest{RunId: r.Id}); err == nil {
			c.count("moves")
		}
	}
}

// edit changes a queued message; from then on its text is not what was sent.
func (c *chaos) edit(ctx context.Context, rnd *rand.Rand, runs apiv1.RunServiceClient, r *apiv1.Run) {
	c.mu.Lock()
	m := c.messages[r.ClientRequestId]
	if m == nil || m.linked {
		c.mu.Unlock()
		return
	}
	m.edited = true
	c.mu.Unlock()
	script, _ := pick(rnd, scripts)(rnd, m.id)
	if _, err := runs.EditQueued(ctx, &apiv1.EditQueuedRequest{RunId: r.Id, Text: script}); err == nil {
		c.count("edits")
	}
}

// goOn retries or continues a run that has ended.
func (c *chaos) goOn(ctx context.Context, rnd *rand.Rand, runs apiv1.RunServiceClient, sessions apiv1.SessionServiceClient) {
	c.mu.Lock()
	session := pick(rnd, c.sessions)
	c.mu.Unlock()
	if session == "" {
		return
	}
	if rnd.IntN(10) == 0 {
		if _, err := sessions.BranchSession(ctx, &apiv1.BranchSessionRequest{SessionId: session}); err == nil {
			c.count("branches")
		}
		return
	}
	res, err := runs.ListRuns(ctx, &apiv1.ListRunsRequest{SessionId: session})
	if err != nil {
		return
	}
	r := pick(rnd, res.Runs)
	if r == nil || r.EndedMs == 0 {
		return
	}
	m := &message{id: "again" + randomText(rnd), session: session, linked: true}
	c.mu.Lock()
	for _, first := range c.messages {
		if first.session == session {
			// Chains of such runs go back to any of the session's messages.
			first.repeats++
		}
	}
	c.mu.Unlock()
	if rnd.IntN(2) == 0 {
		res, err := runs.Retry(ctx, &apiv1.RetryRequest{RunId: r.Id, ClientRequestId: m.id})
		if err != nil {
			return
		}
		c.count("retries")
		c.keep(m, res.Session, res.Run)
		return
	}
	again, err := runs.Continue(ctx, &apiv1.ContinueRequest{RunId: r.Id, ClientRequestId: m.id})
	if err != nil {
		return
	}
	c.count("continues")
	c.keep(m, again.Session, again.Run)
}

func (c *chaos) keep(m *message, s *apiv1.Session, r *apiv1.Run) {
	c.mu.Lock()
	c.messages[m.id] = m
	c.mu.Unlock()
	c.accepted(m, s, r)
}

// decide answers a question that waits; two answers at once are part of it.
func (c *chaos) decide(ctx context.Context, rnd *rand.Rand, runs apiv1.RunServiceClient) {
	res, err := runs.ListApprovals(ctx, &apiv1.ListApprovalsRequest{})
	if err != nil {
		return
	}
	a := pick(rnd, res.Approvals)
	if a == nil {
		return
	}
	answers := make(chan string, 2)
	choices := []string{"yes", "no"}
	if a.CallId != "" {
		choices = []string{"once", "deny"}
	}
	for _, choice := range choices {
		go func() {
			got, err := runs.Decide(ctx, &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: choice})
			if err != nil {
				answers <- ""
				return
			}
			answers <- got.Approval.Decision.GetChoiceId()
		}()
	}
	first, second := <-answers, <-answers
	if first != "" && second != "" {
		c.t.Errorf("approval %s was answered twice: %s and %s", a.Id, first, second)
	}
	if won := first + second; won != "" {
		c.mu.Lock()
		c.decided[a.Id] = won
		c.counts["decisions"]++
		c.mu.Unlock()
	}
}

// follow watches one session after the other and drops its stream now and then, as windows do.
func (c *chaos) follow(ctx context.Context, rnd *rand.Rand) {
	hosts, _, _ := c.calls()
	for ctx.Err() == nil {
		c.mu.Lock()
		session := pick(rnd, c.sessions)
		c.mu.Unlock()
		once, cancel := context.WithTimeout(ctx, time.Duration(20+rnd.IntN(400))*time.Millisecond)
		stream, err := hosts.Watch(once, &apiv1.WatchRequest{SessionId: session})
		if err == nil {
			for rev := int64(0); stream.Receive(); {
				if now := stream.Msg().Rev; now < rev {
					c.t.Errorf("a watcher was sent revision %d after %d", now, rev)
				} else {
					rev = now
				}
			}
			_ = stream.Close()
			c.count("watchers")
		}
		cancel()
	}
}
