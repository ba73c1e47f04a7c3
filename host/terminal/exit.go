package terminal

import (
	"context"
	"errors"
)

// Exit codes, as `openvibez --help` documents them.
const (
	Failed    = 1
	Usage     = 2
	NoHost    = 3
	Cancelled = 4
	Provider  = 5
)

// ExitError is an error that knows its exit code. Without an Err all has been said already.
type ExitError struct {
	Code int
	Err  error
}

// Fail is an error with an exit code.
func Fail(code int, err error) error { return &ExitError{Code: code, Err: err} }

func (e *ExitError) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode is what the program ends with.
func (e *ExitError) ExitCode() int { return e.Code }

// ExitCode is what the program ends with after err: errors know it themselves.
func ExitCode(err error) int {
	var knows interface{ ExitCode() int }
	switch {
	case err == nil:
		return 0
	case errors.As(err, &knows):
		return knows.ExitCode()
	case errors.Is(err, context.Canceled):
		return Cancelled
	}
	return Failed
}
