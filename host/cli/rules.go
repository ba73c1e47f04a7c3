package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

// PolicyRules makes the command that lists what is allowed for good.
func PolicyRules(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rules [WORKSPACE]",
		Short: "List what runs, or is reached, without asking because you said so",
		Example: `  openvibez policy rules
  openvibez policy rules . --json`,
		Args: terminal.Between(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			req := &apiv1.ListRulesRequest{}
			if len(args) > 0 {
				req.WorkspaceId = workspaceName(args[0])
			}
			res, err := c.Workspaces.ListRules(ctx, req)
			if err != nil {
				return err
			}
			all, err := c.Workspaces.ListWorkspaces(ctx, &apiv1.ListWorkspacesRequest{})
			if err != nil {
				return err
			}
			names := map[string]string{}
			for _, w := range all.Workspaces {
				names[w.Id] = w.Name
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res.Rules...)
			}
			rows := [][]string{{"ID", "ALLOWS", "WHERE", "BY", "MADE", "USED", "LAST"}}
			for _, r := range res.Rules {
				what, where, last := "reaching "+r.Domain, names[r.WorkspaceId], "never"
				if len(r.Prefix) > 0 {
					what = strings.Join(r.Prefix, " ") + " …"
				}
				if r.SessionId != "" {
					where = strings.TrimSpace(where + " session " + terminal.Short(r.SessionId))
				}
				if r.UsedMs != 0 {
					last = terminal.Ago(r.UsedMs)
				}
				rows = append(rows, []string{terminal.Short(r.Id), terminal.OneLine(what, 60), terminal.OneLine(where, 40), authorWords(r.MadeBy), terminal.Ago(r.CreatedMs), fmt.Sprint(r.Uses), last})
			}
			terminal.Table(t.Out, rows)
			if len(res.Rules) == 0 && t.Err.Terminal {
				t.Err.Println("No rules: answering a question with \"always\" makes one.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// PolicyRevoke makes the command that takes it back.
func PolicyRevoke(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke RULE...",
		Short:   "Take rules back; the next command asks again",
		Example: `  openvibez policy revoke k3x9`,
		Args:    terminal.Between(1, 1000, "a rule: its id or the beginning of it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			for _, id := range args {
				if _, err := c.Workspaces.RevokeRule(cmd.Context(), &apiv1.RevokeRuleRequest{Id: id}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
