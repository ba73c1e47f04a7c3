package server

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// TestTrustComesFromTheSocket goes through all that would let models do more, from the page and from the socket.
func TestTrustComesFromTheSocket(t *testing.T) {
	f := start(t)
	b := f.browser(byBrowser)
	page, socket := b.doer(), socketHTTP(SocketPath(f.dir))
	ctx := t.Context()
	f.person(true)
	fromPage := apiv1.NewWorkspaceServiceClient(page, b.base)
	pageSessions := apiv1.NewSessionServiceClient(page, b.base)
	fromSocket := apiv1.NewWorkspaceServiceClient(socket, "http://openvibez")
	dir := t.TempDir()

	want := func(what string, err error, code connect.Code, words string) {
		t.Helper()
		if connect.CodeOf(err) != code || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %v with %q", what, err, code, words)
		}
	}
	trusted, untrusted, yes := apiv1.Trust_TRUST_TRUSTED, apiv1.Trust_TRUST_UNTRUSTED, true
	root := apiv1.AccessMode_ACCESS_MODE_ROOT
	add := func(c apiv1.WorkspaceServiceClient, path string, trust apiv1.Trust) error {
		return second(c.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: path, Trust: trust}))
	}
	want("trusted from the page", add(fromPage, dir, trusted), connect.CodePermissionDenied, "workspace trust '"+dir+"'")
	want("the data directory", add(fromSocket, f.dir, untrusted), connect.CodeInvalidArgument, "for itself")
	want("all of the disk", add(fromSocket, "/", untrusted), connect.CodeInvalidArgument, "one project")
	want("a relative path", add(fromSocket, "here", untrusted), connect.CodeInvalidArgument, "absolute")
	want("nowhere", add(fromSocket, filepath.Join(dir, "none"), untrusted), connect.CodeInvalidArgument, "no such")
	want("the system", add(fromSocket, "/proc/self", untrusted), connect.CodeInvalidArgument, "system")
	want("the system's settings from the page", add(fromPage, "/etc", untrusted), connect.CodePermissionDenied, "workspace add '/etc'")
	for place, is := range map[string]bool{"/home/me/.ssh": true, "/home/me/.config/x/y": true, "/home/me/src/x": false, "/home/me/src/.x": false, "/root/x": true, "/srv/x": false} {
		if secret("/home/me", place) != is {
			t.Errorf("%s: may hold keys: %t", place, !is)
		}
	}
	if err := add(fromPage, dir, untrusted); err != nil {
		t.Fatal(err)
	}
	want("twice", add(fromSocket, dir, untrusted), connect.CodeAlreadyExists, "already")

	update := func(c apiv1.WorkspaceServiceClient, req *apiv1.UpdateWorkspaceRequest) error {
		req.Id = dir
		return second(c.UpdateWorkspace(ctx, req))
	}
	want("trust from the page", update(fromPage, &apiv1.UpdateWorkspaceRequest{Trust: &trusted}), connect.CodePermissionDenied, "terminal")
	want("unknown commands from the page", update(fromPage, &apiv1.UpdateWorkspaceRequest{RunUnknown: &yes}), connect.CodePermissionDenied, "terminal")
	session, err := pageSessions.CreateSession(ctx, &apiv1.CreateSessionRequest{WorkspaceId: dir})
	if err != nil {
		t.Fatal(err)
	}
	fromPageRoot := func() error {
		return second(pageSessions.UpdateSession(ctx, &apiv1.UpdateSessionRequest{Id: session.Session.Id, AccessMode: &root, ConfirmRoot: true}))
	}
	socketSessions := apiv1.NewSessionServiceClient(socket, "http://openvibez")
	goRoot := func(confirm bool) error {
		return second(socketSessions.UpdateSession(ctx, &apiv1.UpdateSessionRequest{Id: session.Session.Id, AccessMode: &root, ConfirmRoot: confirm}))
	}
	want("root where nobody trusts", goRoot(true), connect.CodeFailedPrecondition, "trusted")
	want("root at once", second(pageSessions.CreateSession(ctx, &apiv1.CreateSessionRequest{AccessMode: root})), connect.CodeFailedPrecondition, "workspace")
	if err := update(fromSocket, &apiv1.UpdateWorkspaceRequest{Trust: &trusted, RunUnknown: &yes}); err != nil {
		t.Fatal(err)
	}
	want("root unasked", goRoot(false), connect.CodeFailedPrecondition, "confirm")
	want("root from the page", fromPageRoot(), connect.CodePermissionDenied, "session access "+session.Session.Id+" root --confirm-root")
	if err := goRoot(true); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	if err := add(fromSocket, elsewhere, trusted); err != nil {
		t.Fatal(err)
	}
	want("root carried elsewhere", second(socketSessions.UpdateSession(ctx, &apiv1.UpdateSessionRequest{Id: session.Session.Id, WorkspaceId: &elsewhere, AccessMode: &root})),
		connect.CodeFailedPrecondition, "confirm")

	grant := func(c apiv1.WorkspaceServiceClient, req *apiv1.GrantDomainsRequest) error {
		req.WorkspaceId = dir
		return second(c.GrantDomains(ctx, req))
	}
	want("a host from the page", grant(fromPage, &apiv1.GrantDomainsRequest{Domains: []string{"example.org"}}), connect.CodePermissionDenied, "terminal")
	for _, wrong := range []string{"127.0.0.1", "https://example.org", "example.org:80", "*.org", "*", "localhost", "exa mple.org"} {
		want(wrong, grant(fromSocket, &apiv1.GrantDomainsRequest{Domains: []string{wrong}}), connect.CodeInvalidArgument, wrong)
	}
	for _, err := range []error{
		grant(fromPage, &apiv1.GrantDomainsRequest{Registries: true}),
		grant(fromSocket, &apiv1.GrantDomainsRequest{Domains: []string{"*.Example.org."}}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	rules, err := fromPage.ListRules(ctx, &apiv1.ListRulesRequest{WorkspaceId: dir})
	if err != nil || len(rules.Rules) != len(registries())+1 || rules.Rules[0].Domain != "*.example.org" || rules.Rules[0].MadeBy != apiv1.Author_AUTHOR_CLI || rules.Rules[1].MadeBy != apiv1.Author_AUTHOR_WINDOW {
		t.Errorf("rules %v, %v", rules, err)
	}
	if _, err := fromPage.RevokeRule(ctx, &apiv1.RevokeRuleRequest{Id: rules.Rules[0].Id}); err != nil {
		t.Error(err)
	}

	// Trust can be taken away from the page, and root with it.
	if err := update(fromPage, &apiv1.UpdateWorkspaceRequest{Trust: &untrusted}); err != nil {
		t.Error(err)
	}
	none := ""
	moved, err := pageSessions.UpdateSession(ctx, &apiv1.UpdateSessionRequest{Id: session.Session.Id, WorkspaceId: &none})
	if err != nil || moved.Session.AccessMode != apiv1.AccessMode_ACCESS_MODE_SCOPED || moved.Session.WorkspaceId != "" {
		t.Errorf("moved %v, %v", moved, err)
	}
	if _, err := fromPage.RemoveWorkspace(context.WithoutCancel(ctx), &apiv1.RemoveWorkspaceRequest{Id: dir}); err != nil {
		t.Error(err)
	}
}
