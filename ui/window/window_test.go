//go:build webview && linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is the window too.
func TestMain(m *testing.M) {
	if os.Getenv("OPENVIBEZ_TEST_WINDOW") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// desktop is an X server and a window manager of the test's own.
func desktop(t *testing.T) []string {
	t.Helper()
	for _, tool := range []string{"Xvfb", "openbox", "xdotool", "xprop", "xev", "import"} {
		if _, err := exec.LookPath(tool); err != nil {
			say := t.Skipf
			if os.Getenv("CI") == "true" {
				say = t.Fatalf
			}
			say("needs %s: apt-get install xvfb xauth openbox xdotool x11-utils imagemagick", tool)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1400x900x24", "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{w}
	start(t, x)
	w.Close()
	number, err := io.ReadAll(io.LimitReader(r, 16))
	if len(bytes.TrimSpace(number)) == 0 {
		t.Fatal("start Xvfb:", err)
	}
	home := t.TempDir()
	env := append(os.Environ(), "DISPLAY=:"+string(bytes.TrimSpace(number)), "HOME="+home, "XDG_DATA_HOME=", "XDG_CACHE_HOME=",
		"WAYLAND_DISPLAY=", "GDK_BACKEND=x11", "NO_AT_BRIDGE=1")
	wm := exec.Command("openbox")
	wm.Env = env
	start(t, wm)
	until(t, "openbox manages windows", func() bool {
		return strings.Contains(output(env, "xprop", "-root", "_NET_SUPPORTING_WM_CHECK"), "window id")
	})
	return env
}

func start(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill() //nolint:errcheck // It may have ended by itself.
		c.Wait()         //nolint:errcheck // How it ended is of no interest.
	})
}

func output(env []string, name string, args ...string) string {
	c := exec.Command(name, args...)
	c.Env = env
	out, _ := c.Output()
	return strings.TrimSpace(string(out))
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never came true:", what)
		}
	}
}

// page is a chat page that tells where it is.
type page struct {
	*httptest.Server
	said chan string
}

func newPage(t *testing.T) *page {
	p := &page{said: make(chan string, 100)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/say":
			b, _ := io.ReadAll(r.Body)
			p.said <- string(b)
		case "/":
			io.WriteString(w, `<!doctype html><title>page</title><body style="margin:0;background:#0a0">
<h1>A page</h1><script>
const say = s => fetch("/say", {method: "POST", body: s})
addEventListener("hashchange", () => say("at " + location.hash))
addEventListener("resize", () => innerHeight < 700 && say("squeezed"))
addEventListener("keydown", e => {
  if (e.key === "x") location.href = "http://127.0.0.1:9/away"
  if (e.key === "s") Object.assign(document.createElement("a"), {href: URL.createObjectURL(new Blob(["a chat"])), download: "chat.md"}).click()
})
requestAnimationFrame(() => requestAnimationFrame(() => say("drawn " + location.hash)))
</script>`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *page) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-p.said:
		if got != want {
			t.Fatalf("the page said %q, not %q", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the page never said %q", want)
	}
}

type shown struct {
	*exec.Cmd
	id     string // of the X window
	stderr *bytes.Buffer
}

func show(t *testing.T, env []string, o order) *shown {
	t.Helper()
	line, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &shown{Cmd: exec.Command(exe), stderr: new(bytes.Buffer)}
	s.Env = append(env, "OPENVIBEZ_TEST_WINDOW=1")
	s.Stdin = bytes.NewReader(append(line, '\n'))
	s.Stderr = s.stderr
	start(t, s.Cmd)
	until(t, "the window is there", func() bool {
		s.id = output(env, "xdotool", "search", "--onlyvisible", "--name", "^"+regexp.QuoteMeta(o.Title)+"$")
		return s.id != ""
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.stderr)
		}
	})
	return s
}

// end waits for the window's process and gives its exit code.
func (s *shown) end() int {
	s.Wait() //nolint:errcheck // The code says it.
	return s.ProcessState.ExitCode()
}

