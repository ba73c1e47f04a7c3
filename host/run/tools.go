package run

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/run/textcalls"
	"github.com/openvibez/openvibez/host/setting"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/tool"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// maxBeside is how many reading calls go on at a time.
	maxBeside = 4
	// mayRepeat is how often the same call may come in a row before a person is asked.
	mayRepeat = 2
)

// job is one call of a tool on its way.
type job struct {
	call *providerv1.ToolCall
	// nil where it could not be understood.
	prepared *tool.Call
	decision policy.Decision
	grant    policy.Grant
	// Why the call is not to be carried out; nil: it is.
	refusal *refusal
	// A person is to be asked; again says that it is because the call came so often.
	ask, again bool
	// The difference that the person was shown.
	preview  string
	approval *apiv1.Approval
}

// answerCalls carries out what the model called for. All of it is in the journal before anything is done; what has to be
// asked is asked first, all at once; then the calls are carried out in their order.
func (x *execution) answerCalls(ctx context.Context, turn []*apiv1.Entry) error {
	err := x.write.patiently(ctx, func(st *store.Store) error {
		if err := x.writeHeld(st); err != nil {
			return err
		}
		_, err := st.Append(ctx, x.run.Id, true, turn...)
		return err
	})
	if err != nil {
		return err
	}
	if len(x.calls) == 0 {
		return nil
	}
	w, err := x.place(ctx)
	if err != nil {
		return err
	}
	if w == nil {
		return x.refuseAll(ctx)
	}
	jobs := make([]*job, len(x.calls))
	asking, changing := false, false
	for i, c := range x.calls {
		j, err := x.consider(ctx, w, c)
		if err != nil {
			return err
		}
		if changing && j.ask && j.decision.Profile == policy.ProfileHost {
			// What a person looks at before they agree has to be what runs.
			j.ask, j.refusal = false, refuse(apiv1.Reason_REASON_AFTER_CHANGE,
				"This call was not carried out: outside the sandbox nothing runs in the same turn as a change before it. Make it alone.")
		}
		changing = changing || j.refusal == nil && !j.prepared.Harmless() && j.prepared.Changes()
		asking = asking || j.ask
		jobs[i] = j
	}
	if asking {
		if err := x.ask(ctx, w, jobs); err != nil {
			return err
		}
		// Trust, rules and files may be others by now.
		if w, err = x.place(ctx); err != nil || w == nil {
			return errors.Join(err, x.refuseAll(ctx))
		}
		for _, j := range jobs {
			if err := x.considerAgain(ctx, w, j); err != nil {
				return err
			}
		}
	}
	return x.perform(ctx, w, jobs)
}

// turns is how often one run may call its model, as the setting "tools.max_turns" says.
func (e *desk) turns(ctx context.Context) (int, error) {
	value, err := e.know.Setting(ctx, setting.MaxTurns)
	return int(setting.Amount(setting.MaxTurns, value)), err
}

// place is where the run's tools work now.
func (x *execution) place(ctx context.Context) (*workplace, error) {
	session, err := x.desk.know.Session(ctx, x.run.SessionId)
	if err != nil {
		return nil, err
	}
	return x.desk.enter(ctx, session)
}

// refuseAll answers calls that nothing can carry out.
func (x *execution) refuseAll(ctx context.Context) error {
	var outputs []*apiv1.Entry
	for _, c := range x.calls {
		outputs = append(outputs, unavailable(c).output(c))
	}
	return x.record(ctx, true, outputs...)
}

// identify sees to it that the run has no two calls of the same id: questions, answers and results belong to a call by its
// id, and what a person allows for one must never be taken for another.
func (x *execution) identify(c *providerv1.ToolCall) {
	if x.callIDs == nil {
		x.callIDs = map[string]bool{}
	}
	if c.Id == "" || x.callIDs[c.Id] || x.questionIDs[c.Id] {
		c.Id = "call-" + strings.ToLower(rand.Text()[:12])
	}
	x.callIDs[c.Id] = true
}

