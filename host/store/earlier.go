package store

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Versions before 0.2 kept some facts as words only: who decided, how a call ended, and the class and profile of what was
// asked. Their databases and exports are read as they are; what is written from now on has the facts.

// earlierEntry fills in what an entry of an earlier version says in words; text is its body as it was kept.
func earlierEntry(e *apiv1.Entry, text string) {
	switch body := e.Body.(type) {
	case *apiv1.Entry_Decision:
		if d := body.Decision; d.By == apiv1.Author_AUTHOR_UNSPECIFIED {
			var was struct{ Decision struct{ By string } }
			if json.Unmarshal([]byte(text), &was) == nil {
				earlierDecision(d, was.Decision.By)
			}
		}
	case *apiv1.Entry_ToolOutput:
		if o := body.ToolOutput; o.Outcome == apiv1.ToolOutput_OUTCOME_UNSPECIFIED {
			var was struct{ ToolOutput struct{ OutcomeUnknown bool } }
			if json.Unmarshal([]byte(text), &was) == nil {
				earlierOutput(o, was.ToolOutput.OutcomeUnknown)
			}
		}
	}
}

// earlierApproval does the same for an approval of an export.
func earlierApproval(p *apiv1.Approval, text string) {
	var was struct {
		Reason, Profile, Class string
		Decision               struct{ By string }
	}
	if json.Unmarshal([]byte(text), &was) != nil {
		return
	}
	if p.Class == apiv1.Class_CLASS_UNSPECIFIED {
		p.Class = earlierClass(was.Class)
	}
	if p.Profile == apiv1.Profile_PROFILE_UNSPECIFIED {
		p.Profile = earlierProfile(was.Profile)
	}
	if _, fact := apiv1.Reason_value[was.Reason]; p.Why == "" && !fact {
		p.Why = was.Reason
	}
	if p.Decision != nil && p.Decision.By == apiv1.Author_AUTHOR_UNSPECIFIED {
		earlierDecision(p.Decision, was.Decision.By)
	}
}

var earlierPolicy = regexp.MustCompile(`(?s)^([a-z]+), in profile ([a-z]+), protection ([a-z]+): (.*)$`)

func earlierDecision(d *apiv1.Decision, by string) {
	d.By = authorNamed(by)
	if d.By != apiv1.Author_AUTHOR_POLICY {
		return
	}
	if m := earlierPolicy.FindStringSubmatch(d.Text); m != nil {
		d.Class, d.Profile, d.Text = earlierClass(m[1]), earlierProfile(m[2]), m[4]
		d.Level = apiv1.Level(apiv1.Level_value["LEVEL_"+strings.ToUpper(m[3])])
	}
}

func earlierClass(name string) apiv1.Class {
	return apiv1.Class(apiv1.Class_value["CLASS_"+strings.ToUpper(name)])
}

// earlierProfile reads "work", and "work: the workspace can be changed".
func earlierProfile(words string) apiv1.Profile {
	name, _, _ := strings.Cut(words, ":")
	return apiv1.Profile(apiv1.Profile_value["PROFILE_"+strings.ToUpper(name)])
}

var earlierExit = regexp.MustCompile(`^exit code (-?\d+)$`)

// earlierOutput tells how a call ended by what its model was told.
func earlierOutput(o *apiv1.ToolOutput, unknown bool) {
	r := o.GetResult()
	head, _, _ := strings.Cut(r.GetContent(), "\n")
	begins := func(words string) bool { return strings.HasPrefix(head, words) }
	shell := r.GetName() == "run_shell"
	exit := earlierExit.FindStringSubmatch(head)
	switch {
	case unknown:
		o.Outcome = apiv1.ToolOutput_OUTCOME_UNKNOWN
	case shell && exit != nil:
		code, _ := strconv.ParseInt(exit[1], 10, 32)
		o.Outcome, o.ExitCode = apiv1.ToolOutput_OUTCOME_EXITED, int32(code)
	case !r.GetFailed():
		o.Outcome = apiv1.ToolOutput_OUTCOME_DONE
	case shell && begins("ended after ") && strings.Contains(head, " took too long"):
		o.Outcome = apiv1.ToolOutput_OUTCOME_TIMED_OUT
	case begins("The command was stopped: the run was cancelled"):
		o.Outcome = apiv1.ToolOutput_OUTCOME_CANCELLED
	case begins("The person denied this."):
		o.Outcome = apiv1.ToolOutput_OUTCOME_DENIED
		_, o.Why, _ = strings.Cut(r.GetContent(), "The person says: ")
	case begins("Nobody answered whether this may be done"):
		o.Outcome = apiv1.ToolOutput_OUTCOME_UNANSWERED
	case begins("The tool ") && strings.Contains(head, " is not available in this conversation"):
		o.Outcome = apiv1.ToolOutput_OUTCOME_UNAVAILABLE
	case begins("Denied: "):
		o.Outcome, o.Why = apiv1.ToolOutput_OUTCOME_REFUSED, strings.TrimPrefix(r.GetContent(), "Denied: ")
	case begins("This call can't be carried out: there is no tool "):
		o.Outcome, o.Reason = apiv1.ToolOutput_OUTCOME_UNAVAILABLE, apiv1.Reason_REASON_NO_SUCH_TOOL
	case begins("This call can't be carried out: "):
		o.Outcome, o.Reason = apiv1.ToolOutput_OUTCOME_REFUSED, apiv1.Reason_REASON_ARGUMENTS
	case begins("This call was not carried out: the run ended"):
		o.Outcome, o.Reason = apiv1.ToolOutput_OUTCOME_REFUSED, apiv1.Reason_REASON_RUN_ENDED
	case begins("Not carried out: "):
		o.Outcome, o.Reason = apiv1.ToolOutput_OUTCOME_REFUSED, apiv1.Reason_REASON_NO_PLAN
	case begins("This call was not carried out: "), begins("This change was not made: "):
		o.Outcome, o.Reason = apiv1.ToolOutput_OUTCOME_REFUSED, apiv1.Reason_REASON_CHANGED_MEANWHILE
	default:
		o.Outcome = apiv1.ToolOutput_OUTCOME_FAILED
	}
}
