package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// plain is a provider with nothing optional; its Run is the test's.
type plain struct {
	run func(ctx context.Context, req *providerv1.RunRequest, s *Stream) error
	err error
}

func (plain) Describe() *providerv1.DescribeResponse {
	return &providerv1.DescribeResponse{Id: "plain", Name: "Plain \xff", Features: []providerv1.Feature{providerv1.Feature_FEATURE_PULL}}
}

func (p plain) Check(_ context.Context, c *providerv1.Connection) (string, error) {
	if c.BaseUrl == "panic" { // also panics if c is nil
		panic("boom")
	}
	return "fine", p.err
}

func (p plain) Models(context.Context, *providerv1.Connection) ([]*providerv1.Model, error) {
	return []*providerv1.Model{{Id: "m", Name: "\xff"}}, p.err
}

func (p plain) Run(ctx context.Context, req *providerv1.RunRequest, s *Stream) error {
	return p.run(ctx, req, s)
}

// rich is a provider with everything optional.
type rich struct{ plain }

func (rich) Answer(_ context.Context, a *providerv1.AnswerRequest) error {
	return Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "Rich does not know question %s.", a.GetQuestionId())
}

func (rich) Login(_ context.Context, c *providerv1.Connection, l *Login) (*providerv1.LoginDone, error) {
	if c.GetBaseUrl() == "panic" {
		panic("boom")
	}
	l.DeviceCode("https://login.example", "AB-12", time.Minute)
	l.Status("Waiting")
	return &providerv1.LoginDone{Account: "me"}, nil
}

func (rich) Logout(context.Context, *providerv1.Connection) error { return nil }

func (rich) Poll(_ context.Context, req *providerv1.PollRequest, s *Stream) error {
	s.Background(req.GetHandle(), time.Second)
	return nil
}

func (rich) CancelBackground(context.Context, *providerv1.Connection, string) error { return nil }

func (rich) PullModel(_ context.Context, _ *providerv1.Connection, model string, progress func(*providerv1.PullProgress)) error {
	if model == "none" {
		return Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "There is no model none.")
	}
	for i := range 1000 {
		progress(&providerv1.PullProgress{Status: "pulling", CompletedBytes: int64(i), TotalBytes: 999})
	}
	return nil
}

func (rich) DeleteModel(context.Context, *providerv1.Connection, string) error { return nil }

func (rich) Diagnose(context.Context, *providerv1.Connection) ([]*providerv1.DiagnoseResponse_Fact, error) {
	return []*providerv1.DiagnoseResponse_Fact{{Name: "up", Ok: true}}, nil
}

// serve runs p behind gRPC, with the limits of Serve and the log in the buffer.
func serve(t *testing.T, p Provider) (providerv1.ProviderServiceClient, *lockedBuffer) {
	t.Helper()
	logged := &lockedBuffer{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewGRPCServer(nil)
	side := PluginSets(p)[ProtocolVersion][PluginName].(plugin.GRPCPlugin)
	if err := side.GRPCServer(nil, server); err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(2*MaxMessageBytes), grpc.MaxCallSendMsgSize(2*MaxMessageBytes)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); server.Stop() })
	client, err := side.GRPCClient(t.Context(), nil, conn)
	if err != nil {
		t.Fatal(err)
	}
	return client.(providerv1.ProviderServiceClient), logged
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// events reads a Run to its end.
func events(t *testing.T, c providerv1.ProviderServiceClient, req *providerv1.RunRequest) ([]*providerv1.Event, metadata.MD, error) {
	t.Helper()
	stream, err := c.Run(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var all []*providerv1.Event
	for {
		ev, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, stream.Trailer(), nil
		}
		if err != nil {
			return all, stream.Trailer(), err
		}
		all = append(all, ev)
	}
}

