package window

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	// A window that has no page for so long shows a dead one: its web process crashed.
	pageGoneAfter = 10 * time.Second
	windowStart   = 20 * time.Second
	// MaxReopened is how many windows a minute are opened anew for those that died.
	MaxReopened = 3
)

// Config is what a Window needs.
type Config struct {
	// Program is the path of openvibez-window; where it does not exist the browser is used.
	Program    string
	RuntimeDir string
	// Socket is where the host listens, and the window calls back.
	Socket   string
	DevTools bool
	Getenv   func(string) string
	Logger   *slog.Logger
	// Link makes an address that opens the page once, in a window of ours or in a browser; used is called when it has.
	Link func(ctx context.Context, session string, ours bool, used func()) (string, error)
	// Greet gives what a window is told when it calls back; empty: nothing.
	Greet func() string
	// Pulse is how often a window hears a sign of life.
	Pulse time.Duration
	// PageGone is for how long a window may be without its page; 0 is ten seconds.
	PageGone time.Duration
	// Closing is closed when the host ends.
	Closing <-chan struct{}
}

// Window looks after the one chat window: a process that this host or the one before it has started.
type Window struct {
	Config

	// Held while a window is being opened, so that two calls don't open two.
	opening sync.Mutex

	mu       sync.Mutex
	links    map[chan string]struct{}
	process  *process
	pages    int
	check    *time.Timer
	reopened []time.Time
	quitting bool
}

// New makes a Window; nothing is started before Open.
func New(c Config) *Window {
	c.PageGone = cmp.Or(c.PageGone, pageGoneAfter)
	return &Window{Config: c, links: map[chan string]struct{}{}}
}

// Open brings the chat to the front, in the best way there is: the window, a browser, or a link to open by hand.
func (w *Window) Open(ctx context.Context, session string) (*apiv1.OpenWindowResponse, error) {
	w.opening.Lock()
	defer w.opening.Unlock()
	if session != "" && w.Tell("go #session="+session) || session == "" && w.Tell("raise") {
		return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_WINDOW}, nil
	}
	problem := w.start(ctx, session)
	if problem == nil {
		return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_WINDOW}, nil
	}
	w.Logger.Info("no window, trying the browser", "why", problem)
	why := problem.Error()
	if problem := w.browse(ctx, session); problem == nil {
		return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_BROWSER, Problem: why}, nil
	} else if problem.Error() != why {
		why += "; " + problem.Error()
	}
	link, err := w.Link(ctx, session, false, nil)
	if err != nil {
		return nil, err
	}
	return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_LINK, Link: link, Problem: why}, nil
}

// Tell sends a command to the window; false if there is none.
func (w *Window) Tell(line string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for link := range w.links {
		select {
		case link <- line:
		default:
		}
	}
	return len(w.links) > 0
}

// start runs a new window and waits until it has called back. The error says why there is none.
func (w *Window) start(ctx context.Context, session string) error {
	if err := HasDisplay(w.Getenv); err != nil {
		return err
	}
	link, err := w.Link(ctx, session, true, nil)
	if err != nil {
		return err
	}
	p, err := w.startProcess(link)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.process = p
	w.mu.Unlock()
	go w.watchProcess(p)
	limit := time.NewTimer(windowStart)
	defer limit.Stop()
	select {
	case <-p.linked:
		return nil
	case <-p.ended:
		return fmt.Errorf("the window did not start: %s", p.lastWords())
	case <-limit.C:
	case <-ctx.Done():
	}
	p.kill()
	return fmt.Errorf("the window did not call back within %s", windowStart)
}

// watchProcess opens a new window for one that died.
func (w *Window) watchProcess(p *process) {
	<-p.ended
	w.mu.Lock()
	if w.process == p {
		w.process = nil
		// Its line is dead too, even if nobody has noticed yet.
		clear(w.links)
	}
	died := p.err != nil && p.wasLinked() && !w.quitting
	w.mu.Unlock()
	if died {
		w.Logger.Warn("the window died", "error", p.err, "words", p.lastWords())
		w.reopen()
	}
}

func (w *Window) reopen() {
	w.mu.Lock()
	recent := w.reopened[:0]
	for _, at := range w.reopened {
		if time.Since(at) < time.Minute {
			recent = append(recent, at)
		}
	}
	w.reopened = recent
	allowed := len(recent) < MaxReopened && !w.quitting
	if allowed {
		w.reopened = append(w.reopened, time.Now())
	}
	w.mu.Unlock()
	if !allowed {
		w.Logger.Warn("the window died too often and stays closed")
		return
	}
	select {
	case <-w.Closing:
		return
	default:
	}
	w.opening.Lock()
	defer w.opening.Unlock()
	// Somebody may have opened one meanwhile.
	if w.Linked() {
		return
	}
	if err := w.start(context.Background(), ""); err != nil {
		w.Logger.Warn("open the window again", "error", err)
	}
}

// Linked tells whether a window is there that has called back.
func (w *Window) Linked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.links) > 0
}

// ServeLink is the line to a window: a response that never ends, a command a line, an empty one as a sign of life.
func (w *Window) ServeLink(out http.ResponseWriter, r *http.Request) {
	lines := make(chan string, 16)
	w.mu.Lock()
	if w.quitting {
		lines <- "close"
	}
	if line := w.Greet(); line != "" {
		lines <- line
	}
	w.links[lines] = struct{}{}
	if w.process != nil {
		w.process.link()
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.links, lines)
		w.mu.Unlock()
	}()
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	flush := http.NewResponseController(out)
	pulse := time.NewTicker(w.Pulse)
	defer pulse.Stop()
	for line := ""; ; {
		if _, err := io.WriteString(out, line+"\n"); err != nil {
			return
		}
		if err := flush.Flush(); err != nil {
			return
		}
		select {
		case line = <-lines:
		case <-pulse.C:
			line = ""
		case <-r.Context().Done():
			return
		case <-w.Closing:
			// A "close" said just before must still get out.
			select {
			case line := <-lines:
				_, _ = io.WriteString(out, line+"\n")
			default:
			}
			return
		}
	}
}

// PageJoined and PageLeft count the window's page streams: a window without a page is a frozen picture.
func (w *Window) PageJoined() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages++
	if w.check != nil {
		w.check.Stop()
	}
}

func (w *Window) PageLeft() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages--
	if w.pages == 0 && !w.quitting {
		w.check = time.AfterFunc(w.PageGone, w.replaceFrozen)
	}
}

func (w *Window) replaceFrozen() {
	w.mu.Lock()
	frozen := w.pages == 0 && len(w.links) > 0 && !w.quitting
	p := w.process
	w.mu.Unlock()
	if !frozen {
		return
	}
	w.Logger.Warn("the window's page is gone, opening a new window")
	w.Tell("close")
	if p != nil {
		select {
		case <-p.ended:
		case <-time.After(3 * time.Second):
			p.kill()
			<-p.ended
		}
	}
	for range 50 {
		if !w.Linked() {
			w.reopen()
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-w.Closing:
		}
	}
}

// Quit closes the window for good.
func (w *Window) Quit() {
	w.mu.Lock()
	w.quitting = true
	w.mu.Unlock()
	w.Tell("close")
}
