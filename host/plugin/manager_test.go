package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// watchdog ends a test that hangs; no test depends on it.
const watchdog = time.Minute

// The scripted plugin, the hostile one and the sandbox's helper, built once.
var scriptedPath, hostilePath, helperPath string

// box is the sandbox of all tests, with the walls that this system has.
var box *sandbox.Sandbox

func TestMain(m *testing.M) {
	if dir := os.Getenv("PROVIDER_TEST_HOST"); dir != "" {
		actAsHost(dir)
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ovp")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	work := dir
	defer func() { _ = os.RemoveAll(work) }()
	if built := os.Getenv("PROVIDER_TEST_BUILT"); built != "" {
		dir = built
	}
	scriptedPath, hostilePath, helperPath = filepath.Join(dir, "scripted.exe"), filepath.Join(dir, "hostile.exe"), filepath.Join(dir, "openvibez-sandbox")
	for path, what := range map[string]string{scriptedPath: "e2e/scripted", hostilePath: "e2e/hostile", helperPath: "host/sandbox/helper"} {
		if dir != work {
			break
		}
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "github.com/openvibez/openvibez/"+what)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", what, err, out)
			return 1
		}
	}
	box = sandbox.New(sandbox.Config{Helper: helperPath, CacheDir: work, RuntimeDir: work, Logger: slog.New(slog.DiscardHandler)})
	defer func() { _ = box.Close() }()
	return m.Run()
}

// shortDir makes a directory with a path short enough for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ovp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// install puts the scripted plugin into dir under the names of ids.
func install(t *testing.T, dir string, ids ...string) {
	t.Helper()
	place(t, scriptedPath, dir, ids...)
}

func place(t *testing.T, program, dir string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		to := filepath.Join(dir, fileName(id))
		if os.Link(program, to) == nil {
			continue
		}
		b, err := os.ReadFile(program)
		if err == nil {
			err = os.WriteFile(to, b, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// newManager makes a Manager with the scripted plugin installed as ids, confined as this system allows, and short times
// between restarts.
func newManager(t *testing.T, env map[string]string, ids ...string) *Manager {
	t.Helper()
	dir := t.TempDir()
	install(t, dir, ids...)
	m := New(Config{
		PluginDirs: []string{dir}, RuntimeDir: shortDir(t), Logger: slog.New(slog.DiscardHandler), Sandbox: box,
		Getenv: func(name string) string { return env[name] },
	})
	m.timing.backoff, m.timing.maxBackoff = time.Millisecond, 4*time.Millisecond
	t.Cleanup(m.Close)
	return m
}

func userSays(prompt string) *providerv1.RunRequest {
	return &providerv1.RunRequest{RunId: "r1", Model: "scripted", Messages: []*providerv1.Message{{
		Role: providerv1.Role_ROLE_USER, Parts: []*providerv1.Part{{Part: &providerv1.Part_Text{Text: prompt}}},
	}}}
}

// answer is all that came of one turn.
type answer struct {
	text  string
	kinds []string
	done  *providerv1.Done
	err   *providerv1.Error
	back  *providerv1.Background
	ends  int
}

// take receives a turn to its end and checks that it has exactly one.
func take(t *testing.T, turn *Turn) answer {
	t.Helper()
	var a answer
	for {
		e, err := turn.Recv()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("Recv gave %v, want events up to io.EOF", err)
			}
			break
		}
		if a.ends > 0 {
			t.Errorf("event after the end: %v", e)
		}
		a.kinds = append(a.kinds, strings.TrimPrefix(fmt.Sprintf("%T", e.Event), "*providerv1.Event_"))
		switch body := e.Event.(type) {
		case *providerv1.Event_Text:
			a.text += body.Text
		case *providerv1.Event_Done:
			a.done = body.Done
			a.ends++
		case *providerv1.Event_Error:
			a.err = body.Error
			a.ends++
		case *providerv1.Event_Background:
			a.back = body.Background
			a.ends++
		}
	}
	if a.ends != 1 {
		t.Errorf("turn has %d ends, want 1 (%v)", a.ends, a.kinds)
	}
	turn.Close()
	return a
}

// run begins a turn as a connection does: the address and the key of p may be used.
func run(ctx context.Context, m *Manager, p *apiv1.Provider, req *providerv1.RunRequest) (*Turn, error) {
	d, err := m.Describe(ctx, p.Plugin)
	if err != nil {
		return nil, err
	}
	g := &egress.Grant{Origins: map[string]bool{}}
	if p.BaseUrl != "" {
		if g.KeyOrigin, err = egress.OriginOf(p.BaseUrl); err != nil {
			return nil, err
		}
		g.Origins[g.KeyOrigin] = true
	}
	if name, ok := strings.CutPrefix(p.KeySource, "env:"); ok {
		if d.KeyWithheld != nil {
			return nil, d.KeyWithheld
		}
		g.Credentials = []egress.Credential{{Header: "Authorization", Prefix: "Bearer ", Secret: m.getenv(name)}}
	}
	for _, o := range d.Origins {
		if o, err = egress.OriginOf(o); err != nil {
			return nil, err
		}
		g.Origins[o] = false
	}
	c, err := m.Open(ctx, p.Plugin, g, nil)
	if err != nil {
		return nil, err
	}
	req.Connection = &providerv1.Connection{ProviderId: p.Id, BaseUrl: p.BaseUrl, SettingsJson: p.SettingsJson, Capability: c.Capability()}
	return c.Run(ctx, req)
}

// say runs one turn of the plugin with the given id.
func say(t *testing.T, m *Manager, id, prompt string) answer {
	t.Helper()
	turn, err := run(t.Context(), m, &apiv1.Provider{Id: "p1", Plugin: id}, userSays(prompt))
	if err != nil {
		t.Fatalf("run %q: %v", prompt, err)
	}
	return take(t, turn)
}

func wantError(t *testing.T, err error, code providerv1.ErrorCode, words ...string) {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is %T, want *sdk.Error", err, err)
	}
	wantWords(t, e.Proto, code, words...)
}