// child finds the process of that name that the window started.
func (s *shown) child(t *testing.T, name string) (pid int) {
	t.Helper()
	until(t, name+" runs", func() bool {
		stats, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, stat := range stats {
			b, _ := os.ReadFile(stat)
			open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
			if open < 0 || !strings.HasPrefix(name, string(b[open+1:end])) {
				continue
			}
			if f := strings.Fields(string(b[end+1:])); f[1] == strconv.Itoa(s.Process.Pid) {
				pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(stat)))
				return true
			}
		}
		return false
	})
	return pid
}

func active(env []string) string {
	hex := strings.TrimPrefix(output(env, "xprop", "-root", "-notype", "_NET_ACTIVE_WINDOW"), "_NET_ACTIVE_WINDOW: window id # ")
	n, _ := strconv.ParseInt(strings.TrimPrefix(hex, "0x"), 16, 64)
	return strconv.FormatInt(n, 10)
}

func TestWindow(t *testing.T) {
	t.Parallel()
	env := desktop(t)
	host, p := newTestHost(t), newPage(t)
	w := show(t, env, order{URL: p.URL + "/#token=t", Socket: host.socket, Title: "OpenVibez"})
	p.expect(t, "drawn #token=t")
	<-host.joined

	if got := output(env, "xprop", "-id", w.id, "-notype", "WM_CLASS"); !strings.EqualFold(got, `WM_CLASS = "openvibez", "openvibez"`) {
		t.Error(got)
	}
	if got := output(env, "xprop", "-id", w.id, "-len", "400", "32c", "_NET_WM_ICON"); len(got) < 100 {
		t.Error("no icon")
	}
	if got := output(env, "xprop", "-id", w.id, "-notype", "WM_NORMAL_HINTS"); !strings.Contains(got, "minimum size: 420 by 480") {
		t.Error(got)
	}
	if got := output(env, "xdotool", "getwindowgeometry", w.id); !strings.Contains(got, "1100x760") {
		t.Error(got)
	}

	for range 2 {
		host.lines <- "go #session=abc"
		p.expect(t, "at #session=abc")
	}

	other := exec.Command("xev", "-name", "another")
	other.Env = env
	start(t, other)
	until(t, "another window is in front", func() bool { return active(env) != w.id && active(env) != "0" })
	host.lines <- "raise"
	until(t, "the window is in front", func() bool { return active(env) == w.id })

	drawn := func() bool {
		shot := exec.Command("import", "-silent", "-window", w.id, "png:-")
		shot.Env = env
		b, _ := shot.Output()
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			return false
		}
		r, g, b2, _ := img.At(600, 600).RGBA()
		return r>>8 == 0 && g>>8 == 0xaa && b2>>8 == 0
	}
	until(t, "the page can be seen", drawn)

	output(env, "xdotool", "key", "x") // the page tries to leave
	host.lines <- "go #session=still-here"
	p.expect(t, "at #session=still-here")

	if err := syscall.Kill(w.child(t, "WebKitWebProcess"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.expect(t, "drawn #session=still-here")

	home := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "HOME="); ok {
			home = v
		}
	}
	if left, _ := filepath.Glob(home + "/.*/openvibez"); left != nil {
		t.Error("the web view wrote among the host's files:", left)
	}
	if left, _ := filepath.Glob(home + "/.*/*/openvibez"); left != nil {
		t.Error("the web view wrote among the host's files:", left)
	}

	host.lines <- "close"
	if code := w.end(); code != 0 {
		t.Errorf("exit code %d after close", code)
	}
}

