package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openvibez/openvibez/host/store"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Exit codes, as `openvibez --help` documents them.
const (
	exitFailed    = 1
	exitUsage     = 2
	exitNoHost    = 3
	exitCancelled = 4
	exitProvider  = 5
)

// exitError is an error that knows its exit code. Without an err all has been said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// nameOf is what a command is called behind the program's own name, which every complaint begins with.
func nameOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// misused says what is wrong with a command line, and where to read on.
func misused(cmd *cobra.Command, format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format+"\nSee: %s --help", append(args, cmd.CommandPath())...)}
}

// badFlag says what is wrong with a flag, in words for those who never saw Go.
func badFlag(cmd *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return misused(cmd, "%w", err)
	}
	kinds := map[string]string{
		"bool": "true or false", "duration": "a time such as 90s or 5m", "float64": "a number",
		"int": "a whole number", "int32": "a whole number", "int64": "a whole number",
	}
	f := bad.GetFlag()
	return misused(cmd, "--%s is %q: it can be %s", f.Name, bad.GetValue(), cmp.Or(kinds[f.Value.Type()], f.Value.Type()))
}

func exitCode(err error) int {
	var known *exitError
	var unreachable *unreachableError
	var rpc *connect.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &known):
		return known.code
	case errors.Is(err, errNoHost), errors.As(err, &unreachable):
		return exitNoHost
	case errors.As(err, &rpc):
		return exitCodeOf(rpc)
	case errors.Is(err, context.Canceled):
		return exitCancelled
	}
	return exitFailed
}

func exitCodeOf(err *connect.Error) int {
	switch err.Code() {
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return exitNoHost
	case connect.CodeCanceled:
		return exitCancelled
	case connect.CodeInvalidArgument:
		return exitUsage
	}
	for _, d := range err.Details() {
		value, valueErr := d.Value()
		if typed, ok := value.(*providerv1.Error); valueErr == nil && ok {
			if typed.Code == providerv1.ErrorCode_ERROR_CODE_HOST {
				return exitFailed
			}
			return exitProvider
		}
	}
	return exitFailed
}

// words are an error as a person reads it.
func words(err error) string {
	var rpc *connect.Error
	if !errors.As(err, &rpc) {
		return store.Words(err)
	}
	if rpc.Code() == connect.CodeUnavailable {
		return "the host went away (" + rpc.Message() + "): start it with `openvibez`"
	}
	return rpc.Message()
}

// complain prints why a command did not work.
func (a *app) complain(err error) {
	if err == nil {
		return
	}
	if said := words(err); said != "" {
		fmt.Fprintf(a.err, "%s %s\n", a.errStyle.red("openvibez:"), said)
	}
}
