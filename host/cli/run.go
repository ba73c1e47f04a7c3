package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

func runCommand(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:     "run",
		Aliases: []string{"runs"},
		Short:   "List, show, stop and take up again the work on messages",
		Long: `A run is the work that one message sets off; it has exactly one end. Runs are named by id, the beginning
of one, or "last" for the newest of the conversation used last.`,
		Example: `  openvibez run list
  openvibez run continue last
  openvibez run retry last --provider openai`,
	}, runList(t), runShow(t),
		runAct(t, "cancel RUN", "Stop a run, or take a message out of the queue; what came is kept",
			"  openvibez run cancel last\n  openvibez run list --json | jq -r .id | xargs -n 1 openvibez run cancel", cancelRun),
		runAct(t, "pause RUN", "Let a run of several steps pause before its next one",
			"  openvibez run pause last\n  openvibez run resume last", pauseRun),
		runAct(t, "resume RUN", "Let a paused run go on", "  openvibez run resume last", resumeRun),
		runRetry(t), runContinue(t), runUndo(t))
}

const aRun = "a run: its id, the beginning of it, or last"

func runList(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [SESSION]",
		Short: "List the runs that have not ended, or all of one conversation",
		Example: `  openvibez run list
  openvibez run list last --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			req := &apiv1.ListRunsRequest{}
			if len(args) > 0 {
				s, err := findSession(ctx, c, args[0])
				if err != nil {
					return err
				}
				req.SessionId = s.Id
			}
			res, err := c.Runs.ListRuns(ctx, req)
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res.Runs...)
			}
			rows := [][]string{{"ID", "SESSION", "STATE", "MODEL", "SENT", ""}}
			for _, r := range res.Runs {
				rows = append(rows, []string{terminal.Short(r.Id), terminal.Short(r.SessionId), stateWords(r.State), r.Model, terminal.Ago(r.CreatedMs), terminal.OneLine(aboutRun(r), 80)})
			}
			terminal.Table(t.Out, rows)
			if len(res.Runs) == 0 && t.Err.Terminal {
				t.Err.Println("Nothing is under way.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// aboutRun is what there is to know of a run besides its state.
func aboutRun(r *apiv1.Run) string {
	switch {
	case r.State == apiv1.RunState_RUN_STATE_WAITING_LIMIT:
		return fmt.Sprintf("goes on in %s: %s", time.Until(time.UnixMilli(r.ResumeMs)).Round(time.Second), r.Status)
	case r.EndedMs == 0 && r.CancelRequested:
		return "is being cancelled"
	case r.EndedMs == 0 && r.PauseRequested:
		return "pauses before its next step"
	case r.Error.GetMessage() != "":
		return r.Error.Message
	case r.ContinuesRunId != "":
		return "goes on from " + terminal.Short(r.ContinuesRunId)
	case r.ReplacesRunId != "":
		return "replaces " + terminal.Short(r.ReplacesRunId)
	}
	return r.Status
}

func runShow(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show RUN",
		Short: "Print a run and its part of the conversation",
		Example: `  openvibez run show last
  openvibez run show last --json | jq -c '.entry // empty'`,
		Args: terminal.Exactly(aRun),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, id, err := findRun(ctx, t, args[0])
			if err != nil {
				return err
			}
			res, err := c.Runs.GetRun(ctx, &apiv1.GetRunRequest{Id: id, WithEntries: true})
			if err != nil {
				return err
			}
			if asJSON {
				return showRunJSON(t, res)
			}
			s, err := c.Sessions.GetSession(ctx, &apiv1.GetSessionRequest{Id: res.Run.SessionId})
			if err != nil {
				return err
			}
			showRun(t, res.Run)
			showSession(t, s.Session, res.Entries, []*apiv1.Run{res.Run}, true)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the run, its entries and what it asked as JSON objects, one a line")
	return cmd
}

func showRunJSON(t *terminal.Terminal, res *apiv1.GetRunResponse) error {
	changes := []*apiv1.Change{{Row: &apiv1.Change_Run{Run: res.Run}}}
	for _, e := range res.Entries {
		changes = append(changes, &apiv1.Change{Row: &apiv1.Change_Entry{Entry: e}})
	}
	for _, p := range res.Approvals {
		changes = append(changes, &apiv1.Change{Row: &apiv1.Change_Approval{Approval: p}})
	}
	return terminal.PrintJSON(t.Out, changes...)
}

func showRun(t *terminal.Terminal, r *apiv1.Run) {
	at := func(ms int64) string {
		if ms == 0 {
			return "-"
		}
		return time.UnixMilli(ms).Format("2006-01-02 15:04:05.000")
	}
	for _, fact := range [][2]string{
		{"run", r.Id},
		{"session", r.SessionId},
		{"state", stateWords(r.State)},
		{"about", aboutRun(r)},
		{"model", r.Model},
		{"sent", at(r.CreatedMs)},
		{"started", at(r.StartedMs)},
		{"ended", at(r.EndedMs)},
		{"request", r.RequestId},
		{"response", r.ResponseId},
		{"replaces", r.ReplacesRunId},
		{"continues", r.ContinuesRunId},
		{"window", windowWords(r)},
	} {
		if fact[1] != "" {
			t.Out.Printf("%s%s\n", t.Out.Dim(fmt.Sprintf("%-10s", fact[0])), terminal.OneLine(fact[1], 300))
		}
	}
}

// windowWords say how full the model's window was.
func windowWords(r *apiv1.Run) string {
	switch {
	case r.ContextUsed == 0:
		return ""
	case r.ContextSize == 0:
		return fmt.Sprintf("%d tokens used", r.ContextUsed)
	}
	return fmt.Sprintf("%d of %d tokens used (%d%%)", r.ContextUsed, r.ContextSize, 100*r.ContextUsed/r.ContextSize)
}

// findRun resolves what people call a run.
func findRun(ctx context.Context, t *terminal.Terminal, name string) (*client.Client, string, error) {
	c, err := client.Ensure(ctx, t.Getenv)
	if err != nil {
		return nil, "", err
	}
	if name != "last" {
		res, err := c.Runs.GetRun(ctx, &apiv1.GetRunRequest{Id: name})
		return c, res.GetRun().GetId(), err
	}
	s, err := findSession(ctx, c, name)
	if err != nil {
		return nil, "", err
	}
	res, err := c.Runs.ListRuns(ctx, &apiv1.ListRunsRequest{SessionId: s.Id})
	if err != nil {
		return nil, "", err
	}
	if len(res.Runs) == 0 {
		return nil, "", errors.New("nothing was sent in the conversation used last")
	}
	return c, slices.MaxFunc(res.Runs, func(x, y *apiv1.Run) int { return int(x.QueueOrder - y.QueueOrder) }).Id, nil
}

// runAct makes a command that does one thing to a run and says what became of it.
func runAct(t *terminal.Terminal, use, short, example string, act func(ctx context.Context, c *client.Client, id string) (*apiv1.Run, error)) *cobra.Command {
	return &cobra.Command{
		Use:     use,
		Short:   short,
		Example: example,
		Args:    terminal.Exactly(aRun),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, id, err := findRun(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			r, err := act(cmd.Context(), c, id)
			if err != nil {
				return err
			}
			words := stateWords(r.State)
			if about := aboutRun(r); about != "" {
				words += ": " + terminal.OneLine(about, 200)
			}
			t.Out.Printf("%s %s\n", r.Id, words)
			return nil
		},
	}
}

func cancelRun(ctx context.Context, c *client.Client, id string) (*apiv1.Run, error) {
	res, err := c.Runs.Cancel(ctx, &apiv1.CancelRequest{RunId: id})
	return res.GetRun(), err
}

func pauseRun(ctx context.Context, c *client.Client, id string) (*apiv1.Run, error) {
	res, err := c.Runs.Pause(ctx, &apiv1.PauseRequest{RunId: id})
	return res.GetRun(), err
}

func resumeRun(ctx context.Context, c *client.Client, id string) (*apiv1.Run, error) {
	res, err := c.Runs.Resume(ctx, &apiv1.ResumeRequest{RunId: id})
	return res.GetRun(), err
}

func runRetry(t *terminal.Terminal) *cobra.Command {
	var o askOptions
	cmd := &cobra.Command{
		Use:   "retry RUN",
		Short: "Ask again what an ended run was asked; the new answer takes the old one's place",
		Long: `Sends the same message with its attachments again, to the same model or another. Nothing is deleted: the
old answer stays to be read, and from now on models see the new one instead.`,
		Example: `  openvibez run retry last
  openvibez run retry last --provider ollama --model qwen3:4b`,
		Args: terminal.Exactly(aRun),
		RunE: func(cmd *cobra.Command, args []string) error {
			return again(cmd.Context(), t, o, args[0], func(ctx context.Context, c *client.Client, id string) (*apiv1.Run, error) {
				res, err := c.Runs.Retry(ctx, &apiv1.RetryRequest{RunId: id, ClientRequestId: rand.Text(), Provider: o.provider, Model: o.model})
				return res.GetRun(), err
			})
		},
	}
	cmd.Flags().StringVarP(&o.provider, "provider", "p", "", "provider to ask, by name or id (default: the same)")
	cmd.Flags().StringVarP(&o.model, "model", "m", "", "model to ask (default: the same, or the other provider's default)")
	o.printing(cmd)
	return cmd
}

func runContinue(t *terminal.Terminal) *cobra.Command {
	var o askOptions
	cmd := &cobra.Command{
		Use:   "continue RUN",
		Short: "Go on from a run that was interrupted, cut off, cancelled or stopped",
		Long: `The model is shown what it had said as its own words and asked to go on from there. A tool call of which
nobody knows whether it took effect is told to the model as such; it is never made again by itself.`,
		Example: `  openvibez run continue last`,
		Args:    terminal.Exactly(aRun),
		RunE: func(cmd *cobra.Command, args []string) error {
			return again(cmd.Context(), t, o, args[0], func(ctx context.Context, c *client.Client, id string) (*apiv1.Run, error) {
				res, err := c.Runs.Continue(ctx, &apiv1.ContinueRequest{RunId: id, ClientRequestId: rand.Text()})
				return res.GetRun(), err
			})
		},
	}
	o.printing(cmd)
	return cmd
}

func (o *askOptions) printing(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.json, "json", false, "print each change as a JSON object on a line; the last one is the finished run")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "without a terminal, let questions wait for an answer from elsewhere instead of denying them")
	cmd.Flags().BoolVar(&o.thoughts, "thoughts", false, "print the model's thoughts to standard error")
}

// again takes up a run and prints what comes, as ask does.
func again(ctx context.Context, t *terminal.Terminal, o askOptions, name string, take func(context.Context, *client.Client, string) (*apiv1.Run, error)) error {
	c, id, err := findRun(ctx, t, name)
	if err != nil {
		return err
	}
	// From here on, nothing of the run is missed.
	before, err := c.Runs.ListRuns(ctx, &apiv1.ListRunsRequest{})
	if err != nil {
		return err
	}
	r, err := take(ctx, c, id)
	if err != nil {
		return err
	}
	return (&follower{Terminal: t, options: o, client: c, run: r, rev: before.Rev}).printAll(ctx)
}

func runUndo(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "undo RUN",
		Short: "Put back what a run's tools changed in files, where nobody has changed them since",
		Long: `Puts files back that the model changed with edit_file. What commands did can't be undone; the list of
changed files in the conversation names it.`,
		Example: `  openvibez run undo last`,
		Args:    terminal.Exactly(aRun),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, id, err := findRun(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			res, err := c.Runs.UndoChanges(cmd.Context(), &apiv1.UndoChangesRequest{RunId: id})
			if err != nil {
				return err
			}
			for _, path := range res.Undone {
				t.Out.Printf("put back: %s\n", path)
			}
			for _, p := range res.Problems {
				t.Err.Printf("not put back: %s\n", p)
			}
			if len(res.Problems) > 0 {
				return errors.New("some files could not be put back")
			}
			return nil
		},
	}
}
