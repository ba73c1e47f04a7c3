package server

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/plugin"
)

func (a *api) InspectPackage(ctx context.Context, req *apiv1.InspectPackageRequest) (*apiv1.InspectPackageResponse, error) {
	res := &apiv1.InspectPackageResponse{}
	const cli = "use `openvibez plugin install` in a terminal, or hand over the package itself"
	var err error
	switch p := req.Package.(type) {
	case *apiv1.InspectPackageRequest_Path:
		if err := a.socketOnly("name files of this machine", cli); err != nil {
			return nil, err
		}
		if !filepath.IsAbs(p.Path) {
			return nil, refuse(connect.CodeInvalidArgument, "%q is no absolute path", p.Path)
		}
		res.Facts, res.Token, err = a.Plugins.InspectFile(p.Path)
	case *apiv1.InspectPackageRequest_Url:
		if err := a.socketOnly("have addresses fetched", cli); err != nil {
			return nil, err
		}
		res.Facts, res.Token, err = a.Plugins.InspectURL(ctx, p.Url, req.PlainLoopback)
	case *apiv1.InspectPackageRequest_Update:
		if err := a.socketOnly("have addresses fetched", cli); err != nil {
			return nil, err
		}
		res.Facts, res.Token, err = a.Plugins.InspectUpdate(ctx, p.Update, req.PlainLoopback)
		if errors.Is(err, plugin.ErrInstalled) {
			// Nothing new is no error: there is nothing to install then, and no token.
			return res, nil
		}
	case *apiv1.InspectPackageRequest_Data:
		if len(p.Data) > plugin.MaxPackage {
			return nil, refuse(connect.CodeInvalidArgument, "the package has %d bytes; the most is %d", len(p.Data), plugin.MaxPackage)
		}
		res.Facts, res.Token, err = a.Plugins.Inspect(bytes.NewReader(p.Data), "the chat page")
	default:
		return nil, refuse(connect.CodeInvalidArgument, "no package is named")
	}
	if err != nil {
		return nil, pluginRefusal(ctx, err)
	}
	return res, nil
}

// pluginRefusal is an error whose words are for people and which is nobody's fault here.
func pluginRefusal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return refuse(connect.CodeFailedPrecondition, "%w", errors.New(err.Error()))
}

func (a *api) InstallPlugin(ctx context.Context, req *apiv1.InstallPluginRequest) (*apiv1.InstallPluginResponse, error) {
	if why := a.Plugins.Unconfined(); why != "" {
		if err := a.socketOnly("install plugins where "+why, "use `openvibez plugin install` in a terminal"); err != nil {
			return nil, err
		}
	}
	if err := a.mayInstall(ctx, req.Token); err != nil {
		return nil, err
	}
	p, err := a.Plugins.Install(ctx, req.Token, req.Confirmation)
	if err != nil {
		return nil, pluginRefusal(ctx, err)
	}
	return &apiv1.InstallPluginResponse{Plugin: p}, nil
}

func (a *api) RemovePlugin(ctx context.Context, req *apiv1.RemovePluginRequest) (*apiv1.RemovePluginResponse, error) {
	if err := a.Plugins.Remove(req.Id); err != nil {
		return nil, pluginRefusal(ctx, err)
	}
	return &apiv1.RemovePluginResponse{}, nil
}

func (a *api) SetPluginEnabled(ctx context.Context, req *apiv1.SetPluginEnabledRequest) (*apiv1.SetPluginEnabledResponse, error) {
	if req.AllowUnconfined {
		if err := a.socketOnly("let a plugin run unconfined", "use `openvibez plugin enable "+req.Id+" --unconfined` in a terminal"); err != nil {
			return nil, err
		}
	}
	if req.Enabled {
		if err := a.mayRun(ctx, req.Id, "Switch this plugin on?"); err != nil {
			return nil, err
		}
	}
	p, err := a.Plugins.SetEnabled(ctx, req.Id, req.Enabled, req.AllowUnconfined)
	if err != nil {
		return nil, pluginRefusal(ctx, err)
	}
	return &apiv1.SetPluginEnabledResponse{Plugin: p}, nil
}

func (a *api) RollbackPlugin(ctx context.Context, req *apiv1.RollbackPluginRequest) (*apiv1.RollbackPluginResponse, error) {
	if err := a.mayRun(ctx, req.Id, "Go back to the version of this plugin before?"); err != nil {
		return nil, err
	}
	p, err := a.Plugins.Rollback(ctx, req.Id)
	if err != nil {
		return nil, pluginRefusal(ctx, err)
	}
	return &apiv1.RollbackPluginResponse{Plugin: p}, nil
}

func (a *api) VerifyPlugin(ctx context.Context, req *apiv1.VerifyPluginRequest) (*apiv1.VerifyPluginResponse, error) {
	problems, err := a.Plugins.Verify(req.Id)
	if err != nil {
		return nil, pluginRefusal(ctx, err)
	}
	return &apiv1.VerifyPluginResponse{Problems: problems}, nil
}

func (a *api) PluginLogs(ctx context.Context, req *apiv1.PluginLogsRequest) (*apiv1.PluginLogsResponse, error) {
	if _, err := a.Plugins.Plugin(ctx, req.Id); err != nil {
		return nil, refuse(connect.CodeNotFound, "%w", err)
	}
	limit := min(int(req.Limit), 1000)
	if limit <= 0 {
		limit = 100
	}
	return &apiv1.PluginLogsResponse{Lines: a.Plugins.Logs(req.Id, limit)}, nil
}

func (a *api) DevelopPlugin(ctx context.Context, req *apiv1.DevelopPluginRequest, stream *connect.ServerStream[apiv1.DevelopPluginResponse]) error {
	if err := a.socketOnly("run programs", "use `openvibez plugin dev` in a terminal"); err != nil {
		return err
	}
	_, seen, _, err := a.Plugins.FollowLogs(req.Id, 0)
	if err != nil {
		return err
	}
	stop, err := a.Plugins.Develop(req.Id, req.Path, req.Directory, req.Debug)
	if err != nil {
		return pluginRefusal(ctx, err)
	}
	defer stop()
	p, err := a.Plugins.Plugin(ctx, req.Id)
	if err != nil {
		return err
	}
	if err := stream.Send(&apiv1.DevelopPluginResponse{Plugin: p}); err != nil {
		return err
	}
	for {
		lines, total, more, err := a.Plugins.FollowLogs(req.Id, seen)
		if err != nil {
			return err
		}
		seen = total
		if len(lines) > 0 {
			event := &apiv1.DevelopPluginResponse{Lines: lines}
			now, err := a.Plugins.Plugin(ctx, req.Id)
			if err != nil {
				return err
			}
			if now.Pid != 0 && now.Pid != p.Pid {
				p, event.Plugin = now, now
			}
			if err := stream.Send(event); err != nil {
				return err
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		case <-a.closing:
			return nil
		}
	}
}
