package sdktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// echo is a provider that keeps the contract, unless one of its parts is replaced by a broken one.
type echo struct {
	describe func() *providerv1.DescribeResponse
	check    func(context.Context, *providerv1.Connection) (string, error)
	models   func() ([]*providerv1.Model, error)
	run      func(context.Context, *providerv1.RunRequest, *sdk.Stream) error
}

func (p echo) Describe() *providerv1.DescribeResponse {
	if p.describe != nil {
		return p.describe()
	}
	return described()
}

func described() *providerv1.DescribeResponse {
	return &providerv1.DescribeResponse{
		Id: "echo", Name: "Echo", Description: "Says it again.", Version: "1", SettingsSchema: `{"type":"object"}`,
		DefaultBaseUrl: "http://127.0.0.1:1", Origins: []string{"https://a.example:8443"}, Key: &providerv1.KeyScheme{Header: "Authorization"},
	}
}

func (p echo) Check(ctx context.Context, c *providerv1.Connection) (string, error) {
	if p.check != nil {
		return p.check(ctx, c)
	}
	return "It echoes", nil
}

func (p echo) Models(context.Context, *providerv1.Connection) ([]*providerv1.Model, error) {
	if p.models != nil {
		return p.models()
	}
	return []*providerv1.Model{{Id: "loud"}, {Id: "soft", Recommended: true}}, nil
}

func (p echo) Run(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
	if p.run != nil {
		return p.run(ctx, req, s)
	}
	return answer(ctx, req, s)
}

// answer keeps every rule, with an event of each kind that is left.
func answer(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
	if m := req.GetModel(); m != "loud" && m != "soft" {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "Echo has no model %q.", m)
	}
	s.Status(providerv1.Status_KIND_WORKING, "Listening")
	s.Thought("What was it?")
	if _, err := s.Ask(ctx, &providerv1.Question{Text: "Loud?", Choices: []*providerv1.Question_Choice{{Id: "y", Allows: true}, {Id: "n"}}}); err != nil {
		return err
	}
	s.Plan(&providerv1.Plan_Step{Text: "say it"})
	s.Action(&providerv1.Action{Title: "clear the throat"})
	s.Reference("r", "s")
	s.Notice(providerv1.Notice_LEVEL_INFO, "here it comes")
	for _, m := range req.GetMessages() {
		s.Text(m.GetParts()[0].GetText())
		s.Usage(nil)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Millisecond):
	}
	s.Done(&providerv1.Done{ProviderState: []byte("state")})
	return nil
}

// problems runs the checks with these names.
func problems(t *testing.T, k *kit, names ...string) map[string]string {
	found := map[string]string{}
	for _, c := range k.checks() {
		if !slices.Contains(names, c.name) {
			continue
		}
		if p := c.run(t.Context()); len(p) > 0 {
			found[c.name] = strings.Join(p, "\n")
		}
	}
	return found
}

func TestGoodProvider(t *testing.T) {
	Run(t, Config{Provider: echo{}})
}

func TestGoodProgram(t *testing.T) {
	Run(t, Config{Command: []string{os.Args[0]}, Env: program("good"), Model: "loud"})
}