// What the page may not do alone is asked in a dialog of the window's own: the keys go to it, no is what Return means, and
// a yes is not taken at once.
func TestAsksWherePageCannotAnswer(t *testing.T) {
	t.Parallel()
	env := desktop(t)
	host, p := newTestHost(t), newPage(t)
	w := show(t, env, order{URL: p.URL, Socket: host.socket, Title: "OpenVibez"})
	p.expect(t, "drawn ")
	<-host.joined
	until(t, "the window has the focus", func() bool { return active(env) == w.id })
	ask := func(id string) (dialog string) {
		host.lines <- `consent {"id":"` + id + `","text":"Let models read this folder?","subject":"/srv/project"}`
		until(t, "the dialog has the focus", func() bool {
			dialog = output(env, "xdotool", "search", "--onlyvisible", "--name", "^OpenVibez asks$")
			return dialog != "" && active(env) == dialog
		})
		if shots := os.Getenv("SHOTS"); shots != "" {
			output(env, "import", "-silent", "-window", dialog, filepath.Join(shots, "window-asks.png"))
		}
		return dialog
	}
	gone := func() {
		until(t, "the dialog is gone", func() bool {
			return output(env, "xdotool", "search", "--onlyvisible", "--name", "^OpenVibez asks$") == ""
		})
	}
	for _, c := range []struct{ id, keys, want string }{
		{"q1", "Return", `{"id":"q1","allow":false}`},
		{"q2", "Escape", `{"id":"q2","allow":false}`},
		{"q3", "Tab Return", `{"id":"q3","allow":true}`},
	} {
		ask(c.id)
		time.Sleep(time.Second)
		output(env, "xdotool", append([]string{"key"}, strings.Fields(c.keys)...)...)
		if got := <-host.answers; got != c.want {
			t.Errorf("%s: %s, want %s", c.keys, got, c.want)
		}
		gone()
	}
	ask("q4")
	host.lines <- "consent"
	gone()
	output(env, "xdotool", "key", "Return")
	host.lines <- "close"
	w.end()
	select {
	case got := <-host.answers:
		t.Errorf("an answer to a question that was taken away: %s", got)
	default:
	}
}

func TestPersonCloses(t *testing.T) {
	t.Parallel()
	env := desktop(t)
	host, p := newTestHost(t), newPage(t)
	w := show(t, env, order{URL: p.URL, Socket: host.socket, Title: "OpenVibez"})
	p.expect(t, "drawn ")
	until(t, "the window has the focus", func() bool { return active(env) == w.id })
	output(env, "xdotool", "key", "ctrl+w")
	if code := w.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSavesFiles(t *testing.T) {
	t.Parallel()
	env := desktop(t)
	home := ""
	for _, e := range env {
		if dir, ok := strings.CutPrefix(e, "HOME="); ok {
			home = dir
		}
	}
	downloads := filepath.Join(home, "got")
	if err := os.MkdirAll(filepath.Join(home, ".config"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".config", "user-dirs.dirs"), []byte("XDG_DOWNLOAD_DIR=\"$HOME/got\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	host, p := newTestHost(t), newPage(t)
	w := show(t, append(env, "XDG_CONFIG_HOME="), order{URL: p.URL, Socket: host.socket, Title: "OpenVibez"})
	p.expect(t, "drawn ")
	until(t, "the window has the focus", func() bool { return active(env) == w.id })
	for _, name := range []string{"chat.md", "chat (1).md"} {
		output(env, "xdotool", "key", "s")
		until(t, name+" is saved", func() bool {
			b, err := os.ReadFile(filepath.Join(downloads, name))
			return err == nil && string(b) == "a chat"
		})
	}
}

func TestInspector(t *testing.T) {
	t.Parallel()
	env := desktop(t)
	host, p := newTestHost(t), newPage(t)
	show(t, env, order{URL: p.URL, Socket: host.socket, Title: "OpenVibez", DevTools: true})
	p.expect(t, "drawn ")
	p.expect(t, "squeezed") // by the inspector, which opens inside the window
}

func TestHostAway(t *testing.T) {
	t.Parallel()
	env := desktop(t)
	host, p := newTestHost(t), newPage(t)
	w := show(t, env, order{URL: p.URL, Socket: host.socket, Title: "OpenVibez"})
	p.expect(t, "drawn ")
	<-host.joined
	host.stop(t)
	host.start(t)
	<-host.joined
	host.lines <- "go #session=back"
	p.expect(t, "at #session=back")
	host.stop(t)
	if code := w.end(); code != 1 || !strings.Contains(w.stderr.String(), "away for 30s") {
		t.Errorf("exit code %d: %s", code, w.stderr)
	}
}

func TestNoDisplay(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Env = append(os.Environ(), "OPENVIBEZ_TEST_WINDOW=1", "DISPLAY=", "WAYLAND_DISPLAY=", "XDG_RUNTIME_DIR="+t.TempDir())
	c.Stdin = strings.NewReader(fmt.Sprintf(`{"url":"http://127.0.0.1:1/","socket":%q}`+"\n", t.TempDir()+"/s"))
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no display can be reached") {
		t.Errorf("%v: %s", err, out)
	}
}
