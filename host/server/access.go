package server

import (
	"cmp"
	"context"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

// placeMessage settles where a message is worked on that says so itself.
func (a *api) placeMessage(ctx context.Context, req *apiv1.SendRequest, session *apiv1.Session, m *store.Send) error {
	if req.Workspace == "" && req.AccessMode == apiv1.AccessMode_ACCESS_MODE_UNSPECIFIED {
		return nil
	}
	s := &apiv1.Session{AccessMode: apiv1.AccessMode_ACCESS_MODE_SCOPED}
	if session != nil {
		s = session
	}
	var workspace *string
	if req.Workspace != "" {
		workspace = &req.Workspace
	}
	var mode *apiv1.AccessMode
	if req.AccessMode != apiv1.AccessMode_ACCESS_MODE_UNSPECIFIED {
		mode = &req.AccessMode
	}
	before := s.AccessMode
	if err := a.setPlace(ctx, s, workspace, mode, req.ConfirmRoot); err != nil {
		return err
	}
	if session != nil && workspace == nil && s.AccessMode == before {
		// It has that already, or had it a moment ago: nothing is given.
		return nil
	}
	if m.AccessMode = s.AccessMode; workspace != nil {
		m.WorkspaceID = s.WorkspaceId
	}
	return nil
}

// setPlace puts a session into a workspace and an access mode. Root is for trusted workspaces, and only for who was told
// what it means and does not come through the page.
func (a *api) setPlace(ctx context.Context, s *apiv1.Session, workspace *string, mode *apiv1.AccessMode, confirmed bool) error {
	before := s.WorkspaceId
	if workspace != nil {
		s.WorkspaceId = ""
		if *workspace != "" {
			w, err := a.workspace(ctx, *workspace)
			if err != nil {
				return err
			}
			if s.WorkspaceId = w.Id; w.Problem != "" {
				return refuse(connect.CodeFailedPrecondition, "the workspace %s can't be used: %s", w.Name, w.Problem)
			}
		}
	}
	switch {
	case mode == nil:
		// Root is never carried over to another directory.
		if workspace != nil && s.AccessMode == apiv1.AccessMode_ACCESS_MODE_ROOT {
			s.AccessMode = apiv1.AccessMode_ACCESS_MODE_SCOPED
		}
		return nil
	case *mode == apiv1.AccessMode_ACCESS_MODE_UNSPECIFIED:
		s.AccessMode = apiv1.AccessMode_ACCESS_MODE_SCOPED
		return nil
	case *mode == apiv1.AccessMode_ACCESS_MODE_READ_ONLY, *mode == apiv1.AccessMode_ACCESS_MODE_SCOPED:
		s.AccessMode = *mode
		return nil
	case *mode != apiv1.AccessMode_ACCESS_MODE_ROOT:
		return refuse(connect.CodeInvalidArgument, "%d is no access that a chat can have", *mode)
	case s.WorkspaceId == "":
		return refuse(connect.CodeFailedPrecondition, "root mode needs a workspace: choose one that is trusted first")
	}
	w, err := a.Store.Workspace(ctx, s.WorkspaceId)
	if err != nil {
		return err
	}
	if w.Trust != apiv1.Trust_TRUST_TRUSTED {
		return refuse(connect.CodeFailedPrecondition, "root mode is for trusted workspaces, and %s is not: trust it first with `openvibez workspace trust %s`", w.Name, quoteShell(w.Path))
	}
	if s.AccessMode == apiv1.AccessMode_ACCESS_MODE_ROOT && s.WorkspaceId == before {
		return nil
	}
	// Whoever could speak through the page would say yes to himself.
	if err := a.socketOnly("give a chat root access", "type `openvibez session access "+cmp.Or(s.Id, "last")+" root --confirm-root` in a terminal"); err != nil {
		return err
	}
	if !confirmed {
		return refuse(connect.CodeFailedPrecondition, "root mode lets commands run outside the sandbox, each after asking: confirm that this is meant")
	}
	s.AccessMode = *mode
	return nil
}