func TestBrokenProviders(t *testing.T) {
	var busy atomic.Int32
	var count atomic.Int32
	done := func(s *sdk.Stream) error { s.Done(nil); return nil }
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })

	describes := func(change func(*providerv1.DescribeResponse)) echo {
		return echo{describe: func() *providerv1.DescribeResponse { d := described(); change(d); return d }}
	}
	lists := func(models ...*providerv1.Model) echo {
		return echo{models: func() ([]*providerv1.Model, error) { return models, nil }}
	}
	runs := func(run func(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error) echo {
		return echo{run: run}
	}

	for name, test := range map[string]struct {
		provider echo
		check    string
		want     string
	}{
		"bad id":             {describes(func(d *providerv1.DescribeResponse) { d.Id = "Echo!" }), "describe", "lower-case"},
		"no version":         {describes(func(d *providerv1.DescribeResponse) { d.Version = "" }), "describe", "version is empty"},
		"schema no JSON":     {describes(func(d *providerv1.DescribeResponse) { d.SettingsSchema = "{" }), "describe", "no JSON object"},
		"origin with path":   {describes(func(d *providerv1.DescribeResponse) { d.Origins[0] += "/v1" }), "describe", "scheme://host"},
		"base URL with /":    {describes(func(d *providerv1.DescribeResponse) { d.DefaultBaseUrl += "/" }), "describe", "slash"},
		"key without header": {describes(func(d *providerv1.DescribeResponse) { d.Key.Header = "" }), "describe", "header"},
		"moody":              {describes(func(d *providerv1.DescribeResponse) { d.Version = fmt.Sprint(count.Add(1)) }), "describe", "second time"},
		"nothing described":  {echo{describe: func() *providerv1.DescribeResponse { return nil }}, "describe", "lower-case"},
		"panic in Describe":  {echo{describe: func() *providerv1.DescribeResponse { panic("boom") }}, "describe", "panicked"},

		"check fails": {echo{check: func(context.Context, *providerv1.Connection) (string, error) { return "", errors.New("no") }}, "check", "PLUGIN"},
		"no summary":  {echo{check: func(context.Context, *providerv1.Connection) (string, error) { return "", nil }}, "check", "summary is empty"},
		"check hangs": {echo{check: func(ctx context.Context, _ *providerv1.Connection) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}}, "check", "did not answer in time"},
		"panic on nothing": {echo{check: func(_ context.Context, c *providerv1.Connection) (string, error) {
			return c.GetProviderId()[:4] + " works", nil
		}}, "empty connection", "panicked"},

		"no models":      {lists(), "models", "no model"},
		"same id twice":  {lists(&providerv1.Model{Id: "loud"}, &providerv1.Model{Id: "loud"}), "models", "not unique"},
		"model no id":    {lists(&providerv1.Model{}), "models", "empty or not unique"},
		"negative size":  {lists(&providerv1.Model{Id: "loud", ContextTokens: -1}), "models", "negative"},
		"takes any name": {lists(&providerv1.Model{Id: "no-such-model"}), "models", "set UnknownModel"},

		"ends twice": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.Text("a")
			s.Done(nil)
			return done(s)
		}), "conversation", "after the end of the turn: done"},
		"text after end": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.Done(nil)
			s.Text("a")
			return nil
		}), "conversation", "after the end of the turn: text"},
		"no end":        {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error { s.Text("a"); return nil }), "conversation", "without saying done"},
		"panics":        {runs(func(context.Context, *providerv1.RunRequest, *sdk.Stream) error { panic("boom") }), "conversation", "panicked: panic: boom"},
		"says nothing":  {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error { s.Text(" "); return done(s) }), "conversation", "answer is empty"},
		"untyped error": {runs(func(context.Context, *providerv1.RunRequest, *sdk.Stream) error { return errors.New("x") }), "conversation", "PLUGIN"},
		"wordless error": {runs(func(context.Context, *providerv1.RunRequest, *sdk.Stream) error {
			return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "no")
		}), "conversation", "no words"},
		"strange code": {runs(func(context.Context, *providerv1.RunRequest, *sdk.Stream) error { return sdk.Errorf(99, "Oh dear me.") }), "conversation", "no code of this protocol"},
		"calls no tool": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.ToolCall(&providerv1.ToolCall{Name: "x"})
			return done(s)
		}), "conversation", "none was offered"},
		"call no JSON": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.ToolCall(&providerv1.ToolCall{Name: "x", ArgumentsJson: "["})
			return done(s)
		}), "conversation", "no JSON object"},
		"same call twice": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			c := &providerv1.ToolCall{Id: "1", Name: "x"}
			s.ToolCall(c)
			s.ToolCall(c)
			return done(s)
		}), "conversation", "used before"},
		"wrong reason": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.Text("a")
			s.Done(&providerv1.Done{Reason: providerv1.Done_REASON_TOOL_CALLS})
			return nil
		}), "conversation", "after 0 tool calls"},
		"background": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.Background("", 0)
			return nil
		}), "conversation", "without a handle"},
		"action no title": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.Action(nil)
			s.Text("a")
			return done(s)
		}), "conversation", "without id or title"},
		"empty notice": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.Notice(1, "")
			s.Text("a")
			return done(s)
		}), "conversation", "notice without text"},
		"empty question": {runs(func(ctx context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			_, err := s.Ask(ctx, nil)
			return err
		}), "conversation", "question without id or text"},
		"hangs": {runs(func(ctx context.Context, _ *providerv1.RunRequest, _ *sdk.Stream) error {
			<-ctx.Done()
			return ctx.Err()
		}), "conversation", "the stream broke"},
		"any model": {runs(func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error { s.Text("a"); return done(s) }), "unknown model", "answered"},
		"model untyped": {runs(func(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
			if req.GetModel() == "no-such-model" {
				return errors.New("404")
			}
			return answer(ctx, req, s)
		}), "unknown model", "mistake in the plugin"},
		"one at a time": {runs(func(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
			defer busy.Add(-1)
			if busy.Add(1) > 1 {
				return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_OVERLOADED, "One at a time.")
			}
			time.Sleep(20 * time.Millisecond)
			return answer(ctx, req, s)
		}), "many at once", "OVERLOADED"},
		"ignores cancel": {runs(func(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
			err := answer(ctx, req, s)
			if ctx.Err() != nil {
				<-forever
			}
			return err
		}), "cancel", "does not return after ctx was cancelled"},
		"leaves a goroutine": {runs(func(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
			go func() { <-forever }()
			return answer(ctx, req, s)
		}), "conversation", "goroutines are left running"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What hangs is found when patience is at its end; all else is found at once.
			found := problems(t, prepare(t, Config{Provider: test.provider, Patience: 2 * time.Second}), test.check)
			if !strings.Contains(found[test.check], test.want) {
				t.Errorf("%q does not say %q; found %q", test.check, test.want, found)
			}
		})
	}
}