// consider says what is to become of a call: it is refused, granted, or asked about.
func (x *execution) consider(ctx context.Context, w *workplace, c *providerv1.ToolCall) (*job, error) {
	j := &job{call: c}
	var err error
	if j.prepared, err = x.desk.box.Prepare(c, w.place.Root); err != nil {
		j.refusal = refuse(apiv1.Reason_REASON_ARGUMENTS, "This call can't be carried out: %v.", err)
		if errors.Is(err, tool.ErrUnknown) {
			j.refusal.outcome, j.refusal.reason = apiv1.ToolOutput_OUTCOME_UNAVAILABLE, apiv1.Reason_REASON_NO_SUCH_TOOL
		}
		return j, nil
	}
	j.again = x.repeated(c)
	if j.prepared.Harmless() {
		return j, nil
	}
	if j.decision, err = x.desk.decide(ctx, w, j.prepared); err != nil {
		return nil, err
	}
	if j.decision.Verdict == policy.Deny {
		j.refusal = denied(j.decision)
		return j, nil
	}
	if j.decision.Class != policy.ClassRead {
		if j.refusal = x.lacksPlan(ctx); j.refusal != nil {
			return j, nil
		}
	}
	if j.ask = j.again || j.decision.Verdict == policy.Ask; j.ask {
		j.preview = j.prepared.Preview()
	} else {
		j.grant, _ = j.decision.Grant()
	}
	return j, nil
}

// considerAgain looks at a call once more after a person was asked: what holds now decides.
func (x *execution) considerAgain(ctx context.Context, w *workplace, j *job) error {
	if j.refusal != nil || j.prepared.Harmless() {
		return nil
	}
	now, err := x.desk.box.Prepare(j.call, w.place.Root)
	if err != nil || !now.Same(j.prepared) {
		j.refusal = refuse(apiv1.Reason_REASON_CHANGED_MEANWHILE, "This call was not carried out: what it names has changed meanwhile. Look again.")
		return nil
	}
	asked := j.decision
	if j.decision, err = x.desk.decide(ctx, w, now); err != nil {
		return err
	}
	switch {
	case j.decision.Verdict == policy.Deny:
		j.refusal = denied(j.decision)
	case j.decision.Verdict == policy.Allow:
		j.grant, _ = j.decision.Grant()
	case !asked.SameGround(j.decision):
		j.refusal = refuse(apiv1.Reason_REASON_CHANGED_MEANWHILE, "This call was not carried out: the directory is another than when the person agreed, or less trusted. Look again.")
	case j.approval.GetState() != apiv1.ApprovalState_APPROVAL_STATE_ALLOWED:
		j.refusal = refuse(apiv1.Reason_REASON_TO_BE_ASKED, "This call was not carried out: it would have to be asked about now. Make it again.")
	case j.decision.Profile != asked.Profile:
		j.refusal = refuse(apiv1.Reason_REASON_OTHER_RIGHTS, "This call was not carried out: since the person agreed, it would happen with other rights. Make it again.")
	case j.preview != "" && now.Preview() != j.preview:
		j.refusal = refuse(apiv1.Reason_REASON_CHANGED_MEANWHILE, "This change was not made: the file has changed since the person agreed. Look at it again.")
	default:
		j.grant, err = j.decision.Approved()
	}
	j.prepared = now
	return err
}

// repeated counts how often the same call has come in a row, and tells when that is too often.
func (x *execution) repeated(c *providerv1.ToolCall) bool {
	key := c.Name + "\x00" + textcalls.Compact(c.ArgumentsJson)
	if key != x.last {
		x.last, x.times = key, 0
	}
	if x.times++; x.times <= mayRepeat {
		return false
	}
	x.times = 0
	return true
}

