package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Longest words of an error in bytes; what is beyond is cut off, since errors travel in headers.
const (
	maxMessage = 4 << 10
	maxDetail  = 16 << 10
)

// Error is an error the host understands. Its code decides what happens next, its message is shown to a person.
type Error struct {
	// Proto is never nil in errors made by this package.
	Proto *providerv1.Error
	cause error
}

// Errorf makes an error with a message for people: what happened, to which thing, what to do next. As in
// [fmt.Errorf], %w wraps a cause.
func Errorf(code providerv1.ErrorCode, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Proto: &providerv1.Error{Code: code, Message: err.Error()}, cause: errors.Unwrap(err)}
}

// Blaming says what of the connection is to blame: "base_url", "key", "name", or the name of one of the plugin's settings.
func (e *Error) Blaming(field string) *Error {
	e.Proto.Field = field
	return e
}

// Error is the message, with the provider's own words behind it where there are any.
func (e *Error) Error() string {
	message, detail := e.Proto.GetMessage(), e.Proto.GetDetail()
	if message == "" {
		message = e.Code().String()
	}
	if detail == "" {
		return message
	}
	return message + " (" + detail + ")"
}

// Unwrap gives the cause, if there is one.
func (e *Error) Unwrap() error { return e.cause }

// Code says what kind of error it is.
func (e *Error) Code() providerv1.ErrorCode { return e.Proto.GetCode() }

// WithDetail sets the provider's own words, for the log and the details, and returns e.
func (e *Error) WithDetail(detail string) *Error {
	e.Proto.Detail = detail
	return e
}

// WithRetryAfter says when trying again may help and returns e.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	e.Proto.RetryAfterMs = max(0, d.Milliseconds())
	return e
}

// GRPCStatus is the form in which the error travels in a unary call: the typed error is in the details.
func (e *Error) GRPCStatus() *status.Status {
	p := e.wire()
	st := status.New(grpcCode(p.GetCode()), p.GetMessage())
	if with, err := st.WithDetails(p); err == nil {
		return with
	}
	return st
}

// wire is the error as it may be sent: always a code and words, valid UTF-8, not too long.
func (e *Error) wire() *providerv1.Error {
	p := &providerv1.Error{}
	if e.Proto != nil {
		p = proto.CloneOf(e.Proto)
	}
	if p.GetCode() == providerv1.ErrorCode_ERROR_CODE_UNSPECIFIED {
		p.Code = providerv1.ErrorCode_ERROR_CODE_PLUGIN
	}
	if p.GetMessage() == "" {
		p.Message = "The plugin reported an error without words (" + p.GetCode().String() + ")."
	}
	p.Message, p.Detail = cut(p.GetMessage(), maxMessage), cut(p.GetDetail(), maxDetail)
	return validUTF8(p)
}

func grpcCode(c providerv1.ErrorCode) codes.Code {
	switch c {
	case providerv1.ErrorCode_ERROR_CODE_AUTH:
		return codes.Unauthenticated
	case providerv1.ErrorCode_ERROR_CODE_QUOTA, providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED:
		return codes.ResourceExhausted
	case providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL:
		return codes.NotFound
	case providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER,
		providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST:
		return codes.InvalidArgument
	case providerv1.ErrorCode_ERROR_CODE_OVERLOADED, providerv1.ErrorCode_ERROR_CODE_UNREACHABLE,
		providerv1.ErrorCode_ERROR_CODE_TLS, providerv1.ErrorCode_ERROR_CODE_PROXY:
		return codes.Unavailable
	case providerv1.ErrorCode_ERROR_CODE_TIMEOUT:
		return codes.DeadlineExceeded
	case providerv1.ErrorCode_ERROR_CODE_DENIED, providerv1.ErrorCode_ERROR_CODE_CONTENT_FILTERED:
		return codes.PermissionDenied
	case providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED:
		return codes.Unimplemented
	case providerv1.ErrorCode_ERROR_CODE_CANCELLED:
		return codes.Canceled
	case providerv1.ErrorCode_ERROR_CODE_PLUGIN:
		return codes.Internal
	}
	return codes.Unknown
}

// FromStatus is the host's side of an error: what came back from a call to a plugin, as a typed error of its own. What
// a plugin did not type is told from how the call ended; a lost connection is PLUGIN. Nil gives nil.
func FromStatus(err error) *providerv1.Error {
	if err == nil {
		return nil
	}
	var typed *Error
	if errors.As(err, &typed) {
		return typed.wire()
	}
	st, ok := status.FromError(err)
	for _, d := range st.Details() {
		if p, ok := d.(*providerv1.Error); ok {
			return (&Error{Proto: p}).wire()
		}
	}
	e := func(code providerv1.ErrorCode, message string) *providerv1.Error {
		return Errorf(code, "%s", message).WithDetail(err.Error()).wire()
	}
	if !ok {
		switch {
		case errors.Is(err, context.Canceled):
			return e(providerv1.ErrorCode_ERROR_CODE_CANCELLED, "The call was cancelled.")
		case errors.Is(err, context.DeadlineExceeded):
			return e(providerv1.ErrorCode_ERROR_CODE_TIMEOUT, "The plugin did not answer in time.")
		case errors.Is(err, io.EOF):
			return e(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin hung up before it said how the answer ends.")
		}
		return e(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin failed; the log has its own words.")
	}
	switch st.Code() {
	case codes.Canceled:
		return e(providerv1.ErrorCode_ERROR_CODE_CANCELLED, "The call was cancelled.")
	case codes.DeadlineExceeded:
		return e(providerv1.ErrorCode_ERROR_CODE_TIMEOUT, "The plugin did not answer in time.")
	case codes.Unimplemented:
		return e(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "This plugin does not offer that.")
	case codes.Unavailable:
		return e(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin stopped or hung up; the log has its last words.")
	case codes.ResourceExhausted:
		return e(providerv1.ErrorCode_ERROR_CODE_PLUGIN, fmt.Sprintf(
			"A message between host and plugin was too large; the limit is %d MiB. Shorten the conversation or its attachments.", MaxMessageBytes>>20))
	}
	return e(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin failed; the log has its own words.")
}
