package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

const aWorkspace = "a workspace: its directory, name or id"

func workspaceCommand(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:     "workspace",
		Aliases: []string{"workspaces"},
		Short:   "Choose the directories that models may work in, and trust them",
		Long: `A workspace is a directory whose files models may read, and change as far as it is trusted:

  trusted     reading, building and changing files need no question; they run in the sandbox
  read_only   reading needs no question, and nothing can be changed
  untrusted   reading needs no question, everything else asks; so is every directory at first

Trust belongs to the directory itself: another one in its place is not trusted, and neither is a
repository deeper in it. Files in a workspace can't change what is allowed there.`,
		Example: `  openvibez workspace add ~/src/project
  openvibez workspace trust ~/src/project
  openvibez ask --workspace ~/src/project "Why does the build fail?"`,
	}, workspaceAdd(t), workspaceList(t), workspaceTrust(t), workspaceSet(t), workspacePrompt(t), workspaceAllow(t), workspaceRemove(t))
}

// parseTrust reads what people call a degree of trust.
func parseTrust(cmd *cobra.Command, word string) (apiv1.Trust, error) {
	t := apiv1.Trust(apiv1.Trust_value["TRUST_"+strings.ToUpper(strings.ReplaceAll(word, "-", "_"))])
	if t == apiv1.Trust_TRUST_UNSPECIFIED {
		return t, terminal.Misused(cmd, "%q is no degree of trust: it is trusted, read_only or untrusted", word)
	}
	return t, nil
}

func trustWords(t apiv1.Trust) string {
	return strings.ToLower(strings.TrimPrefix(t.String(), "TRUST_"))
}

// workspaceName is what the host calls what a person typed: a path if there is such a directory.
func workspaceName(word string) string {
	if info, err := os.Stat(word); err == nil && info.IsDir() {
		if path, err := filepath.Abs(word); err == nil {
			return path
		}
	}
	return word
}

// addWorkspace takes up a directory; where keys may lie it asks first.
func addWorkspace(cmd *cobra.Command, t *terminal.Terminal, c *client.Client, req *apiv1.AddWorkspaceRequest) error {
	res, err := c.Workspaces.AddWorkspace(cmd.Context(), req)
	if err == nil && res.Question != "" {
		t.Err.Println(res.Question)
		if err := t.Confirm(cmd, "open "+req.Path+" to models, and so to the providers you use", false); err != nil {
			return err
		}
		req.Confirmed = true
		res, err = c.Workspaces.AddWorkspace(cmd.Context(), req)
	}
	if err != nil {
		return err
	}
	sayWorkspace(t, "added", res.Workspace)
	return nil
}

