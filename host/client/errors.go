package client

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"

	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// ErrNoHost says that nothing answers where the host should.
var ErrNoHost = terminal.Fail(terminal.NoHost, errors.New("no openvibez is running: start it with `openvibez`"))

// UnreachableError is a host that is there and can't be talked to.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string { return e.Err.Error() }

func (e *UnreachableError) Unwrap() error { return e.Err }

// ExitCode is what the program ends with.
func (e *UnreachableError) ExitCode() int { return terminal.NoHost }

// callError is what came of a call, in words for people.
type callError struct{ rpc *connect.Error }

func (e *callError) Error() string {
	if e.rpc.Code() == connect.CodeUnavailable {
		return "the host went away (" + e.rpc.Message() + "): start it with `openvibez`"
	}
	return e.rpc.Message()
}

func (e *callError) Unwrap() error { return e.rpc }

// ExitCode is what the program ends with.
func (e *callError) ExitCode() int {
	switch e.rpc.Code() {
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return terminal.NoHost
	case connect.CodeCanceled:
		return terminal.Cancelled
	case connect.CodeInvalidArgument:
		return terminal.Usage
	case connect.CodeAlreadyExists:
		return terminal.Failed
	}
	for _, d := range e.rpc.Details() {
		value, err := d.Value()
		if typed, ok := value.(*providerv1.Error); err == nil && ok {
			if typed.Code == providerv1.ErrorCode_ERROR_CODE_HOST {
				return terminal.Failed
			}
			return terminal.Provider
		}
	}
	return terminal.Failed
}

// errorsInWords makes errors of calls ones that a person can read, and that know their exit code.
type errorsInWords struct{}

func inWords(err error) error {
	var rpc *connect.Error
	if errors.Is(err, io.EOF) || !errors.As(err, &rpc) {
		return err
	}
	return &callError{rpc}
}

func (errorsInWords) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if err != nil {
			return nil, inWords(err)
		}
		return res, nil
	}
}

func (errorsInWords) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return &wordyStream{next(ctx, spec)}
	}
}

func (errorsInWords) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

type wordyStream struct{ connect.StreamingClientConn }

func (s *wordyStream) Send(m any) error     { return inWords(s.StreamingClientConn.Send(m)) }
func (s *wordyStream) Receive(m any) error  { return inWords(s.StreamingClientConn.Receive(m)) }
func (s *wordyStream) CloseRequest() error  { return inWords(s.StreamingClientConn.CloseRequest()) }
func (s *wordyStream) CloseResponse() error { return inWords(s.StreamingClientConn.CloseResponse()) }
