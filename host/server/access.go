package server

import (
	"cmp"
	"context"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

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
	case *mode != apiv1.AccessMode_ACCESS_MODE_ROOT:
		s.AccessMode = *mode
		return nil
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
