package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/openvibez/openvibez/e2e/keyringtest"
)

// TestBrowserSecretSetting enters a setting that is a secret in Chromium: it goes to the keychain and on to the provider.
func TestBrowserSecretSetting(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	h := newHome(t, "DBUS_SESSION_BUS_ADDRESS="+bus.Address)
	var mu sync.Mutex
	var came []string
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		came = append(came, r.Header.Get("X-Scripted-Account"))
	}))
	defer upstream.Close()
	browse(t, h, "secret.mjs", "UPSTREAM="+upstream.URL)
	mu.Lock()
	defer mu.Unlock()
	// Added, changed, taken away: each is tested.
	if want := []string{"account-of-a-test", "account-of-a-test", ""}; !slices.Equal(came, want) {
		t.Errorf("the provider got %q, want %q", came, want)
	}
	if items := bus.Items(); len(items) != 0 {
		t.Errorf("left in the keychain: %v", items)
	}
}
