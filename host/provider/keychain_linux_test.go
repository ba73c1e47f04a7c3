package provider

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/openvibez/openvibez/e2e/keyringtest"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// lockedOut is what a keychain's problem always ends with.
const lockedOut = "keep the key in an environment variable: openvibez provider "

func TestKeyGoesFromTheKeychainToTheProviderAlone(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	const key = "sk-keychain-0123456789"
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/wrong" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		given := "no key"
		if r.Header.Get("Authorization") == "Bearer "+key {
			given = "the key"
		}
		_, _ = fmt.Fprintf(w, "got %s, says %s", given, r.Header.Get("Authorization"))
	}))
	defer upstream.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the key went to another origin")
		}
	}))
	defer other.Close()

	m := newManager(t, nil, "scripted")
	var log bytes.Buffer
	m.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: upstream.URL + "/v1", KeySource: SourceKeychain, CreatedMs: 1}
	if _, err := m.SaveKey(t.Context(), p, "  "+key+"\n"); err != nil {
		t.Fatal(err)
	}
	if items := bus.Items(); len(items) != 1 || items["p1 "+upstream.URL] != key {
		t.Errorf("keychain holds %v", items)
	}
	turn, err := m.Run(t.Context(), p, userSays("fetch /wrong"))
	if err != nil {
		t.Fatal(err)
	}
	a := take(t, turn)
	if seen := a.text + a.err.String(); !strings.Contains(seen, "got the key, says Bearer [key removed]") || strings.Contains(seen, key) {
		t.Errorf("the plugin saw %q", seen)
	}
	if strings.Contains(log.String(), key) {
		t.Error("the key is in the log")
	}
	for _, f := range []string{m.runtimeDir, m.dirs[0]} {
		_ = filepath.WalkDir(f, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(key)) {
					t.Errorf("the key is in %s", path)
				}
			}
			return nil
		})
	}

	// At another address it is asked for again, and there is still one item.
	moved := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: other.URL, KeySource: SourceKeychain, CreatedMs: 1}
	_, err = m.Check(t.Context(), moved)
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, "holds no key of Mine for "+other.URL, "openvibez provider login Mine")
	if m.SameOrigin(t.Context(), p, moved) {
		t.Error("two origins are the same")
	}
	path := &apiv1.Provider{Id: "p1", Plugin: "scripted", BaseUrl: upstream.URL + "/v2"}
	if !m.SameOrigin(t.Context(), p, path) {
		t.Error("another path is another origin")
	}

	undo, err := m.SaveKey(t.Context(), p, "sk-second")
	if err != nil || bus.Items()["p1 "+upstream.URL] != "sk-second" {
		t.Errorf("a new key: %v, %v", bus.Items(), err)
	}
	undo()
	if bus.Items()["p1 "+upstream.URL] != key {
		t.Errorf("after undoing it: %v", bus.Items())
	}
	undo, err = m.SaveKey(t.Context(), moved, "sk-third")
	if err != nil {
		t.Fatal(err)
	}
	undo()
	for range 2 {
		if err := m.ForgetKey(t.Context(), p); err != nil {
			t.Error(err)
		}
	}
	if items := bus.Items(); len(items) != 0 {
		t.Errorf("left in the keychain: %v", items)
	}
	_, err = m.Check(t.Context(), p)
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, "holds no key of Mine for "+upstream.URL)
}

func TestSecretSettingGoesToTheProviderAlone(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	const secret, key = "account-0123456789", "account-0123"
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wrong" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = fmt.Fprintf(w, "%t %t %s", r.Header.Get("X-Scripted-Account") == secret, r.Header.Get("Authorization") == "Bearer "+key, r.Header)
	}))
	defer upstream.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "got %q", r.Header.Get("X-Scripted-Account"))
	}))
	defer other.Close()
	m := newManager(t, map[string]string{"K": key}, "scripted")
	var log bytes.Buffer
	m.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: upstream.URL, KeySource: "env:K", CreatedMs: 1}
	save := func(settings, before string) (func(), error) {
		t.Helper()
		p.SettingsJson = settings
		got, undo, err := m.SaveSecrets(t.Context(), p, before)
		p.SettingsJson = got
		return undo, err
	}
	undo, err := save(`{"level":4,"account":" `+secret+` "}`, "")
	if err != nil || p.SettingsJson != `{"account":"keychain","level":4}` {
		t.Fatalf("saved %s, %v", p.SettingsJson, err)
	}
	if items := bus.Items(); len(items) != 1 || items["p1 "+upstream.URL+" account"] != secret {
		t.Errorf("keychain holds %v", items)
	}
	turn, err := m.Run(t.Context(), p, userSays("settings\nlog I am told of "+secret+" and "+key+"\nfetch /wrong"))
	if err != nil {
		t.Fatal(err)
	}
	a := take(t, turn)
	seen := a.text + a.err.String()
	if !strings.Contains(seen, "true true") || !strings.Contains(seen, `{"level":4}`) || strings.Contains(seen, key) || strings.Contains(seen, "456789") {
		t.Errorf("the plugin saw %q", seen)
	}
	eventually(t, "its log", func() bool { return strings.Contains(strings.Join(m.Logs("scripted", 100), ""), "I am told of") })
	if text := strings.Join(m.Logs("scripted", 100), "\n") + log.String(); strings.Contains(text, key) || strings.Contains(text, "456789") {
		t.Errorf("a secret is in the log:\n%s", text)
	}

	if _, err := save(`{"account":"keychain"}`, `{"level":1}`); err == nil || sdk.FromStatus(err).Field != "account" {
		t.Errorf("a secret that nobody entered gave %v", err)
	}
	again, err := save(`{"account":"other-secret"}`, `{"account":"keychain"}`)
	if err != nil || bus.Items()["p1 "+upstream.URL+" account"] != "other-secret" {
		t.Errorf("entered anew: %v, %v", bus.Items(), err)
	}
	again()
	if bus.Items()["p1 "+upstream.URL+" account"] != secret {
		t.Errorf("undone: %v", bus.Items())
	}
	p.SettingsJson, p.BaseUrl = `{"account":"keychain"}`, other.URL
	_, err = m.Check(t.Context(), p)
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, "holds no account of Mine for "+other.URL, "openvibez provider set Mine account")
	p.SettingsJson = ""
	if a := sayWith(t, m, p, "fetch /"); a.text != "200 OK got \"\"\n" {
		t.Errorf("at another address: %q, %v", a.text, a.err)
	}
	p.BaseUrl = upstream.URL
	p.SettingsJson = `{"account":"keychain","level":4}`
	if err := m.ForgetSecrets(t.Context(), p, p.SettingsJson); err != nil || len(bus.Items()) != 1 {
		t.Errorf("still there: %v, %v", bus.Items(), err)
	}
	if err := m.ForgetSecrets(t.Context(), p, `{"level":4}`); err != nil || len(bus.Items()) != 0 {
		t.Errorf("forgotten: %v, %v", bus.Items(), err)
	}
	undo()
	if len(bus.Items()) != 0 {
		t.Errorf("after undoing the first: %v", bus.Items())
	}
}

