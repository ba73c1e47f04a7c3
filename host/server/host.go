package server

import (
	"context"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
	"github.com/openvibez/openvibez/host/window"
)

func (a *api) GetStatus(ctx context.Context, _ *apiv1.GetStatusRequest) (*apiv1.GetStatusResponse, error) {
	open, err := a.Store.OpenRuns(ctx)
	if err != nil {
		return nil, err
	}
	rev := a.Store.Rev()
	h := a.hostNow(ctx)
	h.Rev = rev
	res := &apiv1.GetStatusResponse{Host: h, Hints: a.findHints(ctx)}
	if h.DatabaseProblem != "" {
		res.Hints = append([]*apiv1.Hint{{Kind: apiv1.Hint_KIND_PROBLEM, Problem: h.DatabaseProblem}}, res.Hints...)
	}
	for _, r := range open {
		if r.State == apiv1.RunState_RUN_STATE_QUEUED {
			res.QueuedRuns++
		} else {
			res.ActiveRuns++
		}
	}
	return res, nil
}

// hints remembers what was found on this machine: looking means asking other servers.
type hints struct {
	mu    sync.Mutex
	found []*apiv1.Hint
	until time.Time
}

const (
	hintsLife    = 30 * time.Second
	hintsTimeout = 2 * time.Second
)

func (s *Server) findHints(ctx context.Context) []*apiv1.Hint {
	s.hints.mu.Lock()
	defer s.hints.mu.Unlock()
	if time.Now().Before(s.hints.until) {
		return s.hints.found
	}
	ctx, cancel := context.WithTimeout(ctx, hintsTimeout)
	defer cancel()
	found := s.Providers.Detect(ctx)
	if ctx.Err() == nil {
		s.hints.found, s.hints.until = found, time.Now().Add(hintsLife)
	}
	return found
}

// forgetHints is called when what is configured changes.
func (s *Server) forgetHints() {
	s.hints.mu.Lock()
	s.hints.until = time.Time{}
	s.hints.mu.Unlock()
}

func (a *api) GetSettings(ctx context.Context, _ *apiv1.GetSettingsRequest) (*apiv1.GetSettingsResponse, error) {
	// Read before the list: what changes in between is then seen twice rather than never.
	res := &apiv1.GetSettingsResponse{Rev: a.Store.Rev(), Known: settingFacts()}
	var err error
	res.Settings, err = a.Store.Settings(ctx)
	return res, err
}

// settingFacts is what people can set by hand, for a form.
func settingFacts() []*apiv1.SettingFact {
	kinds := map[setting.Kind]apiv1.SettingFact_Kind{
		setting.Switch: apiv1.SettingFact_KIND_SWITCH, setting.Whole: apiv1.SettingFact_KIND_WHOLE,
		setting.Number: apiv1.SettingFact_KIND_NUMBER, setting.Choice: apiv1.SettingFact_KIND_CHOICE,
	}
	var facts []*apiv1.SettingFact
	for _, s := range setting.ForPeople() {
		facts = append(facts, &apiv1.SettingFact{
			Key: s.Key, Kind: kinds[s.Kind], DefaultJson: s.Default, Otherwise: s.Otherwise(), Words: s.Words, May: s.May(),
			Choices: s.Choices, Least: s.Least, Most: s.Most, Page: s.Page,
		})
	}
	return facts
}

func (a *api) SetSetting(ctx context.Context, req *apiv1.SetSettingRequest) (*apiv1.SetSettingResponse, error) {
	known, _ := setting.Find(req.Key)
	switch {
	case !settingKey.MatchString(req.Key):
		return nil, refuse(connect.CodeInvalidArgument, "%.40q is not the name of a setting: those are lower-case words joined by dots, as in window.theme", req.Key)
	case known.Own:
		return nil, refuse(connect.CodePermissionDenied, "the host keeps %s for itself", req.Key)
	case !known.Page:
		// What a page may set is named, not what it may not: settings that come later are closed to it.
		if err := a.socketOnly("change "+req.Key, "type `openvibez settings set "+req.Key+" VALUE` in a terminal"); err != nil {
			return nil, err
		}
	}
	if err := checkText("value of "+req.Key, req.ValueJson); err != nil {
		return nil, err
	}
	if _, err := a.Store.SetSetting(ctx, req.Key, req.ValueJson); err != nil {
		return nil, err
	}
	return &apiv1.SetSettingResponse{}, nil
}

func (a *api) OpenWindow(ctx context.Context, req *apiv1.OpenWindowRequest) (*apiv1.OpenWindowResponse, error) {
	if err := a.socketOnly("open windows", "use the tray or `openvibez open`"); err != nil {
		return nil, err
	}
	session := req.SessionId
	if session != "" && session != "new" {
		s, err := a.session(ctx, session)
		if err != nil {
			return nil, err
		}
		session = s.Id
	}
	if req.LinkOnly {
		link, err := a.page.link(ctx, session, byBrowser, nil)
		if err != nil {
			return nil, err
		}
		return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_LINK, Link: link}, nil
	}
	a.Opened()
	return a.window.Open(ctx, session)
}

func (a *api) SignOut(context.Context, *apiv1.SignOutRequest) (*apiv1.SignOutResponse, error) {
	if err := a.socketOnly("sign pages out", "use `openvibez open --sign-out`"); err != nil {
		return nil, err
	}
	count, err := a.page.passes.revoke()
	return &apiv1.SignOutResponse{Pages: int32(count)}, err
}

func (a *api) OpenLink(ctx context.Context, req *apiv1.OpenLinkRequest) (*apiv1.OpenLinkResponse, error) {
	u, err := url.Parse(req.Url)
	if err != nil || len(req.Url) > 8<<10 {
		return nil, refuse(connect.CodeInvalidArgument, "that is not a link")
	}
	switch {
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
	case u.Scheme == "mailto" && u.Opaque != "":
	default:
		return nil, refuse(connect.CodeInvalidArgument, "only links to the web (http, https) and to people (mailto) are opened")
	}
	// Parsed and put together again, it can't be taken for an option or hold blanks.
	if err := window.OpenInSystem(ctx, a.Getenv, u.String()); err != nil {
		return nil, refuse(connect.CodeFailedPrecondition, "the link can't be opened: %w", err)
	}
	return &apiv1.OpenLinkResponse{}, nil
}

func (a *api) Backup(ctx context.Context, req *apiv1.BackupRequest) (*apiv1.BackupResponse, error) {
	if err := a.socketOnly("write files", "use `openvibez backup`"); err != nil {
		return nil, err
	}
	if req.Path != "" && !filepath.IsAbs(req.Path) {
		return nil, refuse(connect.CodeInvalidArgument, "%.200q is no absolute path", req.Path)
	}
	path, size, err := a.Store.Backup(ctx, req.Path)
	if err != nil {
		return nil, err
	}
	return &apiv1.BackupResponse{Path: path, Size: size}, nil
}

func (a *api) Stop(context.Context, *apiv1.StopRequest) (*apiv1.StopResponse, error) {
	if err := a.socketOnly("stop the host", "use the tray or `openvibez stop`"); err != nil {
		return nil, err
	}
	a.Config.Stop()
	return &apiv1.StopResponse{}, nil
}
