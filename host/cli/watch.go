package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

func watchCommand(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	var session string
	var after int64
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print what changes, as it changes, until Ctrl-C",
		Long: `Prints sessions, runs, questions, providers and settings as they change; with --session that session's
journal too. If the host restarts, nothing is missed and nothing comes twice.`,
		Example: `  openvibez watch
  openvibez watch --session last
  openvibez watch --after 0 --json > everything.jsonl`,
		Args: terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			c, err := client.Running(ctx, t.Getenv)
			if err != nil {
				return err
			}
			req := &apiv1.WatchRequest{AfterRev: after}
			if session != "" {
				s, err := findSession(ctx, c, session)
				if err != nil {
					return err
				}
				req.SessionId = s.Id
			}
			if !cmd.Flags().Changed("after") {
				now, err := c.Runs.ListRuns(ctx, &apiv1.ListRunsRequest{})
				if err != nil {
					return err
				}
				req.AfterRev = now.Rev
			}
			return watch(ctx, t, c, req, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each change as a JSON object on a line")
	cmd.Flags().StringVarP(&session, "session", "s", "", "print this session's journal too: an id, its beginning, or \"last\"")
	cmd.Flags().Int64Var(&after, "after", 0, "begin after this rev; 0 is the beginning (default: now)")
	return cmd
}

func watch(ctx context.Context, t *terminal.Terminal, c *client.Client, req *apiv1.WatchRequest, asJSON bool) error {
	err := c.Watch(ctx, client.Watching{Request: req, Patience: 30 * time.Second, Take: func(res *apiv1.WatchResponse) (bool, error) {
		for _, change := range res.Changes {
			if asJSON {
				if err := terminal.PrintJSON(t.Out, change); err != nil {
					return false, err
				}
			} else {
				t.Out.Println(changeWords(change))
			}
		}
		return true, t.Out.Failed
	}})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// changeWords is a change in one line.
func changeWords(change *apiv1.Change) string {
	switch row := change.Row.(type) {
	case *apiv1.Change_Session:
		return fmt.Sprintf("session   %s  %s", terminal.Short(row.Session.Id), terminal.OneLine(row.Session.Title, 80))
	case *apiv1.Change_Run:
		line := fmt.Sprintf("run       %s  %s", terminal.Short(row.Run.Id), stateWords(row.Run.State))
		if row.Run.Status != "" {
			line += ": " + terminal.OneLine(row.Run.Status, 80)
		}
		if message := row.Run.Error.GetMessage(); message != "" {
			line += ": " + terminal.OneLine(message, 200)
		}
		return line
	case *apiv1.Change_Entry:
		return fmt.Sprintf("entry     %s  %s", terminal.Short(row.Entry.SessionId), entryWords(row.Entry))
	case *apiv1.Change_Approval:
		state := strings.ToLower(strings.TrimPrefix(row.Approval.State.String(), "APPROVAL_STATE_"))
		return fmt.Sprintf("question  %s  %s: %s", terminal.Short(row.Approval.Id), state, terminal.OneLine(row.Approval.Question.GetText(), 80))
	case *apiv1.Change_Provider:
		return fmt.Sprintf("provider  %s  %s", terminal.Short(row.Provider.Id), terminal.OneLine(row.Provider.Name, 80))
	case *apiv1.Change_Model:
		return fmt.Sprintf("model     %s  %s", terminal.Short(row.Model.ProviderId), terminal.OneLine(row.Model.Model.GetId(), 80))
	case *apiv1.Change_Job:
		return fmt.Sprintf("job       %s", terminal.Short(row.Job.Id))
	case *apiv1.Change_Setting:
		return fmt.Sprintf("setting   %s = %s", row.Setting.Key, terminal.OneLine(row.Setting.ValueJson, 80))
	case *apiv1.Change_Workspace:
		return fmt.Sprintf("workspace %s  %s, %s", terminal.Short(row.Workspace.Id), terminal.OneLine(row.Workspace.Name, 80), trustWords(row.Workspace.Trust))
	case *apiv1.Change_Rule:
		return fmt.Sprintf("rule      %s  %s", terminal.Short(row.Rule.Id), terminal.OneLine(cmp.Or(row.Rule.Domain, strings.Join(row.Rule.Prefix, " ")), 80))
	case *apiv1.Change_Plugin:
		return fmt.Sprintf("plugin    %s  %s", terminal.OneLine(row.Plugin.Id, 40), pluginState(row.Plugin))
	case *apiv1.Change_Host:
		return fmt.Sprintf("host      %d  %s", row.Host.Pid, terminal.OneLine(row.Host.Version, 40))
	case *apiv1.Change_Consent:
		return fmt.Sprintf("consent   %s  %s %s", terminal.Short(row.Consent.Id), terminal.OneLine(row.Consent.Text, 80), terminal.OneLine(row.Consent.Subject, 80))
	case *apiv1.Change_Tombstone:
		topic := strings.ToLower(strings.TrimPrefix(row.Tombstone.Topic.String(), "TOPIC_"))
		return fmt.Sprintf("gone      %s  of %s", terminal.Short(row.Tombstone.Id), topic)
	}
	return "something this version does not know"
}

func entryWords(e *apiv1.Entry) string {
	switch body := e.Body.(type) {
	case *apiv1.Entry_User:
		return "you: " + terminal.OneLine(body.User.Text, 100)
	case *apiv1.Entry_Text:
		return "model: " + terminal.OneLine(body.Text.Text, 100)
	case *apiv1.Entry_Thought:
		return "thought: " + terminal.OneLine(body.Thought.Text, 100)
	case *apiv1.Entry_Chunk:
		return "… " + terminal.OneLine(body.Chunk.Text, 100)
	case *apiv1.Entry_Notice:
		return "notice: " + terminal.OneLine(body.Notice.Text, 100)
	case *apiv1.Entry_Usage:
		return fmt.Sprintf("usage: %d tokens in, %d out", body.Usage.InputTokens, body.Usage.OutputTokens)
	case *apiv1.Entry_ToolCall:
		return "tool: " + terminal.OneLine(callWords(body.ToolCall), 100)
	}
	// The other kinds say enough by their names.
	field := e.ProtoReflect().WhichOneof(e.ProtoReflect().Descriptor().Oneofs().ByName("body"))
	if field == nil {
		return "something this version does not know"
	}
	return strings.ReplaceAll(string(field.Name()), "_", " ")
}
