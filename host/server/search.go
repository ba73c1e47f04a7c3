package server

import (
	"context"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// maxQuery is the longest text to search for.
const maxQuery = 2000

func (a *api) SearchSessions(ctx context.Context, req *apiv1.SearchSessionsRequest) (*apiv1.SearchSessionsResponse, error) {
	if req.Limit < 0 || req.Limit > 100 {
		return nil, refuse(connect.CodeInvalidArgument, "the limit is %d: it can be 1 to 100", req.Limit)
	}
	if len(req.Query) > maxQuery {
		return nil, refuse(connect.CodeInvalidArgument, "the search has %d bytes; the most is %d: a few words are enough", len(req.Query), maxQuery)
	}
	if req.SinceMs < 0 || req.UntilMs < 0 || req.UntilMs > 0 && req.UntilMs < req.SinceMs {
		return nil, refuse(connect.CodeInvalidArgument, "the span of time ends before it begins")
	}
	if req.SessionId != "" {
		s, err := a.session(ctx, req.SessionId)
		if err != nil {
			return nil, err
		}
		req.SessionId = s.Id
	}
	if req.WorkspaceId != "" {
		w, err := a.Store.Workspace(ctx, req.WorkspaceId)
		if err != nil {
			return nil, err
		}
		req.WorkspaceId = w.Id
	}
	return a.Store.SearchSessions(ctx, req)
}
