package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestErrorsKeepTheirWords(t *testing.T) {
	typed := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, "nothing answers there").WithDetail("connection refused")
	for _, c := range []struct {
		err   error
		code  connect.Code
		words string
	}{
		{fmt.Errorf("no session begins with x: %w", store.ErrNotFound), connect.CodeNotFound, "no session begins with x: not found"},
		{fmt.Errorf("%w: there is no session x", store.ErrNotFound), connect.CodeNotFound, "there is no session x"},
		{store.ErrAmbiguous, connect.CodeInvalidArgument, "ambiguous"},
		{store.ErrConflict, connect.CodeAlreadyExists, "conflict"},
		{store.ErrDuplicateName, connect.CodeAlreadyExists, "name already taken"},
		{store.ErrDecided, connect.CodeFailedPrecondition, "already decided"},
		{store.ErrDiskFull, connect.CodeResourceExhausted, "disk full"},
		{store.ErrDamaged, connect.CodeDataLoss, "database damaged"},
		{typed, connect.CodeFailedPrecondition, "nothing answers there"},
		{fmt.Errorf("choose a model: %w", typed), connect.CodeFailedPrecondition, "choose a model: nothing answers there (connection refused)"},
		{sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "no such model"), connect.CodeNotFound, "no such model"},
		{context.Canceled, connect.CodeCanceled, "context canceled"},
		{errors.New("something else"), connect.CodeInternal, "something else"},
		{refuse(connect.CodeInvalidArgument, "empty"), connect.CodeInvalidArgument, "empty"},
	} {
		f := newFixture(t)
		err := (&errorWords{log: f.Logger}).connect("test", c.err)
		var out *connect.Error
		if !errors.As(err, &out) || out.Code() != c.code || out.Message() != c.words {
			t.Errorf("%v became %v", c.err, err)
			continue
		}
		var cause *sdk.Error
		if errors.As(c.err, &cause) {
			if len(out.Details()) != 1 {
				t.Fatalf("%v has %d details", err, len(out.Details()))
			}
			detail, detailErr := out.Details()[0].Value()
			if got, ok := detail.(*providerv1.Error); detailErr != nil || !ok || got.Code != cause.Code() {
				t.Errorf("%v carries %v", err, detail)
			}
		}
	}
}

