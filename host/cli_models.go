package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func (a *app) providerPull() *cobra.Command {
	return &cobra.Command{
		Use:   "pull PROVIDER MODEL",
		Short: "Download a model to where the provider runs",
		Long: `Downloads a model, for providers that can. Ctrl-C stops it; Ollama keeps what has come so far and goes on
from there the next time.`,
		Example: `  openvibez provider pull ollama llama3.2`,
		Args:    exactly("a provider's name or id", "a model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			c, err := a.hostOrStart(ctx)
			if err != nil {
				return err
			}
			stream, err := c.Providers.PullModel(ctx, &apiv1.PullModelRequest{ProviderId: args[0], Model: args[1]})
			if err != nil {
				return err
			}
			defer stream.Close()
			for stream.Receive() {
				if a.errStyle.terminal {
					fmt.Fprint(a.err, "\r\x1b[K"+oneLine(pullWords(stream.Msg().Progress), 78))
				}
			}
			if a.errStyle.terminal {
				fmt.Fprint(a.err, "\r\x1b[K")
			}
			if ctx.Err() != nil {
				return &exitError{exitCancelled, errors.New("stopped; the model is not there yet")}
			}
			if err := stream.Err(); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s has %s now.\n", args[0], args[1])
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
		done = size(p.CompletedBytes)
	}
	return fmt.Sprintf("%3d %%  %s of %s  %s", min(100, p.CompletedBytes*100/p.TotalBytes), done, size(p.TotalBytes), p.Status)
}

func (a *app) providerDeleteModel() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete-model PROVIDER MODEL",
		Short: "Remove a downloaded model from where the provider runs",
		Long: `Removes a model from the disk, for providers that can. In a terminal it asks first; in scripts --yes has to
say that it is meant.`,
		Example: `  openvibez provider delete-model ollama llama3.2
  openvibez provider delete-model ollama llama3.2 --yes`,
		Args: exactly("a provider's name or id", "a model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.hostOrStart(cmd.Context())
			if err != nil {
				return err
			}
			if !yes {
				if !term.IsTerminal(int(a.in.Fd())) {
					return misused(cmd, "this removes %q from the disk: say --yes", args[1])
				}
				fmt.Fprintf(a.err, "Remove %q from the disk? [y/N] ", args[1])
				answer, _ := bufio.NewReader(a.in).ReadString('\n')
				if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
					return &exitError{exitCancelled, errors.New("not removed")}
				}
			}
			_, err = c.Providers.DeleteModel(cmd.Context(), &apiv1.DeleteModelRequest{ProviderId: args[0], Model: args[1]})
			return err
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return cmd
}

// sayFacts prints what a plugin can tell about a connection. One that can tell nothing is no error.
func (a *app) sayFacts(ctx context.Context, c *client, id string) error {
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
		rows = append(rows, []string{mark, oneLine(f.Name, 40), oneLine(f.Value, 300)})
	}
	table(a.out, func(string) string { return "" }, rows)
	return nil
}
