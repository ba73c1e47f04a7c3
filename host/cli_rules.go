package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func (a *app) policyRules() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rules [WORKSPACE]",
		Short: "List what runs, or is reached, without asking because you said so",
		Example: `  openvibez policy rules
  openvibez policy rules . --json`,
		Args: between(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := a.hostOrStart(ctx)
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
				return printJSON(a.out, res.Rules...)
			}
			rows := [][]string{{"ID", "ALLOWS", "WHERE", "BY", "MADE", "USED", "LAST"}}
			for _, r := range res.Rules {
				what, where, last := "reaching "+r.Domain, names[r.WorkspaceId], "never"
				if len(r.Prefix) > 0 {
					what = strings.Join(r.Prefix, " ") + " …"
				}
				if r.SessionId != "" {
					where = strings.TrimSpace(where + " session " + short(r.SessionId))
				}
				if r.UsedMs != 0 {
					last = ago(r.UsedMs)
				}
				rows = append(rows, []string{short(r.Id), oneLine(what, 60), oneLine(where, 40), authorWords(r.MadeBy), ago(r.CreatedMs), fmt.Sprint(r.Uses), last})
			}
			table(a.out, a.style.dim, rows)
			if len(res.Rules) == 0 && a.errStyle.terminal {
				fmt.Fprintln(a.err, "No rules: answering a question with \"always\" makes one.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (a *app) policyRevoke() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke RULE...",
		Short:   "Take rules back; the next command asks again",
		Example: `  openvibez policy revoke k3x9`,
		Args:    between(1, 1000, "a rule: its id or the beginning of it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.hostOrStart(cmd.Context())
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