// TestBadInput sends what no host should accept, and expects words that help.
func TestBadInput(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if _, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo"}); err != nil {
		t.Fatal(err)
	}
	send := func(req *apiv1.SendRequest) error { return second(f.runs.Send(ctx, req)) }
	add := func(req *apiv1.AddProviderRequest) error { return second(f.providers.AddProvider(ctx, req)) }
	title := "  "
	no := false
	for _, c := range []struct {
		name  string
		err   error
		code  connect.Code
		words string
	}{
		{"empty prompt", send(&apiv1.SendRequest{ClientRequestId: "a", Text: " \n"}), connect.CodeInvalidArgument, "empty"},
		{"13 MB prompt", send(&apiv1.SendRequest{ClientRequestId: "a", Text: strings.Repeat("x", 13<<20)}), connect.CodeInvalidArgument, "13.0 MB"},
		{"no request id", send(&apiv1.SendRequest{Text: "x"}), connect.CodeInvalidArgument, "client request"},
		{"odd session id", send(&apiv1.SendRequest{ClientRequestId: "a", Text: "x", SessionId: "../etc"}), connect.CodeNotFound, "../etc"},
		{"blank in an id", send(&apiv1.SendRequest{ClientRequestId: "a", Text: "x", SessionId: "a b"}), connect.CodeInvalidArgument, "a b"},
		{"unknown provider", send(&apiv1.SendRequest{ClientRequestId: "a", Text: "x", Provider: "nope"}), connect.CodeNotFound, "Echo"},
		{"unknown model", send(&apiv1.SendRequest{ClientRequestId: "a", Text: "x", Model: "nope"}), connect.CodeNotFound, "loud, soft"},
		{"unknown session", second(f.sessions.GetSession(ctx, &apiv1.GetSessionRequest{Id: "zzzzzzzz"})), connect.CodeNotFound, "zzzzzzzz"},
		{"no session", second(f.sessions.GetSession(ctx, &apiv1.GetSessionRequest{})), connect.CodeInvalidArgument, "no session is named"},
		{"unknown run", second(f.runs.Cancel(ctx, &apiv1.CancelRequest{RunId: "zzzzzzzz"})), connect.CodeNotFound, "zzzzzzzz"},
		{"unknown approval", second(f.runs.Decide(ctx, &apiv1.DecideRequest{ApprovalId: "zzzzzzzz"})), connect.CodeNotFound, "zzzzzzzz"},
		{"huge page", second(f.sessions.ListSessions(ctx, &apiv1.ListSessionsRequest{Limit: 1001})), connect.CodeInvalidArgument, "1000"},
		{"broken page token", second(f.sessions.ListSessions(ctx, &apiv1.ListSessionsRequest{PageToken: "x"})), connect.CodeInvalidArgument, ""},
		{"unknown plugin", add(&apiv1.AddProviderRequest{Plugin: "nope"}), connect.CodeNotFound, "there is echo"},
		{"plugin outside", add(&apiv1.AddProviderRequest{Plugin: "../../bin/sh"}), connect.CodeNotFound, "there is echo"},
		{"taken name", add(&apiv1.AddProviderRequest{Plugin: "echo", Name: "ECHO"}), connect.CodeAlreadyExists, "ECHO"},
		{"broken address", add(&apiv1.AddProviderRequest{Plugin: "echo", BaseUrl: "http//x"}), connect.CodeInvalidArgument, ""},
		{"file address", add(&apiv1.AddProviderRequest{Plugin: "echo", BaseUrl: "file:///etc/passwd"}), connect.CodeInvalidArgument, ""},
		{"broken settings", add(&apiv1.AddProviderRequest{Plugin: "echo", SettingsJson: "[1]"}), connect.CodeInvalidArgument, "JSON object"},
		{"a key instead of its place", add(&apiv1.AddProviderRequest{Plugin: "echo", KeySource: "sk-12345"}), connect.CodeInvalidArgument, "env:"},
		{"name of two lines", add(&apiv1.AddProviderRequest{Plugin: "echo", Name: "a\nb"}), connect.CodeInvalidArgument, "line breaks"},
		{"empty title", second(f.sessions.UpdateSession(ctx, &apiv1.UpdateSessionRequest{Id: create(t, f), Title: &title})), connect.CodeInvalidArgument, "empty"},
		{"no default", second(f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: "echo", IsDefault: &no})), connect.CodeInvalidArgument, "default"},
		{"odd setting", second(f.host.SetSetting(ctx, &apiv1.SetSettingRequest{Key: "A B", ValueJson: "1"})), connect.CodeInvalidArgument, "A B"},
		{"setting that is not JSON", second(f.host.SetSetting(ctx, &apiv1.SetSettingRequest{Key: "window.x", ValueJson: "dark"})), connect.CodeInvalidArgument, "quotes"},
	} {
		if connect.CodeOf(c.err) != c.code || !strings.Contains(c.err.Error(), c.words) {
			t.Errorf("%s: %v, want %v and %q", c.name, c.err, c.code, c.words)
		}
	}
	b := f.browser(byBrowser)
	if res, body := b.do("POST", "/openvibez.api.v1.RunService/Send", "{\"clientRequestId\":\"a\",\"text\":\"\xff\"}"); res.StatusCode != 400 || !strings.Contains(body, "UTF-8") {
		t.Errorf("invalid UTF-8: %s: %s", res.Status, body)
	}
}

func create(t *testing.T, f *fixture) string {
	t.Helper()
	res, err := f.sessions.CreateSession(t.Context(), &apiv1.CreateSessionRequest{Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return res.Session.Id
}

func TestLongPromptArrives(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if _, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo"}); err != nil {
		t.Fatal(err)
	}
	res, err := f.runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "a", Text: strings.Repeat("ä", 5<<20)})
	if err != nil {
		t.Fatal(err)
	}
	run := res.Run
	eventually(t, "the answer", func() bool {
		got, err := f.runs.GetRun(ctx, &apiv1.GetRunRequest{Id: run.Id})
		if err != nil {
			t.Fatal(err)
		}
		run = got.Run
		return run.EndedMs != 0
	})
	if run.State != apiv1.RunState_RUN_STATE_COMPLETED {
		t.Errorf("run: %v", run)
	}
	entries, err := f.sessions.ListEntries(ctx, &apiv1.ListEntriesRequest{SessionId: run.SessionId})
	if err != nil {
		t.Fatal(err)
	}
	if got := entries.Entries[1].GetText().GetText(); got != fmt.Sprintf("%d bytes", 10<<20) {
		t.Errorf("the provider saw %q", got)
	}
}

