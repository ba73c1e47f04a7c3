package plugin

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// newHostile makes a Manager with the hostile plugin under the names of ids, confined or not.
func newHostile(t *testing.T, confined bool, ids ...string) *Manager {
	t.Helper()
	m := newManager(t, nil, "scripted")
	place(t, hostilePath, m.dirs[0], ids...)
	if !confined {
		m.sandbox = sandbox.New(sandbox.Config{Logger: slog.New(slog.DiscardHandler)})
	} else if r := box.Report(t.Context()); r.Level != policy.LevelFull {
		t.Skipf("plugins can't be confined here: %s %s", r.Problem, r.Fix)
	}
	return m
}

// attempt has the hostile plugin try something; what ends the plugin is told as "died".
func attempt(t *testing.T, m *Manager, who *apiv1.Provider, probe string) string {
	t.Helper()
	turn, err := run(t.Context(), m, who, userSays(probe))
	if err != nil {
		t.Fatalf("%s: %v", probe, err)
	}
	a := take(t, turn)
	if a.err != nil {
		return "died: " + a.err.Message
	}
	return a.text
}

// listen serves a line to whoever connects.
func listen(t *testing.T, network, at string) net.Addr {
	t.Helper()
	l, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "welcome\n")
			_ = conn.Close()
		}
	}()
	return l.Addr()
}

func echo(t *testing.T) net.Addr {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(b[:n], from)
		}
	}()
	return c.LocalAddr()
}

