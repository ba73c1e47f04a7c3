package plugin

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// add installs a package, typing what is asked for.
func add(t *testing.T, m *Manager, content []byte, source string) (*apiv1.PackageFacts, *apiv1.Plugin) {
	t.Helper()
	f, token, err := m.Inspect(bytes.NewReader(content), source)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Install(t.Context(), token, f.Confirmation)
	if err != nil {
		t.Fatal(err)
	}
	return f, p
}

// needsConfinement skips what is asked for otherwise where the kernel does not confine plugins.
func needsConfinement(t *testing.T, m *Manager) {
	t.Helper()
	if why := m.Unconfined(); why != "" {
		t.Skip("needs the full sandbox: " + why)
	}
}

func contains(list []string, words string) bool {
	for _, s := range list {
		if strings.Contains(s, words) {
			return true
		}
	}
	return false
}

func TestInstall(t *testing.T) {
	m := installing(t, "scripted")
	needsConfinement(t, m)
	public, key := signingKey(t)
	content := pkg(t, "1.0.0", key, nil)
	f, token, err := m.Inspect(bytes.NewReader(content), "/tmp/acme.ovp")
	if err != nil {
		t.Fatal(err)
	}
	if f.Tier != apiv1.Tier_TIER_NEW_KEY || f.Confirmation != "" || f.Key != public || f.Licence != "MIT" || f.Silent {
		t.Errorf("facts are %v", f)
	}
	for _, want := range []string{"Can talk to api.acme.test.", "Cannot read files, run programs, or see keys.", "X-Acme-Key"} {
		if !contains(f.Abilities, want) {
			t.Errorf("abilities %q do not say %q", f.Abilities, want)
		}
	}
	if _, err := m.Plugin(t.Context(), "acme"); err == nil {
		t.Error("a package that was only looked at is installed")
	}
	p, err := m.Install(t.Context(), token, "")
	if err != nil {
		t.Fatal(err)
	}
	if p.Tier != apiv1.Tier_TIER_VERIFIED || p.Version != "1.0.0" || p.Sha256 != f.Sha256 || p.Source != "/tmp/acme.ovp" || p.Description.GetName() != "Acme" || p.Problem != "" {
		t.Errorf("installed is %v", p)
	}
	if _, err := m.Install(t.Context(), token, ""); err == nil {
		t.Error("a token worked twice")
	}
	if _, _, err := m.Inspect(bytes.NewReader(content), "/tmp/acme.ovp"); !errors.Is(err, ErrInstalled) {
		t.Errorf("the same package again gave %v", err)
	}
	if problems, err := m.Verify("acme"); err != nil || len(problems) > 0 {
		t.Errorf("verify gave %q, %v", problems, err)
	}
	if a := sayWith(t, m, &apiv1.Provider{Id: "p1", Plugin: "acme"}, "say hi"); a.text != "hi\n" {
		t.Errorf("it says %q, %v", a.text, a.err)
	}

	if err := m.Remove("acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(m.installs.dir, "acme")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files of a removed plugin are left (%v)", err)
	}
	_, other := signingKey(t)
	f, _, err = m.Inspect(bytes.NewReader(hollow(t, "1.0.0", other, nil)), "/tmp/acme.ovp")
	if err != nil || f.Tier != apiv1.Tier_TIER_KEY_CHANGED || f.Confirmation != "acme" || !contains(f.Differences, "another key") {
		t.Errorf("another key after a removal gave %v, %v", f, err)
	}
}

// sayWith runs one turn; an error before it begins is its error.
func sayWith(t *testing.T, m *Manager, p *apiv1.Provider, prompt string) answer {
	t.Helper()
	turn, err := run(t.Context(), m, p, userSays(prompt))
	if err != nil {
		return answer{err: sdk.FromStatus(err)}
	}
	return take(t, turn)
}

func keyless(m *sdk.Manifest) { m.Key = nil }

