package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"connectrpc.com/connect"

	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// refuse makes an error for people.
func refuse(code connect.Code, format string, args ...any) *connect.Error {
	return connect.NewError(code, fmt.Errorf(format, args...))
}

// errorWords gives every error that leaves a handler its code; the words stay those of where it arose.
type errorWords struct{ log *slog.Logger }

func (e *errorWords) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if err != nil {
			return nil, e.connect(req.Spec().Procedure, err)
		}
		return res, nil
	}
}

func (e *errorWords) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (e *errorWords) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := next(ctx, conn); err != nil {
			return e.connect(conn.Spec().Procedure, err)
		}
		return nil
	}
}

func (e *errorWords) connect(procedure string, err error) error {
	var ready *connect.Error
	if errors.As(err, &ready) {
		return err
	}
	code := codeOf(err)
	if code == connect.CodeInternal || code == connect.CodeDataLoss {
		e.log.Error("answer a call", "procedure", procedure, "error", err)
	}
	var typed *sdk.Error
	if !errors.As(err, &typed) {
		out := connect.NewError(code, errors.New(store.Words(err)))
		if errors.Is(err, store.ErrDuplicateName) {
			return blaming("name", out)
		}
		return out
	}
	words := err
	if error(typed) == err { //nolint:errorlint // wrapped, the words around it are wanted too
		words = errors.New(typed.Proto.GetMessage())
	}
	out := connect.NewError(code, words)
	if detail, detailErr := connect.NewErrorDetail(typed.Proto); detailErr == nil {
		out.AddDetail(detail)
	}
	return out
}

// blaming adds which part of a connection an error made by refuse is about: "base_url", "key", "name" or a setting.
func blaming(field string, err error) error {
	var ready *connect.Error
	if !errors.As(err, &ready) {
		return err
	}
	detail, detailErr := connect.NewErrorDetail(&providerv1.Error{
		Code: providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, Message: ready.Message(), Field: field,
	})
	if detailErr == nil {
		ready.AddDetail(detail)
	}
	return ready
}

func codeOf(err error) connect.Code {
	for _, known := range []struct {
		cause error
		code  connect.Code
	}{
		{store.ErrNotFound, connect.CodeNotFound},
		{provider.ErrNoPlugin, connect.CodeNotFound},
		{store.ErrAmbiguous, connect.CodeInvalidArgument},
		{store.ErrInvalid, connect.CodeInvalidArgument},
		{store.ErrConflict, connect.CodeAlreadyExists},
		{store.ErrDuplicateName, connect.CodeAlreadyExists},
		{store.ErrEnded, connect.CodeFailedPrecondition},
		{store.ErrStarted, connect.CodeFailedPrecondition},
		{store.ErrDecided, connect.CodeFailedPrecondition},
		{store.ErrClosed, connect.CodeUnavailable},
		{store.ErrDiskFull, connect.CodeResourceExhausted},
		{store.ErrReadOnly, connect.CodeFailedPrecondition},
		{store.ErrDamaged, connect.CodeDataLoss},
		{store.ErrIO, connect.CodeDataLoss},
	} {
		if errors.Is(err, known.cause) {
			return known.code
		}
	}
	// A provider's typed error comes before a plain context error it may have for its cause.
	var typed *sdk.Error
	if errors.As(err, &typed) {
		return codeOfProvider(typed.Code())
	}
	switch {
	case errors.Is(err, context.Canceled):
		return connect.CodeCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return connect.CodeDeadlineExceeded
	}
	return connect.CodeInternal
}

func codeOfProvider(code providerv1.ErrorCode) connect.Code {
	switch code {
	case providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG,
		providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER:
		return connect.CodeInvalidArgument
	case providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL:
		return connect.CodeNotFound
	case providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED:
		return connect.CodeUnimplemented
	case providerv1.ErrorCode_ERROR_CODE_QUOTA, providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED:
		return connect.CodeResourceExhausted
	case providerv1.ErrorCode_ERROR_CODE_CANCELLED:
		return connect.CodeCanceled
	}
	// Whatever else ails a provider does not ail the API: UNAUTHENTICATED, say, would read as if the caller had to
	// sign in. What it was is in the details.
	return connect.CodeFailedPrecondition
}
