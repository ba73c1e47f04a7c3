package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/terminal"
)

// watched is a host whose streams break after each change.
type watched struct {
	apiv1.UnimplementedHostServiceHandler
	asked []int64
	next  func(after int64) (*apiv1.WatchResponse, error)
}

func (h *watched) Watch(_ context.Context, r *apiv1.WatchRequest, s *connect.ServerStream[apiv1.WatchResponse]) error {
	h.asked = append(h.asked, r.AfterRev)
	res, err := h.next(r.AfterRev)
	if err != nil {
		return err
	}
	if err := s.Send(res); err != nil {
		return err
	}
	return connect.NewError(connect.CodeUnavailable, errors.New("the host is ending"))
}

func serve(t *testing.T, h *watched) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ovt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(apiv1.NewHostServiceHandler(h))
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	return New(filepath.Join(dir, "s"))
}

func TestWatchTakesUpWhereItWas(t *testing.T) {
	h := &watched{next: func(after int64) (*apiv1.WatchResponse, error) { return &apiv1.WatchResponse{Rev: after + 1}, nil }}
	var got []int64
	err := serve(t, h).Watch(t.Context(), Watching{Request: &apiv1.WatchRequest{AfterRev: 7}, Patience: time.Hour, Take: func(res *apiv1.WatchResponse) (bool, error) {
		got = append(got, res.Rev)
		return res.Rev < 10, nil
	}})
	if err != nil || len(got) != 3 || got[0] != 8 || got[2] != 10 || len(h.asked) != 3 || h.asked[2] != 9 {
		t.Errorf("error %v, revs %v, asked after %v", err, got, h.asked)
	}
}

func TestWatchBeginsAnewWithWhatIsInNoJournal(t *testing.T) {
	h := &watched{next: func(after int64) (*apiv1.WatchResponse, error) { return &apiv1.WatchResponse{Rev: after}, nil }}
	c, req, began := serve(t, h), &apiv1.WatchRequest{AfterRev: 9}, int64(0)
	err := c.Watch(t.Context(), Watching{
		Request: req,
		Begin: func(context.Context) error {
			began++
			req.AfterRev = began
			return nil
		},
		Take: func(res *apiv1.WatchResponse) (bool, error) { return res.Rev < 2, nil },
	})
	if err != nil || began != 2 {
		t.Errorf("error %v, began %d times", err, began)
	}
}

func TestWatchEnds(t *testing.T) {
	stop := errors.New("enough")
	ok := func(after int64) (*apiv1.WatchResponse, error) { return &apiv1.WatchResponse{Rev: after}, nil }
	take := func(*apiv1.WatchResponse) (bool, error) { return true, stop }
	if err := serve(t, &watched{next: ok}).Watch(t.Context(), Watching{Request: &apiv1.WatchRequest{}, Patience: 0, Take: take}); !errors.Is(err, stop) {
		t.Errorf("with what take said: %v", err)
	}
	less := func(int64) (*apiv1.WatchResponse, error) { return &apiv1.WatchResponse{Rev: 1}, nil }
	if err := serve(t, &watched{next: less}).Watch(t.Context(), Watching{Request: &apiv1.WatchRequest{AfterRev: 2}, Patience: 0, Take: take}); !errors.Is(err, ErrOtherJournal) {
		t.Errorf("with another database: %v", err)
	}
	gone := func(int64) (*apiv1.WatchResponse, error) {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("no"))
	}
	err := serve(t, &watched{next: gone}).Watch(t.Context(), Watching{Request: &apiv1.WatchRequest{}, Patience: time.Nanosecond, Take: take})
	if terminal.ExitCode(err) != terminal.NoHost {
		t.Errorf("without a host: %v, exit code %d", err, terminal.ExitCode(err))
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if err := serve(t, &watched{next: gone}).Watch(ctx, Watching{Request: &apiv1.WatchRequest{}, Patience: 0, Take: take}); !errors.Is(err, stop) {
		t.Errorf("with its context: %v", err)
	}
}
