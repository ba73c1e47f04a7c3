package server

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/window"
)

// startWithDisplay makes a server that thinks it can show windows. What the window is told ends up in the file.
func startWithDisplay(t *testing.T, how string) (f *fixture, told func() []string) {
	t.Helper()
	f = newFixture(t)
	f.env["DISPLAY"] = ":99"
	f.pulse = 10 * time.Millisecond
	path := filepath.Join(f.dir, "told")
	t.Setenv("TEST_WINDOW", how)
	t.Setenv("TEST_WINDOW_LOG", path)
	f.start()
	// These windows show no page; only one test wants that noticed.
	f.window.PageGone = time.Hour
	t.Cleanup(func() {
		if f.Server != nil {
			f.CloseWindow()
		}
	})
	return f, func() []string {
		text, _ := os.ReadFile(path)
		return strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(text)), " ", "_"))
	}
}

func (f *fixture) open(session string) *apiv1.OpenWindowResponse {
	f.t.Helper()
	res, err := f.host.OpenWindow(f.t.Context(), &apiv1.OpenWindowRequest{SessionId: session})
	if err != nil {
		f.t.Fatal(err)
	}
	return res
}

// die makes the window end as a crash would.
func die(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(os.Getenv("TEST_WINDOW_LOG")+".die", nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func started(lines []string) (n int) {
	for _, line := range lines {
		if strings.HasPrefix(line, "started_") {
			n++
		}
	}
	return n
}

func TestOneWindow(t *testing.T) {
	f, told := startWithDisplay(t, "")
	s, err := f.sessions.CreateSession(t.Context(), &apiv1.CreateSessionRequest{Title: "one"})
	if err != nil {
		t.Fatal(err)
	}
	for _, session := range []string{"", "", "new", s.Session.Id[:6]} {
		if res := f.open(session); res.How != apiv1.OpenWindowResponse_HOW_WINDOW || res.Link != "" {
			t.Errorf("open %q: %v", session, res)
		}
	}
	eventually(t, "the window to hear it all", func() bool { return len(told()) == 4 })
	lines := told()
	if !regexp.MustCompile(`^started_http://127\.0\.0\.1:\d+/#token=[A-Z0-9]{26}$`).MatchString(lines[0]) {
		t.Errorf("the window's order: %s", lines[0])
	}
	if want := []string{"raise", "go_#session=new", "go_#session=" + s.Session.Id}; strings.Join(lines[1:], " ") != strings.Join(want, " ") {
		t.Errorf("the window was told %q, want %q", lines[1:], want)
	}
	f.CloseWindow()
	eventually(t, "the window to close", func() bool { return !f.window.Linked() })
	if n := started(told()); n != 1 {
		t.Errorf("%d windows were started", n)
	}
}

func TestDeadWindowComesBack(t *testing.T) {
	f, told := startWithDisplay(t, "")
	f.open("")
	for n := 1; n <= window.MaxReopened; n++ {
		die(t)
		eventually(t, "the next window", func() bool { return started(told()) == n+1 && f.window.Linked() })
	}
	die(t)
	eventually(t, "the last window to end", func() bool { return !f.window.Linked() })
	if res := f.open(""); res.How != apiv1.OpenWindowResponse_HOW_WINDOW {
		t.Errorf("a person asking for it gets %v", res)
	}
	// One that had come back by itself would have been raised instead.
	if n := started(told()); n != window.MaxReopened+2 || slices.Contains(told(), "raise") {
		t.Errorf("%d windows were started within a minute: %q", n, told())
	}
}

func TestClosedWindowStaysClosed(t *testing.T) {
	f, told := startWithDisplay(t, "")
	f.open("")
	f.window.Tell("close")
	eventually(t, "the window to end", func() bool { return !f.window.Linked() })
	for range 10 {
		time.Sleep(f.pulse)
	}
	if n := started(told()); n != 1 {
		t.Errorf("%d windows were started", n)
	}
}

func TestFrozenWindowIsReplaced(t *testing.T) {
	f, told := startWithDisplay(t, "")
	f.window.PageGone = 20 * time.Millisecond
	f.open("")
	b := f.browser(byWindow)
	stream, err := apiv1.NewHostServiceClient(b.doer(), b.base).Watch(t.Context(), &apiv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	_ = stream.Close()
	eventually(t, "another window", func() bool { return started(told()) == 2 && f.window.Linked() })
	if lines := told(); lines[1] != "close" {
		t.Errorf("the frozen window was told %q", lines[1:])
	}
}

// fakeOpener puts an xdg-open before the real one; it writes down what it is to open.
func fakeOpener(t *testing.T, exit string) (opened func() string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nprintf %s \"$1\" > " + dir + "/opened\nexit " + exit + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() string {
		text, _ := os.ReadFile(filepath.Join(dir, "opened"))
		return string(text)
	}
}

func TestBrowserWithoutWindow(t *testing.T) {
	opened := fakeOpener(t, "0")
	f, _ := startWithDisplay(t, "broken")
	res := f.open("new")
	if res.How != apiv1.OpenWindowResponse_HOW_BROWSER || res.Link != "" || !strings.Contains(res.Problem, "no web view today") {
		t.Fatalf("opened: %v", res)
	}
	path := opened()
	if strings.Contains(path, "token") {
		t.Errorf("the token is in an argument: %s", path)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("redirect: %v, %v", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`url=(http://127\.0\.0\.1:\d+)/#token=([A-Z0-9]+)&amp;session=new"`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("redirect:\n%s", text)
	}
	b := &browser{t: t, base: string(found[1])}
	if res, _ := b.do("POST", "/auth", string(found[2])); res.StatusCode != http.StatusOK {
		t.Errorf("the redirect's token: %s", res.Status)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the redirect is still there: %v", err)
	}
}

func TestLinkWithoutBrowser(t *testing.T) {
	fakeOpener(t, "3")
	f, _ := startWithDisplay(t, "broken")
	if res := f.open(""); res.How != apiv1.OpenWindowResponse_HOW_LINK || !strings.Contains(res.Link, "#token=") ||
		!strings.Contains(res.Problem, "no web view today") || !strings.Contains(res.Problem, "no browser was found") {
		t.Errorf("opened: %v", res)
	}
}

func TestLinkWithoutDisplay(t *testing.T) {
	f := start(t)
	if res := f.open(""); res.How != apiv1.OpenWindowResponse_HOW_LINK || !strings.Contains(res.Problem, "DISPLAY") {
		t.Errorf("opened: %v", res)
	}
}

func TestOpenLink(t *testing.T) {
	opened := fakeOpener(t, "0")
	f := newFixture(t)
	f.env["DISPLAY"] = ":99"
	f.start()
	open := func(link string) error {
		return second(f.host.OpenLink(t.Context(), &apiv1.OpenLinkRequest{Url: link}))
	}
	for _, link := range []string{"https://example.org/a?b=c#d", "http://127.0.0.1:1/", "mailto:someone@example.org"} {
		if err := open(link); err != nil || opened() != link {
			t.Errorf("%s: %v, opened %q", link, err, opened())
		}
	}
	before := opened()
	for _, link := range []string{
		"", "javascript:alert(1)", "file:///etc/passwd", "--help", "https:", "//example.org", "data:text/html,x",
		"ftp://example.org", "mailto:", "http://[::1", "smb://server/share", " https://example.org",
	} {
		if err := open(link); err == nil {
			t.Errorf("%q was opened", link)
		}
	}
	if opened() != before {
		t.Errorf("%q was opened after all", opened())
	}
}