func workspaceAdd(t *terminal.Terminal) *cobra.Command {
	var name, trust string
	var yes bool
	cmd := &cobra.Command{
		Use:   "add DIR",
		Short: "Take up a directory; it is not trusted unless you say so",
		Example: `  openvibez workspace add .
  openvibez workspace add ~/src/project --trust trusted`,
		Args: terminal.Exactly("a directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			degree, err := parseTrust(cmd, trust)
			if err != nil {
				return err
			}
			path, err := filepath.Abs(args[0])
			if err != nil {
				return fmt.Errorf("find %s: %w", args[0], err)
			}
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			return addWorkspace(cmd, t, c, &apiv1.AddWorkspaceRequest{Path: path, Name: name, Trust: degree, Confirmed: yes})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "also a directory where keys may lie")
	cmd.Flags().StringVar(&name, "name", "", "what to call it (default: as the directory)")
	cmd.Flags().StringVar(&trust, "trust", "untrusted", "trusted, read_only or untrusted")
	return cmd
}

func sayWorkspace(t *terminal.Terminal, what string, w *apiv1.Workspace) {
	t.Out.Printf("%s: %s, %s (%s)\n", what, w.Name, trustWords(w.Trust), w.Path)
}

func workspaceList(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the workspaces",
		Example: `  openvibez workspace list --json | jq -r .path`,
		Args:    terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Workspaces.ListWorkspaces(cmd.Context(), &apiv1.ListWorkspacesRequest{})
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res.Workspaces...)
			}
			rows := [][]string{{"NAME", "TRUST", "UNKNOWN COMMANDS", "DIRECTORY", ""}}
			for _, w := range res.Workspaces {
				unknown := "ask"
				if w.RunUnknown {
					unknown = "run in the sandbox"
				}
				rows = append(rows, []string{terminal.OneLine(w.Name, 30), trustWords(w.Trust), unknown, terminal.Clean(w.Path), w.Problem})
			}
			terminal.Table(t.Out, rows)
			if len(res.Workspaces) == 0 && t.Err.Terminal {
				t.Err.Println("No workspaces yet: openvibez workspace add DIR takes one up.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// updateWorkspace sends one change of a workspace and says what it is then.
func updateWorkspace(ctx context.Context, t *terminal.Terminal, req *apiv1.UpdateWorkspaceRequest) error {
	c, err := client.Ensure(ctx, t.Getenv)
	if err != nil {
		return err
	}
	req.Id = workspaceName(req.Id)
	res, err := c.Workspaces.UpdateWorkspace(ctx, req)
	if err != nil {
		return err
	}
	sayWorkspace(t, "now", res.Workspace)
	return nil
}

func workspaceTrust(t *terminal.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trust WORKSPACE [TRUST]",
		Short: "Say how far a workspace is trusted: trusted, read_only or untrusted",
		Long: `Trusts a workspace, or takes trust away. A directory that is no workspace yet is taken up.

In a trusted workspace commands that read, build and change files run without a question. They run in
the sandbox, but may change anything in the workspace save .git and what editors run, and build files
they write may be run later by you, outside of it.`,
		Example: `  openvibez workspace trust .
  openvibez workspace trust project untrusted`,
		Args: terminal.Between(1, 2, aWorkspace),
		RunE: func(cmd *cobra.Command, args []string) error {
			trust := apiv1.Trust_TRUST_TRUSTED
			if len(args) == 2 {
				var err error
				if trust, err = parseTrust(cmd, args[1]); err != nil {
					return err
				}
			}
			err := updateWorkspace(cmd.Context(), t, &apiv1.UpdateWorkspaceRequest{Id: args[0], Trust: &trust})
			path := workspaceName(args[0])
			if connect.CodeOf(err) != connect.CodeNotFound || !filepath.IsAbs(path) {
				return err
			}
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			return addWorkspace(cmd, t, c, &apiv1.AddWorkspaceRequest{Path: path, Trust: trust})
		},
	}
	return cmd
}

func workspaceSet(t *terminal.Terminal) *cobra.Command {
	var name string
	var runUnknown bool
	cmd := &cobra.Command{
		Use:   "set WORKSPACE",
		Short: "Rename a workspace, or let unknown commands run in its sandbox",
		Example: `  openvibez workspace set project --name website
  openvibez workspace set project --run-unknown
  openvibez workspace set project --run-unknown=false`,
		Args: terminal.Exactly(aWorkspace),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := &apiv1.UpdateWorkspaceRequest{Id: args[0]}
			if cmd.Flags().Changed("name") {
				req.Name = &name
			}
			if cmd.Flags().Changed("run-unknown") {
				req.RunUnknown = &runUnknown
			}
			if req.Name == nil && req.RunUnknown == nil {
				return terminal.Misused(cmd, "nothing is to be changed: give --name or --run-unknown")
			}
			return updateWorkspace(cmd.Context(), t, req)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what to call it")
	cmd.Flags().BoolVar(&runUnknown, "run-unknown", false, "commands that nothing is known of run in the sandbox without asking, if it is trusted")
	return cmd
}

func workspacePrompt(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "prompt WORKSPACE [TEXT | -]",
		Short: "Show or set what models are told first in each conversation there",
		Example: `  openvibez workspace prompt project "Use tabs. Tests are run with make test."
  openvibez workspace prompt project - < rules.txt
  openvibez workspace prompt project ""`,
		Args: terminal.Between(1, 2, aWorkspace),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				text := args[1]
				if text == "-" {
					read, err := io.ReadAll(io.LimitReader(t.In, maxPrompt))
					if err != nil {
						return fmt.Errorf("read standard input: %w", err)
					}
					text = string(read)
				}
				return updateWorkspace(cmd.Context(), t, &apiv1.UpdateWorkspaceRequest{Id: args[0], SystemPrompt: &text})
			}
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			w, err := findWorkspace(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if w.SystemPrompt != "" {
				t.Out.Println(w.SystemPrompt)
			}
			return nil
		},
	}
}

