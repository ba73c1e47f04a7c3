package run

import (
	"fmt"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// refusal is why a call is not carried out: in words for the model, and as facts for everybody else.
type refusal struct {
	words   string
	outcome apiv1.ToolOutput_Outcome
	reason  apiv1.Reason
	why     string
}

// refuse is a refusal of the host's own.
func refuse(reason apiv1.Reason, format string, args ...any) *refusal {
	return &refusal{words: fmt.Sprintf(format, args...), outcome: apiv1.ToolOutput_OUTCOME_REFUSED, reason: reason}
}

// denied is policy's no.
func denied(d policy.Decision) *refusal {
	words := strings.TrimSpace(d.Reason + " " + d.Instead)
	return &refusal{words: "Denied: " + words, outcome: apiv1.ToolOutput_OUTCOME_REFUSED, reason: reasonOf(d.Cause), why: words}
}

// declined is a person's no, or their silence.
func declined(d *apiv1.Decision) *refusal {
	r := &refusal{words: "The person denied this.", outcome: apiv1.ToolOutput_OUTCOME_DENIED, why: strings.TrimSpace(d.GetText())}
	if d.GetBy() == apiv1.Author_AUTHOR_TIMEOUT {
		r.words, r.outcome = "Nobody answered whether this may be done, which counts as a no.", apiv1.ToolOutput_OUTCOME_UNANSWERED
	}
	if r.why != "" {
		r.words += " The person says: " + r.why
	} else {
		r.words += " Do not try the same in another way; go on without it, or say what you would need."
	}
	return r
}

// unavailable is what calls of tools come to that there are not here.
func unavailable(c *providerv1.ToolCall) *refusal {
	return &refusal{
		words:   fmt.Sprintf("The tool %q is not available in this conversation. Answer without it.", c.Name),
		outcome: apiv1.ToolOutput_OUTCOME_UNAVAILABLE, reason: apiv1.Reason_REASON_NO_SUCH_TOOL,
	}
}

// output is what the refusal is in the journal.
func (r *refusal) output(c *providerv1.ToolCall) *apiv1.Entry {
	return outputEntry(c, r.words, true, &apiv1.ToolOutput{Outcome: r.outcome, Reason: r.reason, Why: r.why})
}

// outputEntry puts what a model is told into what a call came to.
func outputEntry(c *providerv1.ToolCall, words string, failed bool, o *apiv1.ToolOutput) *apiv1.Entry {
	o.Result = &providerv1.ToolResult{CallId: c.Id, Name: c.Name, Content: words, Failed: failed}
	return &apiv1.Entry{Body: &apiv1.Entry_ToolOutput{ToolOutput: o}}
}
