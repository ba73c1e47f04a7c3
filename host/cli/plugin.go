package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

// Plugin makes the group of commands about plugins.
func Plugin(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:     "plugin",
		Aliases: []string{"plugins"},
		Short:   "Install, watch and write plugins, which connect providers",
		Long: `A plugin is a program that speaks to one kind of provider. It runs in a process of its own that can
reach the hosts it names and nothing else: no files, no programs, no keys.`,
		Example: `  openvibez plugin install acme-1.0.0-linux-amd64.ovp
  openvibez plugin list
  openvibez plugin new acme`,
	}, pluginInstall(t), pluginUpdate(t), pluginList(t), pluginInfo(t), pluginSwitch(t, true), pluginSwitch(t, false),
		pluginRemove(t), pluginRollback(t), pluginVerify(t), pluginLogs(t))
}

var tierWords = map[apiv1.Tier]string{
	apiv1.Tier_TIER_BUILT_IN:    "built in",
	apiv1.Tier_TIER_VERIFIED:    "verified",
	apiv1.Tier_TIER_KEY_CHANGED: "key changed!",
	apiv1.Tier_TIER_NEW_KEY:     "new key",
	apiv1.Tier_TIER_UNSIGNED:    "unsigned",
	apiv1.Tier_TIER_DEVELOPMENT: "development",
}

var tierSentences = map[apiv1.Tier]string{
	apiv1.Tier_TIER_BUILT_IN:    "it came with OpenVibez",
	apiv1.Tier_TIER_VERIFIED:    "signed with a key you have agreed to before",
	apiv1.Tier_TIER_KEY_CHANGED: "signed with ANOTHER key than earlier versions",
	apiv1.Tier_TIER_NEW_KEY:     "signed, with a key not seen before",
	apiv1.Tier_TIER_UNSIGNED:    "nobody has signed it",
	apiv1.Tier_TIER_DEVELOPMENT: "runs from its author's directory",
}

func pluginList(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the plugins",
		Example: `  openvibez plugin list
  openvibez plugin list --json | jq -r 'select(.tier == "TIER_UNSIGNED") | .id'`,
		Args: terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Plugins.ListPlugins(cmd.Context(), &apiv1.ListPluginsRequest{})
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res.Plugins...)
			}
			rows := [][]string{{"PLUGIN", "VERSION", "ORIGIN", "STATE"}}
			for _, p := range res.Plugins {
				rows = append(rows, []string{p.Id, p.Version, tierWords[p.Tier], terminal.OneLine(pluginState(p), 70)})
			}
			terminal.Table(t.Out, rows)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func pluginState(p *apiv1.Plugin) string {
	switch {
	case p.Off:
		return "off"
	case p.Problem != "":
		return p.Problem
	case p.State == apiv1.Plugin_STATE_RUNNING:
		return fmt.Sprintf("running, process %d", p.Pid)
	}
	return "starts when needed"
}

func pluginInfo(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "info PLUGIN",
		Short:   "Tell what a plugin is, where it comes from and what it can do",
		Example: `  openvibez plugin info acme`,
		Args:    terminal.Exactly("a plugin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			p, err := pluginNamed(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, p)
			}
			describePlugin(t, p)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as a JSON object")
	return cmd
}

func pluginNamed(ctx context.Context, c *client.Client, id string) (*apiv1.Plugin, error) {
	res, err := c.Plugins.ListPlugins(ctx, &apiv1.ListPluginsRequest{})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(res.Plugins))
	for i, p := range res.Plugins {
		if p.Id == id {
			return p, nil
		}
		ids[i] = p.Id
	}
	return nil, fmt.Errorf("there is no plugin %q; there is %s", id, strings.Join(ids, ", "))
}

func describePlugin(t *terminal.Terminal, p *apiv1.Plugin) {
	t.Out.Printf("%s %s (%s)\n", t.Out.Bold(orID(p.Description.GetName(), p.Id)), p.Version, p.Id)
	if text := p.Description.GetDescription(); text != "" {
		t.Out.Println(terminal.OneLine(text, 200))
	}
	facts := [][2]string{{"Origin", tierWords[p.Tier] + ": " + tierSentences[p.Tier]}, {"Source", p.Source}}
	if p.Source == "" {
		facts[1][1] = p.Path
	}
	if p.Sha256 != "" {
		facts = append(facts, [2]string{"SHA-256", p.Sha256})
	}
	if p.InstalledMs > 0 {
		facts = append(facts, [2]string{"Installed", time.UnixMilli(p.InstalledMs).Format("2 January 2006")})
	}
	if p.PreviousVersion != "" {
		facts = append(facts, [2]string{"Before", p.PreviousVersion + ", which `openvibez plugin rollback " + p.Id + "` brings back"})
	}
	facts = append(facts, [2]string{"Size", terminal.Size(p.Size)}, [2]string{"State", pluginState(p)})
	if p.Confinement != "" {
		facts = append(facts, [2]string{"Sandbox", p.Confinement})
	}
	if p.Requests > 0 {
		facts = append(facts, [2]string{"Requests", fmt.Sprintf("%d since the host started, %d of them refused", p.Requests, p.Refused)})
	}
	if p.Notice != "" {
		facts = append(facts, [2]string{"Notice", p.Notice})
	}
	printFacts(t.Out, facts, p.Abilities)
}

func printFacts(out *terminal.Output, facts [][2]string, abilities []string) {
	for _, f := range facts {
		out.Printf("  %s %s\n", out.Dim(fmt.Sprintf("%-10s", f[0])), terminal.Clean(f[1]))
	}
	for _, sentence := range abilities {
		out.Printf("  %s %s\n", out.Dim("-"), sentence)
	}
}

