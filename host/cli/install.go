package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

// agreement is how a person agrees to what was shown: by flags, or by being asked.
type agreement struct {
	yes     bool
	confirm string
	asJSON  bool
	plain   bool
}

func (g *agreement) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&g.yes, "yes", "y", false, "agree to what would be asked, but for a name that has to be typed")
	cmd.Flags().StringVar(&g.confirm, "confirm", "", "the name that has to be typed, for a plugin that nobody vouches for")
	cmd.Flags().BoolVar(&g.asJSON, "json", false, "print what is installed as a JSON object")
	cmd.Flags().BoolVar(&g.plain, "plain-loopback", false, "take http:// from 127.0.0.1 too")
	if err := cmd.Flags().MarkHidden("plain-loopback"); err != nil {
		panic(err) // the flag is one line above
	}
}

func pluginInstall(t *terminal.Terminal) *cobra.Command {
	var agreed agreement
	var look bool
	cmd := &cobra.Command{
		Use:   "install FILE|URL",
		Short: "Install a plugin package (.ovp), after showing what it may do",
		Long: `Shows where a package comes from and what its plugin can do, asks, and installs it. Nothing of it runs
before you agree; then it is started once, to see that it says of itself what its package says.

A package that nobody has signed, or somebody else than before, is installed only if you type the plugin's
name, or say it with --confirm.`,
		Example: `  openvibez plugin install acme-1.0.0-linux-amd64.ovp
  openvibez plugin install https://acme.ai/openvibez/acme-linux-amd64.ovp
  openvibez plugin install acme.ovp --show
  openvibez plugin install ./acme.ovp --confirm acme`,
		Args: terminal.Exactly("a package's file or address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			req := &apiv1.InspectPackageRequest{PlainLoopback: agreed.plain}
			if strings.Contains(args[0], "://") {
				req.Package = &apiv1.InspectPackageRequest_Url{Url: args[0]}
			} else {
				path, err := filepath.Abs(args[0])
				if err != nil {
					return fmt.Errorf("find the package: %w", err)
				}
				req.Package = &apiv1.InspectPackageRequest_Path{Path: path}
			}
			res, err := c.Plugins.InspectPackage(cmd.Context(), req)
			if err != nil {
				return err
			}
			if look {
				if agreed.asJSON {
					return terminal.PrintJSON(t.Out, res.Facts)
				}
				showPackage(t.Out, res.Facts)
				return nil
			}
			return install(cmd.Context(), t, c, res, &agreed)
		},
	}
	agreed.flags(cmd)
	cmd.Flags().BoolVar(&look, "show", false, "only show what it is; with --json as a JSON object")
	return cmd
}

func pluginUpdate(t *terminal.Terminal) *cobra.Command {
	var agreed agreement
	cmd := &cobra.Command{
		Use:   "update [PLUGIN]",
		Short: "Look for newer packages where plugins came from, and install them",
		Long: `Looks where an installed plugin came from, or where all did. A package that comes from the same place, is
signed with the same key and may do no more than before is installed at once. For others the differences are
shown, and you are asked.`,
		Example: `  openvibez plugin update
  openvibez plugin update acme`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			ids, all := args, len(args) == 0
			if all {
				list, err := c.Plugins.ListPlugins(ctx, &apiv1.ListPluginsRequest{})
				if err != nil {
					return err
				}
				for _, p := range list.Plugins {
					if p.Tier == apiv1.Tier_TIER_VERIFIED || p.Tier == apiv1.Tier_TIER_UNSIGNED {
						ids = append(ids, p.Id)
					}
				}
			}
			if len(ids) == 0 {
				t.Err.Println(noneInstalled)
			}
			var problems error
			for _, id := range ids {
				res, err := c.Plugins.InspectPackage(ctx, &apiv1.InspectPackageRequest{
					Package: &apiv1.InspectPackageRequest_Update{Update: id}, PlainLoopback: agreed.plain,
				})
				switch {
				case err != nil:
				case res.Facts == nil:
					t.Err.Printf("%s is up to date.\n", id)
					continue
				default:
					err = install(ctx, t, c, res, &agreed)
				}
				if err != nil && !all {
					return err
				}
				if err != nil {
					problems = errors.Join(problems, fmt.Errorf("%s: %s", id, err.Error()))
				}
			}
			return problems
		},
	}
	agreed.flags(cmd)
	return cmd
}

