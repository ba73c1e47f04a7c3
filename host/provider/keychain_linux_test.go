package provider

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/e2e/keyringtest"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

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
	p := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: upstream.URL + "/v1", KeySource: keys.SourceKeychain, CreatedMs: 1}
	if _, err := m.saveKey(t, p, "  "+key+"\n"); err != nil {
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
	if strings.Contains(m.logged.String(), key) {
		t.Error("the key is in the log")
	}
	for _, f := range []string{m.runtime, m.dir} {
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
	moved := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: other.URL, KeySource: keys.SourceKeychain, CreatedMs: 1}
	_, err = m.Check(t.Context(), moved)
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, "holds no key of Mine for "+other.URL, "openvibez provider login Mine")

	undo, err := m.saveKey(t, p, "sk-second")
	if err != nil || bus.Items()["p1 "+upstream.URL] != "sk-second" {
		t.Errorf("a new key: %v, %v", bus.Items(), err)
	}
	undo()
	if bus.Items()["p1 "+upstream.URL] != key {
		t.Errorf("after undoing it: %v", bus.Items())
	}
	undo, err = m.saveKey(t, moved, "sk-third")
	if err != nil {
		t.Fatal(err)
	}
	undo()
	for range 2 {
		if err := m.forgetKey(t, p); err != nil {
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
	p := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: upstream.URL, KeySource: "env:K", CreatedMs: 1}
	save := func(settings, before string) (func(), error) {
		t.Helper()
		p.SettingsJson = settings
		got, undo, err := m.keys.SaveSettings(t.Context(), m.of(t, p), before)
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
	eventually(t, "its log", func() bool {
		return strings.Contains(strings.Join(m.plugins.Logs("scripted", 100), ""), "I am told of")
	})
	if text := strings.Join(m.plugins.Logs("scripted", 100), "\n") + m.logged.String(); strings.Contains(text, key) || strings.Contains(text, "456789") {
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
	if err := m.keys.ForgetSettings(t.Context(), m.of(t, p), p.SettingsJson); err != nil || len(bus.Items()) != 1 {
		t.Errorf("still there: %v, %v", bus.Items(), err)
	}
	if err := m.keys.ForgetSettings(t.Context(), m.of(t, p), `{"level":4}`); err != nil || len(bus.Items()) != 0 {
		t.Errorf("forgotten: %v, %v", bus.Items(), err)
	}
	undo()
	if len(bus.Items()) != 0 {
		t.Errorf("after undoing the first: %v", bus.Items())
	}
}
