package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/consent"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/run"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/window"
)

const (
	// maxRequestBytes bounds one request; attachments travel in it.
	maxRequestBytes = 64 << 20
	// maxTextBytes bounds one message, draft or system prompt.
	maxTextBytes = 12 << 20
	// signOfLife is how often a stream says that the host is there.
	signOfLife = 10 * time.Second
)

// Config is what a Server works with. All fields are required, except as said.
type Config struct {
	Store     *store.Store
	Runs      *run.Engine
	Plugins   *plugin.Manager
	Providers *provider.Manager
	// What commands run in; nil: they don't.
	Sandbox *sandbox.Sandbox
	// The built chat page, index.html at its root.
	UI fs.FS
	// DataDir keeps the passes of open pages, RuntimeDir the socket. Both exist, for their owner only.
	DataDir    string
	RuntimeDir string
	// Window is the path of openvibez-window; where it does not exist the browser is used.
	Window string
	// DevTools opens the inspector with the window.
	DevTools bool
	Version  string
	Getenv   func(string) string
	// Tray tells whether an icon is shown and, if not, why.
	Tray func() (shown bool, problem string)
	// Rest is called when nothing has been asked for and no run is under way, once after each time of use; nil: nothing is.
	Rest func()
	// Opened is called when a person asks for the chat.
	Opened func()
	// Stop ends the host; it must not wait for the server.
	Stop   func()
	Logger *slog.Logger
}

// Server serves the API on a unix socket and, while a page is open, on loopback.
type Server struct {
	Config
	started time.Time
	pulse   time.Duration
	closing chan struct{}
	// Ends when calls are waited for no longer.
	ending  context.Context
	end     context.CancelFunc
	unix    *http.Server
	page    *page
	window  *window.Window
	desk    *consent.Desk
	hints   hints
	pid     int64
	touched chan struct{}

	// Calls and streams under way, and of them those that work.
	busy, working atomic.Int64
	lastUsed      atomic.Int64
	rest          *time.Timer
	restAfter     time.Duration
}

// New makes a Server; nothing listens before Start.
func New(c Config) (*Server, error) {
	s := &Server{Config: c, started: time.Now(), pulse: signOfLife, closing: make(chan struct{}), pid: int64(os.Getpid()), touched: make(chan struct{}, 1)}
	s.rest = time.AfterFunc(restAfter, s.tryRest)
	s.restAfter = restAfter
	s.rest.Stop()
	s.ending, s.end = context.WithCancel(context.Background())
	s.lastUsed.Store(s.started.UnixNano())
	passes, err := openPasses(filepath.Join(c.DataDir, "page.passes"), c.Logger)
	if err != nil {
		return nil, err
	}
	// What earlier versions signed cookies with.
	_ = os.Remove(filepath.Join(c.DataDir, "page.key"))
	s.page = newPage(s, passes)
	s.window = window.New(window.Config{
		Program: c.Window, RuntimeDir: c.RuntimeDir, Socket: SocketPath(c.RuntimeDir), DevTools: c.DevTools, Getenv: c.Getenv, Logger: c.Logger,
		Pulse: s.pulse, Closing: s.closing,
		Greet: func() string {
			if open := s.desk.Open(); open != nil {
				return consentLine(open)
			}
			return ""
		},
		Link: func(ctx context.Context, session string, ours bool, used func()) (string, error) {
			who := byBrowser
			if ours {
				who = byWindow
			}
			return s.page.link(ctx, session, who, used)
		},
	})
	s.desk = consent.New(s.tellConsent)
	mux := s.routes(&api{Server: s})
	mux.HandleFunc("/window", s.window.ServeLink)
	s.unix = &http.Server{
		Handler:           s.count(mux),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// SocketPath is where the host of a runtime directory listens.
func SocketPath(runtimeDir string) string { return filepath.Join(runtimeDir, "api.sock") }

// Start listens on the unix socket, and on loopback too if a page was open when the last host ended. A socket that is
// in the way belongs to a host that is gone: the caller holds the lock of the data directory.
func (s *Server) Start(ctx context.Context) error {
	path := SocketPath(s.RuntimeDir)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the socket of an earlier host: %w", err)
	}
	listener, err := listenPrivate(path)
	if err != nil {
		return err
	}
	s.window.Pulse = s.pulse
	go s.serve(s.unix, listener)
	go s.keepLive(ctx)
	s.worked()
	return s.page.resume(ctx)
}

func (s *Server) serve(h *http.Server, l net.Listener) {
	if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.Logger.Error("serve", "address", l.Addr().String(), "error", err)
	}
}

// CloseWindow closes the chat window, as when the person quits. Close alone leaves it waiting for the next host.
func (s *Server) CloseWindow() { s.window.Quit() }

// Close stops listening and ends all streams. Calls under way are waited for until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	defer s.end()
	close(s.closing)
	s.rest.Stop()
	var wait sync.WaitGroup
	wait.Go(func() { s.page.shutdown(ctx) })
	err := s.unix.Shutdown(ctx)
	wait.Wait()
	if err != nil {
		return errors.Join(fmt.Errorf("wait for calls to end: %w", err), s.unix.Close())
	}
	return nil
}

// api implements all services. What a caller may do depends on the way it came.
type api struct {
	*Server
	// The caller is the page, on loopback.
	fromPage bool
}

func (s *Server) routes(a *api) *http.ServeMux {
	options := connect.WithHandlerOptions(
		connect.WithReadMaxBytes(maxRequestBytes),
		// Nothing is far enough away to be worth compressing for.
		connect.WithCompression("gzip", nil, nil),
		connect.WithInterceptors(&errorWords{log: s.Logger}, finishing{s.ending}),
		connect.WithRecover(func(_ context.Context, spec connect.Spec, _ http.Header, p any) error {
			return fmt.Errorf("%s panicked: %v", spec.Procedure, p)
		}),
	)
	mux := http.NewServeMux()
	mux.Handle(apiv1.NewSessionServiceHandler(a, options))
	mux.Handle(apiv1.NewRunServiceHandler(a, options))
	mux.Handle(apiv1.NewWorkspaceServiceHandler(a, options))
	mux.Handle(apiv1.NewPluginServiceHandler(a, options))
	mux.Handle(apiv1.NewProviderServiceHandler(a, options))
	mux.Handle(apiv1.NewHostServiceHandler(a, options))
	return mux
}

// socketOnly refuses what a page may not do.
func (a *api) socketOnly(what, instead string) error {
	if !a.fromPage {
		return nil
	}
	return refuse(connect.CodePermissionDenied, "the chat page may not %s: %s", what, instead)
}