// perform carries the calls out in their order; those next to each other that only read go on side by side.
func (x *execution) perform(ctx context.Context, w *workplace, jobs []*job) error {
	for len(jobs) > 0 {
		n := 1
		for n < len(jobs) && n < maxBeside && jobs[0].reads() && jobs[n].reads() {
			n++
		}
		if err := x.performSome(ctx, w, jobs[:n]); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	return x.settlePlan(ctx)
}

func (j *job) reads() bool {
	return j.refusal == nil && !j.prepared.Harmless() && !j.prepared.Changes()
}

// performSome carries out one call, or several that only read.
func (x *execution) performSome(ctx context.Context, w *workplace, jobs []*job) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var intents []*apiv1.Entry
	var rules []string
	for _, j := range jobs {
		if j.refusal != nil || j.prepared.Harmless() {
			continue
		}
		rules = append(rules, w.used(j.decision)...)
		if j.approval == nil {
			intents = append(intents, &apiv1.Entry{Body: &apiv1.Entry_Decision{Decision: &apiv1.Decision{
				QuestionId: j.call.Id, Allowed: true, By: apiv1.Author_AUTHOR_POLICY, Text: j.decision.Reason,
				Class: classOf(j.decision.Class), Profile: profileOf(j.grant.Profile()), Level: levelOf(w.place.Level),
			}}})
		}
	}
	if len(intents) > 0 {
		if err := x.record(ctx, true, intents...); err != nil {
			return err
		}
	}
	if err := x.write.perhaps(func(st *store.Store) error { return st.UseRules(ctx, rules...) }); err != nil {
		return err
	}
	results := make([][]store.Added, len(jobs))
	errs := make([]error, len(jobs))
	var wait sync.WaitGroup
	for i, j := range jobs {
		wait.Go(func() { results[i], errs[i] = x.performOne(ctx, w, j) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// What was done is kept, also of a run that is being cancelled.
	var added []store.Added
	for _, r := range results {
		added = append(added, r...)
	}
	return x.write.patiently(ctx, func(st *store.Store) error {
		_, err := st.AppendChanges(context.WithoutCancel(ctx), x.run.Id, added...)
		return err
	})
}

// performOne gives the entries that a call comes to, its output last.
func (x *execution) performOne(ctx context.Context, w *workplace, j *job) ([]store.Added, error) {
	if j.refusal != nil {
		return []store.Added{{Entry: j.refusal.output(j.call)}}, nil
	}
	if j.prepared.Command() != "" {
		if err := x.before(ctx, w.place.Root); err != nil {
			return nil, err
		}
		x.say("runs " + short(j.prepared.Command()))
		defer x.say("")
	}
	j.prepared.Private = w.private
	began := time.Now()
	res, err := x.desk.box.Do(ctx, j.prepared, j.grant)
	if err != nil {
		x.desk.log.Warn("carry out a call", "run", x.run.Id, "tool", j.call.Name, "error", err)
		res = tool.Result{Content: "This call could not be carried out: " + err.Error() + ".", Outcome: apiv1.ToolOutput_OUTCOME_FAILED}
	}
	o := &apiv1.ToolOutput{
		Outcome: res.Outcome, ExitCode: int32(res.ExitCode), Profile: profileOf(j.grant.Profile()), Directory: j.grant.Dir(),
		WorkedMs: max(time.Since(began).Milliseconds(), 1),
	}
	if res.Plan != nil {
		return x.givenPlan(j.call, res), nil
	}
	var added []store.Added
	for _, c := range res.Changes {
		x.touched(w.place.Root, c.Path)
		added = append(added, store.Added{
			Entry: &apiv1.Entry{Body: &apiv1.Entry_FileChange{FileChange: c.File}},
			Undo:  undoOf(c),
		})
	}
	if !res.Failed() {
		x.worked()
	}
	return append(added, store.Added{Entry: outputEntry(j.call, res.Content, res.Failed(), o)}), nil
}

// used are the rules that a decision rests on.
func (w *workplace) used(d policy.Decision) []string {
	var ids []string
	if d.RuleID != "" {
		ids = append(ids, d.RuleID)
	}
	if d.Class != policy.ClassNetwork {
		return ids
	}
	for _, r := range w.rules {
		for _, host := range d.Domains {
			if rest, wild := strings.CutPrefix(r.Domain, "*"); r.Domain == host || wild && strings.HasSuffix(host, rest) {
				ids = append(ids, r.Id)
				break
			}
		}
	}
	return ids
}

// short is a command on one line, for a status.
func short(command string) string {
	const most = 60
	line := strings.Join(strings.Fields(command), " ")
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}