func TestProviders(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	b := f.browser(byBrowser)
	f.person(true)
	page := apiv1.NewProviderServiceClient(b.doer(), b.base)
	const elsewhere = "https://elsewhere.example"

	first, err := page.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", KeySource: "env:ECHO_KEY"})
	if err != nil {
		t.Fatal(err)
	}
	if p := first.Provider; p.Name != "Echo" || !p.IsDefault || p.KeySource != "env:ECHO_KEY" {
		t.Errorf("first: %v", p)
	}
	another, err := page.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", BaseUrl: elsewhere})
	if err != nil {
		t.Fatal(err)
	}
	if p := another.Provider; p.Name != "Echo 2" || p.IsDefault || p.BaseUrl != elsewhere {
		t.Errorf("another: %v", p)
	}
	for what, err := range map[string]error{
		"any variable": second(page.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", KeySource: "env:HOME"})),
		"its variable, any address": second(page.AddProvider(ctx, &apiv1.AddProviderRequest{
			Plugin: "echo", KeySource: "env:ECHO_KEY", BaseUrl: elsewhere,
		})),
		"a key for another address": second(page.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{
			Id: another.Provider.Id, KeySource: ptr("env:ECHO_KEY"),
		})),
		"key and address at once": second(page.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{
			Id: "echo", BaseUrl: ptr(elsewhere), KeySource: ptr("env:ECHO_KEY"),
		})),
	} {
		if connect.CodeOf(err) != connect.CodePermissionDenied || !strings.Contains(err.Error(), "--key-env") {
			t.Errorf("%s from the page: %v", what, err)
		}
	}

	renamed, err := page.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: "echo", Name: ptr("Voice"), BaseUrl: ptr("")})
	if err != nil || renamed.Provider.KeySource == "" {
		t.Errorf("a new name took the key away: %v, %v", renamed, err)
	}
	moved, err := page.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: "voice", BaseUrl: ptr(elsewhere)})
	if err != nil || moved.Provider.KeySource != "" {
		t.Errorf("moved from the page, the key went along: %v, %v", moved, err)
	}
	keyed, err := f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: "voice", KeySource: ptr("env:ANY")})
	if err != nil || keyed.Provider.KeySource != "env:ANY" {
		t.Errorf("the command line may choose: %v, %v", keyed, err)
	}

	f.env["ANY"] = "a key"
	tested, err := f.providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: "voice"})
	if err != nil || tested.Summary != "an echo" || len(tested.Models) != 2 || tested.Provider.CheckedMs == 0 {
		t.Errorf("tested: %v, %v", tested, err)
	}
	if _, err := f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: "voice", BaseUrl: ptr("http://broken.example")}); err != nil {
		t.Fatal(err)
	}
	tested, err = f.providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: "voice"})
	if err != nil || tested.Provider.Error.GetCode() != providerv1.ErrorCode_ERROR_CODE_AUTH || !strings.Contains(tested.Provider.Error.Message, "broken.example") {
		t.Errorf("moved, and its key with it: %v, %v", tested, err)
	}
	if _, err := f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: "voice", KeySource: ptr("env:ANY")}); err != nil {
		t.Fatal(err)
	}
	tested, err = f.providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: "voice"})
	if err != nil || tested.Summary != "" || tested.Provider.Error.GetCode() != providerv1.ErrorCode_ERROR_CODE_UNREACHABLE {
		t.Errorf("tested: %v, %v", tested, err)
	}
	if _, err := f.providers.RemoveProvider(ctx, &apiv1.RemoveProviderRequest{Id: "voice"}); err != nil {
		t.Error(err)
	}
	list, err := f.providers.ListProviders(ctx, &apiv1.ListProvidersRequest{})
	if err != nil || len(list.Providers) != 1 {
		t.Errorf("left: %v, %v", list, err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestDeleteCancels(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if _, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo"}); err != nil {
		t.Fatal(err)
	}
	sent, err := f.runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "a", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.sessions.DeleteSession(ctx, &apiv1.DeleteSessionRequest{Id: sent.Session.Id})
	if err != nil || res.RestorableUntilMs == 0 {
		t.Fatal(res, err)
	}
	if r, err := f.runs.GetRun(ctx, &apiv1.GetRunRequest{Id: sent.Run.Id}); err != nil || r.Run.EndedMs == 0 {
		t.Errorf("the run of a deleted session: %v, %v", r, err)
	}
	if _, err := f.sessions.GetSession(ctx, &apiv1.GetSessionRequest{Id: sent.Session.Id}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("the deleted session: %v", err)
	}
	if _, err := f.sessions.RestoreSession(ctx, &apiv1.RestoreSessionRequest{Id: sent.Session.Id}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sessions.DeleteSession(ctx, &apiv1.DeleteSessionRequest{Id: sent.Session.Id, Now: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sessions.RestoreSession(ctx, &apiv1.RestoreSessionRequest{Id: sent.Session.Id}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("restored what is gone: %v", err)
	}
	if _, err := f.runs.GetRun(ctx, &apiv1.GetRunRequest{Id: sent.Run.Id}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("the run of a deleted session: %v", err)
	}
	eventually(t, "the engine to let go", func() bool { return f.Runs.Active() == 0 })
}
