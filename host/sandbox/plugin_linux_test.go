package sandbox

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startedPlugin is the probe program, running as a plugin.
type startedPlugin struct {
	t       *testing.T
	process *Process
	own     string
	first   string
	hello   string
}

func startProbe(t *testing.T, p *place, change func(*Plugin)) *startedPlugin {
	t.Helper()
	dir := filepath.Join(filepath.Dir(p.home), "p")
	own, sockets := filepath.Join(dir, "own"), filepath.Join(dir, "s")
	for _, d := range []string{own, sockets} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	host, err := net.Listen("unix", filepath.Join(sockets, "host.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { outRead.Close() })
	plugin := Plugin{
		Path: filepath.Join(programs, "probe"), Dir: own, Sockets: sockets,
		Env: []string{"PROBE_PLUGIN=1", "PROBE_OWN=" + own, "PROBE_HOST=" + filepath.Join(sockets, "host.sock")},
	}
	if change != nil {
		change(&plugin)
	}
	process, err := p.sandbox.StartPlugin(plugin, outWrite, os.Stderr)
	outWrite.Close()
	if err != nil {
		t.Fatal(err)
	}
	s := &startedPlugin{t: t, process: process, own: own}
	t.Cleanup(func() {
		process.Kill()
		<-process.Done()
	})
	go func() {
		<-process.Done()
		host.Close()
	}()
	c, err := host.Accept()
	if err != nil {
		<-process.Done()
		said, _ := io.ReadAll(outRead)
		t.Fatalf("the plugin does not come (%s): %s", process.End(), said)
	}
	hello, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	s.hello = string(hello)
	if s.first, err = bufio.NewReader(outRead).ReadString('\n'); err != nil {
		t.Fatalf("%v; it ended: %s", err, process.End())
	}
	return s
}

// ask lets the plugin try something.
func (s *startedPlugin) ask(what string, args ...string) string {
	s.t.Helper()
	c, err := net.Dial("unix", filepath.Join(s.own, "plugin"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if err := json.NewEncoder(c).Encode(map[string]any{"What": what, "Args": args}); err != nil {
		s.t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(answer)
}

func TestPluginCanTouchNothing(t *testing.T) {
	p := newPlace(t)
	secret := p.write(".ssh/id_rsa", "secret")
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("pong"))
		}
	}()
	abstract := "@openvibez-plugin-" + strconv.Itoa(os.Getpid())
	named := filepath.Join(filepath.Dir(p.home), "other.sock")
	for _, name := range []string{abstract, named} {
		l, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	probes := [][]string{
		{"read", secret},
		{"read", "/etc/passwd"},
		{"list", "/usr/bin"},
		{"list", p.home},
		{"write", filepath.Join(p.home, "made")},
		{"write", filepath.Join(filepath.Dir(p.home), "p", "s", "made")},
		{"tcp", tcp.Addr().String()},
		{"family", "2", "0"},
		{"family", "16", "0"},
		{"unix", abstract},
		{"unix", named},
		{"signal", strconv.Itoa(os.Getpid())},
		{"ptrace", strconv.Itoa(os.Getpid())},
		{"exec", "/bin/true"},
		{"exec", "/usr/bin/env", "true"},
		{"fork"},
		{"memfd"},
		{"userns"},
		{"io_uring"},
		{"capabilities"},
		{"read", "/proc/" + strconv.Itoa(os.Getpid()) + "/environ"},
		{"memory-of", strconv.Itoa(os.Getpid())},
	}
	free := startProbe(t, p, func(p *Plugin) { p.Unconfined = true })
	for _, probe := range probes {
		answer := free.ask(probe[0], probe[1:]...)
		// Root may do all of it; what this system refuses to everybody can't show anything.
		if os.Getuid() == 0 && answer != "reached" && probe[0] != "io_uring" {
			t.Errorf("%v shows nothing: unconfined it says %q", probe, answer)
		}
	}
	free.process.Kill()
	<-free.process.Done()
	_ = os.Remove(filepath.Join(free.own, "plugin"))
	_ = os.Remove(filepath.Join(filepath.Dir(p.home), "p", "s", "host.sock"))
	_ = os.Remove(filepath.Join(filepath.Dir(p.home), "p", "s", "made"))
	_ = os.Remove(filepath.Join(p.home, "made"))

	boxed := startProbe(t, p, nil)
	if boxed.hello != "hello" {
		t.Errorf("the host heard %q", boxed.hello)
	}
	if strings.Contains(boxed.first, "HOME") || !strings.Contains(boxed.first, "PROBE_HOST") {
		t.Errorf("its environment is %s", boxed.first)
	}
	for _, probe := range probes {
		if answer := boxed.ask(probe[0], probe[1:]...); !strings.HasPrefix(answer, "held: ") {
			t.Errorf("%v: %s", probe, answer)
		}
	}
	// It may make a file of its own, and put nothing into it.
	own := filepath.Join(boxed.own, "file")
	if answer := boxed.ask("write", own); answer != "held: write "+own+": file too large" {
		t.Errorf("write %s: %s", own, answer)
	}
	if answer := boxed.ask("read", own); answer != "reached" {
		t.Errorf("read %s: %s", own, answer)
	}
}

func TestPluginEnds(t *testing.T) {
	p := newPlace(t)
	s := startProbe(t, p, nil)
	select {
	case <-s.process.Done():
		t.Fatal("it ended:", s.process.End())
	default:
	}
	s.process.Kill()
	<-s.process.Done()
	if got := s.process.End(); got != "signal: killed" {
		t.Errorf("it ended with %q", got)
	}
	s.process.Kill()
}

func TestPluginMustBeTheApprovedOne(t *testing.T) {
	p := newPlace(t)
	program, err := os.ReadFile(filepath.Join(programs, "probe"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(program)
	if s := startProbe(t, p, func(p *Plugin) { p.SHA256 = sum }); s.hello != "hello" {
		t.Errorf("the approved one said %q", s.hello)
	}
	sum[0]++
	_, err = p.sandbox.StartPlugin(Plugin{Path: filepath.Join(programs, "probe"), Dir: p.root, SHA256: sum}, os.Stdout, os.Stderr)
	if err == nil || !strings.Contains(err.Error(), "is not the program that was approved") {
		t.Errorf("got %v", err)
	}
}

// eventually waits for a condition; the limit is only for a broken program.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("%s never came", what)
}
