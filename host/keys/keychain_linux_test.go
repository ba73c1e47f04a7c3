package keys

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/openvibez/openvibez/e2e/keyringtest"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// lockedOut is what a keychain's problem always ends with.
const lockedOut = "keep the key in an environment variable: openvibez provider "

var scripted = &providerv1.DescribeResponse{Id: "scripted", Name: "Scripted", Key: &providerv1.KeyScheme{Header: "Authorization", Env: "SCRIPTED_API_KEY"}}

func TestKeychainProblemsHaveWords(t *testing.T) {
	fresh := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: "https://a.example"}
	known := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "My own", BaseUrl: "https://a.example", KeySource: SourceKeychain, CreatedMs: 1}
	of := func(p *apiv1.Provider) Owner {
		return Owner{Provider: p, Plugin: scripted, Origin: "https://a.example:443"}
	}
	check := func(t *testing.T, m *Ring, words string) {
		t.Helper()
		_, err := m.Save(t.Context(), of(fresh), "sk-1")
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, words, lockedOut+"add scripted --key-env SCRIPTED_API_KEY")
		_, err = m.Key(t.Context(), of(known))
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, words, lockedOut+"login 'My own' --key-env SCRIPTED_API_KEY")
		wantError(t, m.Forget(t.Context(), of(known)), providerv1.ErrorCode_ERROR_CODE_AUTH, words)
		if err := CheckKeychain(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("the keychain was found to be: %v", err)
		}
	}
	t.Run("absent", func(t *testing.T) {
		keyringtest.New(t)
		check(t, newRing(nil), "no keychain service answers on this session bus; install gnome-keyring")
	})
	t.Run("locked", func(t *testing.T) {
		bus := keyringtest.Unlocked(t)
		bus.Lock()
		check(t, newRing(nil), "the keychain is locked")
	})
	t.Run("no bus", func(t *testing.T) {
		if _, err := os.Stat(fmt.Sprintf("/run/user/%d/bus", os.Getuid())); err == nil {
			t.Skip("needs a user without a session bus")
		}
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		check(t, newRing(nil), "there is no session bus here")
	})
	t.Run("bus gone", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
		check(t, newRing(nil), "the session bus does not answer")
	})
	t.Run("too large", func(t *testing.T) {
		keyringtest.Unlocked(t)
		if err := CheckKeychain(t.Context()); err != nil {
			t.Errorf("a keychain that works: %v", err)
		}
		m := newRing(nil)
		_, err := m.Save(t.Context(), of(fresh), strings.Repeat("k", maxKey+1))
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "too large for a key")
		wantError(t, m.keychainProblem(Owner{Provider: fresh}, "", keychainWords(keyring.ErrSetDataTooBig)),
			providerv1.ErrorCode_ERROR_CODE_AUTH, "too large for this system's keychain", "--key-env NAME")
	})
}

func TestSlowKeychainIsNotWaitedFor(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	m := newRing(nil)
	p := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", BaseUrl: "https://a.example", KeySource: SourceKeychain}
	o := Owner{Provider: p, Plugin: scripted, Origin: "https://a.example:443"}
	if _, err := m.Save(t.Context(), o, "sk-old"); err != nil {
		t.Fatal(err)
	}
	m.keychain.wait = 100 * time.Millisecond
	bus.Freeze()
	for range 2 {
		// The second does not even get its turn.
		_, err := m.Key(t.Context(), o)
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
