package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// What the API's facts are in words for people at a terminal.

// HintWords say what was found and how it is connected.
func HintWords(h *apiv1.Hint) string {
	switch {
	case h.Kind == apiv1.Hint_KIND_PROBLEM:
		return h.Problem
	case h.Kind == apiv1.Hint_KIND_SERVER && h.Plugin == "":
		return fmt.Sprintf("%s %s runs at %s, but its plugin is not installed", h.Name, h.Version, h.BaseUrl)
	case h.Kind == apiv1.Hint_KIND_SERVER:
		return fmt.Sprintf("%s %s runs at %s; `openvibez provider add %s` connects it", h.Name, h.Version, h.BaseUrl, h.Plugin)
	case h.Plugin == "":
		return fmt.Sprintf("%s is set, but no plugin for %s is installed", h.Env, h.Name)
	}
	return fmt.Sprintf("%s is set; `openvibez provider add %s` connects %s with it", h.Env, h.Plugin, h.Name)
}

// profileWords say where something would happen.
func profileWords(a *apiv1.Approval) string {
	switch a.Profile {
	case apiv1.Profile_PROFILE_RO:
		return "read-only: nothing can be changed, no network"
	case apiv1.Profile_PROFILE_WORK:
		return "work: the workspace can be changed, but not .git; no network"
	case apiv1.Profile_PROFILE_GIT:
		return "git: the workspace and .git can be changed, but not git's hooks and configuration; no network"
	case apiv1.Profile_PROFILE_NET:
		hosts := "the granted hosts"
		if len(a.Domains) > 0 {
			hosts = strings.Join(a.Domains, ", ")
		}
		return "net: the workspace can be changed, and " + hosts + " can be reached"
	case apiv1.Profile_PROFILE_HOST:
		return "host: outside the sandbox, with all that you may do yourself"
	}
	return ""
}

// reasonWords say why something is asked, before what exactly it is about.
func reasonWords(a *apiv1.Approval) string {
	if a.Reason == apiv1.Reason_REASON_REPEATED {
		return strings.TrimSpace("It has made exactly this call several times in a row and may be going round in circles. " + a.Why)
	}
	return a.Why
}

// outcomeWords say how a call ended; empty where it was simply done.
func outcomeWords(o *apiv1.ToolOutput) string {
	switch o.Outcome {
	case apiv1.ToolOutput_OUTCOME_EXITED:
		return fmt.Sprintf("exit code %d", o.ExitCode)
	case apiv1.ToolOutput_OUTCOME_TIMED_OUT:
		return "ended because it took too long"
	case apiv1.ToolOutput_OUTCOME_FAILED:
		return "failed"
	case apiv1.ToolOutput_OUTCOME_REFUSED:
		return refusalWords(o)
	case apiv1.ToolOutput_OUTCOME_DENIED:
		if o.Why != "" {
			return "denied: " + o.Why
		}
		return "denied"
	case apiv1.ToolOutput_OUTCOME_UNANSWERED:
		return "not carried out: nobody answered"
	case apiv1.ToolOutput_OUTCOME_UNAVAILABLE:
		return "there is no such tool"
	case apiv1.ToolOutput_OUTCOME_CANCELLED:
		return "stopped"
	case apiv1.ToolOutput_OUTCOME_UNKNOWN:
		return "outcome unknown"
	}
	return ""
}

// refusalWords say why a call was not carried out that nobody was asked about.
func refusalWords(o *apiv1.ToolOutput) string {
	why := o.Why
	switch o.Reason {
	case apiv1.Reason_REASON_ARGUMENTS:
		why = "the call can't be understood"
	case apiv1.Reason_REASON_NO_PLAN:
		why = "there is no plan yet"
	case apiv1.Reason_REASON_CHANGED_MEANWHILE:
		why = "what it names has changed meanwhile"
	case apiv1.Reason_REASON_OTHER_RIGHTS:
		why = "it would happen with other rights than agreed to"
	case apiv1.Reason_REASON_AFTER_CHANGE:
		why = "outside the sandbox it has to come alone"
	case apiv1.Reason_REASON_TO_BE_ASKED:
		why = "it would have to be asked about"
	case apiv1.Reason_REASON_RUN_ENDED:
		why = "the run ended before"
	}
	return strings.TrimSuffix("not carried out: "+why, ": ")
}