// findWorkspace resolves what people call a workspace.
func findWorkspace(ctx context.Context, c *client.Client, name string) (*apiv1.Workspace, error) {
	// A change of nothing finds it as the host does.
	res, err := c.Workspaces.GetWorkspace(ctx, &apiv1.GetWorkspaceRequest{Id: workspaceName(name)})
	if err != nil {
		return nil, err
	}
	return res.Workspace, nil
}

func workspaceAllow(t *terminal.Terminal) *cobra.Command {
	var registries bool
	cmd := &cobra.Command{
		Use:   "allow WORKSPACE [HOST...]",
		Short: "Let commands of a workspace reach hosts without asking",
		Long: `Grants hosts to the commands of a workspace; "*.example.org" stands for all below it. They are reached
through a proxy of the host that lets nothing else through. A granted host is a way out for data.
"openvibez policy rules" lists what is granted, "openvibez policy revoke" takes it back.`,
		Example: `  openvibez workspace allow project api.example.org
  openvibez workspace allow project --registries`,
		Args: terminal.Between(1, 1000, aWorkspace),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && !registries {
				return terminal.Misused(cmd, "name a host, or give --registries for those that package managers use")
			}
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Workspaces.GrantDomains(cmd.Context(), &apiv1.GrantDomainsRequest{
				WorkspaceId: workspaceName(args[0]), Domains: args[1:], Registries: registries,
			})
			if err != nil {
				return err
			}
			for _, r := range res.Rules {
				t.Out.Printf("allowed: %s\n", r.Domain)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&registries, "registries", false, "the registries of npm, pip, go, cargo and other package managers")
	return cmd
}

func workspaceRemove(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "remove WORKSPACE",
		Short:   "Forget a workspace and what is allowed in it; its files and conversations stay",
		Example: `  openvibez workspace remove project`,
		Args:    terminal.Exactly(aWorkspace),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			_, err = c.Workspaces.RemoveWorkspace(cmd.Context(), &apiv1.RemoveWorkspaceRequest{Id: workspaceName(args[0])})
			return err
		},
	}
}

// workplace is what a question brings about where its tools may work.
type workplace struct {
	dir, access string
	confirmed   bool
}

func (w *workplace) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&w.dir, "workspace", "w", "", "let the model work in this `DIR`; one that is new is taken up, not trusted")
	f.StringVar(&w.access, "access", "", "how far commands may go: read-only, scoped (the default) or root")
	f.BoolVar(&w.confirmed, "confirm-root", false, "with --access root: yes, commands may run outside the sandbox, each after asking")
}

// mode is the access mode that was asked for.
func (w *workplace) mode(cmd *cobra.Command) (apiv1.AccessMode, error) {
	switch strings.ReplaceAll(w.access, "_", "-") {
	case "":
		return apiv1.AccessMode_ACCESS_MODE_UNSPECIFIED, nil
	case "read-only":
		return apiv1.AccessMode_ACCESS_MODE_READ_ONLY, nil
	case "scoped":
		return apiv1.AccessMode_ACCESS_MODE_SCOPED, nil
	case "root":
		if !w.confirmed {
			return 0, terminal.Misused(cmd, "root lets commands run outside the sandbox, each after asking: add --confirm-root if you mean it")
		}
		return apiv1.AccessMode_ACCESS_MODE_ROOT, nil
	}
	return 0, terminal.Misused(cmd, "access is read-only, scoped or root, not %q", w.access)
}

// takeUp gives the id of a workspace, adding a directory that is none yet.
func takeUp(ctx context.Context, t *terminal.Terminal, c *client.Client, dir string) (string, error) {
	w, err := findWorkspace(ctx, c, dir)
	if connect.CodeOf(err) == connect.CodeNotFound && filepath.IsAbs(workspaceName(dir)) {
		var res *apiv1.AddWorkspaceResponse
		if res, err = c.Workspaces.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: workspaceName(dir)}); err == nil {
			if w = res.Workspace; w == nil {
				return "", fmt.Errorf("%s %s is no workspace yet: openvibez workspace add %s", res.Question, terminal.Clean(dir), terminal.ShellWord(workspaceName(dir)))
			}
		}
	}
	if err != nil {
		return "", err
	}
	if w.Trust == apiv1.Trust_TRUST_UNTRUSTED && w.Problem == "" {
		t.Err.Printf("%s is not trusted: the model can read it, and asks for anything else. To trust it: openvibez workspace trust %s\n", w.Path, terminal.ShellWord(w.Path))
	}
	return w.Id, nil
}