func wantWords(t *testing.T, e *providerv1.Error, code providerv1.ErrorCode, words ...string) {
	t.Helper()
	if e.GetCode() != code {
		t.Errorf("error %q has code %v, want %v", e.GetMessage(), e.GetCode(), code)
	}
	for _, w := range words {
		if !strings.Contains(e.GetMessage(), w) {
			t.Errorf("error %q does not say %q", e.GetMessage(), w)
		}
	}
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(watchdog); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come true", what)
		}
	}
}

func pidOf(m *Manager, id string) int64 {
	p, err := m.plugin(id)
	if err != nil {
		return 0
	}
	a := &apiv1.Plugin{}
	p.report(a)
	return a.Pid
}

func TestRunStreamsEvents(t *testing.T) {
	m := newManager(t, nil, "scripted")
	a := say(t, m, "scripted", "status working\nthought hm\nsay hello\nplan a|b\ntool look {\"x\":1}\nusage 3 4\nreference q s\nnotice psst")
	if a.text != "hello\n" || a.done.GetReason() != providerv1.Done_REASON_TOOL_CALLS {
		t.Errorf("got text %q, done %v", a.text, a.done)
	}
	if got, want := strings.Join(a.kinds, " "), "Status Thought Text Plan ToolCall Usage Reference Notice Done"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
	if a := say(t, m, "scripted", "text 20000"); len(a.text) != 80000 {
		t.Errorf("got %d bytes of 20000 deltas, want 80000", len(a.text))
	}
	if a := say(t, m, "scripted", "background h1"); a.back.GetHandle() != "h1" {
		t.Errorf("got %v, want a background end", a.back)
	}
}

func TestProcessIsSharedAndStopsWithTheManager(t *testing.T) {
	m := newManager(t, nil, "scripted")
	say(t, m, "scripted", "say one")
	first := pidOf(m, "scripted")
	two, err := run(t.Context(), m, &apiv1.Provider{Id: "p2", Plugin: "scripted"}, userSays("slow 3 1"))
	if err != nil {
		t.Fatal(err)
	}
	say(t, m, "scripted", "say three")
	take(t, two)
	if now := pidOf(m, "scripted"); now != first || first == 0 {
		t.Errorf("plugin ran as %d, then as %d; want one process", first, now)
	}
	p, _ := m.plugin("scripted")
	proc := p.proc
	m.Close()
	select {
	case <-proc.runner.launched.Done():
	default:
		t.Error("process lives on after Close")
	}
	if _, err := run(t.Context(), m, &apiv1.Provider{Plugin: "scripted"}, userSays("say x")); err == nil {
		t.Error("Run works after Close")
	}
	if left, _ := os.ReadDir(filepath.Join(m.runtimeDir, "p")); len(left) != 0 {
		t.Errorf("Close left %v behind", left)
	}
}