func TestDescribeListsFeatures(t *testing.T) {
	for name, test := range map[string]struct {
		p    Provider
		want string
	}{
		"plain": {plain{}, "[]"},
		"rich":  {rich{}, "[FEATURE_ANSWER FEATURE_LOGIN FEATURE_BACKGROUND FEATURE_PULL FEATURE_DELETE FEATURE_DIAGNOSE]"},
	} {
		c, _ := serve(t, test.p)
		d, err := c.Describe(t.Context(), &providerv1.DescribeRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(d.GetFeatures()); got != test.want {
			t.Errorf("%s: features %s, want %s", name, got, test.want)
		}
		if d.GetSdkVersion() != Version || d.GetName() != "Plain \uFFFD" {
			t.Errorf("%s: described as %v", name, d)
		}
	}
	if got := features(plain{}, []providerv1.Feature{providerv1.Feature_FEATURE_ANSWER}); len(got) != 1 {
		t.Errorf("FEATURE_ANSWER listed by hand is lost: %v", got)
	}
}

func TestUnaryErrorsAreTyped(t *testing.T) {
	ctx := t.Context()
	c, logged := serve(t, plain{err: Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "No key.")})
	_, err := c.Check(ctx, &providerv1.CheckRequest{})
	if e := FromStatus(err); short(e.GetCode()) != "AUTH" || e.GetMessage() != "No key." || status.Code(err) != codes.Unauthenticated {
		t.Errorf("Check: %v", err)
	}
	_, err = c.ListModels(ctx, &providerv1.ListModelsRequest{})
	if e := FromStatus(err); short(e.GetCode()) != "AUTH" {
		t.Errorf("ListModels: %v", err)
	}
	_, err = c.Check(ctx, &providerv1.CheckRequest{Connection: &providerv1.Connection{BaseUrl: "panic"}})
	if e := FromStatus(err); short(e.GetCode()) != "PLUGIN" || e.GetDetail() != "panic: boom" {
		t.Errorf("a panic is %v", e)
	}
	if l := logged.String(); !strings.Contains(l, "boom") || !strings.Contains(l, "server_test.go") {
		t.Errorf("the panic's stack is not in the log: %s", l)
	}
}

