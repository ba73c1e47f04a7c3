package cli

import (
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// plan prints the steps of a plan and how far it is.
func (f *follower) plan(p *providerv1.Plan) {
	for _, s := range p.GetSteps() {
		mark := "[ ] "
		switch s.State {
		case providerv1.Plan_Step_STATE_DONE:
			mark = "[x] "
		case providerv1.Plan_Step_STATE_ACTIVE:
			mark = "[>] "
		}
		f.aside(mark + s.Text)
	}
}
