package plugin

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// reduced runs a test once more where the kernel makes no user namespaces, and tells whether this is that run.
func reduced(t *testing.T) bool {
	t.Helper()
	if os.Getenv("PROVIDER_TEST_REDUCED") != "" {
		if r := box.Report(t.Context()); r.Level != policy.LevelReduced {
			t.Skipf("Landlock is missing: without user namespaces the level is %s: %s", r.Level, r.Problem)
		}
		return true
	}
	const off = `echo 0 > /proc/sys/user/max_user_namespaces || exit 77; exec "$@"`
	cmd := exec.Command("sh", "-c", off, "sh", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "PROVIDER_TEST_REDUCED=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 77:
		t.Skipf("needs a user namespace of its own, to switch them off in it: %v %s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("%v\n%s", err, out)
	default:
		t.Logf("%s", out)
	}
	return false
}

// Where plugins can't be confined in full, those from elsewhere want a yes that says so, and get no key.
func TestReducedPluginsWantAYes(t *testing.T) {
	if !reduced(t) {
		return
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "key: "+r.Header.Get("Authorization")+r.Header.Get("X-Acme-Key"))
	}))
	defer upstream.Close()
	m := installing(t, "scripted")
	m.getenv = func(string) string { return "key-0123456789" }

	// What came with the host.
	who := &apiv1.Provider{Id: "p1", Plugin: "scripted", BaseUrl: upstream.URL, KeySource: "env:K"}
	if a := sayWith(t, m, who, "fetch /"); a.text != "200 OK key: Bearer [key removed]\n" {
		t.Errorf("a plugin that came with the host says %q, %v", a.text, a.err)
	}
	if p, err := m.Plugin(t.Context(), "scripted"); err != nil || p.Confinement != "reduced" || !contains(p.Abilities, "Can do all that you can do here: this system can't confine it (namespaces") {
		t.Errorf("it is %v, %v", p, err)
	}

	// A signature is not enough here.
	_, key := signingKey(t)
	content := pkg(t, "1.0.0", key, nil)
	f, token, err := m.Inspect(bytes.NewReader(content), "/tmp/acme.ovp")
	if err != nil || f.Confirmation != "acme" || !contains(f.Abilities, "Can do all that you can do here: this system can't confine it") || contains(f.Abilities, "Cannot") {
		t.Fatalf("facts are %v, %v", f, err)
	}
	if _, err := m.Install(t.Context(), token, ""); err == nil || !strings.Contains(err.Error(), "typed: acme") {
		t.Errorf("without its name it gave %v", err)
	}
	if starts := m.starts.Load(); starts != 1 {
		t.Errorf("before the yes there were %d starts", starts)
	}
	p, err := m.Install(t.Context(), token, "acme")
	if err != nil || !p.UnconfinedAllowed || p.Confinement != "reduced" || p.Problem != "" {
		t.Fatalf("installed is %v, %v", p, err)
	}
	third := &apiv1.Provider{Id: "p2", Plugin: "acme", BaseUrl: upstream.URL, KeySource: "env:K"}
	a := sayWith(t, m, third, "fetch /")
	wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_DENIED, "can't be confined on this system", "no key is used for it", "sudo sysctl -w user.max_user_namespaces")
	f, _, err = m.Inspect(bytes.NewReader(pkg(t, "1.1.0", key, nil)), "/tmp/acme.ovp")
	if err != nil || f.Silent || f.Confirmation != "acme" {
		t.Errorf("an update gave %v, %v", f, err)
	}

	// One that was agreed to where it was confined in full.
	add(t, m, pkg(t, "2.0.0", key, keyless), "/tmp/acme.ovp")
	if err := m.installs.change(func(l *lock) error { l.Plugins["acme"].Unconfined = false; return nil }); err != nil {
		t.Fatal(err)
	}
	third.KeySource = ""
	before := m.starts.Load()
	a = sayWith(t, m, third, "say hi")
	wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "this system can't confine it", "It was not started", "openvibez plugin enable acme --unconfined")
	if m.starts.Load() != before {
		t.Error("it was started all the same")
	}
	if p, err := m.SetEnabled(t.Context(), "acme", true, true); err != nil || !p.UnconfinedAllowed {
		t.Errorf("after a yes it is %v, %v", p, err)
	}
	if a := sayWith(t, m, third, "say hi\nfetch /"); a.text != "hi\n200 OK key: \n" {
		t.Errorf("after a yes it says %q, %v", a.text, a.err)
	}
}

// Without namespaces Landlock and the filter keep plugins from files, programs, servers and other processes' memory.
func TestReducedPluginGetsNowhere(t *testing.T) {
	if !reduced(t) {
		return
	}
	m, free := newManager(t, nil, "scripted"), newHostile(t, false, "hostile")
	place(t, hostilePath, m.dirs[0], "hostile")
	who := &apiv1.Provider{Plugin: "hostile"}
	// What only namespaces hold everywhere; newer kernels' Landlock holds some of it.
	open := map[string]bool{"unix": true, "signal": true, "pidfd": true, "limits-of": true, "processes": true, "raw": true}
	for _, probe := range targets(t, m) {
		name, _, _ := strings.Cut(probe, " ")
		got := attempt(t, m, who, probe)
		switch {
		case strings.HasPrefix(got, "held: "):
		case open[name]:
			t.Logf("%s: %s", probe, got)
		default:
			t.Errorf("%s: %s", probe, got)
		}
		if got := attempt(t, free, who, probe); strings.HasPrefix(got, "held: ") {
			t.Logf("%s is not even possible without confinement here: %s", probe, got)
		}
	}
}
