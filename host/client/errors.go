package client

import (
	"context"
	"errors"
	"io"
	"strings"

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
	if typed := e.typed(); typed != nil && typed.Detail != "" {
		return withDetail(e.rpc.Message(), typed.Detail)
	}
	return e.rpc.Message()
}

// Words are an error of a provider as a person reads it: what happened, and what the server itself said.
func Words(e *providerv1.Error) string { return withDetail(e.GetMessage(), e.GetDetail()) }

func withDetail(message, detail string) string {
	detail = terminal.OneLine(detail, 500)
	if detail == "" || strings.Contains(message, detail) {
		return message
	}
	return message + "\nIn its own words: " + detail
}

func (e *callError) typed() *providerv1.Error {
	for _, d := range e.rpc.Details() {
		value, err := d.Value()
		if typed, ok := value.(*providerv1.Error); err == nil && ok {
			return typed
		}
	}
	return nil
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
	if typed := e.typed(); typed != nil && typed.Code != providerv1.ErrorCode_ERROR_CODE_HOST {
		return terminal.Provider
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