// targets lists what the hostile plugin is aimed at: things of this process and of files and sockets beside it.
func targets(t *testing.T, m *Manager) []string {
	t.Helper()
	home, err := os.MkdirTemp(os.Getenv("HOME"), ".openvibez-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	outside := shortDir(t)
	for _, f := range []string{filepath.Join(home, "id_ed25519"), filepath.Join(outside, "openvibez.db")} {
		if err := os.WriteFile(f, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	api, bus := filepath.Join(outside, "api.sock"), filepath.Join(outside, "bus")
	listen(t, "unix", api)
	listen(t, "unix", bus)
	abstract := fmt.Sprintf("@openvibez-test-%d", os.Getpid())
	listen(t, "unix", abstract)
	// Another plugin that is under way.
	turn, err := run(t.Context(), m, &apiv1.Provider{Plugin: "scripted"}, userSays("say here\nhang"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(turn.Close)
	if e, err := turn.Recv(); err != nil || e.GetText() == "" {
		t.Fatalf("got %v, %v", e, err)
	}
	other := turn.call.proc.dir
	listen(t, "unix", filepath.Join(other, "own", "theirs"))
	pid := strconv.Itoa(os.Getpid())
	list := []string{
		"read " + filepath.Join(home, "id_ed25519"), "read " + filepath.Join(outside, "openvibez.db"), "read /etc/passwd",
		"read-root /etc/passwd", "read-link " + filepath.Join(outside, "openvibez.db"), "hard-link " + filepath.Join(outside, "openvibez.db"),
		"write " + filepath.Join(home, "written"), "list " + home, "list /home", "list " + other, "read " + m.dirs[0] + "/openvibez-provider-scripted",
		"exec /bin/sh", "exec-loader /bin/sh", "exec-own /bin/sh", "exec-memory /bin/sh", "fork",
		"tcp " + listen(t, "tcp", "127.0.0.1:0").String(), "udp " + echo(t).String(),
		"unix " + api, "unix " + bus, "unix " + abstract, "unix " + filepath.Join(other, "own", "theirs"),
		"environment-of " + pid, "signal " + pid, "pidfd " + pid, "limits-of " + pid, "memory-of " + pid, "ptrace " + pid,
		"processes", "namespace", "keyring", "setuid-bit", "remove-socket",
		"exec-self /bin/sh",
	}
	if os.Getuid() == 0 {
		list = append(list, "raw")
	}
	return list
}

// mayFail are probes that some systems refuse to everybody.
var mayFail = map[string]string{
	"ptrace": "Yama", "memory-of": "Yama", "keyring": "", "namespace": "", "list": "/home may be empty", "hard-link": "another file system",
}

func TestHostilePluginGetsNowhere(t *testing.T) {
	confined := newHostile(t, true, "hostile")
	free := newHostile(t, false, "hostile")
	who := &apiv1.Provider{Plugin: "hostile"}
	for _, probe := range targets(t, confined) {
		name, _, _ := strings.Cut(probe, " ")
		if got := attempt(t, confined, who, probe); !strings.HasPrefix(got, "held: ") {
			t.Errorf("%s: %s", probe, got)
		}
		if got := attempt(t, free, who, probe); !strings.HasPrefix(got, "reached") && !(name == "exec-self" && strings.HasPrefix(got, "died")) {
			if _, ok := mayFail[name]; ok {
				t.Logf("%s: not even possible without confinement here: %s", probe, got)
			} else {
				t.Errorf("%s proves nothing: without confinement it is %s", probe, got)
			}
		}
	}
	if got := attempt(t, confined, who, "descriptors /"+filepath.Base(confined.dirs[0])); !strings.HasPrefix(got, "held") {
		t.Errorf("descriptors: %s", got)
	}
}

// What one plugin may use up is bounded, and the others don't notice.
func TestHostilePluginUsesNothingUp(t *testing.T) {
	confined, free := newHostile(t, true, "hostile"), newHostile(t, false, "hostile")
	who := &apiv1.Provider{Plugin: "hostile"}
	for probe, words := range map[string]string{
		fmt.Sprintf("use-memory %d", maxMemory>>20+200): "memory", "use-descriptors 100000": "too many open files", "use-disk 300": "",
		"use-threads 2000": "",
	} {
		got := attempt(t, confined, who, probe)
		t.Logf("%s: %s", probe, got)
		if strings.HasPrefix(got, "reached") || !strings.Contains(got, words) {
			t.Errorf("%s: %s", probe, got)
		}
		if a := say(t, confined, "scripted", "say fine"); a.text != "fine\n" {
			t.Errorf("after %s the other plugin says %q, %v", probe, a.text, a.err)
		}
	}
	for _, probe := range []string{"use-memory 300", "use-disk 300", "use-threads 2000"} {
		if got := attempt(t, free, who, probe); got != "reached" {
			t.Errorf("%s proves nothing: without confinement it is %s", probe, got)
		}
	}
}

func TestHostilePluginAtTheHostsSocket(t *testing.T) {
	var mine, foreign atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mine.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "key: "+r.Header.Get("Authorization"))
	}))
	defer upstream.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { foreign.Add(1) }))
	defer elsewhere.Close()
	m := newHostile(t, true, "hostile")
	m.getenv = func(name string) string {
		return map[string]string{"K1": "key-of-hostile", "K2": "key-of-scripted"}[name]
	}
	who := &apiv1.Provider{Id: "p1", Plugin: "hostile", BaseUrl: upstream.URL, KeySource: "env:K1"}

	// Another provider, with a key of its own, in the middle of its work.
	turn, err := run(t.Context(), m, &apiv1.Provider{Id: "p2", Plugin: "scripted", BaseUrl: elsewhere.URL, KeySource: "env:K2"}, userSays("say here\nhang"))
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Close()
	if _, err := turn.Recv(); err != nil {
		t.Fatal(err)
	}
	stolen := turn.call.Capability()
	theirs := filepath.Join(turn.call.proc.dir, "host", "sock")
	port := elsewhere.URL[strings.LastIndex(elsewhere.URL, ":"):]
	if got := attempt(t, m, who, "fetch "+upstream.URL+"/"); !strings.HasPrefix(got, "reached: 200 OK key: Bearer [key removed]") {
		t.Fatalf("its own way: %s", got)
	}
	for probe, words := range map[string]string{
		"fetch " + elsewhere.URL + "/":                                                 "does not allow this plugin to reach " + elsewhere.URL,
		"fetch http://localhost" + port + "/":                                          "does not allow",
		"fetch http://0x7f000001" + port + "/":                                         "does not allow",
		"fetch http://127.1" + port + "/":                                              "does not allow",
		"fetch http://[::ffff:127.0.0.1]" + port + "/":                                 "does not allow",
		"fetch host=127.0.0.1" + port + " " + upstream.URL + "/":                       "does not allow",
		"fetch host=user@127.0.0.1 " + upstream.URL + "/":                              "",
		"fetch scheme=https " + upstream.URL + "/":                                     "does not allow",
		"fetch scheme=file " + upstream.URL + "/":                                      "can't tell where",
		"fetch capability=" + stolen + " " + elsewhere.URL + "/":                       "does not know this request's capability",
		"fetch capability=guessed " + upstream.URL + "/":                               "does not know this request's capability",
		"fetch socket=" + theirs + " capability=" + stolen + " " + elsewhere.URL + "/": "no such file",
	} {
		if got := attempt(t, m, who, probe); !strings.HasPrefix(got, "held: ") || !strings.Contains(got, words) {
			t.Errorf("%s: %s", probe, got)
		}
	}
	// The host follows no redirect; the plugin that does so itself gets a refusal.
	if got := attempt(t, m, who, "fetch "+upstream.URL+"/away"); !strings.Contains(got, "does not allow this plugin to reach http://elsewhere.example") {
		t.Errorf("a redirect: %s", got)
	}
	if foreign.Load() != 0 {
		t.Errorf("the other server was reached %d times", foreign.Load())
	}
	// The same capability at the right socket works: that is what the walls keep from it.
	control := &http.Client{Transport: &http.Transport{Dial: func(string, string) (net.Conn, error) { return net.Dial("unix", theirs) }}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(elsewhere.URL, "https", "http", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(sdk.HeaderCapability, stolen)
	req.Header.Set(sdk.HeaderScheme, "http")
	res, err := control.Do(req)
	if err != nil || res.StatusCode != http.StatusOK || foreign.Load() != 1 {
		t.Errorf("the control: %v, %v", res, err)
	}
	if got := attempt(t, m, who, "use-connections 400"); strings.HasPrefix(got, "died") {
		t.Errorf("many connections: %s", got)
	}
	if got := attempt(t, m, who, "fetch "+upstream.URL+"/"); !strings.HasPrefix(got, "reached") {
		t.Errorf("afterwards: %s", got)
	}
	for _, line := range m.Logs("hostile", 1000) {
		if strings.Contains(line, "key-of-") {
			t.Errorf("a key is in the log: %s", line)
		}
	}
}

// Lies and deaths have words, and the other plugins go on.
func TestHostilePluginLiesAndDies(t *testing.T) {
	wants := map[string]string{
		"lie-id": `calls itself "openai"`, "lie-name": "characters that can't be shown", "lie-origin": "which only a person may name",
		"lie-header": "can't be the header for a key", "lie-size": "too large", "lie-default": "holds a user name or password",
		"die-describe": "stopped unexpectedly (exit status 9) while it was asked what it is", "die-handshake": "exit status 9",
		"babble": "",
	}
	ids := []string{"hostile", "die-check"}
	for id := range wants {
		ids = append(ids, id)
	}
	m := newHostile(t, true, ids...)
	m.timing.start, m.timing.describe = m.timing.start/2, m.timing.describe/5
	for id, words := range wants {
		_, err := run(t.Context(), m, &apiv1.Provider{Plugin: id}, userSays("read x"))
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, words)
	}
	if _, err := m.Describe(t.Context(), "die-check"); err != nil {
		t.Fatal(err)
	}
	c, err := m.Open(t.Context(), "die-check", &egress.Grant{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.RPC.Check(t.Context(), &providerv1.CheckRequest{})
	wantError(t, c.Explain(err, "while it was tested"), providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the Hostile plugin stopped unexpectedly (exit status 9) while it was tested")
	c.Close()
	who := &apiv1.Provider{Plugin: "hostile"}
	for probe, words := range map[string]string{"die-first": "(exit status 9) while answering", "die-middle": "what came so far is kept"} {
		if got := attempt(t, m, who, probe); !strings.Contains(got, words) {
			t.Errorf("%s: %s", probe, got)
		}
		p, _ := m.plugin("hostile")
		p.retry()
	}
	// Whether its end or that of its process comes first is a race; there is one end either way.
	attempt(t, m, who, "die-end")
	eventually(t, "its end", func() bool { return pidOf(m, "hostile") == 0 })
	turn, err := run(t.Context(), m, who, userSays("never"))
	if err != nil {
		t.Fatal(err)
	}
	if e, err := turn.Recv(); err != nil || e.GetText() != "begun" {
		t.Fatalf("got %v, %v", e, err)
	}
	go turn.Close()
	wantWords(t, take(t, turn).err, providerv1.ErrorCode_ERROR_CODE_CANCELLED)
	if a := say(t, m, "scripted", "say fine"); a.text != "fine\n" {
		t.Errorf("the other plugin says %q, %v", a.text, a.err)
	}
}

// Whoever runs the host, the walls are the same: the tests as root run once more as nobody.
func TestHostilePluginAsAnOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this is an ordinary user: the other tests are about it")
	}
	home, err := os.MkdirTemp("", "ovh")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	const nobody = 65534
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	built := filepath.Dir(helperPath)
	if err := os.Chmod(built, 0o755); err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(built, "tests")
	if err := os.Link(os.Args[0], self); err != nil {
		if out, err := exec.Command("cp", os.Args[0], self).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd := exec.Command(self, "-test.run", "^TestHostilePlugin(GetsNowhere|UsesNothingUp)$", "-test.v")
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "PATH=" + os.Getenv("PATH"), "PROVIDER_TEST_BUILT=" + built}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	passed := 0
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "--- PASS") {
			passed++
		}
		if strings.HasPrefix(lines.Text(), "--- SKIP") {
			t.Skipf("as nobody: %s", out)
		}
	}
	if err != nil || passed != 2 {
		t.Errorf("%d tests passed as nobody, %v\n%s", passed, err, out)
	}
}
