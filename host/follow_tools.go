package main

import (
	"encoding/json"
	"fmt"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/tool"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// callWords say on one line what a model wants to do.
func callWords(c *providerv1.ToolCall) string {
	var given struct {
		Command, Path, Pattern, Glob string
	}
	// What does not fit is answered by the host; here it is only named.
	_ = json.Unmarshal([]byte(c.ArgumentsJson), &given)
	switch {
	case c.Name == tool.RunShell && given.Command != "":
		return "$ " + given.Command
	case c.Name == tool.ReadFile && given.Path != "":
		return "reads " + given.Path
	case c.Name == tool.EditFile && given.Path != "":
		return "changes " + given.Path
	case c.Name == tool.SearchFiles:
		return strings.TrimSpace("searches " + given.Path + " for " + strings.TrimSpace(given.Pattern+" "+given.Glob))
	case c.Name == tool.UpdatePlan:
		return "plans"
	}
	return "uses " + c.Name
}

// outputWords are the first line of what came of it, and how much more there is. Success of what is not a command needs
// no words.
func outputWords(o *apiv1.ToolOutput) string {
	r := o.GetResult()
	switch r.GetName() {
	case tool.ReadFile, tool.EditFile, tool.SearchFiles, tool.UpdatePlan:
		if !r.Failed {
			return ""
		}
	}
	lines := strings.Split(strings.TrimSpace(r.GetContent()), "\n")
	words := "  " + lines[0]
	if r.GetName() == tool.RunShell && len(lines) > 2 && !r.Failed {
		words = fmt.Sprintf("  %s, %d lines", lines[0], len(lines)-1)
	} else if len(lines) > 1 {
		words = fmt.Sprintf("  %s · %s", lines[0], strings.Join(strings.Fields(lines[len(lines)-1]), " "))
	}
	return words
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