// outputWords are what came of a call, on one line. Success of what is not a command needs no words.
func outputWords(o *apiv1.ToolOutput) string {
	words := outcomeWords(o)
	lines := strings.Split(strings.TrimSpace(o.GetResult().GetContent()), "\n")
	last := strings.Join(strings.Fields(lines[len(lines)-1]), " ")
	switch {
	case words == "":
		return ""
	case o.Outcome == apiv1.ToolOutput_OUTCOME_FAILED:
		words = last
	case o.Outcome == apiv1.ToolOutput_OUTCOME_EXITED && o.ExitCode == 0 && len(lines) > 2:
		words = fmt.Sprintf("%s, %d lines", words, len(lines)-1)
	case (o.Outcome == apiv1.ToolOutput_OUTCOME_EXITED || o.Outcome == apiv1.ToolOutput_OUTCOME_TIMED_OUT) && len(lines) > 1:
		words += " · " + last
	}
	return "  " + words
}

// authorWords say who made a rule.
func authorWords(by apiv1.Author) string {
	switch by {
	case apiv1.Author_AUTHOR_WINDOW:
		return "window"
	case apiv1.Author_AUTHOR_CLI:
		return "cli"
	case apiv1.Author_AUTHOR_NOTIFICATION:
		return "notification"
	}
	return ""
}

// callWords say on one line what a model wants to do.
func callWords(c *providerv1.ToolCall) string {
	var given struct {
		Command, Path, Pattern, Glob string
	}
	// What does not fit is answered by the host; here it is only named.
	_ = json.Unmarshal([]byte(c.ArgumentsJson), &given)
	switch {
	case c.Name == apiv1.ToolRunShell && given.Command != "":
		return "$ " + given.Command
	case c.Name == apiv1.ToolReadFile && given.Path != "":
		return "reads " + given.Path
	case c.Name == apiv1.ToolEditFile && given.Path != "":
		return "changes " + given.Path
	case c.Name == apiv1.ToolSearchFiles:
		return strings.TrimSpace("searches " + given.Path + " for " + strings.TrimSpace(given.Pattern+" "+given.Glob))
	case c.Name == apiv1.ToolUpdatePlan:
		return "plans"
	}
	return "uses " + c.Name
}

func fileWords(f *apiv1.FileChange) string {
	verb := map[apiv1.FileChange_Kind]string{
		apiv1.FileChange_KIND_CREATED: "made", apiv1.FileChange_KIND_CHANGED: "changed", apiv1.FileChange_KIND_DELETED: "deleted",
	}[f.Kind]
	words := "  " + verb + " " + f.Path
	if f.Sensitive {
		words += " (look at it: " + f.Why + ")"
	}
	return words
}

// rightWords say what a copy of a conversation did not get, and how it gets it again.
func rightWords(r apiv1.Right, session string) string {
	switch r {
	case apiv1.Right_RIGHT_ROOT:
		return fmt.Sprintf("root access: it is scoped now; `openvibez session access %s root --confirm-root` gives it", session)
	case apiv1.Right_RIGHT_WORKSPACE:
		return "its workspace, with what is trusted and allowed there: it is in none now; the window puts it into one"
	case apiv1.Right_RIGHT_PARENT:
		return "the link to the conversation it was branched from, and that one's files"
	case apiv1.Right_RIGHT_PROVIDER_STATE:
		return "what its providers kept of their own: they are told the text alone"
	case apiv1.Right_RIGHT_OPEN:
		return "what was under way: answers are interrupted, and questions count as not answered"
	}
	return "something that this version does not know"
}