// wire breaks the protocol itself, as only a plugin without the SDK can.
type wire struct {
	providerv1.UnimplementedProviderServiceServer
	events []*providerv1.Event
	err    error
}

func (w wire) ListModels(context.Context, *providerv1.ListModelsRequest) (*providerv1.ListModelsResponse, error) {
	return &providerv1.ListModelsResponse{Models: []*providerv1.Model{{Id: "m"}}}, nil
}

func (w wire) Run(_ *providerv1.RunRequest, s grpc.ServerStreamingServer[providerv1.Event]) error {
	for _, ev := range w.events {
		if err := s.Send(ev); err != nil {
			return err
		}
	}
	return w.err
}

func TestBrokenProtocol(t *testing.T) {
	text := &providerv1.Event{Event: &providerv1.Event_Text{Text: "a"}}
	done := &providerv1.Event{Event: &providerv1.Event_Done{Done: &providerv1.Done{Reason: providerv1.Done_REASON_STOP}}}
	for name, test := range map[string]struct {
		w    wire
		want string
	}{
		"text after the end": {wire{events: []*providerv1.Event{text, done, text}}, "event 3: comes after the end"},
		"two ends":           {wire{events: []*providerv1.Event{text, done, done}}, "event 3: comes after the end"},
		"no end":             {wire{events: []*providerv1.Event{text}}, "has no end"},
		"nothing":            {wire{}, "has no end"},
		"empty event":        {wire{events: []*providerv1.Event{{}, text, done}}, "event 1: is empty"},
		"empty text":         {wire{events: []*providerv1.Event{{Event: &providerv1.Event_Text{}}, text, done}}, "event 1: is a text delta"},
		"no reason":          {wire{events: []*providerv1.Event{text, {Event: &providerv1.Event_Done{Done: &providerv1.Done{}}}}}, "without a reason"},
		"broken stream":      {wire{events: []*providerv1.Event{text, done}, err: status.Error(codes.Internal, "oops")}, "the stream broke"},
		"untyped error":      {wire{events: []*providerv1.Event{{Event: &providerv1.Event_Error{Error: &providerv1.Error{}}}}}, "no code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := prepare(t, Config{Provider: echo{}})
			k.open = raw(func(s *grpc.Server) { providerv1.RegisterProviderServiceServer(s, test.w) })
			found := problems(t, k, "conversation", "empty connection")
			if !strings.Contains(found["conversation"], test.want) {
				t.Errorf("does not say %q; found %q", test.want, found)
			}
			if !strings.Contains(found["empty connection"], "no typed error in its status details") {
				t.Errorf("an untyped status is not found: %q", found["empty connection"])
			}
		})
	}
}

func TestBrokenPrograms(t *testing.T) {
	for how, want := range map[string]string{
		"garbage":     "Unrecognized remote plugin message",
		"crash":       "start the provider: ",
		"stays":       "did not exit by itself",
		"child":       "are left running in process group",
		"crash-later": "the stream broke",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			k := prepare(t, Config{Command: []string{os.Args[0]}, Env: program(how)})
			if got := strings.Join(k.with(t.Context(), k.conversation), "\n"); !strings.Contains(got, want) {
				t.Errorf("does not say %q; found %q", want, got)
			}
		})
	}
	if _, err := command([]string{"/no/such/plugin"}, nil, time.Second)(); err == nil {
		t.Error("a program that is not there gives no error")
	}
}

