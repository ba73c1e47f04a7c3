package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// pageOf gives all that a page's script can call.
type pageOf struct {
	sessions   apiv1.SessionServiceClient
	runs       apiv1.RunServiceClient
	workspaces apiv1.WorkspaceServiceClient
	plugins    apiv1.PluginServiceClient
	providers  apiv1.ProviderServiceClient
	host       apiv1.HostServiceClient
}

func (f *fixture) puppet() pageOf {
	b := f.browser(byBrowser)
	c := b.doer()
	return pageOf{
		apiv1.NewSessionServiceClient(c, b.base), apiv1.NewRunServiceClient(c, b.base), apiv1.NewWorkspaceServiceClient(c, b.base),
		apiv1.NewPluginServiceClient(c, b.base), apiv1.NewProviderServiceClient(c, b.base), apiv1.NewHostServiceClient(c, b.base),
	}
}

// person answers all that is asked, on the socket, and keeps what it was.
func (f *fixture) person(yes bool) (asked func() []string) {
	var mu sync.Mutex
	var all []string
	ctx, stop := context.WithCancel(f.t.Context())
	f.t.Cleanup(stop)
	stream, err := f.host.Watch(ctx, &apiv1.WatchRequest{Topics: []apiv1.Topic{apiv1.Topic_TOPIC_CONSENTS}})
	if err != nil {
		f.t.Fatal(err)
	}
	go func() {
		for stream.Receive() {
			for _, c := range stream.Msg().Changes {
				if q := c.GetConsent(); q != nil {
					mu.Lock()
					all = append(all, q.Text+"\n"+q.Subject)
					mu.Unlock()
					_, _ = f.host.AnswerConsent(ctx, &apiv1.AnswerConsentRequest{Id: q.Id, Allow: yes})
				}
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), all...)
	}
}

