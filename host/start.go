package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/cli"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/run"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/host/server"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/terminal"
	"github.com/openvibez/openvibez/host/tool"
	"github.com/openvibez/openvibez/host/tray"
	"github.com/openvibez/openvibez/ui"
)

type hostOptions struct {
	// Nobody is watching: no welcome, and the terminal it came from may close.
	detached bool
	// End after so long without use; 0: never.
	idle time.Duration
}

// start runs the host until it is told to end, or hands over to one that is running.
func start(ctx context.Context, t *terminal.Terminal, o hostOptions) error {
	d, err := place.Find(t.Getenv)
	if err != nil {
		return err
	}
	if handed, err := handOver(ctx, t, d, o); handed || err != nil {
		return err
	}
	if err := d.Create(); err != nil {
		return err
	}
	var terminal io.Writer
	if !o.detached {
		terminal = t.Err
	}
	log, logFile, err := openLog(t.Getenv, d.LogFile(), terminal)
	if err != nil {
		return err
	}
	defer logFile.Close()
	if o.detached {
		// It must not hold a directory that the person may want to unmount or remove.
		if err := os.Chdir(d.Data); err != nil {
			return fmt.Errorf("enter the data directory: %w", err)
		}
	}
	h := &host{Terminal: t, dirs: d, options: o, log: log}
	err = h.run(ctx)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		// Another one was a moment earlier.
		for range 100 {
			if handed, err := handOver(ctx, t, d, o); handed || err != nil {
				return err
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	if err != nil {
		log.Error("host ended", "error", err)
	}
	return err
}

// handOver opens the window of a host that is running already; false if none is.
func handOver(ctx context.Context, t *terminal.Terminal, d place.Dirs, o hostOptions) (bool, error) {
	c, err := client.Connect(ctx, d)
	if errors.Is(err, client.ErrNoHost) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if o.detached {
		return true, nil
	}
	res, err := c.Host.OpenWindow(ctx, &apiv1.OpenWindowRequest{})
	if err != nil {
		return false, err
	}
	t.Out.Println("OpenVibez is running already.")
	cli.SayOpened(t, res)
	return true, nil
}

// host is the running program: everything there is one of.
type host struct {
	*terminal.Terminal
	dirs    place.Dirs
	options hostOptions
	log     *slog.Logger

	store     *store.Store
	plugins   *plugin.Manager
	providers *provider.Manager
	sandbox   *sandbox.Sandbox
	runs      *run.Engine
	server    *server.Server
	tray      tray.Icon
	stop      context.CancelCauseFunc
	// What goes on beside the rest, and ends before the store is closed.
	beside sync.WaitGroup
}

// Why the host ends.
var (
	errQuit   = errors.New("asked to quit")
	errSignal = errors.New("ended by a signal")
	errIdle   = errors.New("not used for a while")
)

func (h *host) run(ctx context.Context) error {
	ctx, h.stop = context.WithCancelCause(ctx)
	defer h.stop(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if h.options.detached {
		signal.Ignore(syscall.SIGHUP)
	} else {
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	outliveFileLimit()
	go func() {
		select {
		case s := <-signals:
			why := errSignal
			if s == os.Interrupt {
				why = errQuit
			}
			h.stop(why)
		case <-ctx.Done():
		}
	}()

	// The very last thing: whoever sees the file gone finds the directory free.
	listening := false
	defer func() {
		if listening {
			_ = os.Remove(h.dirs.Address())
		}
	}()
	var err error
	if h.store, err = store.Open(ctx, store.Config{Path: h.dirs.Database(), Logger: h.log}); err != nil {
		return err
	}
	defer func() {
		if err := h.store.Close(); err != nil {
			h.log.Error("close the database", "error", err)
		}
	}()
	set, err := h.store.Settings(ctx)
	if err != nil {
		return err
	}
	for _, words := range store.BadSettings(set) {
		h.log.Warn("a setting is not understood", "setting", words)
	}
	if h.sandbox, err = h.newSandbox(); err != nil {
		return err
	}
	defer h.sandbox.Close()
	// It takes a moment to find out what it can do; the first plugin should not wait for that.
	go h.sandbox.Report(ctx)
	if h.plugins, err = h.newPlugins(); err != nil {
		return err
	}
	defer h.plugins.Close()
	h.plugins.Sweep()
	h.providers = provider.New(provider.Config{Plugins: h.plugins, Book: h.store, Logger: h.log, Getenv: h.Getenv})
	defer h.providers.Close()
	h.runs = run.New(run.Config{
		Store: h.store, Providers: h.providers, Logger: h.log,
		Box: tool.New(tool.Config{Sandbox: h.sandbox, Scratch: h.dirs.Scratch, Private: filepath.Join(h.dirs.Cache, "sessions")}),
	})
	if h.server, err = h.newServer(ctx); err != nil {
		return err
	}
	defer h.beside.Wait()
	defer h.stop(nil)
	news := h.firstStart(ctx)
	if err := h.runs.Start(ctx); err != nil {
		return err
	}
	if err := h.server.Start(ctx); err != nil {
		return err
	}
	if err := os.WriteFile(h.dirs.Address(), []byte(h.dirs.Socket()+"\n"), 0o600); err != nil {
		return fmt.Errorf("write down where the host listens: %w", err)
	}
	listening = true
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		h.store.Keep(ctx)
	}()
	h.log.Info("host started", "version", version(), "pid", os.Getpid(), "data", h.dirs.Data)
	if h.options.detached {
		go h.endWhenIdle(ctx)
	} else {
		h.showTray(ctx)
		h.welcome(ctx, news)
	}
	<-ctx.Done()
	h.end(context.Cause(ctx))
	<-kept
	return nil
}

func (h *host) newPlugins() (*plugin.Manager, error) {
	exe, err := place.Executable()
	if err != nil {
		return nil, err
	}
	return plugin.New(plugin.Config{
		PluginDirs: []string{filepath.Dir(exe)},
		InstallDir: h.dirs.Plugins(),
		Sandbox:    h.sandbox,
		RuntimeDir: filepath.Join(h.dirs.Runtime, "p"),
		Logger:     h.log,
		Getenv:     h.Getenv,
	}), nil
}

func (h *host) newSandbox() (*sandbox.Sandbox, error) {
	exe, err := place.Executable()
	if err != nil {
		return nil, err
	}
	return sandbox.New(sandbox.Config{
		Helper:     place.SandboxHelper(exe),
		CacheDir:   h.dirs.Cache,
		RuntimeDir: filepath.Join(h.dirs.Runtime, "b"),
		Logger:     h.log,
		Getenv:     h.Getenv,
	}), nil
}

func (h *host) newServer(ctx context.Context) (*server.Server, error) {
	exe, err := place.Executable()
	if err != nil {
		return nil, err
	}
	return server.New(server.Config{
		Store:      h.store,
		Runs:       h.runs,
		Plugins:    h.plugins,
		Providers:  h.providers,
		Sandbox:    h.sandbox,
		UI:         ui.Files(),
		DataDir:    h.dirs.Data,
		RuntimeDir: h.dirs.Runtime,
		Window:     place.WindowProgram(exe),
		DevTools:   h.Getenv("OPENVIBEZ_DEVTOOLS") == "1",
		Version:    version(),
		Getenv:     h.Getenv,
		Tray:       h.tray.Shown,
		// A host that began in the background becomes a full one when somebody looks at it.
		Opened: func() { h.showTray(ctx) },
		Rest:   h.rest,
		Stop:   func() { h.stop(errQuit) },
		Logger: h.log,
	})
}

// end stops everything within about a second; runs become interrupted, and those who watch see it.
func (h *host) end(why error) {
	h.log.Info("host ends", "why", why)
	if errors.Is(why, errQuit) {
		h.server.CloseWindow()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 700*time.Millisecond)
	defer cancel()
	if err := h.runs.Close(ctx); err != nil {
		h.log.Warn("stop the runs", "error", err)
	}
	rest, cancel := context.WithTimeout(context.Background(), 250*time.Millisecond)
	defer cancel()
	if err := h.server.Close(rest); err != nil {
		h.log.Warn("stop the server", "error", err)
	}
	if !h.options.detached && h.Out.Terminal {
		h.Out.Println("\nOpenVibez has ended.")
	}
}

// endWhenIdle ends a host that was started for one question and is used no more.
func (h *host) endWhenIdle(ctx context.Context) {
	if h.options.idle <= 0 {
		return
	}
	check := time.NewTicker(min(h.options.idle, time.Minute))
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-check.C:
		}
		if h.server.Idle() < h.options.idle {
			continue
		}
		open, err := h.store.OpenRuns(ctx)
		if err != nil || slices.ContainsFunc(open, func(r *apiv1.Run) bool { return r.State != apiv1.RunState_RUN_STATE_PAUSED }) {
			continue
		}
		h.stop(errIdle)
		return
	}
}

// showTray shows the icon, if it isn't shown yet.
func (h *host) showTray(ctx context.Context) {
	h.tray.Start(ctx, h.dirs.Socket(), func() { h.stop(errQuit) }, h.server.Touch, h.log)
}
