package server

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// A message in one call: with where it is worked on and how far it may go. Where that is refused nothing is left behind, and
// the same call again is the same message.
func TestMessageInOneCall(t *testing.T) {
	f := start(t)
	b := f.browser(byBrowser)
	ctx := t.Context()
	socket := socketHTTP(SocketPath(f.dir))
	runs, page := apiv1.NewRunServiceClient(socket, "http://openvibez"), apiv1.NewRunServiceClient(b.doer(), b.base)
	workspaces := apiv1.NewWorkspaceServiceClient(socket, "http://openvibez")
	if err := second(f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo"})); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	trusted := apiv1.Trust_TRUST_TRUSTED
	w, err := workspaces.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: dir, Trust: trusted})
	if err != nil {
		t.Fatal(err)
	}
	got, err := workspaces.GetWorkspace(ctx, &apiv1.GetWorkspaceRequest{Id: dir})
	if err != nil || got.Workspace.Id != w.Workspace.Id || got.Rev < w.Workspace.Rev {
		t.Errorf("the workspace is %v, %v", got, err)
	}
	root := func(c apiv1.RunServiceClient, id string, confirm bool) (*apiv1.SendResponse, error) {
		return c.Send(ctx, &apiv1.SendRequest{
			ClientRequestId: id, Text: "hi", Workspace: dir, AccessMode: apiv1.AccessMode_ACCESS_MODE_ROOT, ConfirmRoot: confirm, SystemPrompt: "be brief",
		})
	}
	for what, refused := range map[string]struct {
		err  error
		code connect.Code
		word string
	}{
		"root unconfirmed":   {second(root(runs, "a", false)), connect.CodeFailedPrecondition, "confirm"},
		"root from the page": {second(root(page, "b", true)), connect.CodePermissionDenied, "--confirm-root"},
		"no such workspace":  {second(runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "c", Text: "hi", Workspace: "nowhere"})), connect.CodeNotFound, "nowhere"},
		"root without a place": {
			second(runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "d", Text: "hi", AccessMode: apiv1.AccessMode_ACCESS_MODE_ROOT, ConfirmRoot: true})),
			connect.CodeFailedPrecondition, "workspace",
		},
	} {
		if connect.CodeOf(refused.err) != refused.code || !strings.Contains(refused.err.Error(), refused.word) {
			t.Errorf("%s: %v", what, refused.err)
		}
	}
	if list, err := f.sessions.ListSessions(ctx, &apiv1.ListSessionsRequest{}); err != nil || len(list.Sessions) != 0 {
		t.Errorf("what was refused left %v, %v", list, err)
	}
	sent, err := root(runs, "e", true)
	if err != nil {
		t.Fatal(err)
	}
	if s := sent.Session; s.WorkspaceId != w.Workspace.Id || s.AccessMode != apiv1.AccessMode_ACCESS_MODE_ROOT || s.SystemPrompt != "be brief" {
		t.Errorf("the session is %v", s)
	}
	// Trust may be gone by the time that a message is sent again: it was accepted.
	untrusted := apiv1.Trust_TRUST_UNTRUSTED
	if err := second(workspaces.UpdateWorkspace(ctx, &apiv1.UpdateWorkspaceRequest{Id: dir, Trust: &untrusted})); err != nil {
		t.Fatal(err)
	}
	again, err := root(runs, "e", true)
	if err != nil || again.Run.Id != sent.Run.Id || again.Rev != sent.Rev {
		t.Errorf("sent again: %v, %v", again, err)
	}
	if err := second(runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "e", Text: "hi", Workspace: dir, SystemPrompt: "be brief"})); connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Errorf("the same id with another access: %v", err)
	}
	// Watching from the response on shows all of the run.
	entries, err := f.sessions.ListEntries(ctx, &apiv1.ListEntriesRequest{SessionId: sent.Session.Id})
	if err != nil || entries.Entries[0].Rev <= sent.Rev {
		t.Errorf("the message has rev %d, and watching begins after %d (%v)", entries.Entries[0].Rev, sent.Rev, err)
	}
	// In a session that exists, a message moves it; root does not come along.
	moved, err := runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "f", SessionId: sent.Session.Id, Text: "hi", Workspace: w.Workspace.Id, AccessMode: apiv1.AccessMode_ACCESS_MODE_READ_ONLY})
	if err != nil || moved.Session.AccessMode != apiv1.AccessMode_ACCESS_MODE_READ_ONLY {
		t.Errorf("moved: %v, %v", moved, err)
	}
	stays, err := runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "g", SessionId: sent.Session.Id, Text: "hi"})
	if err != nil || stays.Session.AccessMode != apiv1.AccessMode_ACCESS_MODE_READ_ONLY || stays.Session.WorkspaceId != w.Workspace.Id {
		t.Errorf("stays: %v, %v", stays, err)
	}
}