func orID(name, id string) string {
	if name == "" {
		return id
	}
	return terminal.Clean(name)
}

func pluginSwitch(t *terminal.Terminal, on bool) *cobra.Command {
	var unconfined bool
	cmd := &cobra.Command{
		Use:   "disable PLUGIN",
		Short: "Switch a plugin off; its process ends, and what it is answering with it",
		Example: `  openvibez plugin disable acme
  openvibez plugin enable acme`,
		Args: terminal.Exactly("a plugin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Plugins.SetPluginEnabled(cmd.Context(), &apiv1.SetPluginEnabledRequest{Id: args[0], Enabled: on, AllowUnconfined: unconfined})
			if err != nil {
				return err
			}
			if res.Plugin.Problem != "" && on {
				return fmt.Errorf("%s is switched on, but it does not work: %s", args[0], res.Plugin.Problem)
			}
			t.Out.Printf("%s is %s.\n", args[0], map[bool]string{true: "on", false: "off"}[on])
			return nil
		},
	}
	if on {
		cmd.Use, cmd.Short = "enable PLUGIN", "Switch a plugin on, and give one that failed too often another chance"
		cmd.Flags().BoolVar(&unconfined, "unconfined", false, "let this version of it run although this system can't confine it: it may do all that you may")
	}
	return cmd
}

func pluginRemove(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "remove PLUGIN",
		Short:   "Remove an installed plugin; providers that use it stay",
		Example: `  openvibez plugin remove acme`,
		Args:    terminal.Exactly("a plugin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			if _, err := c.Plugins.RemovePlugin(cmd.Context(), &apiv1.RemovePluginRequest{Id: args[0]}); err != nil {
				return err
			}
			t.Out.Printf("Removed %s.\n", args[0])
			list, err := c.Providers.ListProviders(cmd.Context(), &apiv1.ListProvidersRequest{})
			if err != nil {
				return err
			}
			for _, p := range list.Providers {
				if p.Plugin == args[0] {
					t.Err.Printf("The provider %s used it and can't answer any more: openvibez provider remove %s\n", p.Name, p.Id)
				}
			}
			return nil
		},
	}
}

func pluginRollback(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "rollback PLUGIN",
		Short:   "Go back to the version before; again goes forward",
		Example: `  openvibez plugin rollback acme`,
		Args:    terminal.Exactly("a plugin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Plugins.RollbackPlugin(cmd.Context(), &apiv1.RollbackPluginRequest{Id: args[0]})
			if err != nil {
				return err
			}
			t.Out.Printf("%s is version %s now.\n", args[0], res.Plugin.Version)
			return nil
		},
	}
}

// noneInstalled is what there is to say where a command looks at installed plugins.
const noneInstalled = "No plugin is installed; those that came with OpenVibez are updated with it."

func pluginVerify(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [PLUGIN]",
		Short: "Compare installed plugins with what was installed",
		Long: `Compares every file of an installed plugin, and its signature, with what was installed. The exit code is
1 if something does not fit. The program itself is also compared at each start.`,
		Example: `  openvibez plugin verify
  openvibez plugin verify acme`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			ids := args
			if len(args) == 0 {
				res, err := c.Plugins.ListPlugins(cmd.Context(), &apiv1.ListPluginsRequest{})
				if err != nil {
					return err
				}
				for _, p := range res.Plugins {
					if p.Tier != apiv1.Tier_TIER_BUILT_IN && p.Tier != apiv1.Tier_TIER_DEVELOPMENT {
						ids = append(ids, p.Id)
					}
				}
			}
			if len(ids) == 0 {
				t.Err.Println(noneInstalled)
			}
			var wrong []string
			for _, id := range ids {
				res, err := c.Plugins.VerifyPlugin(cmd.Context(), &apiv1.VerifyPluginRequest{Id: id})
				if err != nil {
					return err
				}
				if len(res.Problems) > 0 {
					wrong = append(wrong, id)
				}
				if asJSON {
					if err := terminal.PrintJSON(t.Out, res); err != nil {
						return err
					}
					continue
				}
				if len(res.Problems) == 0 {
					t.Out.Printf("%s %s is what was installed\n", t.Out.Green("ok"), id)
				}
				for _, problem := range res.Problems {
					t.Out.Printf("%s %s: %s\n", t.Out.Red("!!"), id, problem)
				}
			}
			if len(wrong) > 0 {
				return fmt.Errorf("%s is not what was installed: install it again", strings.Join(wrong, ", "))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func pluginLogs(t *terminal.Terminal) *cobra.Command {
	var lines int32
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "logs PLUGIN",
		Short:   "Print the newest lines of a plugin's log",
		Long:    `Prints what a plugin wrote to its log since the host has started, and what the host says about it.`,
		Example: `  openvibez plugin logs acme -n 20`,
		Args:    terminal.Exactly("a plugin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if lines < 1 || lines > 1000 {
				return terminal.Misused(cmd, "--lines is %d: it goes from 1 to 1000", lines)
			}
			// Another host would have nothing to tell.
			c, err := client.Running(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Plugins.PluginLogs(cmd.Context(), &apiv1.PluginLogsRequest{Id: args[0], Limit: lines})
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res)
			}
			for _, line := range res.Lines {
				t.Out.Println(line)
			}
			if len(res.Lines) == 0 {
				t.Err.Println("It has not been started since the host was.")
			}
			return nil
		},
	}
	cmd.Flags().Int32VarP(&lines, "lines", "n", 100, "print at most so many")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print them as a JSON object")
	return cmd
}
