package run

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/run/textcalls"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/tool"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// maxUnplanned is how often a change is refused for want of a plan before the host makes one.
const maxUnplanned = 2

// keeping holds a run to its plan where the model runs on this machine or uses the text protocol: there is a plan before
// the first change, a step is done only with work behind it, and an answer that leaves steps open says why.
type keeping struct {
	mu     sync.Mutex
	strict bool
	plan   []*providerv1.Plan_Step
	// Calls that succeeded since a step was last ticked.
	work int
	// A plan with steps marked done that have no work behind them yet.
	unproven  []*providerv1.Plan_Step
	unplanned int
	held      bool
}

// worked notes that a call has succeeded.
func (x *execution) worked() {
	x.keep.mu.Lock()
	x.keep.work++
	x.keep.mu.Unlock()
}

// lacksPlan refuses a model to change things without a plan; nil: it may.
func (x *execution) lacksPlan(ctx context.Context) *refusal {
	k := &x.keep
	if !k.strict || len(k.plan) > 0 {
		return nil
	}
	if k.unplanned++; k.unplanned <= maxUnplanned {
		how := "Call " + tool.UpdatePlan + " with the steps"
		if x.filter != nil {
			how = "Write a PLAN line with the steps"
		}
		return refuse(apiv1.Reason_REASON_NO_PLAN, "Not carried out: this changes something, and there is no plan yet. %s, then make this call again.", how)
	}
	k.plan = []*providerv1.Plan_Step{{Text: "Do what was asked", State: providerv1.Plan_Step_STATE_ACTIVE}}
	if err := x.append(ctx, planEntry(k.plan)); err != nil {
		x.desk.log.Warn("journal a plan", "run", x.run.Id, "error", err)
	}
	return nil
}

func planEntry(steps []*providerv1.Plan_Step) *apiv1.Entry {
	return &apiv1.Entry{Body: &apiv1.Entry_Plan{Plan: &providerv1.Plan{Steps: steps}}}
}

// takePlan journals a plan that came in the stream.
func (x *execution) takePlan(ctx context.Context, p *providerv1.Plan) error {
	k := &x.keep
	if x.filter == nil || !k.strict {
		k.plan = p.Steps
		return x.append(ctx, &apiv1.Entry{Body: &apiv1.Entry_Plan{Plan: p}})
	}
	steps, unproven := k.prove(p.Steps)
	k.unproven = nil
	if unproven {
		k.unproven = p.Steps
	}
	if textcalls.SameSteps(k.plan, steps) && done(steps) == done(k.plan) {
		return nil
	}
	k.plan = steps
	return x.append(ctx, planEntry(steps))
}

// prove takes the ticks back that have no work behind them, and tells whether there are any.
func (k *keeping) prove(steps []*providerv1.Plan_Step) ([]*providerv1.Plan_Step, bool) {
	was := done(k.plan)
	if done(steps) <= was {
		return steps, false
	}
	if k.work > 0 {
		k.work = 0
		return steps, false
	}
	p := proto.CloneOf(&providerv1.Plan{Steps: steps})
	for i := len(p.Steps) - 1; i >= 0 && done(p.Steps) > was; i-- {
		if p.Steps[i].State == providerv1.Plan_Step_STATE_DONE && !k.isDone(p.Steps[i].Text) {
			p.Steps[i].State = providerv1.Plan_Step_STATE_ACTIVE
		}
	}
	return p.Steps, true
}

func (k *keeping) isDone(text string) bool {
	for _, s := range k.plan {
		if s.Text == text && s.State == providerv1.Plan_Step_STATE_DONE {
			return true
		}
	}
	return false
}

func done(steps []*providerv1.Plan_Step) (n int) {
	for _, s := range steps {
		if s.State == providerv1.Plan_Step_STATE_DONE {
			n++
		}
	}
	return n
}

// settlePlan ticks the steps that the calls just carried out were the work for.
func (x *execution) settlePlan(ctx context.Context) error {
	k := &x.keep
	if k.unproven == nil || k.work == 0 {
		return nil
	}
	k.plan, k.unproven, k.work = k.unproven, nil, 0
	return x.append(ctx, planEntry(k.plan))
}

// givenPlan is what update_plan comes to.
func (x *execution) givenPlan(c *providerv1.ToolCall, res tool.Result) []store.Added {
	k := &x.keep
	steps, words, unproven := res.Plan.Steps, res.Content, false
	if k.strict {
		if steps, unproven = k.prove(steps); unproven {
			words = "A step is not marked done: nothing has been done since the last one was. Do the work first, then mark it."
		}
	}
	k.plan = steps
	o := &apiv1.ToolOutput{Outcome: apiv1.ToolOutput_OUTCOME_DONE}
	if unproven {
		o.Outcome = apiv1.ToolOutput_OUTCOME_FAILED
	}
	return []store.Added{{Entry: planEntry(steps)}, {Entry: outputEntry(c, words, unproven, o)}}
}

// holdOpen tells whether an answer is held because steps are open: once, then the model has had its say.
func (x *execution) holdOpen(d *providerv1.Done) bool {
	k := &x.keep
	if !k.strict || len(k.plan) == 0 || d.Reason == providerv1.Done_REASON_CONTENT_FILTER || d.Reason == providerv1.Done_REASON_LENGTH {
		return false
	}
	// The last step may be the answer itself.
	if k.unproven != nil && len(k.unproven)-done(k.unproven) == 0 && len(k.plan)-done(k.plan) == 1 {
		k.plan, k.unproven = k.unproven, nil
		x.closing = append(x.closing, planEntry(k.plan))
	}
	open := openSteps(k.plan)
	if len(open) == 0 {
		return false
	}
	if k.held {
		x.closing = append(x.closing, notice(fmt.Sprintf("The answer leaves %d of %d steps open: %s.", len(open), len(k.plan), strings.Join(open, "; "))))
		return false
	}
	k.held = true
	words := "These steps are still open, or were marked done with no work behind them: " + strings.Join(open, "; ") + ". Do them and mark them done, or say in your answer why they stay open."
	x.correction = []*providerv1.Message{textcalls.Problem(words)}
	if x.filter == nil {
		x.correction = []*providerv1.Message{{Role: providerv1.Role_ROLE_USER, Parts: []*providerv1.Part{textPart("(From the program, not the person) " + words)}}}
	}
	return true
}

func openSteps(steps []*providerv1.Plan_Step) []string {
	var open []string
	for _, s := range steps {
		if s.State != providerv1.Plan_Step_STATE_DONE {
			open = append(open, s.Text)
		}
	}
	return open
}
