package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/setting"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/tool"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// The choices of the host's own questions.
const (
	choiceOnce    = "once"
	choiceSession = "session"
	choiceAlways  = "always"
	choiceDeny    = "deny"
)

// looksBack is how many commands are looked at to show what a rule would have covered.
const looksBack = 100

// question is one of the host's own that waits for an answer.
type question struct {
	call      *tool.Call
	session   string
	workspace string
	prefix    []string
	domains   []string
	answer    chan *apiv1.Approval
}

// questionKey names a question before it has an id.
func questionKey(runID, callID string) string { return runID + "/" + callID }

// ask puts all questions of a turn at once and waits for all answers.
func (x *execution) ask(ctx context.Context, w *workplace, jobs []*job) error {
	e := x.desk
	// What commands have done so far is seen before the next one is allowed.
	if err := x.reportNow(ctx); err != nil {
		return err
	}
	patience, err := e.patience(ctx)
	if err != nil {
		return err
	}
	waiting := map[*job]*question{}
	defer func() {
		e.mu.Lock()
		for j := range waiting {
			delete(e.questions, questionKey(x.run.Id, j.call.Id))
		}
		e.mu.Unlock()
	}()
	for _, j := range jobs {
		if !j.ask {
			continue
		}
		a := x.approval(w, j, time.Now().Add(patience))
		q := &question{call: j.prepared, session: x.run.SessionId, workspace: w.session.WorkspaceId, answer: make(chan *apiv1.Approval, 1)}
		if !j.again {
			q.prefix, q.domains = j.decision.Prefix, j.decision.Domains
		}
		waiting[j] = q
		e.mu.Lock()
		e.questions[questionKey(x.run.Id, j.call.Id)] = q
		e.mu.Unlock()
		err := x.write.patiently(ctx, func(st *store.Store) (err error) {
			j.approval, err = st.Ask(ctx, x.run.Id, a)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, j := range jobs {
		if !j.ask {
			continue
		}
		if err := x.await(ctx, j, waiting[j]); err != nil {
			return err
		}
	}
	return nil
}

// await waits for one answer; silence is a no.
func (x *execution) await(ctx context.Context, j *job, q *question) error {
	timer := time.NewTimer(time.Until(time.UnixMilli(j.approval.ExpiresMs)))
	defer timer.Stop()
	select {
	case j.approval = <-q.answer:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		err := x.write.patiently(ctx, func(st *store.Store) error {
			a, err := st.Decide(ctx, j.approval.Id, &apiv1.Decision{ChoiceId: choiceDeny, By: apiv1.Author_AUTHOR_TIMEOUT})
			if err == nil || errors.Is(err, store.ErrDecided) {
				j.approval, err = a, nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if j.approval.State == apiv1.ApprovalState_APPROVAL_STATE_ALLOWED {
		return nil
	}
	j.refusal = declined(j.approval.GetDecision())
	return nil
}

// patience is how long a question waits.
func (e *desk) patience(ctx context.Context) (time.Duration, error) {
	value, err := e.know.Setting(ctx, setting.ApprovalMinutes)
	return time.Duration(setting.Amount(setting.ApprovalMinutes, value) * float64(time.Minute)), err
}

// approval is what a person is shown.
func (x *execution) approval(w *workplace, j *job, expires time.Time) *apiv1.Approval {
	c, d := j.prepared, j.decision
	q := &providerv1.Question{Id: j.call.Id, Kind: providerv1.Question_KIND_APPROVAL, Subject: c.Path, Directory: w.place.Root}
	q.Text = c.Question()
	switch {
	case c.Wants.Command != "":
		q.Subject, q.Directory = c.Command(), c.Wants.Dir
	case c.Wants.Outside != nil:
		q.Text = fmt.Sprintf("May %s be called?", c.Wants.Outside.Tool)
		q.Subject, q.Directory = c.Wants.Outside.Arguments, ""
	}
	q.Choices = []*providerv1.Question_Choice{{Id: choiceOnce, Text: "Allow once", Allows: true}}
	a := &apiv1.Approval{
		Question: q, Reason: reasonOf(d.Cause), Why: d.Reason, Profile: profileOf(d.Profile), CallId: j.call.Id, ExpiresMs: expires.UnixMilli(),
		Class: classOf(d.Class), Instead: d.Instead, Diff: j.preview, Domains: d.Domains,
	}
	if j.again {
		a.Reason, a.Instead = apiv1.Reason_REASON_REPEATED, ""
	} else if what := remembers(d, c.Command()); what != "" && w.place.Level == policy.LevelFull {
		if d.Class != policy.ClassNetwork || len(d.Domains) == 0 {
			a.Prefix = d.Prefix
		}
		q.Choices = append(q.Choices, &providerv1.Question_Choice{Id: choiceSession, Text: "Allow in this session: " + what, Allows: true})
		if w.workspace != nil {
			q.Choices = append(q.Choices, &providerv1.Question_Choice{Id: choiceAlways, Text: "Always allow in this workspace: " + what, Allows: true})
		}
	}
	q.Choices = append(q.Choices, &providerv1.Question_Choice{Id: choiceDeny, Text: "Deny"})
	return a
}

// remembers says what "session" and "always" would allow from now on; empty: nothing can be remembered.
func remembers(d policy.Decision, command string) string {
	if d.Profile == policy.ProfileHost || d.Class == policy.ClassUnknown || d.Class == policy.ClassDangerous {
		return ""
	}
	switch {
	case d.Class == policy.ClassNetwork && len(d.Domains) > 0:
		return "reaching " + strings.Join(d.Domains, ", ")
	case len(d.Prefix) > 0 && policy.Covers(d.Prefix, command):
		return "commands that begin with " + strings.Join(d.Prefix, " ")
	}
	return ""
}

// answered passes a decision on to the run that waits for it, keeps what it says about the future, and lets that answer
// other questions that ask for the same. It tells whether the question was the host's own.
func (e *Engine) answered(ctx context.Context, a *apiv1.Approval, by apiv1.Author) (bool, error) {
	e.mu.Lock()
	q := e.questions[questionKey(a.RunId, a.CallId)]
	e.mu.Unlock()
	if a.CallId == "" {
		return false, nil
	}
	if q == nil {
		return true, nil
	}
	var rules []*apiv1.Rule
	if choice := a.Decision.GetChoiceId(); choice == choiceSession || choice == choiceAlways {
		rules = q.rules(choice, by)
	}
	var err error
	if len(rules) > 0 {
		if _, err = e.store.AddRules(ctx, rules...); err != nil {
			err = fmt.Errorf("it is allowed once, but could not be remembered: %w", err)
		}
	}
	q.answer <- a
	if len(rules) > 0 && err == nil {
		err = e.answerOthers(ctx)
	}
	return true, err
}

// rules are what an answer makes.
func (q *question) rules(choice string, by apiv1.Author) []*apiv1.Rule {
	base := func() *apiv1.Rule {
		r := &apiv1.Rule{WorkspaceId: q.workspace, MadeBy: by}
		if choice == choiceSession || q.workspace == "" {
			r.SessionId = q.session
		}
		return r
	}
	var rules []*apiv1.Rule
	for _, d := range q.domains {
		r := base()
		r.Domain = d
		rules = append(rules, r)
	}
	// Reaching a host is what matters about a command that does.
	if len(q.prefix) > 0 && len(rules) == 0 {
		r := base()
		r.Prefix = q.prefix
		rules = append(rules, r)
	}
	return rules
}

// answerOthers answers questions that wait and that policy would not ask any more.
func (e *Engine) answerOthers(ctx context.Context) error {
	pending, _, err := e.store.PendingApprovals(ctx)
	if err != nil {
		return err
	}
	for _, a := range pending {
		e.mu.Lock()
		q := e.questions[questionKey(a.RunId, a.CallId)]
		e.mu.Unlock()
		if q == nil || len(q.prefix)+len(q.domains) == 0 {
			continue
		}
		session, err := e.store.Session(ctx, a.SessionId)
		if err != nil {
			return err
		}
		w, err := e.enter(ctx, session)
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		d, err := e.decide(ctx, w, q.call)
		if err != nil {
			return err
		}
		if d.Verdict != policy.Allow {
			continue
		}
		a, err = e.store.Decide(ctx, a.Id, &apiv1.Decision{ChoiceId: choiceOnce, Allowed: true, By: apiv1.Author_AUTHOR_RULE})
		if errors.Is(err, store.ErrDecided) {
			continue
		}
		if err != nil {
			return err
		}
		q.answer <- a
	}
	return nil
}

// PreviewRule tells what answering "always" to a question would allow, and which of the newest commands of its workspace
// it would have allowed.
func (e *Engine) PreviewRule(ctx context.Context, approvalID string) (*apiv1.PreviewRuleResponse, error) {
	a, err := e.store.Approval(ctx, approvalID)
	if err != nil {
		return nil, err
	}
	res := &apiv1.PreviewRuleResponse{Prefix: a.Prefix}
	if len(a.Prefix) == 0 {
		return res, nil
	}
	session, err := e.store.Session(ctx, a.SessionId)
	if err != nil {
		return nil, err
	}
	calls, err := e.store.ToolCalls(ctx, session.WorkspaceId, session.Id, tool.RunShell, looksBack)
	if err != nil {
		return nil, err
	}
	for _, arguments := range calls {
		var given struct {
			Command string `json:"command"`
		}
		if err := json.Unmarshal([]byte(arguments), &given); err != nil || given.Command == "" {
			continue
		}
		res.LookedAt++
		if policy.Covers(a.Prefix, given.Command) {
			res.Covered = append(res.Covered, given.Command)
		}
	}
	return res, nil
}
