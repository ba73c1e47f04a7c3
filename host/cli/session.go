package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func sessionCommand(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:     "session",
		Aliases: []string{"sessions"},
		Short:   "List, show, rename and delete conversations",
		Long:    `Conversations are named by id, the beginning of one, or "last" for the one used last.`,
		Example: `  openvibez session list
  openvibez session show last`,
	}, append([]*cobra.Command{
		sessionList(t), sessionShow(t), sessionRename(t), sessionPrompt(t), sessionAccess(t), sessionBranch(t),
		sessionDelete(t), sessionRestore(t), sessionExport(t), sessionImport(t),
	}, sessionMarks(t)...)...)
}

func sessionList(t *terminal.Terminal) *cobra.Command {
	var asJSON, archived bool
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List conversations, pinned ones first, then the newest",
		Example: `  openvibez session list
  openvibez session list -n 1000 --json | jq -r .title`,
		Args: terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return terminal.Misused(cmd, "--limit is %d: it starts at 1", limit)
			}
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			sessions, err := listSessions(cmd.Context(), c, limit, archived)
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, sessions...)
			}
			rows := [][]string{{"ID", "USED", "TITLE"}}
			for _, s := range sessions {
				title := terminal.OneLine(s.Title, 60)
				if s.Pinned {
					title = "* " + title
				}
				rows = append(rows, []string{terminal.Short(s.Id), terminal.Ago(s.ActiveMs), title})
			}
			terminal.Table(t.Out, rows)
			if len(sessions) == 0 && t.Err.Terminal {
				t.Err.Println(`No conversations yet: openvibez ask "hello" begins one.`)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&archived, "archived", false, "list archived ones instead")
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "list at most so many")
	return cmd
}

// listSessions reads as many pages as it takes.
func listSessions(ctx context.Context, c *client.Client, limit int, archived bool) ([]*apiv1.Session, error) {
	var all []*apiv1.Session
	req := &apiv1.ListSessionsRequest{Archived: archived}
	for {
		req.Limit = int32(min(limit-len(all), 1000))
		page, err := c.Sessions.ListSessions(ctx, req)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Sessions...)
		if req.PageToken = page.NextPageToken; req.PageToken == "" || len(all) >= limit {
			return all, nil
		}
	}
}

// connectTo connects to the host and resolves what people call a session.
func connectTo(ctx context.Context, t *terminal.Terminal, name string) (*client.Client, *apiv1.Session, error) {
	c, err := client.Ensure(ctx, t.Getenv)
	if err != nil {
		return nil, nil, err
	}
	s, err := findSession(ctx, c, name)
	return c, s, err
}

// findSession resolves what people call a session.
func findSession(ctx context.Context, c *client.Client, name string) (*apiv1.Session, error) {
	if name != "last" {
		res, err := c.Sessions.GetSession(ctx, &apiv1.GetSessionRequest{Id: name})
		if err != nil {
			return nil, err
		}
		return res.Session, nil
	}
	// Pinned ones come first whatever their age.
	sessions, err := listSessions(ctx, c, 1000, false)
	if err != nil {
		return nil, err
	}
	if len(sessions) == 0 {
		return nil, errors.New("there is no conversation to go on with yet")
	}
	return slices.MaxFunc(sessions, func(x, y *apiv1.Session) int { return int(x.ActiveMs - y.ActiveMs) }), nil
}

func sessionShow(t *terminal.Terminal) *cobra.Command {
	var asJSON, thoughts bool
	cmd := &cobra.Command{
		Use:   "show SESSION",
		Short: "Print a conversation: what you wrote behind >, then the answers",
		Example: `  openvibez session show last
  openvibez session show k7q2 --json`,
		Args: terminal.Exactly(namesSession),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, s, err := connectTo(ctx, t, args[0])
			if err != nil {
				return err
			}
			entries, err := allEntries(ctx, c, s.Id)
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, entries...)
			}
			runs, err := c.Runs.ListRuns(ctx, &apiv1.ListRunsRequest{SessionId: s.Id})
			if err != nil {
				return err
			}
			showSession(t, s, entries, runs.Runs, thoughts)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each entry of the journal as a JSON object on a line")
	cmd.Flags().BoolVar(&thoughts, "thoughts", false, "print the model's thoughts too")
	return cmd
}

