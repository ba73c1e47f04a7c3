package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

const namesSession = "a session: its id, the beginning of it, or last"

// changeSession makes a command that changes one conversation.
func changeSession(t *terminal.Terminal, use, short, example string, change func(ctx context.Context, c *client.Client, s *apiv1.Session) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " SESSION", Short: short, Example: example, Args: terminal.Exactly(namesSession),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := connectTo(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			return change(cmd.Context(), c, s)
		},
	}
}

// marks are the commands that only set something in a session.
func sessionMarks(t *terminal.Terminal) []*cobra.Command {
	update := func(set func(*apiv1.UpdateSessionRequest)) func(context.Context, *client.Client, *apiv1.Session) error {
		return func(ctx context.Context, c *client.Client, s *apiv1.Session) error {
			req := &apiv1.UpdateSessionRequest{Id: s.Id}
			set(req)
			_, err := c.Sessions.UpdateSession(ctx, req)
			return err
		}
	}
	yes, no := true, false
	return []*cobra.Command{
		changeSession(t, "pin", "Keep a conversation at the top of the list, and from being removed for its age", "  openvibez session pin last",
			update(func(r *apiv1.UpdateSessionRequest) { r.Pinned = &yes })),
		changeSession(t, "unpin", "Let a conversation take its place by age again", "  openvibez session unpin k7q2",
			update(func(r *apiv1.UpdateSessionRequest) { r.Pinned = &no })),
		changeSession(t, "archive", "Put a conversation away; a new message brings it back", "  openvibez session archive k7q2\n  openvibez session list --archived",
			update(func(r *apiv1.UpdateSessionRequest) { r.Archived = &yes })),
		changeSession(t, "unarchive", "Bring an archived conversation back", "  openvibez session unarchive k7q2",
			update(func(r *apiv1.UpdateSessionRequest) { r.Archived = &no })),
	}
}

func sessionAccess(t *terminal.Terminal) *cobra.Command {
	var place workplace
	cmd := &cobra.Command{
		Use:   "access SESSION read-only|scoped|root",
		Short: "Set how far the commands of a conversation may go",
		Long: `Sets how far the commands of a conversation may go: read-only changes nothing, scoped stays in the sandbox, root may
leave it, asking each time. Root is for trusted workspaces, has to be confirmed, and is only given here, not in the window.`,
		Example: `  openvibez session access last read-only
  openvibez session access k7q2 root --confirm-root`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return terminal.Misused(cmd, "it takes %s, and read-only, scoped or root", namesSession)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			place.access = args[1]
			mode, err := place.mode(cmd)
			if err != nil {
				return err
			}
			c, s, err := connectTo(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			_, err = c.Sessions.UpdateSession(cmd.Context(), &apiv1.UpdateSessionRequest{Id: s.Id, AccessMode: &mode, ConfirmRoot: place.confirmed})
			return err
		},
	}
	cmd.Flags().BoolVar(&place.confirmed, "confirm-root", false, "with root: yes, commands may run outside the sandbox, each after asking")
	return cmd
}

func sessionRestore(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "restore SESSION",
		Short:   "Bring back a conversation deleted within the last minute",
		Example: "  openvibez session restore last\n  openvibez session restore k7q2",
		Args:    terminal.Exactly("the deleted session: its id, the beginning of it, or last for the one deleted last"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			req := &apiv1.RestoreSessionRequest{Id: args[0]}
			if req.Id == "last" {
				req.Id = ""
			}
			res, err := c.Sessions.RestoreSession(cmd.Context(), req)
			if err != nil {
				return err
			}
			t.Err.Printf("%s is back: %s\n", terminal.Short(res.Session.Id), terminal.OneLine(res.Session.Title, 60))
			sayTaken(t, res.Session, res.TakenAway)
			return nil
		},
	}
}

func sessionBranch(t *terminal.Terminal) *cobra.Command {
	var until int64
	var title string
	cmd := &cobra.Command{
		Use:   "branch SESSION",
		Short: "Go on from a copy of a conversation, or of its beginning",
		Long: `Copies a conversation, or its entries up to one of them, into a new one and prints the new one's id. The old
one stays as it is. Entries are numbered; "openvibez session show SESSION --json" shows the numbers as seq.`,
		Example: `  openvibez session branch last
  openvibez session branch k7q2 --until 5 --title "The other way"`,
		Args: terminal.Exactly(namesSession),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("until") && until < 1 {
				return terminal.Misused(cmd, "--until is %d: entries are numbered from 1", until)
			}
			c, s, err := connectTo(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			res, err := c.Sessions.BranchSession(cmd.Context(), &apiv1.BranchSessionRequest{SessionId: s.Id, UntilSeq: until, Title: title})
			if err != nil {
				return err
			}
			sayTaken(t, res.Session, res.TakenAway)
			t.Out.Println(res.Session.Id)
			return nil
		},
	}
	cmd.Flags().Int64Var(&until, "until", 0, "copy up to the entry of this number; without it, everything")
	cmd.Flags().StringVar(&title, "title", "", "the copy's title")
	return cmd
}

func sessionPrompt(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "prompt SESSION [TEXT]",
		Short: "Show or set what a conversation's model is told before everything else",
		Long: `Prints a conversation's system prompt, or sets it: from the next message on, the model is told that. A dash
reads it from standard input; "" takes it away.`,
		Example: `  openvibez session prompt last
  openvibez session prompt last "Answer in one sentence."
  openvibez session prompt last - < rules.md`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return terminal.Exactly(namesSession)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := connectTo(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if s.SystemPrompt != "" {
					t.Out.Println(strings.TrimRight(s.SystemPrompt, "\n"))
				}
				return nil
			}
			text := args[1]
			if text == "-" {
				all, err := io.ReadAll(io.LimitReader(t.In, 16<<20))
				if err != nil {
					return fmt.Errorf("read the prompt: %w", err)
				}
				text = strings.TrimRight(string(all), "\n")
			}
			_, err = c.Sessions.UpdateSession(cmd.Context(), &apiv1.UpdateSessionRequest{Id: s.Id, SystemPrompt: &text})
			return err
		},
	}
}

func sessionDelete(t *terminal.Terminal) *cobra.Command {
	var yes, now bool
	cmd := &cobra.Command{
		Use:   "delete SESSION",
		Short: "Delete a conversation and everything in it",
		Long: `Deletes a conversation. It is hidden at once and gone for good a minute later; until then
"openvibez session restore" brings it back. With --now it is gone at once. In a terminal it asks first; in scripts
--yes has to say that it is meant. Copies in backups stay until those are replaced: see docs/data.md.`,
		Example: `  openvibez session delete k7q2
  openvibez session delete k7q2 --yes --now`,
		Args: terminal.Exactly(namesSession),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := connectTo(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			what := fmt.Sprintf("%q", terminal.OneLine(s.Title, 60))
			if now {
				what += " for good"
			}
			if err := t.Confirm(cmd, "delete "+what, yes); err != nil {
				return err
			}
			res, err := c.Sessions.DeleteSession(cmd.Context(), &apiv1.DeleteSessionRequest{Id: s.Id, Now: now})
			if err != nil {
				return err
			}
			if until := res.RestorableUntilMs; until != 0 {
				t.Err.Printf("Deleted. Until %s this brings it back: openvibez session restore %s\n", time.UnixMilli(until).Format("15:04:05"), terminal.Short(s.Id))
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	cmd.Flags().BoolVar(&now, "now", false, "remove it at once, with no way back")
	return cmd
}
