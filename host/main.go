// Package main is OpenVibez itself: the host with its tray icon, and the command line that speaks to it.
package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/openvibez/openvibez/host/author"
	"github.com/openvibez/openvibez/host/cli"
	"github.com/openvibez/openvibez/host/local"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/terminal"
)

func policyCommand(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:   "policy",
		Short: "See what models may do without asking",
		Long:  `Tells what the policy says to a command line, without running anything, and what you have allowed for good.`,
		Example: `  openvibez policy check -- 'git push'
  openvibez policy rules`,
	}, local.PolicyCheck(t), cli.PolicyRules(t), cli.PolicyRevoke(t))
}

func main() {
	t := terminal.New()
	err := command(t).ExecuteContext(context.Background())
	if err == nil {
		err = t.Out.Failed
	}
	complain(t, err)
	os.Exit(terminal.ExitCode(err))
}

// complain prints why a command did not work.
func complain(t *terminal.Terminal, err error) {
	if err == nil {
		return
	}
	if said := store.Words(err); said != "" {
		t.Err.Printf("%s %s\n", t.Err.Red("openvibez:"), said)
	}
}

func command(t *terminal.Terminal) *cobra.Command {
	var host hostOptions
	root := &cobra.Command{
		Use:   "openvibez",
		Short: "AI providers one keystroke away, every word kept on this machine",
		Long: `OpenVibez talks to AI providers through plugins, keeps every conversation in one database on this
machine, and shows them in a chat window or here in the terminal.

Without a command it starts the host with its tray icon and stays until Ctrl-C. If one is running
already, that one's window is opened instead.`,
		Example: `  openvibez                          start the host, with an icon in the tray
  openvibez ask "What is a monad?"   ask something here; starts a host by itself
  openvibez open                     open the chat window
  openvibez doctor                   find out what is wrong`,
		Args:          terminal.NoArgs,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return start(cmd.Context(), t, host)
		},
	}
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	root.SetUsageTemplate(root.UsageTemplate() + `{{if not .HasParent}}
Exit codes:
  0  done                  3  no host is running, or it does not answer
  1  failed                4  cancelled or interrupted
  2  wrong usage           5  the provider failed

Environment:
  OPENVIBEZ_HOME       directory that holds everything: data, sockets, logs
  OPENVIBEZ_LOG        level (debug, info, warn, error), a file, or both: debug,/tmp/openvibez.log
  OPENVIBEZ_DEVTOOLS   1 opens the inspector with the window
  OPENVIBEZ_CODEX_BIN  the Codex program, for a Codex provider; doctor checks it
  NO_COLOR             anything turns colours off
{{end}}`)
	root.SetVersionTemplate(versionLine() + "\n")
	root.SetFlagErrorFunc(terminal.BadFlag)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Flags().BoolVar(&host.detached, "detached", false, "run without a terminal")
	root.Flags().DurationVar(&host.idle, "idle", 0, "end after so long without use")
	for _, hidden := range []string{"detached", "idle"} {
		if err := root.Flags().MarkHidden(hidden); err != nil {
			panic(err) // the flag is two lines above
		}
	}
	plugins := cli.Plugin(t)
	plugins.AddCommand(author.Commands(t)...)
	root.AddCommand(
		plugins, policyCommand(t), versionCommand(t),
		local.Doctor(t, version()), local.Sandbox(t), local.Backup(t), local.Restore(t),
	)
	root.AddCommand(cli.Commands(t)...)
	return root
}