func TestWhatAPluginDoesNotOffer(t *testing.T) {
	ctx := t.Context()
	c, _ := serve(t, plain{})
	for name, call := range map[string]func() error{
		"Logout":           func() error { _, err := c.Logout(ctx, &providerv1.LogoutRequest{}); return err },
		"CancelBackground": func() error { _, err := c.CancelBackground(ctx, &providerv1.CancelBackgroundRequest{}); return err },
		"DeleteModel":      func() error { _, err := c.DeleteModel(ctx, &providerv1.DeleteModelRequest{}); return err },
		"Diagnose":         func() error { _, err := c.Diagnose(ctx, &providerv1.DiagnoseRequest{}); return err },
		"Login":            func() error { s, _ := c.Login(ctx, &providerv1.LoginRequest{}); _, err := s.Recv(); return err },
		"Poll":             func() error { s, _ := c.Poll(ctx, &providerv1.PollRequest{}); _, err := s.Recv(); return err },
		"PullModel":        func() error { s, _ := c.PullModel(ctx, &providerv1.PullModelRequest{}); _, err := s.Recv(); return err },
	} {
		err := call()
		if e := FromStatus(err); short(e.GetCode()) != "UNSUPPORTED" || !strings.HasPrefix(e.GetMessage(), "Plain") || status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := c.Answer(ctx, &providerv1.AnswerRequest{RunId: "r", QuestionId: "q"})
	if e := FromStatus(err); short(e.GetCode()) != "INVALID_REQUEST" || !strings.Contains(e.GetMessage(), "waits") {
		t.Errorf("Answer: %v", err)
	}
}

func TestOptionalCalls(t *testing.T) {
	ctx := t.Context()
	c, _ := serve(t, rich{})
	if _, err := c.Logout(ctx, &providerv1.LogoutRequest{}); err != nil {
		t.Error(err)
	}
	if _, err := c.CancelBackground(ctx, &providerv1.CancelBackgroundRequest{}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteModel(ctx, &providerv1.DeleteModelRequest{}); err != nil {
		t.Error(err)
	}
	if res, err := c.Diagnose(ctx, &providerv1.DiagnoseRequest{}); err != nil || len(res.GetFacts()) != 1 {
		t.Errorf("Diagnose: %v, %v", res, err)
	}
	if _, err := c.Answer(ctx, &providerv1.AnswerRequest{QuestionId: "q7"}); !strings.Contains(FromStatus(err).GetMessage(), "q7") {
		t.Errorf("Answer: %v", err)
	}

	poll, err := c.Poll(ctx, &providerv1.PollRequest{Handle: "h"})
	if err != nil {
		t.Fatal(err)
	}
	if ev, err := poll.Recv(); ev.GetBackground().GetHandle() != "h" || ev.GetBackground().GetPollAfterMs() != 1000 {
		t.Errorf("Poll: %v, %v", ev, err)
	}

	var steps []string
	for _, base := range []string{"", "panic"} {
		login, err := c.Login(ctx, &providerv1.LoginRequest{Connection: &providerv1.Connection{BaseUrl: base}})
		if err != nil {
			t.Fatal(err)
		}
		for ev, err := login.Recv(); err == nil; ev, err = login.Recv() {
			m := ev.ProtoReflect()
			steps = append(steps, string(m.WhichOneof(m.Descriptor().Oneofs().Get(0)).Name()))
		}
	}
	if got := fmt.Sprint(steps); got != "[device_code status done error]" {
		t.Errorf("login steps %s", got)
	}

	pull, err := c.PullModel(ctx, &providerv1.PullModelRequest{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	var reports []*providerv1.PullProgress
	for p, err := pull.Recv(); err == nil; p, err = pull.Recv() {
		reports = append(reports, p)
	}
	if n := len(reports); n < 2 || n > 500 || !reports[n-1].GetFinished() || reports[n-1].GetCompletedBytes() != 999 || reports[0].GetFinished() {
		t.Errorf("%d reports of a pull: first %v, last %v", n, reports[0], reports[n-1])
	}
	pull, err = c.PullModel(ctx, &providerv1.PullModelRequest{Model: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pull.Recv(); short(FromStatus(err).GetCode()) != "UNKNOWN_MODEL" {
		t.Errorf("pull of an unknown model: %v", err)
	}
}

func TestRunOverGRPC(t *testing.T) {
	t.Run("panic", func(t *testing.T) {
		c, _ := serve(t, plain{run: func(_ context.Context, _ *providerv1.RunRequest, s *Stream) error {
			s.Text("a")
			s.Text("b")
			panic("boom")
		}})
		all, _, err := events(t, c, &providerv1.RunRequest{})
		if err != nil || len(all) != 3 || all[1].GetText() != "b" || all[2].GetError().GetDetail() != "panic: boom" {
			t.Errorf("%v, %v", all, err)
		}
	})
	t.Run("misuse shows in the trailer", func(t *testing.T) {
		c, _ := serve(t, plain{run: func(_ context.Context, _ *providerv1.RunRequest, s *Stream) error {
			s.Done(nil)
			s.Text("late")
			s.Done(nil)
			return nil
		}})
		all, trailer, err := events(t, c, &providerv1.RunRequest{})
		if err != nil || len(all) != 1 || fmt.Sprint(trailer.Get(TrailerDropped)) != "[text,done]" {
			t.Errorf("%v, %v, %v", all, trailer, err)
		}
	})
	t.Run("an event that is too large", func(t *testing.T) {
		c, _ := serve(t, plain{run: func(_ context.Context, _ *providerv1.RunRequest, s *Stream) error {
			s.Text("a")
			s.Done(&providerv1.Done{ProviderState: make([]byte, MaxMessageBytes)})
			return nil
		}})
		all, _, err := events(t, c, &providerv1.RunRequest{})
		if err != nil || len(all) != 2 || short(all[1].GetError().GetCode()) != "PLUGIN" || !strings.Contains(all[1].GetError().GetMessage(), "64 MiB") {
			t.Errorf("%d events, %v", len(all), err)
		}
		big := &providerv1.RunRequest{Messages: []*providerv1.Message{{ProviderState: make([]byte, MaxMessageBytes)}}}
		if _, _, err := events(t, c, big); !strings.Contains(FromStatus(err).GetMessage(), "64 MiB") {
			t.Errorf("a request that is too large: %v", FromStatus(err))
		}
	})
	t.Run("a question", func(t *testing.T) {
		c, _ := serve(t, plain{run: func(ctx context.Context, req *providerv1.RunRequest, s *Stream) error {
			a, err := s.Ask(ctx, &providerv1.Question{Text: "May I?"})
			if err != nil {
				return err
			}
			s.Text(a.GetChoiceId() + " in " + req.GetRunId())
			s.Done(nil)
			return nil
		}})
		stream, err := c.Run(t.Context(), &providerv1.RunRequest{RunId: "r-1"})
		if err != nil {
			t.Fatal(err)
		}
		ev, err := stream.Recv()
		if err != nil || ev.GetQuestion().GetId() == "" {
			t.Fatalf("%v, %v", ev, err)
		}
		if _, err := c.Answer(t.Context(), &providerv1.AnswerRequest{RunId: "r-1", QuestionId: ev.GetQuestion().GetId(), ChoiceId: "yes"}); err != nil {
			t.Fatal(err)
		}
		if ev, err := stream.Recv(); ev.GetText() != "yes in r-1" {
			t.Errorf("%v, %v", ev, err)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		returned := make(chan error, 1)
		c, _ := serve(t, plain{run: func(ctx context.Context, _ *providerv1.RunRequest, s *Stream) error {
			s.Text("a")
			<-ctx.Done()
			returned <- ctx.Err()
			return ctx.Err()
		}})
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := c.Run(ctx, &providerv1.RunRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		if n := runningNow(t, c); n != "1" {
			t.Errorf("%s calls run, want 1", n)
		}
		cancel()
		if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
			t.Errorf("after the cancel: %v", err)
		}
		if err := <-returned; !errors.Is(err, context.Canceled) {
			t.Errorf("Run saw %v", err)
		}
		for runningNow(t, c) != "0" {
			time.Sleep(time.Millisecond)
		}
	})
	t.Run("a slow host holds the provider back", func(t *testing.T) {
		const blocks = 48
		var wrote atomic.Int64
		c, _ := serve(t, plain{run: func(_ context.Context, _ *providerv1.RunRequest, s *Stream) error {
			block := strings.Repeat("x", longest)
			for range blocks {
				s.Text(block)
				wrote.Add(1)
			}
			s.Done(nil)
			return nil
		}})
		stream, err := c.Run(t.Context(), &providerv1.RunRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for seen := int64(-1); seen != wrote.Load() || seen == 0; time.Sleep(50 * time.Millisecond) {
			seen = wrote.Load()
		}
		if n := wrote.Load(); n > blocks/2 {
			t.Errorf("the provider wrote %d of %d blocks although nobody reads", n, blocks)
		}
		total := 0
		for ev, err := stream.Recv(); ; ev, err = stream.Recv() {
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			total += len(ev.GetText())
		}
		if total != blocks*longest {
			t.Errorf("%d bytes arrived, want %d", total, blocks*longest)
		}
	})
}

func runningNow(t *testing.T, c providerv1.ProviderServiceClient) string {
	t.Helper()
	var trailer metadata.MD
	if _, err := c.Describe(t.Context(), &providerv1.DescribeRequest{}, grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	return strings.Join(trailer.Get(TrailerRunning), "")
}

func TestByHand(t *testing.T) {
	d := &providerv1.DescribeResponse{Id: "acme", Name: "Acme AI"}
	if got := byHand(d, "/tmp/main"); !strings.Contains(got, `"Acme AI"`) || !strings.Contains(got, "named openvibez-provider-acme,") || !strings.Contains(got, "openvibez provider add acme") {
		t.Error(got)
	}
	if got := byHand(d, "/opt/openvibez-provider-acme.exe"); strings.Contains(got, "named") {
		t.Error(got)
	}
	if byHand(nil, "x") == "" {
		t.Error("no words for a provider that describes nothing")
	}
}

func TestNoProvider(t *testing.T) {
	p := PluginSets(nil)[ProtocolVersion][PluginName].(plugin.GRPCPlugin)
	if err := p.GRPCServer(nil, grpc.NewServer()); err == nil {
		t.Error("serving no provider gives no error")
	}
}

func TestLogLinesAreReadableByTheHost(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := slog.New(logHandler(f))
	l.Debug("a", "k", 1)
	l.Error("b", slog.Group("g", "time", "x"))
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"@level":"debug","@message":"a","k":1`, `"@level":"error","@message":"b","g":{"time":"x"}`, `"@timestamp":"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

// TestStringsOfEveryMessage: whatever message of the protocol is sent, its strings are made valid.
func TestStringsOfEveryMessage(t *testing.T) {
	m := &providerv1.ListModelsResponse{Models: []*providerv1.Model{{Id: "ok"}, {Details: "x\xff", Price: &providerv1.Price{}}}}
	fixed := validUTF8(m)
	d := &providerv1.DescribeResponse{OptionNames: map[string]string{"a\xff": "b", "c": "d\xff"}}
	if got := validUTF8(d).OptionNames; len(got) != 1 || got["c"] != "d\uFFFD" || d.OptionNames["a\xff"] == "" {
		t.Errorf("a map came out as %q", got)
	}
	if fixed.GetModels()[1].GetDetails() != "x\uFFFD" || m.GetModels()[1].GetDetails() != "x\xff" {
		t.Errorf("%v from %v", fixed, m)
	}
	ok := &providerv1.Question{Choices: []*providerv1.Question_Choice{{Id: "1"}}}
	if validUTF8(ok) != ok {
		t.Error("a valid message was copied")
	}
	if _, err := proto.Marshal(fixed); err != nil {
		t.Error(err)
	}
}

func TestStubbornCallsAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := &lockedBuffer{}
		s := &server{log: slog.New(slog.NewTextHandler(logged, nil))}
		for _, run := range []string{"obeys", "stubborn"} {
			ctx, cancel := context.WithCancel(t.Context())
			returned := s.watch(ctx, "Run", run)
			cancel()
			if run == "stubborn" {
				time.Sleep(2 * stubborn)
			}
			returned()
			synctest.Wait()
		}
		if l := logged.String(); !strings.Contains(l, "run=stubborn") || strings.Contains(l, "run=obeys") {
			t.Errorf("the log says %q", l)
		}
	})
}