func TestCrashInMidAnswer(t *testing.T) {
	m := newManager(t, nil, "scripted")
	for prompt, end := range map[string]string{"kill": "signal: killed", "crash": "exit status 3"} {
		a := say(t, m, "scripted", "say begun\n"+prompt)
		if a.text != "begun\n" {
			t.Errorf("%s: got text %q, want what came before", prompt, a.text)
		}
		wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the Scripted plugin stopped unexpectedly ("+end+") while answering; what came so far is kept. Try again")
		if a := say(t, m, "scripted", "say again"); a.text != "again\n" {
			t.Errorf("after %s: got %q, want a new process that answers", prompt, a.text)
		}
	}
	if a := say(t, m, "scripted", "say begun\npanic"); a.err.GetCode() != providerv1.ErrorCode_ERROR_CODE_PLUGIN {
		t.Errorf("panic gave %v", a.err)
	}
}

func TestEveryTurnHasOneEnd(t *testing.T) {
	m := newManager(t, nil, "raw", "scripted")
	m.timing.linger = 50 * time.Millisecond
	for prompt, want := range map[string]string{
		"text a":                    "stopped answering without saying that it was done",
		"text a\ndone\ndone":        "",
		"text a\ndone\ntext b":      "",
		"text a\ndone\nlinger":      "",
		"text a\nerror":             "without words",
		"text a\nunknown\ndone":     "",
		"text a\ndone\nerror":       "",
		"text a\nlarge\ndone":       "too large",
		"text a\nerror\ndone\ndone": "without words",
	} {
		a := say(t, m, "raw", prompt)
		if a.text != "a" {
			t.Errorf("%q: got text %q, want what came before the end", prompt, a.text)
		}
		if (want == "") != (a.done != nil) {
			t.Errorf("%q: got end %v %v", prompt, a.done, a.err)
		}
		if want != "" {
			wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, want)
		}
	}
	wantWords(t, say(t, m, "scripted", "nodone").err, providerv1.ErrorCode_ERROR_CODE_PLUGIN)
	if a := say(t, m, "scripted", "double-done"); a.done == nil || a.text != "" {
		t.Errorf("double-done gave %+v", a)
	}
	e := say(t, m, "scripted", "say a\nerror RATE_LIMITED 1500").err
	wantWords(t, e, providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED)
	if e.RetryAfterMs != 1500 {
		t.Errorf("retry after %d ms, want 1500", e.RetryAfterMs)
	}
}