func TestUnsignedWantsTheNameTyped(t *testing.T) {
	m := installing(t)
	f, token, err := m.Inspect(bytes.NewReader(pkg(t, "1.0.0", nil, keyless)), "acme.ovp")
	if err != nil {
		t.Fatal(err)
	}
	if f.Tier != apiv1.Tier_TIER_UNSIGNED || f.Confirmation != "acme" {
		t.Errorf("facts are %v", f)
	}
	for _, typed := range []string{"", "yes", "acm"} {
		if _, err := m.Install(t.Context(), token, typed); err == nil || !strings.Contains(err.Error(), "typed: acme") {
			t.Errorf("typing %q gave %v", typed, err)
		}
	}
	p, err := m.Install(t.Context(), token, "acme")
	if err != nil || p.Tier != apiv1.Tier_TIER_UNSIGNED {
		t.Fatalf("installed %v, %v", p, err)
	}
	if a := say(t, m, "acme", "say hi"); a.text != "hi\n" {
		t.Errorf("the installed plugin said %q, %v", a.text, a.err)
	}
	// An update is never silent when nobody vouches for it.
	f, _, err = m.Inspect(bytes.NewReader(hollow(t, "1.0.1", nil, keyless)), "acme.ovp")
	if err != nil || f.Silent || f.Confirmation != "acme" || len(f.Differences) > 0 {
		t.Errorf("an unsigned update gave %v, %v", f, err)
	}
}

func TestLiarsAreNotInstalled(t *testing.T) {
	m := installing(t)
	add(t, m, pkg(t, "1.0.0", nil, nil), "acme.ovp")
	for name, test := range map[string]struct {
		said func(*sdk.Manifest)
		want string
	}{
		"hosts":   {func(m *sdk.Manifest) { m.Description = "lies: https://evil.test" }, "its origins is"},
		"base":    {func(m *sdk.Manifest) { m.BaseURL = "https://evil.test" }, "base URL is https://evil.test"},
		"key":     {func(m *sdk.Manifest) { m.Key.Header = "X-Other" }, "key's header is X-Other"},
		"no key":  {keyless, "key's header is empty"},
		"id":      {func(m *sdk.Manifest) { m.ID = "other" }, `calls itself "other"`},
		"program": {func(m *sdk.Manifest) { m.Program = "codex" }, "program is codex"},
		"version": {func(m *sdk.Manifest) { m.Version = "9" }, "version is 9"},
		"words":   {func(m *sdk.Manifest) { m.Description = "By the makers of OpenVibez." }, "description is By the makers"},
	} {
		t.Run(name, func(t *testing.T) {
			f, token, err := m.Inspect(bytes.NewReader(packageOf(t, manifestFor("2.0.0", nil), manifestFor("2.0.0", test.said), nil)), "acme.ovp")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Install(t.Context(), token, f.Confirmation); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("install gave %v, want %q", err, test.want)
			}
		})
	}
	t.Run("no program", func(t *testing.T) {
		f, token, err := m.Inspect(bytes.NewReader(hollow(t, "2.0.0", nil, nil)), "acme.ovp")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Install(t.Context(), token, f.Confirmation); err == nil {
			t.Error("what is no program was installed")
		}
	})
	p, err := m.Plugin(t.Context(), "acme")
	if err != nil || p.Version != "1.0.0" || p.PreviousVersion != "" {
		t.Errorf("after refusals there is %v, %v", p, err)
	}
	entries, _ := os.ReadDir(m.installs.dir)
	if len(entries) != 2 {
		t.Errorf("something is left of what was refused: %v", entries)
	}
}

