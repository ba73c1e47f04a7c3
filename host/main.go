// Package main is OpenVibez itself: the host with its tray icon, and the command line that speaks to it.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func main() {
	a := newApp()
	err := a.command().ExecuteContext(context.Background())
	if err == nil {
		err = a.out.failed
	}
	a.complain(err)
	os.Exit(exitCode(err))
}

// app is what every command works with.
type app struct {
	getenv func(string) string
	in     *os.File
	out    *output
	err    *os.File
	// How standard output and standard error may look.
	style, errStyle style
}

func newApp() *app {
	return &app{
		getenv: os.Getenv, in: os.Stdin, out: &output{Writer: os.Stdout}, err: os.Stderr,
		style: styleOf(os.Stdout, os.Getenv), errStyle: styleOf(os.Stderr, os.Getenv),
	}
}

// output is standard output. It remembers the first write that failed: whose words got lost is not done.
type output struct {
	io.Writer
	failed error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.failed == nil {
		o.failed = err
	}
	return n, err
}

// release is the version, which make tells the linker.
var release string

// version is what the build knows about itself.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development build"
}

func (a *app) command() *cobra.Command {
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
		Args:          noArgs,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.start(cmd.Context(), host)
		},
	}
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
	root.SetFlagErrorFunc(badFlag)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Flags().BoolVar(&host.detached, "detached", false, "run without a terminal")
	root.Flags().DurationVar(&host.idle, "idle", 0, "end after so long without use")
	for _, hidden := range []string{"detached", "idle"} {
		if err := root.Flags().MarkHidden(hidden); err != nil {
			panic(err) // the flag is two lines above
		}
	}
	root.AddCommand(
		a.askCommand(), a.sessionCommand(), a.searchCommand(), a.runCommand(), a.workspaceCommand(), a.approvalCommand(), a.watchCommand(),
		a.providerCommand(), a.pluginCommand(), a.policyCommand(), a.usageCommand(),
		a.settingsCommand(), a.backupCommand(), a.restoreCommand(), a.openCommand(), a.statusCommand(), a.doctorCommand(), a.sandboxCommand(), a.stopCommand(), a.versionCommand(),
	)
	return root
}

// noArgs and its like are cobra's, with words that say what to do.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasParent() || cmd.HasSubCommands() {
		err := misused(cmd, "there is no command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			err = misused(cmd, "there is no command %q: did you mean %s?", args[0], near[0])
		}
		return err
	}
	return misused(cmd, "%s takes no argument, and %q is one", nameOf(cmd), args[0])
}

// exactly demands arguments by name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return misused(cmd, "%s needs %s", nameOf(cmd), names[len(args)])
		}
		if len(args) > len(names) {
			return misused(cmd, "%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

// group makes a command that only holds others.
func group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.Args = noArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_ = cmd.Help()
		return &exitError{code: exitUsage, err: errors.New("name one of the commands above")}
	}
	cmd.AddCommand(subs...)
	return cmd
}