func TestCloseDoesNotWaitForAHungPlugin(t *testing.T) {
	m := newManager(t, nil, "scripted")
	other, err := run(t.Context(), m, &apiv1.Provider{Id: "p2", Plugin: "scripted"}, userSays("delay 300\nsay fine"))
	if err != nil {
		t.Fatal(err)
	}
	for _, prompt := range []string{"hang", "hang-hard"} {
		turn, err := run(t.Context(), m, &apiv1.Provider{Id: "p1", Plugin: "scripted"}, userSays("say begun\n"+prompt))
		if err != nil {
			t.Fatal(err)
		}
		if e, err := turn.Recv(); err != nil || e.GetText() != "begun\n" {
			t.Fatalf("got %v, %v", e, err)
		}
		go turn.Close()
		a := take(t, turn)
		wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_CANCELLED)
		if turn.call.proc.egress.Permits(turn.call.grant) {
			t.Error("capability outlives Close")
		}
	}
	if a := take(t, other); a.text != "fine\n" {
		t.Errorf("the other run gave %q, %v", a.text, a.err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	turn, err := run(ctx, m, &apiv1.Provider{Id: "p1", Plugin: "scripted"}, userSays("hang-hard"))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	wantWords(t, take(t, turn).err, providerv1.ErrorCode_ERROR_CODE_CANCELLED)
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	turn, err = run(ctx, m, &apiv1.Provider{Id: "p1", Plugin: "scripted"}, userSays("hang-hard"))
	if err != nil {
		t.Fatal(err)
	}
	wantWords(t, take(t, turn).err, providerv1.ErrorCode_ERROR_CODE_TIMEOUT)
}

func TestHungProcessIsEndedWhenNobodyElseUsesIt(t *testing.T) {
	m := newManager(t, nil, "scripted")
	m.timing.stubborn = 20 * time.Millisecond
	for _, prompt := range []string{"hang", "hang-hard"} {
		turn, err := run(t.Context(), m, &apiv1.Provider{Plugin: "scripted"}, userSays("say begun\n"+prompt))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := turn.Recv(); err != nil {
			t.Fatal(err)
		}
		p, _ := m.plugin("scripted")
		proc := turn.call.proc
		turn.Close()
		if prompt == "hang" {
			eventually(t, "end of the run in the plugin", func() bool {
				var trailer metadata.MD
				_, err := proc.rpc.Describe(t.Context(), &providerv1.DescribeRequest{}, grpc.Trailer(&trailer))
				return err == nil && trailer.Get(sdk.TrailerRunning)[0] == "0"
			})
			p.unhang(proc)
			if pidOf(m, "scripted") == 0 {
				t.Error("a plugin that stopped when told was ended")
			}
			continue
		}
		eventually(t, "end of the hung process", func() bool { return proc.dead() })
		if len(p.failures) != 0 {
			t.Error("ending it counts as a failure")
		}
	}
}

func TestCloseEndsTurnsUnderWay(t *testing.T) {
	m := newManager(t, nil, "scripted")
	turn, err := run(t.Context(), m, &apiv1.Provider{Plugin: "scripted"}, userSays("say begun\nhang-hard"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := turn.Recv(); err != nil {
		t.Fatal(err)
	}
	go m.Close()
	wantWords(t, take(t, turn).err, providerv1.ErrorCode_ERROR_CODE_CANCELLED, "the host is ending")
}

func TestStartProblemsHaveWords(t *testing.T) {
	ids := []string{"garbage", "prefix", "crashstart", "exit", "newproto", "oldproto", "newcore", "silent", "wrongid", "notexec", "badarch", "script"}
	m := newManager(t, nil, ids[:9]...)
	m.timing.start = 2 * time.Second
	dir := m.dirs[0]
	for name, content := range map[string]string{"notexec": "x", "badarch": "\x7fELF nonsense", "script": "#!/no/such/interpreter\n"} {
		mode := os.FileMode(0o755)
		if name == "notexec" {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(dir, fileName(name)), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/no/such/file", filepath.Join(dir, fileName("dangling"))); err != nil {
		t.Fatal(err)
	}
	wants := map[string][]string{
		"garbage":    {"printed to stdout before the handshake", `"loading weights…"`},
		"prefix":     {"printed to stdout before the handshake", `"hi 1|1|unix|`},
		"crashstart": {"ended while starting (exit status 7)", "no licence found"},
		"exit":       {"ended while starting (exit status 0)", "it printed nothing"},
		"newproto":   {"was built for protocol 2, this host speaks 1", "update OpenVibez"},
		"oldproto":   {"was built for protocol 0, this host speaks 1", "install a newer version"},
		"newcore":    {"printed to stdout before the handshake"},
		"silent":     {"did not answer in time after its start"},
		"wrongid":    {`calls itself "other"`},
		"notexec":    {"is not executable; run: chmod +x "},
		"badarch":    {"is no program for this machine (" + runtime.GOOS},
		"script":     {"needs a loader or interpreter"},
		"dangling":   {"is a link to a file that is not there"},
		"missing":    {`the plugin "missing" is not installed`, dir},
	}
	listed := map[string]*apiv1.Plugin{}
	for _, p := range m.Plugins(t.Context()) {
		listed[p.Id] = p
	}
	for id, words := range wants {
		_, err := run(t.Context(), m, &apiv1.Provider{Plugin: id}, userSays("say x"))
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, words...)
		if id != "missing" {
			wantError(t, err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, filepath.Join(dir, fileName(id)))
			if p := listed[id]; p == nil || !strings.Contains(p.Problem, words[0]) {
				t.Errorf("list says of %s: %v", id, p)
			}
		}
	}
	_, err := m.Describe(t.Context(), "../evil")
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "no plugin's name")
}

func TestPluginsAreDescribedOnce(t *testing.T) {
	m := newManager(t, nil, "scripted", "flood")
	other := t.TempDir()
	install(t, other, "scripted", "Bad", "bad_name")
	m.dirs = append(m.dirs, other, filepath.Join(other, "none"))
	list := m.Plugins(t.Context())
	if len(list) != 2 || list[0].Id != "flood" || list[1].Id != "scripted" {
		t.Fatalf("got %v", list)
	}
	for _, p := range list {
		if p.Description.GetSdkVersion() != sdk.Version || p.Problem != "" || p.State != apiv1.Plugin_STATE_RUNNING || p.Pid == 0 ||
			filepath.Dir(p.Path) != m.dirs[0] {
			t.Errorf("got %v", p)
		}
	}
	p, _ := m.plugin("scripted")
	p.mu.Lock()
	p.retire(p.proc)
	p.mu.Unlock()
	list = m.Plugins(t.Context())
	if list[1].State != apiv1.Plugin_STATE_STOPPED || list[1].Description.GetName() != "Scripted" || list[1].Pid != 0 {
		t.Errorf("got %v, want it described and stopped", list[1])
	}
}

func TestFailingPluginBacksOffAndIsSwitchedOff(t *testing.T) {
	m := newManager(t, nil, "crashstart")
	who := &apiv1.Provider{Plugin: "crashstart"}
	for range 1 + maxRestarts {
		_, err := run(t.Context(), m, who, userSays("say x"))
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "ended while starting")
	}
	_, err := run(t.Context(), m, who, userSays("say x"))
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "is switched off, because it failed 4 times within an hour", "no licence found", "test the provider to try again")
	if p := m.Plugins(t.Context())[0]; p.State != apiv1.Plugin_STATE_DISABLED || !strings.Contains(p.Problem, "switched off") {
		t.Errorf("list says %v", p)
	}
	m.Retry("crashstart")
	_, err = run(t.Context(), m, who, userSays("say x"))
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "ended while starting")
	if p := m.Plugins(t.Context())[0]; p.State == apiv1.Plugin_STATE_DISABLED {
		t.Error("another chance did not switch the plugin on again")
	}

	p, _ := m.plugin("crashstart")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = nil
	for range maxRestarts {
		p.failures = append(p.failures, time.Now().Add(-m.timing.memory-time.Minute))
	}
	if p.failed("x"); p.disabled() {
		t.Error("failures of long ago still count")
	}
}

