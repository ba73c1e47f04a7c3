package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/openvibez/openvibez/host/setting"
)

// page serves the chat page on loopback, only while one is open or about to be.
type page struct {
	s      *Server
	passes *passes
	tokens tokens
	// Whose program is at the other end of a connection.
	owner  func(here, there *net.TCPAddr) (uid int, known bool)
	linger time.Duration

	mu       sync.Mutex
	server   *http.Server
	port     int
	serving  int
	lastUsed time.Time
	check    *time.Timer
}

func newPage(s *Server, passes *passes) *page {
	return &page{s: s, passes: passes, tokens: tokens{now: time.Now}, owner: tcpOwner, linger: time.Minute}
}

// resume listens again if a page was open when the last host ended: it will come back by itself.
func (p *page) resume(ctx context.Context) error {
	open, err := p.s.Store.Setting(ctx, setting.PageOpen)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if open != "true" {
		return nil
	}
	if _, err := p.listen(ctx); err != nil {
		// The page can wait; the rest works without it.
		p.s.Logger.Warn("serve the page again", "error", err)
	}
	return nil
}

// link makes an address that opens the page once.
func (p *page) link(ctx context.Context, session string, v visitor, used func()) (string, error) {
	port, err := p.listen(ctx)
	if err != nil {
		return "", err
	}
	fragment := "token=" + p.tokens.issue(v, used)
	if session != "" {
		fragment += "&session=" + url.QueryEscape(session)
	}
	p.touch()
	return fmt.Sprintf("http://127.0.0.1:%d/#%s", port, fragment), nil
}

// url is where the page is served; empty while it is not.
func (p *page) url() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return ""
	}
	return fmt.Sprintf("http://127.0.0.1:%d/", p.port)
}

// listen makes sure that the page is served, on the remembered port if it is free.
func (p *page) listen(ctx context.Context) (port int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return p.port, nil
	}
	select {
	case <-p.s.closing:
		return 0, errors.New("serve the page: the host is ending")
	default:
	}
	l, err := p.bind(ctx)
	if err != nil {
		return 0, fmt.Errorf("serve the page: %w", err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	for key, value := range map[string]string{setting.PagePort: strconv.Itoa(p.port), setting.PageOpen: "true"} {
		p.remember(ctx, key, value)
	}
	routes := p.s.routes(&api{Server: p.s, fromPage: true})
	p.server = &http.Server{
		Handler:           p.s.count(p.used(p.guarded(p.port, routes))),
		ConnContext:       remember,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(p.s.Logger.Handler(), slog.LevelDebug),
	}
	go p.s.serve(p.server, l)
	p.s.Touch()
	p.lastUsed = time.Now()
	p.check = time.AfterFunc(p.linger, p.closeIfUnused)
	return p.port, nil
}

func (p *page) bind(ctx context.Context) (net.Listener, error) {
	remembered, err := p.s.Store.Setting(ctx, setting.PagePort)
	if err != nil {
		return nil, err
	}
	if port, err := strconv.Atoi(remembered); err == nil && port > 0 && port < 1<<16 {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			p.s.Logger.Info("the page's port can't be had, taking another", "port", port, "error", err)
		} else if _, err := p.passes.revoke(); err != nil {
			// Whoever listens there may have been taken for us by a page, and shown its pass.
			return nil, err
		}
	}
	return net.Listen("tcp4", "127.0.0.1:0")
}

// remember keeps what a tab that is reloaded would find the page by. The page works without it: on a full disk, say.
func (p *page) remember(ctx context.Context, key, value string) {
	if _, err := p.s.Store.SetSetting(ctx, key, value); err != nil {
		p.s.Logger.Warn("remember where the page is", "setting", key, "error", err)
	}
}

func (p *page) used(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.begin(1)
		defer p.begin(-1)
		next.ServeHTTP(w, r)
	})
}

// begin counts what is being answered: one call may wait for a person.
func (p *page) begin(n int) {
	p.mu.Lock()
	p.serving += n
	p.lastUsed = time.Now()
	p.mu.Unlock()
}

func (p *page) touch() {
	p.mu.Lock()
	p.lastUsed = time.Now()
	p.mu.Unlock()
}

// joined is called when a page's Watch stream begins; the function it returns, when it ends.
func (p *page) joined(one *pass) (left func()) {
	v, release := one.Visitor, p.passes.hold(one)
	if v == byWindow {
		p.s.window.PageJoined()
	}
	return func() {
		release()
		if v == byWindow {
			p.s.window.PageLeft()
		}
	}
}

// closeIfUnused ends the listener when no page has been there for a while and no token is left to come with.
func (p *page) closeIfUnused() {
	until := p.tokens.outstanding()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return
	}
	if quiet := p.lastUsed.Add(p.linger); quiet.After(until) {
		until = quiet
	}
	if p.serving > 0 {
		until = time.Now().Add(p.linger)
	}
	if wait := time.Until(until); wait > 0 {
		p.check.Reset(wait)
		return
	}
	server := p.server
	p.server = nil
	// Not under a caller's context: nobody called.
	p.remember(context.Background(), setting.PageOpen, "false")
	p.s.Touch()
	_ = server.Close()
}

// shutdown stops serving without forgetting that a page was open.
func (p *page) shutdown(ctx context.Context) {
	p.mu.Lock()
	server := p.server
	p.server = nil
	if p.check != nil {
		p.check.Stop()
	}
	recent := p.serving > 0 || time.Since(p.lastUsed) < p.linger
	p.mu.Unlock()
	if server == nil {
		return
	}
	p.passes.close()
	if !recent {
		p.remember(ctx, setting.PageOpen, "false")
	}
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
}