func TestUpdate(t *testing.T) {
	m := installing(t)
	needsConfinement(t, m)
	_, key := signingKey(t)
	_, other := signingKey(t)
	var served []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(served) }))
	defer server.Close()
	at := server.URL + "/acme.ovp"

	served = pkg(t, "1.0.0", key, nil)
	if _, _, err := m.InspectURL(t.Context(), at, false); err == nil || !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("plain http gave %v", err)
	}
	if _, _, err := m.InspectURL(t.Context(), "http://example.test/acme.ovp", true); err == nil || !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("plain http from elsewhere gave %v", err)
	}
	_, token, err := m.InspectURL(t.Context(), at, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Install(t.Context(), token, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.InspectUpdate(t.Context(), "acme", true); !errors.Is(err, ErrInstalled) {
		t.Errorf("no update gave %v", err)
	}

	for name, test := range map[string]struct {
		content []byte
		silent  bool
		want    string
	}{
		"only newer":    {hollow(t, "1.1.0", key, nil), true, ""},
		"one host more": {hollow(t, "1.1.0", key, func(m *sdk.Manifest) { m.Origins = []string{"https://files.acme.test"} }), false, "can also talk to files.acme.test"},
		"other base":    {hollow(t, "1.1.0", key, func(m *sdk.Manifest) { m.BaseURL = "https://evil.test" }), false, "instead of https://api.acme.test"},
		"other key":     {hollow(t, "1.1.0", other, nil), false, "signed with another key"},
		"unsigned":      {hollow(t, "1.1.0", nil, nil), false, "is not signed"},
		"older":         {hollow(t, "0.9.0", key, nil), false, "is older: 0.9.0 instead of 1.0.0"},
		"key's header":  {hollow(t, "1.1.0", key, func(m *sdk.Manifest) { m.Key.Header = "X-Other" }), false, "header X-Other"},
		"variable":      {hollow(t, "1.1.0", key, func(m *sdk.Manifest) { m.BaseURLEnv = "HOME" }), false, "environment variable"},
	} {
		t.Run(name, func(t *testing.T) {
			served = test.content
			f, _, err := m.InspectUpdate(t.Context(), "acme", true)
			if err != nil {
				t.Fatal(err)
			}
			if f.Silent != test.silent || test.want != "" && !contains(f.Differences, test.want) || test.want == "" && len(f.Differences) > 0 {
				t.Errorf("silent is %v, differences are %q", f.Silent, f.Differences)
			}
		})
	}
	t.Run("elsewhere", func(t *testing.T) {
		f, _, err := m.Inspect(bytes.NewReader(hollow(t, "1.1.0", key, nil)), "/tmp/acme.ovp")
		if err != nil || f.Silent || !contains(f.Differences, "comes from /tmp/acme.ovp") {
			t.Errorf("facts are %v, %v", f, err)
		}
	})
	t.Run("another plugin", func(t *testing.T) {
		served = hollow(t, "1.1.0", key, func(m *sdk.Manifest) { m.ID = "emca" })
		if _, _, err := m.InspectUpdate(t.Context(), "acme", true); err == nil || !strings.Contains(err.Error(), "is the plugin emca now") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("redirect to plain http elsewhere", func(t *testing.T) {
		away := httptest.NewServer(http.RedirectHandler("http://example.test/acme.ovp", http.StatusFound))
		defer away.Close()
		if _, _, err := m.InspectURL(t.Context(), away.URL, true); err == nil || !strings.Contains(err.Error(), "not encrypted") {
			t.Errorf("got %v", err)
		}
	})
}

func TestRollback(t *testing.T) {
	m := installing(t)
	ctx := t.Context()
	add(t, m, pkg(t, "1.0.0", nil, keyless), "acme.ovp")
	if _, err := m.Rollback(ctx, "acme"); err == nil || !strings.Contains(err.Error(), "no earlier version") {
		t.Errorf("nothing to go back to gave %v", err)
	}
	_, p := add(t, m, pkg(t, "1.1.0", nil, keyless), "acme.ovp")
	if p.Version != "1.1.0" || p.PreviousVersion != "1.0.0" {
		t.Errorf("after the update there is %v", p)
	}
	for _, want := range [][2]string{{"1.0.0", "1.1.0"}, {"1.1.0", "1.0.0"}} {
		p, err := m.Rollback(ctx, "acme")
		if err != nil || p.Version != want[0] || p.PreviousVersion != want[1] || p.Description.GetVersion() != want[0] {
			t.Errorf("rollback gave %v, %v, want %v", p, err, want)
		}
	}
	add(t, m, pkg(t, "1.2.0", nil, keyless), "acme.ovp")
	versions, _ := os.ReadDir(filepath.Join(m.installs.dir, "acme"))
	if len(versions) != 2 {
		t.Errorf("%d versions are kept, want 2", len(versions))
	}
}

func TestCrashLoopRollsBack(t *testing.T) {
	m := installing(t)
	add(t, m, pkg(t, "1.0.0", nil, keyless), "acme.ovp")
	bad := pkg(t, "1.1.0", nil, func(m *sdk.Manifest) { m.Key = nil; m.Description = "crashes" })
	add(t, m, bad, "acme.ovp")
	eventually(t, "the rollback", func() bool {
		sayWith(t, m, &apiv1.Provider{Id: "p1", Plugin: "acme"}, "say hi")
		p, err := m.Plugin(t.Context(), "acme")
		return err == nil && p.Version == "1.0.0"
	})
	p, err := m.Plugin(t.Context(), "acme")
	if err != nil || p.PreviousVersion != "" || !strings.Contains(p.Notice, "Version 1.1.0 did not stay up") {
		t.Errorf("after the rollback there is %v, %v", p, err)
	}
	if a := say(t, m, "acme", "say hi"); a.text != "hi\n" {
		t.Errorf("after the rollback it said %q, %v", a.text, a.err)
	}
	f, _, err := m.Inspect(bytes.NewReader(bad), "acme.ovp")
	if err != nil || !contains(f.Differences, "did not stay up here") {
		t.Errorf("the bad version again gave %v, %v", f, err)
	}
}

func TestTamperedProgramIsNotStarted(t *testing.T) {
	m := installing(t)
	add(t, m, pkg(t, "1.0.0", nil, keyless), "acme.ovp")
	say(t, m, "acme", "say hi")
	f, err := m.locate("acme")
	if err != nil {
		t.Fatal(err)
	}
	m.halt("acme")
	program, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	program[len(program)-1] ^= 1
	// Someone who takes care to leave size and time as they were.
	if err := errors.Join(os.Chmod(f.path, 0o700), os.Remove(f.path), os.WriteFile(f.path, program, 0o500), os.Chtimes(f.path, f.modified, f.modified)); err != nil {
		t.Fatal(err)
	}
	a := sayWith(t, m, &apiv1.Provider{Id: "p1", Plugin: "acme"}, "say hi")
	wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "was changed since it was installed", "is not started")
	problems, err := m.Verify("acme")
	if err != nil || !contains(problems, "was changed") {
		t.Errorf("verify gave %q, %v", problems, err)
	}
	// Installing it again mends it.
	add(t, m, pkg(t, "1.0.0", nil, keyless), "acme.ovp")
	if problems, err := m.Verify("acme"); err != nil || len(problems) > 0 {
		t.Errorf("after another installation verify gave %q, %v", problems, err)
	}
}

func TestTamperedLock(t *testing.T) {
	m := installing(t)
	add(t, m, pkg(t, "1.0.0", nil, keyless), "acme.ovp")
	path := filepath.Join(m.installs.dir, lockName)
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := m.installs.read()
	if err != nil {
		t.Fatal(err)
	}
	v := l.Plugins["acme"]
	for name, test := range map[string]struct{ from, to, want string }{
		"no JSON":        {"{", "[", "can't be read"},
		"newer":          {`"version": 1`, `"version": 2`, "newer OpenVibez"},
		"program's hash": {v.Program, strings.Repeat("0", 64), "was changed since it was installed"},
		"manifest":       {v.Manifest, strings.Repeat("0", 64), "install it again"},
		"elsewhere":      {v.File, "../../../../bin/sh", "does not say properly"},
	} {
		t.Run(name, func(t *testing.T) {
			m.halt("acme")
			if err := os.WriteFile(path, bytes.Replace(right, []byte(test.from), []byte(test.to), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			a := sayWith(t, m, &apiv1.Provider{Id: "p1", Plugin: "acme"}, "say hi")
			wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, test.want)
		})
	}
	if err := os.WriteFile(path, right, 0o600); err != nil {
		t.Fatal(err)
	}
	m.Sweep()
	if a := say(t, m, "acme", "say hi"); a.text != "hi\n" {
		t.Errorf("with the right lock it said %q, %v", a.text, a.err)
	}
}

func TestSwitchedOff(t *testing.T) {
	m := installing(t, "scripted")
	ctx := t.Context()
	add(t, m, pkg(t, "1.0.0", nil, keyless), "acme.ovp")
	for _, id := range []string{"acme", "scripted"} {
		p, err := m.SetEnabled(ctx, id, false, false)
		if err != nil || !p.Off || !strings.Contains(p.Problem, "openvibez plugin enable "+id) {
			t.Errorf("switched off, %s is %v, %v", id, p, err)
		}
		a := sayWith(t, m, &apiv1.Provider{Id: "p1", Plugin: id}, "say hi")
		wantWords(t, a.err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "is switched off")
		if p, err = m.SetEnabled(ctx, id, true, false); err != nil || p.Off || p.Problem != "" {
			t.Errorf("switched on, %s is %v, %v", id, p, err)
		}
		if a := say(t, m, id, "say hi"); a.text != "hi\n" {
			t.Errorf("switched on, %s said %q, %v", id, a.text, a.err)
		}
	}
	if err := m.Remove("scripted"); err == nil || !strings.Contains(err.Error(), "came with OpenVibez") {
		t.Errorf("removing a plugin that came with the host gave %v", err)
	}
	if _, err := m.SetEnabled(ctx, "nothing", false, false); err == nil {
		t.Error("a plugin that is not there was switched off")
	}
}

// TestInterruptedInstall leaves the directory as it is at each point where an installation may be cut off.
func TestInterruptedInstall(t *testing.T) {
	m := installing(t)
	add(t, m, pkg(t, "1.0.0", nil, keyless), "acme.ovp")
	check := func(t *testing.T, version string, dirs int) {
		t.Helper()
		next := newManager(t, nil)
		next.installs.dir = m.installs.dir
		next.Sweep()
		p, err := next.Plugin(context.Background(), "acme")
		if err != nil || p.Version != version || p.Problem != "" {
			t.Errorf("the next host has %v, %v, want version %s", p, err, version)
		}
		if problems, err := next.Verify("acme"); err != nil || len(problems) > 0 {
			t.Errorf("verify gave %q, %v", problems, err)
		}
		versions, _ := os.ReadDir(filepath.Join(m.installs.dir, "acme"))
		all, _ := os.ReadDir(m.installs.dir)
		if len(versions) != dirs || len(all) != 2 {
			t.Errorf("left are %v, %v", all, versions)
		}
	}
	second := pkg(t, "2.0.0", nil, keyless)
	staged := func() *shown {
		p, err := m.stage(bytes.NewReader(second), "acme.ovp")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Run("while unpacking", func(t *testing.T) {
		p := staged()
		if err := os.Truncate(filepath.Join(p.dir, manifestName), 10); err == nil {
			t.Log("truncated")
		}
		check(t, "1.0.0", 1)
	})
	t.Run("unpacked", func(t *testing.T) {
		staged()
		check(t, "1.0.0", 1)
	})
	t.Run("in its place, not in the lock", func(t *testing.T) {
		p := staged()
		if err := os.Rename(p.dir, m.installs.path("acme", p.pack.sum)); err != nil {
			t.Fatal(err)
		}
		check(t, "1.0.0", 1)
	})
	t.Run("lock half written", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(m.installs.dir, stagingPrefix+"lock-1"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		check(t, "1.0.0", 1)
	})
	t.Run("done", func(t *testing.T) {
		if err := m.activate(staged()); err != nil {
			t.Fatal(err)
		}
		check(t, "2.0.0", 2)
	})
	t.Run("removed from the lock, files left", func(t *testing.T) {
		if err := m.installs.change(func(l *lock) error { l.Plugins["acme"].Previous = nil; return nil }); err != nil {
			t.Fatal(err)
		}
		check(t, "2.0.0", 1)
	})
}

func TestShownPackagesExpire(t *testing.T) {
	m := installing(t)
	var tokens []string
	for i := range maxShown + 1 {
		_, token, err := m.Inspect(bytes.NewReader(hollow(t, "1.0."+string(rune('0'+i)), nil, nil)), "acme.ovp")
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	if _, ok := m.shelf.take(tokens[0]); ok {
		t.Error("more packages are kept than should be")
	}
	m.shelf.mu.Lock()
	m.shelf.shown[tokens[1]].at = time.Now().Add(-shownFor)
	m.shelf.mu.Unlock()
	if _, err := m.Install(t.Context(), tokens[1], "acme"); err == nil || !strings.Contains(err.Error(), "ten minutes") {
		t.Errorf("an old token gave %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(m.installs.dir, stagingPrefix+"*"))
	if len(left) != maxShown-1 {
		t.Errorf("%d packages are kept, want %d", len(left), maxShown-1)
	}
}

func TestLogsCanBeFollowed(t *testing.T) {
	m := newManager(t, nil, "scripted")
	_, n, more, err := m.FollowLogs("scripted", 0)
	if err != nil || n != 0 {
		t.Fatalf("%d lines before anything happened, %v", n, err)
	}
	say(t, m, "scripted", "say hi")
	<-more
	lines, total, _, err := m.FollowLogs("scripted", 0)
	if err != nil || !contains(lines, "plugin started") || total != len(lines) {
		t.Errorf("logs are %q, %d, %v", lines, total, err)
	}
	if lines, _, _, _ := m.FollowLogs("scripted", total); len(lines) > 0 {
		t.Errorf("lines came twice: %q", lines)
	}
	k := &kept{}
	for range maxKeptLines + 5 {
		_, _ = k.Write([]byte("x\n"))
	}
	if lines, total, _ := k.after(maxKeptLines); len(lines) != 5 || total != maxKeptLines+5 {
		t.Errorf("after gave %d of %d lines", len(lines), total)
	}
	if lines, _, _ := k.after(0); len(lines) != maxKeptLines {
		t.Errorf("%d lines are kept", len(lines))
	}
}

func TestDevelop(t *testing.T) {
	m := installing(t, "scripted")
	dir := t.TempDir()
	path := filepath.Join(dir, "openvibez-provider-acme")
	if err := os.WriteFile(path, programFor(t, manifestFor("1.0.0-dev", keyless)), 0o700); err != nil {
		t.Fatal(err)
	}
	add(t, m, pkg(t, "1.0.0", nil, keyless), "acme.ovp")
	stop, err := m.Develop("acme", path, dir, false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Plugin(t.Context(), "acme")
	if err != nil || p.Tier != apiv1.Tier_TIER_DEVELOPMENT || p.Version != "1.0.0-dev" {
		t.Errorf("in development it is %v, %v", p, err)
	}
	if _, err := m.Develop("acme", path, dir, false); err == nil {
		t.Error("a plugin was developed twice")
	}
	// A new build is used from the next turn on.
	if err := errors.Join(os.Remove(path), os.WriteFile(path, programFor(t, manifestFor("1.0.1-dev", keyless)), 0o700)); err != nil {
		t.Fatal(err)
	}
	if a := say(t, m, "acme", "say hi"); a.text != "hi\n" {
		t.Errorf("the new build said %q, %v", a.text, a.err)
	}
	if p, err = m.Plugin(t.Context(), "acme"); err != nil || p.Version != "1.0.1-dev" {
		t.Errorf("after a build it is %v, %v", p, err)
	}
	stop()
	if p, err = m.Plugin(t.Context(), "acme"); err != nil || p.Version != "1.0.0" {
		t.Errorf("after development it is %v, %v", p, err)
	}
}

func TestWithoutConfinementThePersonIsTold(t *testing.T) {
	m := installing(t)
	m.sandbox = sandbox.New(sandbox.Config{Logger: slog.New(slog.DiscardHandler)})
	_, key := signingKey(t)
	f, token, err := m.Inspect(bytes.NewReader(pkg(t, "1.0.0", key, keyless)), "acme.ovp")
	if err != nil {
		t.Fatal(err)
	}
	if f.Confirmation != "acme" || !contains(f.Abilities, "Can do all that you can do here") || contains(f.Abilities, "Cannot read files") {
		t.Errorf("facts are %v", f)
	}
	p, err := m.Install(t.Context(), token, "acme")
	if err != nil || !p.UnconfinedAllowed {
		t.Fatalf("installed is %v, %v", p, err)
	}
	if a := say(t, m, "acme", "say hi"); a.text != "hi\n" {
		t.Errorf("it said %q, %v", a.text, a.err)
	}
	// What was agreed to is one version.
	f, _, err = m.Inspect(bytes.NewReader(hollow(t, "1.1.0", key, keyless)), "acme.ovp")
	if err != nil || f.Silent || f.Confirmation != "acme" {
		t.Errorf("an update gave %v, %v", f, err)
	}
}

// What a person agreed to was said beside what was installed then.
func TestAgreementToSomethingElse(t *testing.T) {
	m := installing(t)
	needsConfinement(t, m)
	_, key := signingKey(t)
	look := func(version string) string {
		t.Helper()
		_, token, err := m.Inspect(bytes.NewReader(pkg(t, version, key, nil)), "/tmp/acme.ovp")
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	first, second := look("1.0.0"), look("1.1.0")
	if _, err := m.Install(t.Context(), first, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Install(t.Context(), second, ""); err == nil || !strings.Contains(err.Error(), "look at it again") {
		t.Errorf("shown before another version was installed, it gave %v", err)
	}
	if _, err := m.Install(t.Context(), look("1.1.0"), ""); err != nil {
		t.Errorf("shown again it gave %v", err)
	}
}