// allEntries reads a journal from its end, since that is how pages go, and gives it from its beginning.
func allEntries(ctx context.Context, c *client.Client, session string) ([]*apiv1.Entry, error) {
	var pages [][]*apiv1.Entry
	req := &apiv1.ListEntriesRequest{SessionId: session, Limit: 1000}
	for {
		page, err := c.Sessions.ListEntries(ctx, req)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page.Entries)
		if !page.More || len(page.Entries) == 0 {
			break
		}
		req.BeforeSeq = page.Entries[0].Seq
	}
	slices.Reverse(pages)
	return slices.Concat(pages...), nil
}

func showSession(t *terminal.Terminal, s *apiv1.Session, entries []*apiv1.Entry, runs []*apiv1.Run, thoughts bool) {
	t.Out.Println(t.Out.Bold("# " + terminal.OneLine(s.Title, 200)))
	ends := map[string]string{}
	for _, r := range runs {
		ends[r.Id] = runEnd(r)
	}
	var part strings.Builder
	for i, e := range entries {
		switch body := e.Body.(type) {
		case *apiv1.Entry_User:
			if body.User.Text == "" && len(body.User.Attachments) == 0 {
				t.Out.Println("\n" + t.Out.Dim("· continued"))
				continue
			}
			said := "> " + strings.ReplaceAll(body.User.Text, "\n", "\n> ")
			if t.Out.Terminal {
				t.Out.Println("\n" + t.Out.Bold(said))
			} else {
				fmt.Fprintln(t.Out, "\n"+said)
			}
		case *apiv1.Entry_Text:
			fmt.Fprintln(t.Out, "\n"+strings.TrimRight(body.Text.Text, "\n"))
		case *apiv1.Entry_Chunk:
			if body.Chunk.Kind == apiv1.Chunk_KIND_TEXT || thoughts {
				part.WriteString(body.Chunk.Text)
			}
			if i+1 == len(entries) || entries[i+1].GetChunk().GetOffset() == 0 {
				if part.Len() > 0 {
					fmt.Fprintln(t.Out, "\n"+part.String())
				}
				part.Reset()
			}
		case *apiv1.Entry_Thought:
			if thoughts {
				t.Out.Println("\n" + t.Out.Dim(body.Thought.Text))
			}
		case *apiv1.Entry_ToolCall:
			t.Out.Println("\n" + t.Out.Dim("· "+terminal.OneLine(callWords(body.ToolCall), 120)))
		case *apiv1.Entry_Action:
			if body.Action.State != providerv1.Action_STATE_RUNNING {
				t.Out.Println("\n" + t.Out.Dim("· "+terminal.OneLine(body.Action.Title, 120)))
			}
		case *apiv1.Entry_Notice:
			t.Out.Println("\n" + t.Out.Dim("· "+terminal.OneLine(body.Notice.Text, 200)))
		case *apiv1.Entry_Summary:
			t.Out.Println("\n" + t.Out.Dim("· summary of what came before, for the model: "+body.Summary.Text))
		}
		if i+1 == len(entries) || entries[i+1].RunId != e.RunId {
			if end := ends[e.RunId]; end != "" {
				t.Out.Println("\n" + t.Out.Yellow("["+end+"]"))
			}
			delete(ends, e.RunId)
		}
	}
}

// runEnd is what there is to say about a run that is not simply finished.
func runEnd(r *apiv1.Run) string {
	switch r.State {
	case apiv1.RunState_RUN_STATE_COMPLETED:
		return ""
	case apiv1.RunState_RUN_STATE_FAILED, apiv1.RunState_RUN_STATE_INTERRUPTED:
		if r.Error.GetMessage() != "" {
			return stateWords(r.State) + ": " + client.Words(r.Error)
		}
	}
	return stateWords(r.State)
}

func sessionRename(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "rename SESSION TITLE",
		Short:   "Give a conversation a name",
		Example: `  openvibez session rename last "Monads, at last"`,
		Args:    terminal.Exactly(namesSession, "the new title, in quotes if it has blanks"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := connectTo(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			_, err = c.Sessions.UpdateSession(cmd.Context(), &apiv1.UpdateSessionRequest{Id: s.Id, Title: &args[1]})
			return err
		},
	}
}
