package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	// A window that has no page for so long shows a dead one: its web process crashed.
	pageGoneAfter = 10 * time.Second
	windowStart   = 20 * time.Second
	// At most so many new windows a minute for those that died.
	maxReopened = 3
)

// window looks after the one chat window: a process that this host or the one before it has started.
type window struct {
	s        *Server
	pageGone time.Duration

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

func newWindow(s *Server) *window {
	return &window{s: s, pageGone: pageGoneAfter, links: map[chan string]struct{}{}}
}

// open brings the chat to the front, in the best way there is: the window, a browser, or a link to open by hand.
func (w *window) open(ctx context.Context, session string) (*apiv1.OpenWindowResponse, error) {
	w.opening.Lock()
	defer w.opening.Unlock()
	if session != "" && w.tell("go #session="+session) || session == "" && w.tell("raise") {
		return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_WINDOW}, nil
	}
	problem := w.start(ctx, session)
	if problem == nil {
		return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_WINDOW}, nil
	}
	w.s.Logger.Info("no window, trying the browser", "why", problem)
	why := problem.Error()
	if problem := w.browse(ctx, session); problem == nil {
		return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_BROWSER, Problem: why}, nil
	} else if problem.Error() != why {
		why += "; " + problem.Error()
	}
	link, err := w.s.page.link(ctx, session, byBrowser, nil)
	if err != nil {
		return nil, err
	}
	return &apiv1.OpenWindowResponse{How: apiv1.OpenWindowResponse_HOW_LINK, Link: link, Problem: why}, nil
}

// tell sends a command to the window; false if there is none.
func (w *window) tell(line string) bool {
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
func (w *window) start(ctx context.Context, session string) error {
	if err := HasDisplay(w.s.Getenv); err != nil {
		return err
	}
	link, err := w.s.page.link(ctx, session, byWindow, nil)
	if err != nil {
		return err
	}
	p, err := w.s.startWindow(link)
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
func (w *window) watchProcess(p *process) {
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
		w.s.Logger.Warn("the window died", "error", p.err, "words", p.lastWords())
		w.reopen()
	}
}

func (w *window) reopen() {
	w.mu.Lock()
	recent := w.reopened[:0]
	for _, at := range w.reopened {
		if time.Since(at) < time.Minute {
			recent = append(recent, at)
		}
	}
	w.reopened = recent
	allowed := len(recent) < maxReopened && !w.quitting
	if allowed {
		w.reopened = append(w.reopened, time.Now())
	}
	w.mu.Unlock()
	if !allowed {
		w.s.Logger.Warn("the window died too often and stays closed")
		return
	}
	select {
	case <-w.s.closing:
		return
	default:
	}
	w.opening.Lock()
	defer w.opening.Unlock()
	// Somebody may have opened one meanwhile.
	if w.linked() {
		return
	}
	if err := w.start(context.Background(), ""); err != nil {
		w.s.Logger.Warn("open the window again", "error", err)
	}
}

func (w *window) linked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.links) > 0
}

// serveLink is the line to a window: a response that never ends, a command a line, an empty one as a sign of life.
func (w *window) serveLink(out http.ResponseWriter, r *http.Request) {
	lines := make(chan string, 16)
	w.mu.Lock()
	if w.quitting {
		lines <- "close"
	}
	if open := w.s.desk.Open(); open != nil {
		lines <- consentLine(open)
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
	pulse := time.NewTicker(w.s.pulse)
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
		case <-w.s.closing:
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

// pageJoined and pageLeft count the window's page streams: a window without a page is a frozen picture.
func (w *window) pageJoined() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages++
	if w.check != nil {
		w.check.Stop()
	}
}

func (w *window) pageLeft() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages--
	if w.pages == 0 && !w.quitting {
		w.check = time.AfterFunc(w.pageGone, w.replaceFrozen)
	}
}

func (w *window) replaceFrozen() {
	w.mu.Lock()
	frozen := w.pages == 0 && len(w.links) > 0 && !w.quitting
	p := w.process
	w.mu.Unlock()
	if !frozen {
		return
	}
	w.s.Logger.Warn("the window's page is gone, opening a new window")
	w.tell("close")
	if p != nil {
		select {
		case <-p.ended:
		case <-time.After(3 * time.Second):
			p.kill()
			<-p.ended
		}
	}
	for range 50 {
		if !w.linked() {
			w.reopen()
			return
		}
		if pause(context.Background(), w.s.closing, 100*time.Millisecond) != nil {
			return
		}
	}
}

// quit closes the window for good.
func (w *window) quit() {
	w.mu.Lock()
	w.quitting = true
	w.mu.Unlock()
	w.tell("close")
}
