package tool

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	maxSteps = 50
	maxStep  = 500
)

type planArgs struct {
	Steps []struct {
		Text  string `json:"text"`
		State string `json:"state"`
	} `json:"steps"`
}

func updatePlan() *Tool {
	return &Tool{
		Declaration: declare(UpdatePlan),
		Prepare:     preparePlan,
		Do: func(_ context.Context, c *Call, _ policy.Grant) (Result, error) {
			return Result{Content: "The person sees the plan.", Outcome: apiv1.ToolOutput_OUTCOME_DONE, Plan: c.Plan()}, nil
		},
	}
}

func preparePlan(c *Call, text string) error {
	a := &planArgs{}
	if err := arguments(text, a, "steps"); err != nil {
		return err
	}
	if len(a.Steps) == 0 || len(a.Steps) > maxSteps {
		return fmt.Errorf("a plan has 1 to %d steps", maxSteps)
	}
	states := map[string]providerv1.Plan_Step_State{
		"open": providerv1.Plan_Step_STATE_OPEN, "active": providerv1.Plan_Step_STATE_ACTIVE, "done": providerv1.Plan_Step_STATE_DONE,
	}
	p := &providerv1.Plan{}
	for _, s := range a.Steps {
		words := strings.Join(strings.Fields(s.Text), " ")
		state, ok := states[s.State]
		switch {
		case words == "":
			return errors.New("a step has no text")
		case len(words) > maxStep:
			return fmt.Errorf("a step has %d bytes; %d are the most", len(words), maxStep)
		case !ok:
			return fmt.Errorf("the state of a step is open, active or done, not %q", s.State)
		}
		p.Steps = append(p.Steps, &providerv1.Plan_Step{Text: words, State: state})
	}
	c.Args = p
	return nil
}

// Plan is what update_plan asks for; nil for any other call.
func (c *Call) Plan() *providerv1.Plan {
	p, _ := c.Args.(*providerv1.Plan)
	return p
}
