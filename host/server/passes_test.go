package server

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// clock is a store of passes whose time stands still until a test moves it.
func clock(t *testing.T) (p *passes, pass *time.Time) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	p, err := openPasses(filepath.Join(t.TempDir(), "passes"), log)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	p.now = func() time.Time { return now }
	return p, &now
}

func TestPassesExpire(t *testing.T) {
	p, now := clock(t)
	used, idle, open := p.issue(80, byWindow), p.issue(80, byBrowser), p.issue(80, byBrowser)
	defer p.hold(p.verify(80, open))()
	*now = now.Add(passLife - time.Second)
	if one := p.verify(80, used); one == nil || one.Visitor != byWindow {
		t.Error("a pass did not live its life")
	}
	*now = now.Add(time.Second)
	if p.verify(80, idle) != nil {
		t.Error("a pass that nobody used outlived its life")
	}
	*now = now.Add(passLife - 2*time.Second)
	if p.verify(80, used) == nil {
		t.Error("using a pass does not keep it")
	}
	*now = now.Add(3 * passLife)
	if p.verify(80, used) != nil {
		t.Error("a used pass outlived its life")
	}
	if p.verify(80, open) == nil {
		t.Error("a page that is open lost its pass overnight")
	}
}

func TestPassesRotate(t *testing.T) {
	p, now := clock(t)
	first := p.issue(80, byWindow)
	if p.renew(p.verify(80, first)) != "" {
		t.Error("a fresh pass was renewed")
	}
	*now = now.Add(passRenew)
	second := p.renew(p.verify(80, first))
	if second == "" {
		t.Fatal("an old pass was not renewed")
	}
	*now = now.Add(time.Hour)
	if p.verify(80, first) == nil {
		t.Error("the old pass ended before the page can have got the new one")
	}
	if one := p.verify(80, second); one == nil || one.Visitor != byWindow {
		t.Fatal("the new pass is not good")
	}
	if p.verify(80, first) == nil {
		t.Error("other tabs had no time to learn of the new pass")
	}
	*now = now.Add(passGrace)
	if p.verify(80, first) != nil {
		t.Error("the old pass is good beside the new one")
	}
	again, err := openPasses(p.path, p.log)
	if err != nil {
		t.Fatal(err)
	}
	again.now = p.now
	if again.verify(80, second) == nil || again.verify(80, first) != nil {
		t.Error("a restart changed which pass is good")
	}
	kept, err := os.ReadFile(p.path)
	if err != nil || strings.Contains(string(kept), second) {
		t.Errorf("the file holds the secret itself, or: %v", err)
	}
}

func TestPassesAreTakenBack(t *testing.T) {
	f := start(t)
	b := f.browser(byBrowser)
	stream, err := apiv1.NewHostServiceClient(b.doer(), b.base).Watch(t.Context(), &apiv1.WatchRequest{})
	if err != nil || !stream.Receive() {
		t.Fatal(err, stream.Err())
	}
	res, err := f.host.SignOut(t.Context(), &apiv1.SignOutRequest{})
	if err != nil || res.Pages != 1 {
		t.Errorf("sign out: %v, %v", res, err)
	}
	for stream.Receive() {
	}
	if res, _ := b.do("POST", statusCall, "{}"); res.StatusCode != 401 {
		t.Errorf("a pass taken back gets %s", res.Status)
	}
	if _, err := os.Stat(f.page.passes.path); !os.IsNotExist(err) {
		t.Errorf("the file of passes: %v", err)
	}
	if _, err := apiv1.NewHostServiceClient(f.browser(byBrowser).doer(), b.base).SignOut(t.Context(), &apiv1.SignOutRequest{}); err == nil {
		t.Error("a page signs others out")
	}
}

// Another server of this machine is shown nothing that could be used here: the page's pass is no cookie, and its own
// origin's storage is closed to other ports.
func TestNothingForOtherServers(t *testing.T) {
	f := start(t)
	var shown []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.Header.Get("Cookie")+r.Header.Get(passHeader))
	}))
	defer other.Close()
	jar := &recordingJar{}
	link, err := f.page.link(t.Context(), "", byBrowser, nil)
	if err != nil {
		t.Fatal(err)
	}
	base, token, _ := strings.Cut(link, "/#token=")
	client := &http.Client{Jar: jar}
	res, err := client.Post(base+"/auth", "text/plain", strings.NewReader(token))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if next, err := client.Get(other.URL); err != nil {
		t.Fatal(err)
	} else {
		next.Body.Close()
	}
	if len(jar.set) != 0 || strings.Join(shown, "") != "" {
		t.Errorf("kept as cookies: %v; shown to the other server: %q", jar.set, shown)
	}
}

type recordingJar struct{ set []*http.Cookie }

func (j *recordingJar) SetCookies(_ *url.URL, c []*http.Cookie) { j.set = append(j.set, c...) }
func (j *recordingJar) Cookies(*url.URL) []*http.Cookie         { return j.set }