func TestKeychainProblemsHaveWords(t *testing.T) {
	fresh := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: "https://a.example"}
	known := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "My own", BaseUrl: "https://a.example", KeySource: SourceKeychain, CreatedMs: 1}
	check := func(t *testing.T, m *Manager, words string) {
		t.Helper()
		_, err := m.SaveKey(t.Context(), fresh, "sk-1")
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, words, lockedOut+"add scripted --key-env SCRIPTED_API_KEY")
		_, err = m.Check(t.Context(), known)
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, words, lockedOut+"login 'My own' --key-env SCRIPTED_API_KEY")
		wantError(t, m.ForgetKey(t.Context(), known), providerv1.ErrorCode_ERROR_CODE_AUTH, words)
		if err := CheckKeychain(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("the keychain was found to be: %v", err)
		}
	}
	t.Run("absent", func(t *testing.T) {
		keyringtest.New(t)
		check(t, newManager(t, nil, "scripted"), "no keychain service answers on this session bus; install gnome-keyring")
	})
	t.Run("locked", func(t *testing.T) {
		bus := keyringtest.Unlocked(t)
		bus.Lock()
		check(t, newManager(t, nil, "scripted"), "the keychain is locked")
	})
	t.Run("no bus", func(t *testing.T) {
		if _, err := os.Stat(fmt.Sprintf("/run/user/%d/bus", os.Getuid())); err == nil {
			t.Skip("needs a user without a session bus")
		}
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		check(t, newManager(t, nil, "scripted"), "there is no session bus here")
	})
	t.Run("bus gone", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
		check(t, newManager(t, nil, "scripted"), "the session bus does not answer")
	})
	t.Run("too large", func(t *testing.T) {
		keyringtest.Unlocked(t)
		if err := CheckKeychain(t.Context()); err != nil {
			t.Errorf("a keychain that works: %v", err)
		}
		m := newManager(t, nil, "scripted")
		_, err := m.SaveKey(t.Context(), fresh, strings.Repeat("k", maxKey+1))
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "too large for a key")
		wantError(t, m.keychainProblem(fresh, &providerv1.DescribeResponse{}, "", keychainWords(keyring.ErrSetDataTooBig)),
			providerv1.ErrorCode_ERROR_CODE_AUTH, "too large for this system's keychain", "--key-env NAME")
	})
}

func TestSlowKeychainIsNotWaitedFor(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	m := newManager(t, nil, "scripted")
	p := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: "https://a.example", KeySource: SourceKeychain}
	if _, err := m.SaveKey(t.Context(), p, "sk-old"); err != nil {
		t.Fatal(err)
	}
	m.keychain.wait = 100 * time.Millisecond
	bus.Freeze()
	for range 2 {
		// The second does not even get its turn.
		_, err := m.Check(t.Context(), p)
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, "did not answer within 100ms", "dialog", lockedOut)
	}
	bus.Thaw()
	m.keychain.wait = watchdog
	if key, err := m.keychain.get(t.Context(), "p1 https://a.example:443"); err != nil || key != "sk-old" {
		t.Errorf("after that: %q, %v", key, err)
	}

	// What is written too late does not count.
	m.keychain.wait = 100 * time.Millisecond
	bus.Freeze()
	for account, before := range map[string]string{"p1 https://a.example:443": "sk-old", "p2 https://a.example:443": ""} {
		if err := m.keychain.set(t.Context(), account, "sk-late", before); err == nil {
			t.Error("a frozen keychain took a key")
		}
	}
	bus.Thaw()
	m.keychain.wait = watchdog
	if _, err := m.keychain.get(t.Context(), "p1 https://a.example:443"); err != nil {
		t.Error(err)
	}
	if items := bus.Items(); len(items) != 1 || items["p1 https://a.example:443"] != "sk-old" {
		t.Errorf("keychain holds %v", items)
	}
}

func BenchmarkKeychain(b *testing.B) {
	keyringtest.Unlocked(b)
	k := newKeychain(5 * time.Second)
	if err := k.set(b.Context(), "p1 https://a.example:443", "sk-1", ""); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.get(b.Context(), "p1 https://a.example:443"); err != nil {
			b.Fatal(err)
		}
	}
}
