package server

import (
	"context"
	"strings"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func (a *api) ListSessions(ctx context.Context, req *apiv1.ListSessionsRequest) (*apiv1.ListSessionsResponse, error) {
	if err := checkLimit(req.Limit); err != nil {
		return nil, err
	}
	return a.Store.ListSessions(ctx, req)
}

func (a *api) GetSession(ctx context.Context, req *apiv1.GetSessionRequest) (*apiv1.GetSessionResponse, error) {
	rev := a.Store.Rev()
	s, err := a.session(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	return &apiv1.GetSessionResponse{Session: s, Rev: rev}, nil
}

func (a *api) session(ctx context.Context, id string) (*apiv1.Session, error) {
	if err := checkID("session", id); err != nil {
		return nil, err
	}
	return a.Store.Session(ctx, id)
}

func (a *api) CreateSession(ctx context.Context, req *apiv1.CreateSessionRequest) (*apiv1.CreateSessionResponse, error) {
	title := strings.TrimSpace(req.Title)
	if err := checkName("title", title); err != nil {
		return nil, err
	}
	if err := checkText("system prompt", req.SystemPrompt); err != nil {
		return nil, err
	}
	s := &apiv1.Session{Title: title, Titled: title != "", Model: req.Model, SystemPrompt: req.SystemPrompt}
	if req.ProviderId != "" {
		p, err := a.Store.Provider(ctx, req.ProviderId)
		if err != nil {
			return nil, err
		}
		s.ProviderId = p.Id
	}
	if err := a.setPlace(ctx, s, &req.WorkspaceId, &req.AccessMode, false); err != nil {
		return nil, err
	}
	s, err := a.Store.CreateSession(ctx, s)
	if err != nil {
		return nil, err
	}
	return &apiv1.CreateSessionResponse{Session: s, Rev: s.Rev}, nil
}

func (a *api) UpdateSession(ctx context.Context, req *apiv1.UpdateSessionRequest) (*apiv1.UpdateSessionResponse, error) {
	s, err := a.session(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	title := strings.TrimSpace(req.GetTitle())
	if err := checkName("title", title); err != nil {
		return nil, err
	}
	if err := checkText("system prompt", req.GetSystemPrompt()); err != nil {
		return nil, err
	}
	if err := checkText("draft", req.GetDraft()); err != nil {
		return nil, err
	}
	providerID := req.GetProviderId()
	if providerID != "" {
		p, err := a.Store.Provider(ctx, providerID)
		if err != nil {
			return nil, err
		}
		providerID = p.Id
	}
	s, err = a.Store.UpdateSession(ctx, s.Id, func(s *apiv1.Session) error {
		// Of what it has now: root that was taken a moment ago is not given back.
		if err := a.setPlace(ctx, s, req.WorkspaceId, req.AccessMode, req.ConfirmRoot); err != nil {
			return err
		}
		if req.Title != nil {
			if title == "" {
				return refuse(connect.CodeInvalidArgument, "the title is empty: give the session a name")
			}
			s.Title, s.Titled = title, true
		}
		if req.ProviderId != nil {
			s.ProviderId = providerID
		}
		if req.Model != nil {
			s.Model = *req.Model
		}
		if req.SystemPrompt != nil {
			s.SystemPrompt = *req.SystemPrompt
		}
		if req.Draft != nil && req.DraftBefore == nil {
			s.Draft = *req.Draft
		}
		if req.Pinned != nil {
			s.Pinned = *req.Pinned
		}
		if req.Archived != nil {
			switch {
			case !*req.Archived:
				s.ArchivedMs = 0
			case s.ArchivedMs == 0:
				s.ArchivedMs = time.Now().UnixMilli()
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	other := ""
	if req.Draft != nil && req.DraftBefore != nil {
		if s, other, err = a.Store.SaveDraft(ctx, s.Id, *req.Draft, *req.DraftBefore); err != nil {
			return nil, err
		}
	}
	return &apiv1.UpdateSessionResponse{Session: s, Rev: s.Rev, OtherDraft: other}, nil
}

func (a *api) DeleteSession(ctx context.Context, req *apiv1.DeleteSessionRequest) (*apiv1.DeleteSessionResponse, error) {
	s, err := a.session(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	until, err := a.Runs.DeleteSession(ctx, s.Id, req.Now)
	if err != nil || until.IsZero() {
		return &apiv1.DeleteSessionResponse{}, err
	}
	return &apiv1.DeleteSessionResponse{RestorableUntilMs: until.UnixMilli()}, nil
}

func (a *api) RestoreSession(ctx context.Context, req *apiv1.RestoreSessionRequest) (*apiv1.RestoreSessionResponse, error) {
	if req.Id != "" {
		if err := checkID("session", req.Id); err != nil {
			return nil, err
		}
	}
	s, taken, err := a.Store.RestoreSession(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	return &apiv1.RestoreSessionResponse{Session: s, Rev: s.Rev, TakenAway: taken}, nil
}

func (a *api) BranchSession(ctx context.Context, req *apiv1.BranchSessionRequest) (*apiv1.BranchSessionResponse, error) {
	if req.UntilSeq < 0 {
		return nil, refuse(connect.CodeInvalidArgument, "until_seq is %d: sequence numbers start at 1", req.UntilSeq)
	}
	title := strings.TrimSpace(req.Title)
	if err := checkName("title", title); err != nil {
		return nil, err
	}
	s, err := a.session(ctx, req.SessionId)
	if err != nil {
		return nil, err
	}
	s, taken, err := a.Store.BranchSession(ctx, s.Id, req.UntilSeq, title)
	if err != nil {
		return nil, err
	}
	return &apiv1.BranchSessionResponse{Session: s, Rev: s.Rev, TakenAway: taken}, nil
}

func (a *api) ListEntries(ctx context.Context, req *apiv1.ListEntriesRequest) (*apiv1.ListEntriesResponse, error) {
	if err := checkLimit(req.Limit); err != nil {
		return nil, err
	}
	if req.BeforeSeq < 0 {
		return nil, refuse(connect.CodeInvalidArgument, "before_seq is %d: sequence numbers start at 1", req.BeforeSeq)
	}
	s, err := a.session(ctx, req.SessionId)
	if err != nil {
		return nil, err
	}
	return a.Store.ListEntries(ctx, &apiv1.ListEntriesRequest{SessionId: s.Id, BeforeSeq: req.BeforeSeq, Limit: req.Limit, WithRuns: req.WithRuns})
}

func checkLimit(limit int32) error {
	if limit < 0 || limit > 1000 {
		return refuse(connect.CodeInvalidArgument, "the limit is %d: it can be 1 to 1000", limit)
	}
	return nil
}