// TestRunFails sees that problems fail the test of a provider.
func TestRunFails(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestFailing$")
	cmd.Env = append(os.Environ(), "SDKTEST_FAIL=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--- FAIL: TestFailing/conversation") || strings.Contains(string(out), "--- FAIL: TestFailing/describe") {
		t.Errorf("the test of a broken provider gives %v:\n%s", err, out)
	}
}

// TestFailing is the test that TestRunFails starts.
func TestFailing(t *testing.T) {
	if os.Getenv("SDKTEST_FAIL") == "" {
		return
	}
	Run(t, Config{Provider: echo{run: func(context.Context, *providerv1.RunRequest, *sdk.Stream) error { panic("boom") }}})
}

// program is the environment in which the test binary is a plugin.
func program(how string) []string {
	return []string{"SDKTEST_PROGRAM=" + how, "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH")}
}

func TestMain(m *testing.M) {
	switch how := os.Getenv("SDKTEST_PROGRAM"); how {
	case "":
		os.Exit(m.Run())
	case "garbage":
		fmt.Println("loading…")
		time.Sleep(time.Second)
	case "crash":
		os.Exit(3)
	case "crash-later":
		sdk.Serve(echo{run: func(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
			s.Text("a")
			os.Exit(3)
			return nil
		}})
	case "child":
		child := exec.Command("sleep", "60")
		if err := child.Start(); err != nil {
			panic(err)
		}
		sdk.Serve(echo{})
	case "stays":
		sdk.Serve(echo{})
		time.Sleep(time.Minute)
	default:
		sdk.Serve(echo{})
	}
}

// online is a provider that asks a server, with the words of its answer.
func online(base string) sdk.Provider {
	get := func(ctx context.Context, c *providerv1.Connection) (string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.GetBaseUrl()+"/words", nil)
		if err != nil {
			return "", err
		}
		req.Header.Set("Authorization", "Bearer forged")
		res, err := sdk.HTTPClient(c).Do(req)
		if err != nil {
			return "", err
		}
		if res.StatusCode >= 400 {
			return "", sdk.ClassifyHTTP(res, nil)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		return string(b), err
	}
	return echo{
		check: func(ctx context.Context, c *providerv1.Connection) (string, error) { return get(ctx, c) },
		run: func(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
			words, err := get(ctx, req.GetConnection())
			if err != nil {
				return err
			}
			s.Text(words)
			return answer(ctx, req, s)
		},
		describe: func() *providerv1.DescribeResponse { d := described(); d.DefaultBaseUrl = base; return d },
	}
}

func TestProviderOnTheNetwork(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer right" || r.Header.Get(sdk.HeaderCapability) != "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "the words")
	}))
	defer server.Close()
	c := &providerv1.Connection{BaseUrl: server.URL}
	t.Run("key", func(t *testing.T) {
		Run(t, Config{Provider: online(server.URL), Connection: c, Header: http.Header{"Authorization": {"Bearer right"}}})
	})
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"no key":       {Config{Connection: c}, "ERROR_CODE_AUTH"},
		"nobody there": {Config{Connection: &providerv1.Connection{BaseUrl: "http://127.0.0.1:1"}}, "ERROR_CODE_UNREACHABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			test.config.Provider = online(server.URL)
			if found := problems(t, prepare(t, test.config), "check"); !strings.Contains(found["check"], test.want) {
				t.Errorf("does not say %s; found %q", test.want, found)
			}
		})
	}
}

func TestNetwork(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	defer server.Close()
	Network(t, nil, server.URL+"/ignored")
	res, err := sdk.HTTPClient(nil).Get(server.URL + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); string(b) != "/x" {
		t.Errorf("%q, %v", b, err)
	}
	other, err := sdk.HTTPClient(nil).Get("http://localhost:1/")
	if err == nil {
		_ = other.Body.Close()
	}
	if sdk.Classify(err).Code() != providerv1.ErrorCode_ERROR_CODE_DENIED {
		t.Errorf("another origin gives %v", err)
	}
}

func TestCancelPoints(t *testing.T) {
	if got := fmt.Sprint(cancelPoints(3)); got != "[0 1 2]" {
		t.Error(got)
	}
	if got := cancelPoints(1000); len(got) > 25 || got[len(got)-1] < 500 {
		t.Error(got)
	}
}
