package plugin

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// What one turn may send in all, in bytes and in events other than text: more is no answer but a flood, and all of it
	// would be kept.
	maxTurnBytes  = 32 << 20
	maxTurnEvents = 100_000
	// What an event counts beside its text.
	eventBytes = 64
)

// Turn is one answer on its way. Whatever the plugin does, the last event is an end (done, error or background), there
// is only one, and io.EOF follows it. Recv is for one goroutine; Close may be called from any.
type Turn struct {
	call   *Call
	ctx    context.Context
	cancel context.CancelFunc
	stream grpc.ServerStreamingClient[providerv1.Event]
	closed atomic.Bool
	// The plugin has ended its stream, or is gone.
	settled atomic.Bool
	ended   bool
	// What came so far.
	bytes, events int
	// Take credentials out of the answer and of the thoughts, which come in pieces.
	text, thought *keys.Flow
	// Events that are given next.
	next []*providerv1.Event
}

// Run begins one model turn. Every Turn has to be closed, and closes its Call. ctx ends the turn.
func (c *Call) Run(ctx context.Context, req *providerv1.RunRequest) (*Turn, error) {
	c.plugin.mu.Lock()
	c.proc.served = true
	c.plugin.mu.Unlock()
	return c.turn(ctx, func(ctx context.Context) (grpc.ServerStreamingClient[providerv1.Event], error) {
		return c.RPC.Run(ctx, req)
	})
}

// Poll looks once at work that a turn has left running at the provider. Its Turn ends as one of Run does; background means
// "not yet".
func (c *Call) Poll(ctx context.Context, req *providerv1.PollRequest) (*Turn, error) {
	return c.turn(ctx, func(ctx context.Context) (grpc.ServerStreamingClient[providerv1.Event], error) {
		return c.RPC.Poll(ctx, req)
	})
}

func (c *Call) turn(ctx context.Context, begin func(context.Context) (grpc.ServerStreamingClient[providerv1.Event], error)) (*Turn, error) {
	t := &Turn{call: c, text: c.grant.Flow(), thought: c.grant.Flow()}
	t.ctx, t.cancel = context.WithCancel(ctx)
	var err error
	t.stream, err = begin(t.ctx)
	if err != nil {
		err = c.Explain(err, "when the answer should begin")
		t.Close()
		return nil, err
	}
	return t, nil
}

// Recv gives the next event, without the credentials that may be in it. It never waits for a plugin after Close.
func (t *Turn) Recv() (*providerv1.Event, error) {
	for len(t.next) == 0 {
		e, err := t.receive()
		if err != nil {
			return nil, err
		}
		t.next = t.censor(t.next, e)
	}
	e := t.next[0]
	t.next = t.next[1:]
	return e, nil
}

func (t *Turn) receive() (*providerv1.Event, error) {
	for !t.ended {
		e, err := t.stream.Recv()
		if err != nil {
			t.ended = true
			last := t.failure(err)
			if t.ctx.Err() == nil {
				t.settled.Store(true)
			}
			if last.Code != providerv1.ErrorCode_ERROR_CODE_PLUGIN && last.Code != providerv1.ErrorCode_ERROR_CODE_CANCELLED {
				t.call.plugin.succeeded()
			}
			t.Close()
			return &providerv1.Event{Event: &providerv1.Event_Error{Error: last}}, nil
		}
		if t.flooded(e) {
			t.ended = true
			t.Close()
			return &providerv1.Event{Event: &providerv1.Event_Error{Error: sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN,
				"the %s plugin sent more than one answer can be (32 MiB, or 100,000 events beside the text) and was stopped; what came so far is kept", t.call.Name).Proto}}, nil
		}
		switch body := e.Event.(type) {
		case nil:
			// An event of a later protocol.
			continue
		case *providerv1.Event_ToolCall:
			if body.ToolCall.GetId() == "" && body.ToolCall != nil {
				body.ToolCall.Id = "call-" + strings.ToLower(rand.Text()[:12])
			}
		case *providerv1.Event_Error:
			body.Error = sdk.FromStatus(&sdk.Error{Proto: body.Error})
			t.call.failed(body.Error)
			if body.Error.Code != providerv1.ErrorCode_ERROR_CODE_PLUGIN {
				t.call.plugin.succeeded()
			}
			t.end()
		case *providerv1.Event_Done, *providerv1.Event_Background:
			t.call.plugin.succeeded()
			t.end()
		}
		return e, nil
	}
	return nil, io.EOF
}

// flooded counts an event and tells whether it is too much.
func (t *Turn) flooded(e *providerv1.Event) bool {
	switch body := e.Event.(type) {
	case *providerv1.Event_Text:
		t.bytes += len(body.Text) + eventBytes
	case *providerv1.Event_Thought:
		t.bytes += len(body.Thought) + eventBytes
	case *providerv1.Event_Done, *providerv1.Event_Error, *providerv1.Event_Background:
		return false
	default:
		t.events++
		t.bytes += proto.Size(e) + eventBytes
	}
	return t.bytes > maxTurnBytes || t.events > maxTurnEvents
}

// Close ends the turn if it has not ended: its capability is revoked and its stream dropped, without waiting for the
// plugin. Closing twice is no error.
func (t *Turn) Close() {
	t.closed.Store(true)
	t.cancel()
	if !t.settled.Swap(true) {
		t.call.plugin.mu.Lock()
		t.call.proc.abandoned = true
		t.call.plugin.mu.Unlock()
	}
	t.call.Close()
}

// end takes note of the turn's end. The capability is worth nothing any more; the plugin gets a moment to finish.
func (t *Turn) end() {
	t.ended = true
	t.call.proc.egress.Revoke(t.call.grant)
	go func() {
		defer t.Close()
		late := time.AfterFunc(t.call.plugin.m.timing.linger, t.cancel)
		defer late.Stop()
		for n := 0; ; n++ {
			if _, err := t.stream.Recv(); err != nil {
				if t.ctx.Err() == nil {
					t.settled.Store(true)
				}
				if n > 0 {
					t.call.plugin.log.Warn("plugin sent events after the end of its turn; they were dropped", "events", n)
				}
				return
			}
		}
	}()
}

// failure puts the end of a stream that had no end into words.
func (t *Turn) failure(err error) *providerv1.Error {
	wrap := func(code providerv1.ErrorCode, format string, args ...any) *providerv1.Error {
		return sdk.Errorf(code, format, args...).WithDetail(err.Error()).Proto
	}
	switch {
	case t.closed.Load() || errors.Is(t.ctx.Err(), context.Canceled):
		return wrap(providerv1.ErrorCode_ERROR_CODE_CANCELLED, "cancelled")
	case t.ctx.Err() != nil:
		return wrap(providerv1.ErrorCode_ERROR_CODE_TIMEOUT, "the %s plugin did not finish in the time it was given; what came so far is kept", t.call.Name)
	case errors.Is(err, io.EOF):
		return wrap(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the %s plugin stopped answering without saying that it was done; what came so far is kept. Try again", t.call.Name)
	}
	e := sdk.FromStatus(t.call.Explain(err, "while answering; what came so far is kept. Try again"))
	if t.call.plugin.m.ctx.Err() != nil {
		return wrap(providerv1.ErrorCode_ERROR_CODE_CANCELLED, "the host is ending; what came so far is kept")
	}
	return e
}