// TestPuppetSendsNothingAway plays a page that does what a stranger's script wants: it tries each way by which a key or a
// file could reach a server of the stranger's, and answers its own questions.
func TestPuppetSendsNothingAway(t *testing.T) {
	var got sync.Map
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got.Store(r.URL.String(), r.Header) }))
	defer stranger.Close()
	f := start(t)
	ctx := t.Context()
	f.env["ECHO_KEY"], f.env["OTHER_KEY"], f.env["HOME"] = "sk-of-the-person", "sk-other", t.TempDir()
	asked := f.person(false)
	p := f.puppet()
	mine, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", Name: "Mine", KeySource: "env:ECHO_KEY"})
	if err != nil {
		t.Fatal(err)
	}
	socket := apiv1.NewWorkspaceServiceClient(socketHTTP(SocketPath(f.dir)), "http://openvibez")
	trusted, other := t.TempDir(), t.TempDir()
	known, err := socket.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: trusted, Trust: apiv1.Trust_TRUST_TRUSTED})
	if err != nil {
		t.Fatal(err)
	}
	id, url, env, key, other1 := mine.Provider.Id, stranger.URL, "env:ECHO_KEY", "sk-of-the-stranger", "env:OTHER_KEY"
	root, yes, up := apiv1.AccessMode_ACCESS_MODE_ROOT, true, apiv1.Trust_TRUST_TRUSTED
	for what, try := range map[string]func() error{
		"move a provider, key kept": func() error {
			return second(p.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, BaseUrl: &url}))
		},
		"move a provider, key named": func() error {
			return second(p.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, BaseUrl: &url, KeySource: &env}))
		},
		"use another key": func() error {
			return second(p.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, KeySource: &other1}))
		},
		"use the stranger's account": func() error {
			return second(p.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: id, Key: &key}))
		},
		"add a provider elsewhere": func() error {
			return second(p.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", BaseUrl: url}))
		},
		"add one with the person's key": func() error {
			return second(p.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", BaseUrl: url, KeySource: env}))
		},
		"add one with another key": func() error {
			return second(p.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", KeySource: other1}))
		},
		"add one with the stranger's": func() error {
			return second(p.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", Key: key}))
		},
		"add one with a key command": func() error {
			return second(p.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", KeySource: "command:cat /etc/hostname"}))
		},
		"add a workspace": func() error {
			return second(p.workspaces.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: other, Confirmed: true}))
		},
		"add a trusted one": func() error {
			return second(p.workspaces.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: other, Trust: up}))
		},
		"run unknown commands": func() error {
			return second(p.workspaces.UpdateWorkspace(ctx, &apiv1.UpdateWorkspaceRequest{Id: known.Workspace.Id, RunUnknown: &yes}))
		},
		"grant its domain": func() error {
			return second(p.workspaces.GrantDomains(ctx, &apiv1.GrantDomainsRequest{WorkspaceId: known.Workspace.Id, Domains: []string{"stranger.example"}}))
		},
		"grant the registries": func() error {
			return second(p.workspaces.GrantDomains(ctx, &apiv1.GrantDomainsRequest{WorkspaceId: known.Workspace.Id, Registries: true}))
		},
		"send with root": func() error {
			return second(p.runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "x", Text: "hello", Workspace: trusted, AccessMode: root, ConfirmRoot: true}))
		},
		"send from another folder": func() error {
			return second(p.runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "y", Text: "hello", Workspace: other}))
		},
		"name a package's path": func() error {
			return second(p.plugins.InspectPackage(ctx, &apiv1.InspectPackageRequest{Package: &apiv1.InspectPackageRequest_Path{Path: "/etc/passwd"}}))
		},
		"run unconfined": func() error {
			return second(p.plugins.SetPluginEnabled(ctx, &apiv1.SetPluginEnabledRequest{Id: "echo", Enabled: true, AllowUnconfined: true}))
		},
		"back up to a path": func() error { return second(p.host.Backup(ctx, &apiv1.BackupRequest{Path: filepath.Join(other, "x")})) },
		"import a path": func() error {
			return second(p.sessions.ImportSession(ctx, &apiv1.ImportSessionRequest{Path: "/etc/passwd"}))
		},
		"loosen policy": func() error {
			return second(p.host.SetSetting(ctx, &apiv1.SetSettingRequest{Key: "policy.mode", ValueJson: `"none"`}))
		},
	} {
		if err := try(); err == nil || connect.CodeOf(err) == connect.CodeInternal {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, want := range []string{url, "folder", other, "entered in the chat page", "OTHER_KEY"} {
		if all := strings.Join(asked(), "\n"); want != "OTHER_KEY" && !strings.Contains(all, want) {
			t.Errorf("the person was not told of %q:\n%s", want, all)
		}
	}
	all, err := f.Store.Providers(ctx)
	if err != nil || len(all) != 1 || all[0].BaseUrl != "" || all[0].KeySource != env {
		t.Errorf("providers afterwards: %v, %v", all, err)
	}
	spaces, _, err := f.Store.Workspaces(ctx)
	if err != nil || len(spaces) != 1 || spaces[0].RunUnknown {
		t.Errorf("workspaces afterwards: %v, %v", spaces, err)
	}
	got.Range(func(url, head any) bool {
		t.Errorf("the stranger's server was asked for %v: %v", url, head)
		return true
	})
}

// What a person allows is done, once; what the page says of it does not count.
func TestPuppetCannotAnswerItself(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	p := f.puppet()
	dir := t.TempDir()
	done := make(chan error, 1)
	add := func() { done <- second(p.workspaces.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: dir})) }
	go add()
	var open *apiv1.Consent
	waits := func() bool {
		res, err := p.host.GetConsent(ctx, &apiv1.GetConsentRequest{})
		if err != nil {
			t.Fatal(err)
		}
		open = res.Consent
		return open != nil
	}
	eventually(t, "the question", waits)
	if open.Subject != dir || !strings.Contains(open.Text, "read this folder") {
		t.Errorf("asked: %v", open)
	}
	_, err := p.host.AnswerConsent(ctx, &apiv1.AnswerConsentRequest{Id: open.Id, Allow: true})
	if connect.CodeOf(err) != connect.CodePermissionDenied || !strings.Contains(err.Error(), "openvibez approval allow "+open.Id) {
		t.Errorf("the page's own yes: %v", err)
	}
	if err := second(p.workspaces.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: f.dir + "/.."})); connect.CodeOf(err) == connect.CodeInternal || err == nil {
		t.Errorf("a second question: %v", err)
	}
	if _, err := f.host.AnswerConsent(ctx, &apiv1.AnswerConsentRequest{Id: open.Id, Allow: true}); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("allowed: %v", err)
	}
	if _, err := f.host.AnswerConsent(ctx, &apiv1.AnswerConsentRequest{Id: open.Id, Allow: true}); connect.CodeOf(err) != connect.CodeFailedPrecondition {
		t.Errorf("allowed again: %v", err)
	}
	dir = t.TempDir()
	go add()
	eventually(t, "another question", waits)
	// The page may say no, and only that.
	if _, err := p.host.AnswerConsent(ctx, &apiv1.AnswerConsentRequest{Id: open.Id}); err != nil {
		t.Error(err)
	}
	if err := <-done; connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("taken back: %v", err)
	}
}

