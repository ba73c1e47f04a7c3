package server

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

const (
	// liveRest is how long nothing is published after something was: what comes in between is told once.
	liveRest = 250 * time.Millisecond
	// liveAgain is when plugins that are about to be started again are looked at anew, as nothing happens when their time
	// has come.
	liveAgain = 10 * time.Second
)

// Touch says that something of what GetStatus tells has changed.
func (s *Server) Touch() {
	select {
	case s.touched <- struct{}{}:
	default:
	}
}

// keepLive publishes, until ctx ends, the rows of what does not live in the database.
func (s *Server) keepLive(ctx context.Context) {
	// What the last host was asked nobody waits for any more.
	s.tellConsent(s.desk.Open())
	later := s.publishPlugins(ctx)
	s.publish(ctx, apiv1.Topic_TOPIC_HOST, map[string]proto.Message{"host": s.hostNow(ctx)})
	for {
		select {
		case <-s.touched:
			s.publish(ctx, apiv1.Topic_TOPIC_HOST, map[string]proto.Message{"host": s.hostNow(ctx)})
		case <-s.Plugins.Changed():
			later = s.publishPlugins(ctx)
		case <-later:
			later = s.publishPlugins(ctx)
		case <-s.closing:
			return
		case <-ctx.Done():
			return
		}
		if pause(ctx, s.closing, liveRest) != nil {
			return
		}
	}
}

// publishPlugins tells of the plugins as they are now, and when to look again: nil means not before something changes.
func (s *Server) publishPlugins(ctx context.Context) (later <-chan time.Time) {
	plugins := map[string]proto.Message{}
	for _, p := range s.Plugins.Known() {
		plugins[p.Id] = p
		if p.State == apiv1.Plugin_STATE_BACKING_OFF {
			later = time.After(liveAgain)
		}
	}
	s.publish(ctx, apiv1.Topic_TOPIC_PLUGINS, plugins)
	return later
}

func (s *Server) publish(ctx context.Context, topic apiv1.Topic, rows map[string]proto.Message) {
	err := s.Store.Publish(ctx, topic, rows)
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrClosed) {
		// It is told with the next change.
		s.Logger.Warn("tell watchers what has changed", "topic", topic, "error", err)
	}
}

// hostNow is the running program as it is now.
func (s *Server) hostNow(ctx context.Context) *apiv1.Host {
	h := &apiv1.Host{
		Version: s.Version, Pid: s.pid, StartedMs: s.started.UnixMilli(), DataDir: s.DataDir, PageUrl: s.page.url(),
		DatabaseProblem: s.Store.Problem(),
	}
	h.Tray, h.TrayProblem = s.Tray()
	if s.Sandbox != nil {
		report := s.Sandbox.Report(ctx)
		h.SandboxLevel, h.SandboxProblem = report.Level.String(), strings.TrimSpace(report.Problem+" "+report.Fix)
	}
	return h
}
