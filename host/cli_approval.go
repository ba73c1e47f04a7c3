package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func (a *app) approvalCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "approval",
		Aliases: []string{"approvals"},
		Short:   "List and answer the questions that models' tools ask",
		Long: `A model that wants to do what is not allowed by itself has to wait for a person. Questions are shown in
the window and in the terminal that asked; whoever answers first has answered. They are named by id,
the beginning of one, or "last" for the newest.`,
		Example: `  openvibez approval list
  openvibez approval allow last
  openvibez approval deny last "Use the test database"`,
	}, a.approvalList(), a.approvalAllow(), a.approvalDeny())
}

const anApproval = "a question: its id, the beginning of it, or last"

func (a *app) approvalList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Show the questions that wait, in full",
		Example: `  openvibez approval list --json | jq -r .question.subject`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.hostOrStart(cmd.Context())
			if err != nil {
				return err
			}
			res, err := c.Runs.ListApprovals(cmd.Context(), &apiv1.ListApprovalsRequest{})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.out, res.Approvals...)
			}
			for i, p := range res.Approvals {
				if i > 0 {
					fmt.Fprintln(a.out)
				}
				fmt.Fprintln(a.out, a.style.dim(fmt.Sprintf("%s · session %s · %s", short(p.Id), short(p.SessionId), ago(p.CreatedMs))))
				describeApproval(a.out, a.style, p)
			}
			if len(res.Approvals) == 0 && a.errStyle.terminal {
				fmt.Fprintln(a.err, "Nothing waits for an answer.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// describeApproval shows all that a person should know before answering. What a model wrote can't steer the terminal.
func describeApproval(out io.Writer, s style, p *apiv1.Approval) {
	q := p.Question
	fmt.Fprintln(out, s.bold(clean(q.GetText())))
	if q.GetSubject() != "" {
		fmt.Fprintln(out, indent(visible(q.Subject)))
	}
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(out, "  %s %s\n", s.dim(name), visible(text))
		}
	}
	line("in", q.GetDirectory())
	line("sandbox", profileWords(p))
	line("hosts", strings.Join(p.Domains, ", "))
	line("why", reasonWords(p))
	line("or", p.Instead)
	if p.Diff != "" {
		for _, l := range strings.Split(strings.TrimRight(p.Diff, "\n"), "\n") {
			l = visible(l)
			switch {
			case strings.HasPrefix(l, "+"):
				l = s.green(l)
			case strings.HasPrefix(l, "-"):
				l = s.red(l)
			}
			fmt.Fprintln(out, "  "+l)
		}
	}
}

// visible escapes characters that can't be seen, or that would steer the terminal.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t' || unicode.IsPrint(r) && !blank(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// blank tells of characters that count as printed and leave no mark: fillers, selectors, braille without dots.
func blank(r rune) bool {
	const noDots = '\u2800'
	return r == noDots || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// findApproval resolves what people call a question that waits.
func findApproval(ctx context.Context, c *client, name string) (*apiv1.Approval, error) {
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

func (a *app) approvalAllow() *cobra.Command {
	var session, always bool
	cmd := &cobra.Command{
		Use:   "allow QUESTION",
		Short: "Allow what is asked, once or from now on",
		Example: `  openvibez approval allow last
  openvibez approval allow last --always`,
		Args: exactly(anApproval),
		RunE: func(cmd *cobra.Command, args []string) error {
			if session && always {
				return misused(cmd, "--session and --always exclude each other")
			}
			wanted := "once"
			switch {
			case session:
				wanted = "session"
			case always:
				wanted = "always"
			}
			return a.answerApproval(cmd, args[0], wanted, "")
		},
	}
	cmd.Flags().BoolVar(&session, "session", false, "and the like in this session")
	cmd.Flags().BoolVar(&always, "always", false, "and the like in this workspace")
	return cmd
}

func (a *app) approvalDeny() *cobra.Command {
	return &cobra.Command{
		Use:     "deny QUESTION [WORD]",
		Short:   "Deny what is asked; a word goes to the model",
		Example: `  openvibez approval deny last "Ask the database instead"`,
		Args:    between(1, 1000, anApproval),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.answerApproval(cmd, args[0], "deny", strings.Join(args[1:], " "))
		},
	}
}

func (a *app) answerApproval(cmd *cobra.Command, name, wanted, text string) error {
	ctx := cmd.Context()
	c, err := a.hostOrStart(ctx)
	if err != nil {
		return err
	}
	p, err := findApproval(ctx, c, name)
	if err != nil {
		return err
	}
	id, ok := choiceFor(p.Question, wanted)
	if !ok {
		return misused(cmd, "this can't be answered with %q: %s", wanted, choiceWords(p.Question))
	}
	if wanted == "always" {
		a.sayPreview(ctx, c, p)
	}
	_, err = c.Runs.Decide(ctx, &apiv1.DecideRequest{ApprovalId: p.Id, ChoiceId: id, Text: text})
	return err
}

// sayPreview tells what a rule would have covered before it is made.
func (a *app) sayPreview(ctx context.Context, c *client, p *apiv1.Approval) {
	res, err := c.Runs.PreviewRule(ctx, &apiv1.PreviewRuleRequest{ApprovalId: p.Id})
	if err != nil || len(res.Prefix) == 0 {
		return
	}
	fmt.Fprintf(a.err, "Commands that begin with %q; of the last %d here it would have allowed %d.\n", strings.Join(res.Prefix, " "), res.LookedAt, len(res.Covered))
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
		all = append(all, clean(c.Text))
	}
	return strings.Join(all, "; ")
}