// A host that ends does not wait for a person.
func TestQuestionEndsWithHost(t *testing.T) {
	f := start(t)
	p := f.puppet()
	dir, done := t.TempDir(), make(chan error, 1)
	go func() { done <- second(p.workspaces.AddWorkspace(t.Context(), &apiv1.AddWorkspaceRequest{Path: dir})) }()
	eventually(t, "the question", func() bool { return f.desk.Open() != nil })
	f.stop()
	if err := <-done; connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), "host ends") {
		t.Error(err)
	}
}

// On the socket it is the person who asks; folders with keys in them are a question there too.
func TestFoldersWithKeysAreAQuestion(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	home := t.TempDir()
	f.env["HOME"] = home
	socket := apiv1.NewWorkspaceServiceClient(socketHTTP(SocketPath(f.dir)), "http://openvibez")
	for _, dir := range []string{"", ".ssh", ".config", ".config/app"} {
		path := filepath.Join(home, dir)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		res, err := socket.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: path})
		if err != nil || res.Workspace != nil || !strings.Contains(res.Question, "keys") {
			t.Errorf("%q: %v, %v", dir, res, err)
		}
		if res, err = socket.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: path, Confirmed: true}); err != nil || res.Workspace == nil {
			t.Errorf("%q, confirmed: %v, %v", dir, res, err)
		}
	}
}

// A command that reaches the network, or runs outside the sandbox, is not let through by the page alone; denying it is,
// and what stays in the sandbox.
func TestPuppetOpensNoWayOut(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	p := f.puppet()
	asked := f.person(false)
	_, run, _, err := f.Store.Send(ctx, store.Send{ClientRequestID: "one", Text: "please"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Store.StartRun(ctx, run.Id); err != nil {
		t.Fatal(err)
	}
	choices := []*providerv1.Question_Choice{{Id: "once", Text: "Allow once", Allows: true}, {Id: "deny", Text: "Deny"}}
	for _, c := range []struct {
		what     string
		approval *apiv1.Approval
		choice   string
		refused  bool
	}{
		{"network", &apiv1.Approval{Profile: apiv1.Profile_PROFILE_NET, Domains: []string{"stranger.example"}}, "once", true},
		{"a domain alone", &apiv1.Approval{Profile: apiv1.Profile_PROFILE_WORK, Domains: []string{"stranger.example"}}, "once", true},
		{"outside", &apiv1.Approval{Profile: apiv1.Profile_PROFILE_HOST}, "once", true},
		{"network denied", &apiv1.Approval{Profile: apiv1.Profile_PROFILE_NET}, "deny", false},
		{"in the sandbox", &apiv1.Approval{Profile: apiv1.Profile_PROFILE_WORK}, "once", false},
	} {
		c.approval.Question = &providerv1.Question{Id: c.what, Subject: "send " + c.what, Choices: choices}
		open, err := f.Store.Ask(ctx, run.Id, c.approval)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.runs.Decide(ctx, &apiv1.DecideRequest{ApprovalId: open.Id, ChoiceId: c.choice})
		if refused := connect.CodeOf(err) == connect.CodePermissionDenied; refused != c.refused || !refused && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		after, err := f.Store.Approval(ctx, open.Id)
		if still := after.GetState() == apiv1.ApprovalState_APPROVAL_STATE_PENDING; err != nil || still != c.refused {
			t.Errorf("%s: afterwards %v, %v", c.what, after, err)
		}
		if all := strings.Join(asked(), "\n"); strings.Contains(all, "send "+c.what) != c.refused {
			t.Errorf("%s: the person was asked:\n%s", c.what, all)
		}
		if c.refused {
			// The terminal answers the question itself.
			if _, err := f.runs.Decide(ctx, &apiv1.DecideRequest{ApprovalId: open.Id, ChoiceId: c.choice}); err != nil {
				t.Errorf("%s from the socket: %v", c.what, err)
			}
		}
	}
}
