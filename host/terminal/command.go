package terminal

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Between demands a number of arguments, of which what is the first.
func Between(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Misused(cmd, "%s needs %s", NameOf(cmd), what)
		case len(args) > most:
			return Misused(cmd, "%q is one argument too many", args[most])
		}
		return nil
	}
}

// NameOf is what a command is called behind the program's own name, which every complaint begins with.
func NameOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// Misused says what is wrong with a command line, and where to read on.
func Misused(cmd *cobra.Command, format string, args ...any) error {
	return Fail(Usage, fmt.Errorf(format+"\nSee: %s --help", append(args, cmd.CommandPath())...))
}

// BadFlag says what is wrong with a flag, in words for those who never saw Go.
func BadFlag(cmd *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return Misused(cmd, "%w", err)
	}
	kinds := map[string]string{
		"bool": "true or false", "duration": "a time such as 90s or 5m", "float64": "a number",
		"int": "a whole number", "int32": "a whole number", "int64": "a whole number",
	}
	f := bad.GetFlag()
	return Misused(cmd, "--%s is %q: it can be %s", f.Name, bad.GetValue(), cmp.Or(kinds[f.Value.Type()], f.Value.Type()))
}

// NoArgs and its like are cobra's, with words that say what to do.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasParent() || cmd.HasSubCommands() {
		err := Misused(cmd, "there is no command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			err = Misused(cmd, "there is no command %q: did you mean %s?", args[0], near[0])
		}
		return err
	}
	return Misused(cmd, "%s takes no argument, and %q is one", NameOf(cmd), args[0])
}

// Exactly demands arguments by name.
func Exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return Misused(cmd, "%s needs %s", NameOf(cmd), names[len(args)])
		}
		if len(args) > len(names) {
			return Misused(cmd, "%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

// Group makes a command that only holds others.
func Group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.Args = NoArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_ = cmd.Help()
		return Fail(Usage, errors.New("name one of the commands above"))
	}
	cmd.AddCommand(subs...)
	return cmd
}