// install asks, unless it need not, and installs a package that was looked at.
func install(ctx context.Context, t *terminal.Terminal, c *client.Client, res *apiv1.InspectPackageResponse, g *agreement) error {
	f := res.Facts
	confirmation := g.confirm
	if !f.Silent {
		showPackage(t.Err, f)
		var err error
		if confirmation, err = agree(t, f, g); err != nil {
			return err
		}
	}
	done, err := c.Plugins.InstallPlugin(ctx, &apiv1.InstallPluginRequest{Token: res.Token, Confirmation: confirmation})
	if err != nil {
		return err
	}
	switch {
	case g.asJSON:
		return terminal.PrintJSON(t.Out, done.Plugin)
	case f.InstalledVersion != "":
		t.Out.Printf("Updated %s from %s to %s.\n", f.Id, f.InstalledVersion, f.Version)
	default:
		t.Out.Printf("Installed %s %s. `openvibez provider add %s` connects it.\n", f.Name, f.Version, f.Id)
	}
	return nil
}

// agree gets a person's agreement, and what they typed.
func agree(t *terminal.Terminal, f *apiv1.PackageFacts, g *agreement) (string, error) {
	here, prompt := t.Interactive(), "Install it? [y/N] "
	switch {
	case f.Confirmation != "" && g.confirm != "":
		return g.confirm, nil
	case f.Confirmation != "" && !here:
		return "", terminal.Fail(terminal.Cancelled, fmt.Errorf("nobody vouches for %s: to install it all the same, say --confirm %s", terminal.Clean(f.Name), f.Confirmation))
	case f.Confirmation != "":
		prompt = fmt.Sprintf("To install it all the same, type its name (%s): ", f.Confirmation)
	case g.yes:
		return "", nil
	case !here:
		return "", terminal.Fail(terminal.Cancelled, errors.New("nothing was installed: say --yes to agree to what is shown above"))
	}
	typed, err := t.Ask(prompt)
	if err != nil {
		return "", err
	}
	if f.Confirmation != "" && typed == f.Confirmation {
		return typed, nil
	}
	if f.Confirmation == "" && terminal.Yes(typed) {
		return "", nil
	}
	return "", errNotInstalled
}

// showPackage prints all that a person should know before they agree.
func showPackage(out *terminal.Output, f *apiv1.PackageFacts) {
	out.Printf("%s %s (%s)\n%s\n", out.Bold(f.Name), f.Version, f.Id, terminal.OneLine(f.Description, 200))
	words := tierWords[f.Tier] + ": " + tierSentences[f.Tier]
	origin := terminal.Styled(words)
	switch f.Tier {
	case apiv1.Tier_TIER_KEY_CHANGED, apiv1.Tier_TIER_UNSIGNED:
		origin = out.Red(words)
	case apiv1.Tier_TIER_NEW_KEY:
		origin = out.Yellow(words)
	}
	facts := [][2]string{{"Source", f.Source}, {"SHA-256", f.Sha256[:min(16, len(f.Sha256))] + "…"}}
	if f.Key != "" {
		facts = append(facts, [2]string{"Key", f.Key})
	}
	facts = append(facts, [2]string{"Size", terminal.Size(f.Size)}, [2]string{"Licence", f.Licence})
	if f.InstalledVersion != "" {
		facts = append(facts, [2]string{"Installed", f.InstalledVersion})
	}
	out.Printf("  %s %s\n", out.Dim(fmt.Sprintf("%-10s", "Origin")), origin)
	printFacts(out, facts, f.Abilities)
	if len(f.Differences) > 0 {
		out.Println(out.Yellow("What is different:"))
		for _, d := range f.Differences {
			out.Printf("  %s %s\n", out.Yellow("!"), d)
		}
	}
}

// errNotInstalled says that a person was asked and did not agree.
var errNotInstalled = terminal.Fail(terminal.Cancelled, errors.New("nothing was installed"))
