package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Trailers in which a plugin tells about itself; sdktest reads them.
const (
	// TrailerRunning comes with Describe: how many calls of Run, Poll and the like have not returned.
	TrailerRunning = "openvibez-running"
	// TrailerDropped comes with Run and Poll: the events a provider wrote after the turn's end.
	TrailerDropped = "openvibez-dropped"
)

// stubborn is how long after a cancel a call may go on before the log says so.
const stubborn = 10 * time.Second

// Register offers p on a gRPC server, as [Serve] does. It is for hosts and tests that bring their own server.
func Register(s grpc.ServiceRegistrar, p Provider) {
	providerv1.RegisterProviderServiceServer(s, &server{provider: p, log: slog.Default()})
}

// server speaks the protocol for a provider.
type server struct {
	providerv1.UnimplementedProviderServiceServer
	provider  Provider
	log       *slog.Logger
	questions questions
	running   atomic.Int64
}

func (s *server) Describe(ctx context.Context, _ *providerv1.DescribeRequest) (*providerv1.DescribeResponse, error) {
	_ = grpc.SetTrailer(ctx, metadata.Pairs(TrailerRunning, strconv.FormatInt(s.running.Load(), 10)))
	return unary(s, "Describe", func() (*providerv1.DescribeResponse, error) {
		d := orNew(proto.CloneOf(s.provider.Describe()))
		d.Features = features(s.provider, d.GetFeatures())
		d.SdkVersion = Version
		return d, nil
	})
}

func (s *server) Check(ctx context.Context, req *providerv1.CheckRequest) (*providerv1.CheckResponse, error) {
	return unary(s, "Check", func() (*providerv1.CheckResponse, error) {
		summary, err := s.provider.Check(ctx, orNew(req.GetConnection()))
		return &providerv1.CheckResponse{Summary: summary}, err
	})
}

func (s *server) ListModels(ctx context.Context, req *providerv1.ListModelsRequest) (*providerv1.ListModelsResponse, error) {
	return unary(s, "Models", func() (*providerv1.ListModelsResponse, error) {
		models, err := s.provider.Models(ctx, orNew(req.GetConnection()))
		return &providerv1.ListModelsResponse{Models: models}, err
	})
}

func (s *server) Run(req *providerv1.RunRequest, g grpc.ServerStreamingServer[providerv1.Event]) error {
	req.Connection = orNew(req.GetConnection())
	return s.turn("Run", req.GetRunId(), g, func(st *Stream) error { return s.provider.Run(st.ctx, req, st) })
}

func (s *server) Poll(req *providerv1.PollRequest, g grpc.ServerStreamingServer[providerv1.Event]) error {
	p, ok := s.provider.(BackgroundProvider)
	if !ok {
		return s.unsupported("work in the background")
	}
	req.Connection = orNew(req.GetConnection())
	return s.turn("Poll", req.GetRunId(), g, func(st *Stream) error { return p.Poll(st.ctx, req, st) })
}

func (s *server) CancelBackground(ctx context.Context, req *providerv1.CancelBackgroundRequest) (*providerv1.CancelBackgroundResponse, error) {
	p, ok := s.provider.(BackgroundProvider)
	if !ok {
		return nil, s.unsupported("work in the background")
	}
	return unary(s, "CancelBackground", func() (*providerv1.CancelBackgroundResponse, error) {
		return &providerv1.CancelBackgroundResponse{}, p.CancelBackground(ctx, orNew(req.GetConnection()), req.GetHandle())
	})
}

func (s *server) Answer(ctx context.Context, req *providerv1.AnswerRequest) (*providerv1.AnswerResponse, error) {
	return unary(s, "Answer", func() (*providerv1.AnswerResponse, error) {
		if s.questions.answer(req) {
			return &providerv1.AnswerResponse{}, nil
		}
		if p, ok := s.provider.(Answerer); ok {
			return &providerv1.AnswerResponse{}, p.Answer(ctx, req)
		}
		return nil, Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"No question %q waits in run %q: it was answered, or the run has ended.", req.GetQuestionId(), req.GetRunId())
	})
}

func (s *server) Login(req *providerv1.LoginRequest, g grpc.ServerStreamingServer[providerv1.LoginEvent]) error {
	p, ok := s.provider.(LoginProvider)
	if !ok {
		return s.unsupported("a login")
	}
	defer s.watch(g.Context(), "Login", "")()
	l := &Login{send: g.Send}
	done, err := unary(s, "Login", func() (*providerv1.LoginDone, error) {
		return p.Login(g.Context(), orNew(req.GetConnection()), l)
	})
	if g.Context().Err() != nil {
		return err
	}
	return l.end(done, err)
}

