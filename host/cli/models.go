package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func providerPull(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "pull PROVIDER MODEL",
		Short: "Download a model to where the provider runs",
		Long: `Downloads a model, for providers that can. Ctrl-C stops it; Ollama keeps what has come so far and goes on
from there the next time.`,
		Example: `  openvibez provider pull ollama llama3.2`,
		Args:    terminal.Exactly("a provider's name or id", "a model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			stream, err := c.Providers.PullModel(ctx, &apiv1.PullModelRequest{ProviderId: args[0], Model: args[1]})
			if err != nil {
				return err
			}
			defer stream.Close()
			for stream.Receive() {
				if t.Err.Terminal {
					t.Err.Wipe()
					t.Err.Print(terminal.OneLine(pullWords(stream.Msg().Progress), 78))
				}
			}
			if t.Err.Terminal {
				t.Err.Wipe()
			}
			if ctx.Err() != nil {
				return terminal.Fail(terminal.Cancelled, errors.New("stopped; the model is not there yet"))
			}
			if err := stream.Err(); err != nil {
				return err
			}
			t.Out.Printf("%s has %s now.\n", args[0], args[1])
			return nil
		},
	}
}

// pullWords tells how far a download is: "pulling dde5aa3fc5ff  1.2 of 2.0 GB, 60 %".
func pullWords(p *providerv1.PullProgress) string {
	if p.TotalBytes <= 0 {
		return p.Status
	}
	done := "0 MB"
	if p.CompletedBytes > 0 {
		done = terminal.Size(p.CompletedBytes)
	}
	return fmt.Sprintf("%3d %%  %s of %s  %s", min(100, p.CompletedBytes*100/p.TotalBytes), done, terminal.Size(p.TotalBytes), p.Status)
}

func providerDeleteModel(t *terminal.Terminal) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete-model PROVIDER MODEL",
		Short: "Remove a downloaded model from where the provider runs",
		Long: `Removes a model from the disk, for providers that can. In a terminal it asks first; in scripts --yes has to
say that it is meant.`,
		Example: `  openvibez provider delete-model ollama llama3.2
  openvibez provider delete-model ollama llama3.2 --yes`,
		Args: terminal.Exactly("a provider's name or id", "a model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			if err := t.Confirm(cmd, fmt.Sprintf("remove %q from the disk", args[1]), yes); err != nil {
				return err
			}
			_, err = c.Providers.DeleteModel(cmd.Context(), &apiv1.DeleteModelRequest{ProviderId: args[0], Model: args[1]})
			return err
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return cmd
}

// sayFacts prints what a plugin can tell about a connection. One that can tell nothing is no error.
func sayFacts(ctx context.Context, t *terminal.Terminal, c *client.Client, id string) error {
	res, err := c.Providers.Diagnose(ctx, &apiv1.DiagnoseRequest{Id: id})
	if connect.CodeOf(err) == connect.CodeUnimplemented {
		return nil
	}
	if err != nil {
		return err
	}
	rows := [][]string{{"", "", ""}}
	for _, f := range res.Facts {
		mark := "ok"
		if !f.Ok {
			mark = "!"
		}
		rows = append(rows, []string{mark, terminal.OneLine(f.Name, 40), terminal.OneLine(f.Value, 300)})
	}
	terminal.Table(t.Out, rows)
	return nil
}
