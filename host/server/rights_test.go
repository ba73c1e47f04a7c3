package server

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// TestPageGetsNoRightsByCopies plays a page that is the puppet of a script: it edits an export, deletes and restores,
// branches and sends, and nowhere gets more than scoped access.
func TestPageGetsNoRightsByCopies(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	b := f.browser(byBrowser)
	page := apiv1.NewSessionServiceClient(b.doer(), b.base)
	runs := apiv1.NewRunServiceClient(b.doer(), b.base)
	workspaces := apiv1.NewWorkspaceServiceClient(socketHTTP(SocketPath(f.dir)), "http://openvibez")
	dir := t.TempDir()
	w, err := workspaces.AddWorkspace(ctx, &apiv1.AddWorkspaceRequest{Path: dir, Trust: apiv1.Trust_TRUST_TRUSTED})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo"}); err != nil {
		t.Fatal(err)
	}
	mode, scoped := apiv1.AccessMode_ACCESS_MODE_ROOT, apiv1.AccessMode_ACCESS_MODE_SCOPED
	refused := func(what string, err error) {
		t.Helper()
		if connect.CodeOf(err) != connect.CodePermissionDenied || !strings.Contains(err.Error(), "--confirm-root") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = page.CreateSession(ctx, &apiv1.CreateSessionRequest{WorkspaceId: dir, AccessMode: mode})
	refused("created with root", err)
	_, err = runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "r1", Text: "hello", Workspace: dir, AccessMode: mode, ConfirmRoot: true})
	refused("sent with root", err)

	made, err := f.runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "r2", Text: "hello", Workspace: dir, AccessMode: mode, ConfirmRoot: true})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Session.Id
	if made.Session.AccessMode != mode {
		t.Fatalf("the person gave root, and it is %v", made.Session)
	}
	want := func(what string, s *apiv1.Session, taken []apiv1.Right, err error, right apiv1.Right) {
		t.Helper()
		if err != nil || s.AccessMode != scoped || !slices.Contains(taken, right) {
			t.Errorf("%s: %v, without %v, %v", what, s, taken, err)
		}
	}
	branch, err := page.BranchSession(ctx, &apiv1.BranchSessionRequest{SessionId: id})
	want("branched", branch.GetSession(), branch.GetTakenAway(), err, apiv1.Right_RIGHT_ROOT)

	var file bytes.Buffer
	stream, err := page.ExportSession(ctx, &apiv1.ExportSessionRequest{SessionId: id})
	if err != nil {
		t.Fatal(err)
	}
	for stream.Receive() {
		file.Write(stream.Msg().Data)
	}
	if err := stream.Err(); err != nil || !strings.Contains(file.String(), `"ACCESS_MODE_ROOT"`) || !strings.Contains(file.String(), w.Workspace.Id) {
		t.Fatalf("%v, %s", err, file.String())
	}
	runIDs := strings.NewReplacer(id, "another"+id[7:], made.Run.Id, "another"+made.Run.Id[7:])
	copied, err := page.ImportSession(ctx, &apiv1.ImportSessionRequest{Data: []byte(runIDs.Replace(file.String()))})
	want("imported", copied.GetSession(), copied.GetTakenAway(), err, apiv1.Right_RIGHT_ROOT)
	if copied.GetSession().GetWorkspaceId() != "" || !slices.Contains(copied.GetTakenAway(), apiv1.Right_RIGHT_WORKSPACE) {
		t.Errorf("imported into %v without %v", copied.Session, copied.TakenAway)
	}
	_, err = runs.Send(ctx, &apiv1.SendRequest{SessionId: copied.GetSession().GetId(), ClientRequestId: "r3", Text: "go on", Workspace: dir, AccessMode: mode, ConfirmRoot: true})
	refused("sent to an import with root", err)

	if _, err := page.DeleteSession(ctx, &apiv1.DeleteSessionRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	back, err := page.RestoreSession(ctx, &apiv1.RestoreSessionRequest{Id: id})
	want("restored", back.GetSession(), back.GetTakenAway(), err, apiv1.Right_RIGHT_ROOT)
	wild := apiv1.AccessMode(9)
	if _, err := page.UpdateSession(ctx, &apiv1.UpdateSessionRequest{Id: id, AccessMode: &wild}); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("an access that is none: %v", err)
	}
}