func (s *server) Logout(ctx context.Context, req *providerv1.LogoutRequest) (*providerv1.LogoutResponse, error) {
	p, ok := s.provider.(LoginProvider)
	if !ok {
		return nil, s.unsupported("a login")
	}
	return unary(s, "Logout", func() (*providerv1.LogoutResponse, error) {
		return &providerv1.LogoutResponse{}, p.Logout(ctx, orNew(req.GetConnection()))
	})
}

func (s *server) PullModel(req *providerv1.PullModelRequest, g grpc.ServerStreamingServer[providerv1.PullProgress]) error {
	p, ok := s.provider.(ModelPuller)
	if !ok {
		return s.unsupported("downloading models")
	}
	defer s.watch(g.Context(), "PullModel", "")()
	pull := &pull{send: g.Send}
	_, err := unary(s, "PullModel", func() (*providerv1.PullProgress, error) {
		return nil, p.PullModel(g.Context(), orNew(req.GetConnection()), req.GetModel(), pull.report)
	})
	if err != nil {
		return err
	}
	return pull.finish()
}

func (s *server) DeleteModel(ctx context.Context, req *providerv1.DeleteModelRequest) (*providerv1.DeleteModelResponse, error) {
	p, ok := s.provider.(ModelDeleter)
	if !ok {
		return nil, s.unsupported("removing models")
	}
	return unary(s, "DeleteModel", func() (*providerv1.DeleteModelResponse, error) {
		return &providerv1.DeleteModelResponse{}, p.DeleteModel(ctx, orNew(req.GetConnection()), req.GetModel())
	})
}

func (s *server) Diagnose(ctx context.Context, req *providerv1.DiagnoseRequest) (*providerv1.DiagnoseResponse, error) {
	p, ok := s.provider.(Diagnoser)
	if !ok {
		return nil, s.unsupported("a diagnosis")
	}
	return unary(s, "Diagnose", func() (*providerv1.DiagnoseResponse, error) {
		facts, err := p.Diagnose(ctx, orNew(req.GetConnection()))
		return &providerv1.DiagnoseResponse{Facts: facts}, err
	})
}

// turn carries out a call that writes to a Stream. It returns when the provider does; to the host a cancelled call is
// over at once, so one that goes on costs the plugin alone, and the log names it.
func (s *server) turn(what, runID string, g grpc.ServerStreamingServer[providerv1.Event], run func(*Stream) error) error {
	defer s.watch(g.Context(), what, runID)()
	st := newStream(g.Context(), runID, &s.questions, s.log, g.Send)
	err := st.finish(s.protect(what, func() error { return run(st) }))
	if dropped := st.misused(); dropped != "" {
		g.SetTrailer(metadata.Pairs(TrailerDropped, dropped))
	}
	return err
}

// watch counts a call, and says so when it goes on long after it was cancelled. The function it gives ends that.
func (s *server) watch(ctx context.Context, what, runID string) func() {
	s.running.Add(1)
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(stubborn)
		defer t.Stop()
		select {
		case <-done:
		case <-t.C:
			s.log.Error("wait for a call that goes on after its cancel; a provider must watch ctx", "call", what, "run", runID)
		}
	})
	return func() {
		stop()
		close(done)
		s.running.Add(-1)
	}
}

// protect turns a panic into a typed error.
func (s *server) protect(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("recover a panic of the provider", "call", what, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin has a mistake in it: its %s panicked. The log has the details.", what).
				WithDetail("panic: " + fmt.Sprint(v))
		}
	}()
	return f()
}

// unary carries out a call with one answer; its error has the typed one in its details.
func unary[M proto.Message](s *server, what string, f func() (M, error)) (res M, err error) {
	var none M
	err = s.protect(what, func() error {
		res, err = f()
		return err
	})
	if err != nil {
		return none, Classify(err)
	}
	return validUTF8(res), nil
}

func (s *server) unsupported(what string) error {
	name := "This plugin"
	_ = s.protect("Describe", func() error {
		name = orWords(s.provider.Describe().GetName(), name)
		return nil
	})
	return Errorf(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "%s does not offer %s.", name, what)
}

// misused lists the first of what was written after the end, for the trailer.
func (s *Stream) misused() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.dropped, ",")
}