// What failed too often is off in the next host too, until a person switches it on or another version is there.
func TestSwitchedOffOutlastsTheHost(t *testing.T) {
	m := installing(t, "crashstart")
	crashing := func(m *sdk.Manifest) { m.Key = nil; m.Description = "crashes" }
	for _, id := range []string{"acme", "crashstart"} {
		if id == "acme" {
			add(t, m, pkg(t, "1.0.0", nil, crashing), "acme.ovp")
		}
		for range 1 + maxRestarts {
			if a := sayWith(t, m, &apiv1.Provider{Plugin: id}, "say x"); a.err == nil {
				t.Fatalf("%s does not fail", id)
			}
		}
		eventually(t, "being off", func() bool {
			p, err := m.Plugin(t.Context(), id)
			return err == nil && p.State == apiv1.Plugin_STATE_DISABLED
		})
	}
	next := func() *Manager {
		m.Close()
		m = New(Config{PluginDirs: m.dirs, InstallDir: m.installs.dir, RuntimeDir: shortDir(t), Logger: m.log, Sandbox: box, Getenv: m.getenv})
		t.Cleanup(m.Close)
		return m
	}
	for _, id := range []string{"acme", "crashstart"} {
		next()
		p, err := m.Plugin(t.Context(), id)
		if err != nil || p.State != apiv1.Plugin_STATE_DISABLED || p.Off || !strings.Contains(p.Problem, "is switched off, because it failed 4 times within an hour. The last time: ") {
			t.Errorf("after a restart %s is %v, %v", id, p, err)
		}
		if starts := m.starts.Load(); starts != 0 {
			t.Errorf("%s was started %d times", id, starts)
		}
		a := sayWith(t, m, &apiv1.Provider{Plugin: id}, "say x")
		wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "openvibez plugin enable "+id)
		if p, err := m.SetEnabled(t.Context(), id, true, false); err != nil || p.State == apiv1.Plugin_STATE_DISABLED || m.starts.Load() == 0 {
			t.Errorf("enabled, %s is %v, %v, after %d starts", id, p, err, m.starts.Load())
		}
		next()
		if p, err := m.Plugin(t.Context(), id); err != nil || p.State == apiv1.Plugin_STATE_DISABLED {
			t.Errorf("enabled, after a restart %s is %v, %v", id, p, err)
		}
	}
	for range 1 + maxRestarts {
		sayWith(t, m, &apiv1.Provider{Plugin: "acme"}, "say x")
	}
	next()
	add(t, m, pkg(t, "1.1.0", nil, keyless), "acme.ovp")
	if a := say(t, m, "acme", "say hi"); a.text != "hi\n" {
		t.Errorf("another version says %q, %v", a.text, a.err)
	}
	if l, err := m.installs.read(); err != nil || l.Failing["acme"] != nil {
		t.Errorf("the lock still says %v, %v", l.Failing["acme"], err)
	}
}

