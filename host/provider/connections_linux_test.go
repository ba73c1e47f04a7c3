package provider

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/e2e/keyringtest"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/keys"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// hangUp is a book whose caller is gone as soon as it is opened.
type hangUp struct {
	Book
	gone context.CancelFunc
}

func (h hangUp) UpdateProvider(ctx context.Context, id string, change func(*apiv1.Provider) error) (*apiv1.Provider, error) {
	h.gone()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return h.Book.UpdateProvider(ctx, id, change)
}

func (h hangUp) RemoveProvider(ctx context.Context, id string) error {
	h.gone()
	if err := ctx.Err(); err != nil {
		return err
	}
	return h.Book.RemoveProvider(ctx, id)
}

func TestChangesCompleteWithoutTheirCaller(t *testing.T) {
	bus := keyringtest.Unlocked(t)
	m := newManager(t, nil, "scripted")
	// The address is looked up in the environment before anything is removed: whoever asked hangs up right then.
	var gone context.CancelFunc
	m.getenv = func(string) string {
		if gone != nil {
			gone()
		}
		return "http://127.0.0.1:1"
	}
	add := func() *apiv1.Provider {
		t.Helper()
		gone = nil
		p, err := m.Add(t.Context(), &apiv1.AddProviderRequest{Plugin: "scripted", Key: "sk-0123456789", SettingsJson: `{"account":"mine-0123456789"}`}, nil)
		if err != nil || len(bus.Items()) != 2 {
			t.Fatalf("added %v, %v; keychain: %v", p, err, bus.Items())
		}
		return p
	}
	hung := func(do func(ctx context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		gone = cancel
		m.book = hangUp{m.store, cancel}
		if err := do(ctx); err != nil {
			t.Errorf("half done: %v", err)
		}
		m.book, gone = m.store, nil
		if ctx.Err() == nil {
			t.Error("the caller never hung up")
		}
	}

	p := add()
	hung(func(ctx context.Context) error {
		_, err := m.Logout(ctx, p)
		return err
	})
	if p, err := m.store.Provider(t.Context(), p.Id); err != nil || p.KeySource != "" || len(bus.Items()) != 1 {
		t.Errorf("logged out: %v, %v; keychain: %v", p, err, bus.Items())
	}
	hung(func(ctx context.Context) error {
		warning, err := m.Remove(ctx, p)
		if warning != "" {
			t.Error(warning)
		}
		return err
	})
	p = add()
	hung(func(ctx context.Context) error {
		_, err := m.Remove(ctx, p)
		return err
	})
	if all, err := m.store.Providers(t.Context()); err != nil || len(all) != 0 || len(bus.Items()) != 0 {
		t.Errorf("left: %v, %v; keychain: %v", all, err, bus.Items())
	}
	p = add()
	hung(func(ctx context.Context) error {
		_, err := m.Update(ctx, p, &apiv1.UpdateProviderRequest{BaseUrl: proto.String("https://b.example"), KeySource: proto.String("env:K")}, false, nil)
		return err
	})
	if p, err := m.store.Provider(t.Context(), p.Id); err != nil || p.KeySource != "env:K" || len(bus.Items()) != 0 {
		t.Errorf("moved: %v, %v; keychain: %v", p, err, bus.Items())
	}

	// Who has hung up before anything was begun gets nothing done.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Remove(ctx, p); err == nil {
		t.Error("it was begun for nobody")
	}
}

// A key that is kept elsewhere than in the keychain is bound to its origin all the same.
func TestKeysOfVariablesAreForOneOrigin(t *testing.T) {
	var got []string
	serve := func() string {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Authorization")) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	one, other := serve(), serve()
	env := map[string]string{"K": "sk-0123456789"}
	m := newManager(t, env, "scripted")
	for _, source := range []string{"env:K", "command:echo sk-0123456789"} {
		p, err := m.Add(t.Context(), &apiv1.AddProviderRequest{Plugin: "scripted", BaseUrl: one + "/v1", KeySource: source}, nil)
		if err != nil || p.KeyOrigin != one {
			t.Fatalf("added %v, %v", p, err)
		}
		if a := sayWith(t, m, p, "fetch /"); a.err != nil {
			t.Errorf("at the first address: %v", a.err)
		}
		if p, err = m.Update(t.Context(), p, &apiv1.UpdateProviderRequest{BaseUrl: proto.String(other)}, false, nil); err != nil {
			t.Fatal(err)
		}
		_, err = m.Run(t.Context(), p, userSays("fetch /"))
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, "was given for "+one+", and its requests go to "+other+" now", "openvibez provider login")
		// A page that names it again has not said it anew; the person has.
		for _, page := range []bool{true, false} {
			if p, err = m.Update(t.Context(), p, &apiv1.UpdateProviderRequest{KeySource: &source}, page, nil); err != nil {
				t.Fatal(err)
			}
			if page && p.KeyOrigin != one {
				t.Error("the page bound the key anew")
			}
		}
		if a := sayWith(t, m, p, "fetch /"); a.err != nil {
			t.Errorf("said anew: %v", a.err)
		}
	}

	// The address may also come from the environment, and an older connection has none written down.
	env["SCRIPTED_HOST"] = one
	p, err := m.store.AddProvider(t.Context(), &apiv1.Provider{Plugin: "scripted", Name: "Old", KeySource: "env:K"})
	if err != nil {
		t.Fatal(err)
	}
	if a := sayWith(t, m, p, "fetch /"); a.err != nil {
		t.Errorf("an older connection: %v", a.err)
	}
	env["SCRIPTED_HOST"] = other
	if p, err = m.store.Provider(t.Context(), p.Id); err != nil || p.KeyOrigin != one {
		t.Fatalf("written down: %v, %v", p, err)
	}
	_, err = m.Run(t.Context(), p, userSays("fetch /"))
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, "was given for "+one, "--key-env K")
	if len(got) != 5 {
		t.Errorf("the servers were asked %d times, with %q", len(got), got)
	}
	if p, err = m.Update(t.Context(), p, &apiv1.UpdateProviderRequest{BaseUrl: proto.String(one + "/x"), KeySource: proto.String(keys.SourceEnv + "K")}, true, nil); err != nil || p.KeyOrigin != one {
		t.Errorf("moved by a page: %v, %v", p, err)
	}
}
