package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/openvibez/openvibez/e2e/keyringtest"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func TestKeysLiveInTheKeychain(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	f := start(t)
	ctx := t.Context()
	b := f.browser(byBrowser)
	f.person(true)
	page := apiv1.NewProviderServiceClient(b.doer(), b.base)
	holds := func(what string, want map[string]string) {
		t.Helper()
		got := bus.Items()
		if len(got) != len(want) {
			t.Errorf("%s: the keychain holds %v, want %v", what, got, want)
		}
		for account, key := range want {
			if got[account] != key {
				t.Errorf("%s: the keychain holds %v, want %v", what, got, want)
			}
		}
	}

	added, err := page.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", Key: "sk-first", BaseUrl: "https://one.example/v1"})
	if err != nil {
		t.Fatal(err)
	}
	id := added.Provider.Id
	if added.Provider.KeySource != "keychain" || strings.Contains(protojson.Format(added), "sk-first") {
		t.Errorf("added: %v", added)
	}
	holds("added", map[string]string{id + " https://one.example:443": "sk-first"})
	if res, err := f.providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: id}); err != nil || res.Provider.Error != nil {
		t.Errorf("tested: %v, %v", res, err)
	}

	if err := second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, BaseUrl: ptr("https://one.example/v2"), Name: ptr("Mine")})); err != nil {
		t.Error(err)
	}
	holds("same origin", map[string]string{id + " https://one.example:443": "sk-first"})
	if err := second(page.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, BaseUrl: ptr("https://two.example"), Key: ptr("sk-second")})); err != nil {
		t.Error(err)
	}
	holds("moved with a key", map[string]string{id + " https://two.example:443": "sk-second"})
	if err := second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, BaseUrl: ptr("https://three.example")})); err != nil {
		t.Error(err)
	}
	holds("moved without", nil)
	res, err := f.providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: id})
	if err != nil || !strings.Contains(res.Provider.Error.GetMessage(), "the keychain holds no key of Mine for https://three.example") {
		t.Errorf("asked for again: %v, %v", res, err)
	}
	if err := second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, Key: ptr("sk-third")})); err != nil {
		t.Error(err)
	}
	holds("entered again", map[string]string{id + " https://three.example:443": "sk-third"})
	moved, err := page.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, BaseUrl: ptr("https://four.example")})
	if err != nil || moved.Provider.KeySource != "" {
		t.Errorf("moved by the page: %v, %v", moved, err)
	}
	holds("moved by the page", nil)
	if err := second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, Key: ptr("sk-fourth")})); err != nil {
		t.Error(err)
	}
	if err := second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, KeySource: ptr("command:echo sk-5")})); err != nil {
		t.Error(err)
	}
	holds("kept elsewhere", nil)
	if err := second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, Key: ptr("sk-sixth")})); err != nil {
		t.Error(err)
	}

	// What does not work changes nothing.
	other, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", Name: "Other"})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"taken name":              second(f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", Name: "mine", Key: "sk-x"})),
		"rename to a taken one":   second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, Name: ptr("other"), Key: ptr("sk-x")})),
		"two places":              second(f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", KeySource: "env:X", Key: "sk-x"})),
		"a place without a key":   second(f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", KeySource: "keychain"})),
		"again":                   second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: other.Provider.Id, KeySource: ptr("keychain")})),
		"an empty key":            second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, Key: ptr("")})),
		"a key of two lines":      second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, Key: ptr("a\nb")})),
		"a command from the page": second(page.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", KeySource: "command:echo x"})),
		"an empty command":        second(f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", KeySource: "command: "})),
	} {
		if err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
	holds("after all that", map[string]string{id + " https://four.example:443": "sk-sixth"})
	bus.Lock()
	_, err = f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", Name: "Third", Key: "sk-x"})
	if connect.CodeOf(err) != connect.CodeFailedPrecondition || !strings.Contains(err.Error(), "the keychain is locked") || !strings.Contains(err.Error(), "--key-env ECHO_KEY") {
		t.Errorf("locked: %v", err)
	}
	if list, err := f.providers.ListProviders(ctx, &apiv1.ListProvidersRequest{}); err != nil || len(list.Providers) != 2 {
		t.Errorf("after a key that was not taken: %v, %v", list, err)
	}
	if _, err := f.providers.Logout(ctx, &apiv1.LogoutRequest{Id: id}); !strings.Contains(err.Error(), "the keychain is locked") {
		t.Errorf("logged out of a locked keychain: %v", err)
	}
	gone, err := f.providers.RemoveProvider(ctx, &apiv1.RemoveProviderRequest{Id: id})
	if err != nil || !strings.Contains(gone.Warning, "still in the keychain") {
		t.Errorf("removed: %v, %v", gone, err)
	}
	noKeyIn(t, f.dir, "sk-first", "sk-second", "sk-third", "sk-fourth", "sk-sixth")
}

func TestLogoutAndRemovalTakeTheKeyAway(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	f := start(t)
	ctx := t.Context()
	add := func(name string) string {
		res, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", Name: name, Key: "sk-" + name})
		if err != nil {
			t.Fatal(err)
		}
		return res.Provider.Id
	}
	one, two := add("one"), add("two")
	if items := bus.Items(); items[one+" http://127.0.0.1:9"] != "sk-one" || items[two+" http://127.0.0.1:9"] != "sk-two" {
		t.Errorf("two of one plugin: %v", items)
	}
	for range 2 {
		if res, err := f.providers.Logout(ctx, &apiv1.LogoutRequest{Id: "one"}); err != nil || res.Provider.KeySource != "" {
			t.Errorf("logout: %v, %v", res, err)
		}
	}
	if items := bus.Items(); len(items) != 1 {
		t.Errorf("after logging out: %v", items)
	}
	if res, err := f.providers.RemoveProvider(ctx, &apiv1.RemoveProviderRequest{Id: two}); err != nil || res.Warning != "" {
		t.Errorf("remove: %v, %v", res, err)
	}
	if items := bus.Items(); len(items) != 0 {
		t.Errorf("after removing: %v", items)
	}
}

// noKeyIn looks for keys in every file below dir, once the host has ended.
func noKeyIn(t *testing.T, dir string, keys ...string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		for _, k := range keys {
			if strings.Contains(string(text), k) {
				t.Errorf("%s is in %s", k, path)
			}
		}
		return nil
	})
}
