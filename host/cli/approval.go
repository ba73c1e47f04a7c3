package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func approvalCommand(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:     "approval",
		Aliases: []string{"approvals"},
		Short:   "List and answer the questions of models' tools, and of the chat page",
		Long: `A model that wants to do what is not allowed by itself has to wait for a person. Questions are shown in
the window and in the terminal that asked; whoever answers first has answered. They are named by id,
the beginning of one, or "last" for the newest.

The chat page may not do everything alone: add a folder, connect a new address, install a plugin, let a
command reach the network. Such a question of the page is answered here, in the tray or in a dialog of
the window; nobody's answer within five minutes is a no.`,
		Example: `  openvibez approval list
  openvibez approval allow last
  openvibez approval deny last "Use the test database"`,
	}, approvalList(t), approvalAllow(t), approvalDeny(t))
}

const anApproval = "a question: its id, the beginning of it, or last"

func approvalList(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Show the questions that wait, in full",
		Example: `  openvibez approval list --json | jq -r .question.subject`,
		Args:    terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Runs.ListApprovals(cmd.Context(), &apiv1.ListApprovalsRequest{})
			if err != nil {
				return err
			}
			page, err := c.Host.GetConsent(cmd.Context(), &apiv1.GetConsentRequest{})
			if err != nil {
				return err
			}
			if asJSON {
				if page.Consent != nil {
					if err := terminal.PrintJSON(t.Out, page.Consent); err != nil {
						return err
					}
				}
				return terminal.PrintJSON(t.Out, res.Approvals...)
			}
			if q := page.Consent; q != nil {
				t.Out.Println(t.Out.Dim(fmt.Sprintf("%s · the chat page · %s", q.Id, terminal.Ago(q.CreatedMs))))
				t.Out.Println(t.Out.Bold(terminal.Visible(q.Text)))
				t.Out.Println(terminal.Indent(terminal.Visible(q.Subject)))
				if len(res.Approvals) > 0 {
					t.Out.Println()
				}
			}
			for i, p := range res.Approvals {
				if i > 0 {
					t.Out.Println()
				}
				t.Out.Println(t.Out.Dim(fmt.Sprintf("%s · session %s · %s", terminal.Short(p.Id), terminal.Short(p.SessionId), terminal.Ago(p.CreatedMs))))
				describeApproval(t.Out, p)
			}
			if len(res.Approvals) == 0 && page.Consent == nil && t.Err.Terminal {
				t.Err.Println("Nothing waits for an answer.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// describeApproval shows all that a person should know before answering. What a model wrote can't steer the terminal.
func describeApproval(out *terminal.Output, p *apiv1.Approval) {
	q := p.Question
	out.Println(out.Bold(q.GetText()))
	if q.GetSubject() != "" {
		out.Println(terminal.Indent(terminal.Visible(q.Subject)))
	}
	line := func(name, text string) {
		if text != "" {
			out.Printf("  %s %s\n", out.Dim(name), terminal.Visible(text))
		}
	}
	line("in", q.GetDirectory())
	line("sandbox", profileWords(p))
	line("hosts", strings.Join(p.Domains, ", "))
	line("why", reasonWords(p))
	line("or", p.Instead)
	if p.Diff != "" {
		for _, l := range strings.Split(strings.TrimRight(p.Diff, "\n"), "\n") {
			l = terminal.Visible(l)
			switch {
			case strings.HasPrefix(l, "+"):
				out.Println("  " + out.Green(l))
			case strings.HasPrefix(l, "-"):
				out.Println("  " + out.Red(l))
			default:
				out.Println("  " + l)
			}
		}
	}
}

// findApproval resolves what people call a question that waits.
func findApproval(ctx context.Context, c *client.Client, name string) (*apiv1.Approval, error) {
	res, err := c.Runs.ListApprovals(ctx, &apiv1.ListApprovalsRequest{})
	if err != nil {
		return nil, err
	}
	if len(res.Approvals) == 0 {
		return nil, errors.New("nothing waits for an answer")
	}
	if name == "last" {
		return res.Approvals[len(res.Approvals)-1], nil
	}
	var found []*apiv1.Approval
	for _, p := range res.Approvals {
		if strings.HasPrefix(p.Id, strings.ToLower(name)) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("no question %q waits for an answer: see openvibez approval list", name)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%q fits %d questions: type more of the id", name, len(found))
}

func approvalAllow(t *terminal.Terminal) *cobra.Command {
	var session, always bool
	cmd := &cobra.Command{
		Use:   "allow QUESTION",
		Short: "Allow what is asked, once or from now on",
		Example: `  openvibez approval allow last
  openvibez approval allow last --always`,
		Args: terminal.Exactly(anApproval),
		RunE: func(cmd *cobra.Command, args []string) error {
			if session && always {
				return terminal.Misused(cmd, "--session and --always exclude each other")
			}
			wanted := "once"
			switch {
			case session:
				wanted = "session"
			case always:
				wanted = "always"
			}
			return answerApproval(t, cmd, args[0], wanted, "")
		},
	}
	cmd.Flags().BoolVar(&session, "session", false, "and the like in this session")
	cmd.Flags().BoolVar(&always, "always", false, "and the like in this workspace")
	return cmd
}

func approvalDeny(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "deny QUESTION [WORD]",
		Short:   "Deny what is asked; a word goes to the model",
		Example: `  openvibez approval deny last "Ask the database instead"`,
		Args:    terminal.Between(1, 1000, anApproval),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answerApproval(t, cmd, args[0], "deny", strings.Join(args[1:], " "))
		},
	}
}

func answerApproval(t *terminal.Terminal, cmd *cobra.Command, name, wanted, text string) error {
	ctx := cmd.Context()
	c, err := client.Ensure(ctx, t.Getenv)
	if err != nil {
		return err
	}
	page, err := c.Host.GetConsent(ctx, &apiv1.GetConsentRequest{})
	if err != nil {
		return err
	}
	p, err := findApproval(ctx, c, name)
	if q := page.Consent; q != nil && (strings.HasPrefix(q.Id, strings.ToLower(name)) || name == "last" && p.GetCreatedMs() <= q.CreatedMs) {
		if wanted == "session" || wanted == "always" {
			return terminal.Misused(cmd, "the chat page asks once, for this alone: leave out --%s", wanted)
		}
		_, err := c.Host.AnswerConsent(ctx, &apiv1.AnswerConsentRequest{Id: q.Id, Allow: wanted != "deny"})
		return err
	}
	if err != nil {
		return err
	}
	id, ok := choiceFor(p.Question, wanted)
	if !ok {
		return terminal.Misused(cmd, "this can't be answered with %q: %s", wanted, choiceWords(p.Question))
	}
	if wanted == "always" {
		sayPreview(ctx, t, c, p)
	}
	_, err = c.Runs.Decide(ctx, &apiv1.DecideRequest{ApprovalId: p.Id, ChoiceId: id, Text: text})
	return err
}

// sayPreview tells what a rule would have covered before it is made.
func sayPreview(ctx context.Context, t *terminal.Terminal, c *client.Client, p *apiv1.Approval) {
	res, err := c.Runs.PreviewRule(ctx, &apiv1.PreviewRuleRequest{ApprovalId: p.Id})
	if err != nil || len(res.Prefix) == 0 {
		return
	}
	t.Err.Printf("Commands that begin with %q; of the last %d here it would have allowed %d.\n", strings.Join(res.Prefix, " "), res.LookedAt, len(res.Covered))
}

// choiceFor finds the choice that says what is wanted: the host's own have these names, those of providers only say
// whether they allow.
func choiceFor(q *providerv1.Question, wanted string) (string, bool) {
	for _, c := range q.GetChoices() {
		if c.Id == wanted {
			return c.Id, true
		}
	}
	for _, c := range q.GetChoices() {
		if wanted == "deny" && !c.Allows || wanted == "once" && c.Allows {
			return c.Id, true
		}
	}
	return "", false
}

func choiceWords(q *providerv1.Question) string {
	var all []string
	for _, c := range q.GetChoices() {
		all = append(all, terminal.Clean(c.Text))
	}
	return strings.Join(all, "; ")
}