func TestBackoffGrowsAndSuccessResetsIt(t *testing.T) {
	m := newManager(t, nil, "scripted")
	m.timing.backoff, m.timing.maxBackoff = time.Second, 30*time.Second
	p, _ := m.plugin("scripted")
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		p.failed("x")
		if got := time.Until(p.retryAt).Round(time.Second); got != want*time.Second {
			t.Errorf("failure %d: waits %v, want %v", i+1, got, want*time.Second)
		}
	}
	if p.succeeded(); !p.disabled() {
		t.Error("a success, of a turn that was under way, switched it on again")
	}
	p.retry()
	p.failed("x")
	if p.succeeded(); p.problem != "" || len(p.failures) != 0 || !p.retryAt.IsZero() {
		t.Error("success did not reset the failures")
	}
}

func TestIdlePluginIsStoppedAndComesBack(t *testing.T) {
	m := newManager(t, nil, "scripted")
	m.timing.idle = 10 * time.Millisecond
	say(t, m, "scripted", "say a")
	eventually(t, "idle stop", func() bool { return pidOf(m, "scripted") == 0 })
	if a := say(t, m, "scripted", "say b"); a.text != "b\n" {
		t.Errorf("got %q", a.text)
	}
	p, _ := m.plugin("scripted")
	if len(p.failures) != 0 {
		t.Error("an idle stop counts as a failure")
	}
}

func TestNewFileIsANewVersion(t *testing.T) {
	m := newManager(t, nil, "scripted")
	say(t, m, "scripted", "say a")
	before := pidOf(m, "scripted")
	path := filepath.Join(m.dirs[0], fileName("scripted"))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path+".new", content, 0o755), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
	say(t, m, "scripted", "say b")
	if now := pidOf(m, "scripted"); now == before || now == 0 {
		t.Errorf("plugin still runs as %d after its file was replaced", now)
	}
}

func TestQuestionIsAnswered(t *testing.T) {
	m := newManager(t, nil, "scripted")
	who := &apiv1.Provider{Id: "p1", Plugin: "scripted"}
	turn, err := run(t.Context(), m, who, userSays("question really?"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := turn.Recv()
	if err != nil || e.GetQuestion().GetText() != "really?" {
		t.Fatalf("got %v, %v", e, err)
	}
	wrong := m.Answer(t.Context(), who.Plugin, &providerv1.AnswerRequest{RunId: "r1", QuestionId: "none", ChoiceId: "yes"})
	wantError(t, wrong, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST)
	if err := m.Answer(t.Context(), who.Plugin, &providerv1.AnswerRequest{RunId: "r1", QuestionId: e.GetQuestion().Id, ChoiceId: "yes"}); err != nil {
		t.Fatal(err)
	}
	if a := take(t, turn); a.text != "answered yes\n" {
		t.Errorf("got %q", a.text)
	}
	eventually(t, "release", func() bool {
		late := m.Answer(t.Context(), who.Plugin, &providerv1.AnswerRequest{RunId: "r1"})
		return late != nil && strings.Contains(late.Error(), "comes too late")
	})
}

func TestPluginSeesNothingOfTheHost(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-secret")
	m := newManager(t, nil, "scripted")
	a := say(t, m, "scripted", "environment")
	for _, name := range strings.Fields(a.text) {
		if !strings.HasPrefix(name, "PLUGIN_") && !strings.HasPrefix(name, "OPENVIBEZ_") && name != "SYSTEMROOT" {
			t.Errorf("plugin sees the variable %s", name)
		}
	}
	info, err := os.Stat(filepath.Join(m.runtimeDir, "p", "scripted.1"))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("plugin's directory has mode %v, want 0700", info.Mode())
	}
}

func TestSocketPathsAreShort(t *testing.T) {
	m := &Manager{runtimeDir: "/run/user/1000/" + strings.Repeat("d", 40)}
	for _, id := range []string{"a", strings.Repeat("x", 64)} {
		dir, err := m.socketDir(id, 12)
		if n := len(filepath.Join(dir, "own", "plugin1234567890")); err != nil || n > 103 {
			t.Errorf("%s: %d bytes, %v", id, n, err)
		}
	}
	m.runtimeDir = "/" + strings.Repeat("d", 100)
	if _, err := m.socketDir("a", 1); err == nil || !strings.Contains(err.Error(), "OPENVIBEZ_HOME") {
		t.Errorf("got %v, want words about the long path", err)
	}
}
