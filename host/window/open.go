package window

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// process is a window this host has started.
type process struct {
	cmd *exec.Cmd
	log string

	once   sync.Once
	linked chan struct{} // closed when it has called back
	ended  chan struct{} // closed when it has ended; then err is set
	err    error
}

// startProcess runs the window's program. The link goes through its standard input: arguments can be read by everybody.
func (w *Window) startProcess(link string) (*process, error) {
	if _, err := os.Stat(w.Program); err != nil {
		return nil, errors.New("openvibez-window is not installed beside openvibez")
	}
	order, err := json.Marshal(map[string]any{
		"url": link, "socket": w.Socket, "title": "OpenVibez", "devtools": w.DevTools,
	})
	if err != nil {
		return nil, fmt.Errorf("write the window's order: %w", err)
	}
	p := &process{log: filepath.Join(w.RuntimeDir, "window.log"), linked: make(chan struct{}), ended: make(chan struct{})}
	// A file and not a pipe: the window may outlive this host, and must not die of writing to nobody.
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the window's log: %w", err)
	}
	defer log.Close()
	p.cmd = exec.Command(w.Program)
	p.cmd.Stdin = bytes.NewReader(append(order, '\n'))
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = ownGroup()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the window: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) link() { p.once.Do(func() { close(p.linked) }) }

func (p *process) wasLinked() bool {
	select {
	case <-p.linked:
		return true
	default:
		return false
	}
}

func (p *process) kill() { _ = p.cmd.Process.Kill() }

// lastWords is what it complained about, or how it ended.
func (p *process) lastWords() string {
	text, _ := os.ReadFile(p.log)
	if said := complaint(string(text)); said != "" {
		return said
	}
	if p.err != nil {
		return p.err.Error()
	}
	return "it ended without a word"
}

var redirect = template.Must(template.New("redirect").Parse(`<!doctype html><meta charset="utf-8"><title>OpenVibez</title>
<meta http-equiv="refresh" content="0;url={{.}}"><p><a href="{{.}}">Open the chat</a></p>
`))

// browse opens the page in the person's browser, by way of a file only they can read: arguments can be read by
// everybody. The file goes when its token has been used.
func (w *Window) browse(ctx context.Context, session string) error {
	if err := HasDisplay(w.Getenv); err != nil {
		return err
	}
	path := filepath.Join(w.RuntimeDir, "open.html")
	link, err := w.Link(ctx, session, false, func() { _ = os.Remove(path) })
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := redirect.Execute(&page, link); err != nil {
		return fmt.Errorf("write the redirect: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the redirect: %w", err)
	}
	if err := os.WriteFile(path, page.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the redirect: %w", err)
	}
	if err := OpenInSystem(ctx, w.Getenv, path); err != nil {
		_ = os.Remove(path)
		return err
	}
	return nil
}

// OpenInSystem hands a file or link to whatever the person's system opens it with. A program that is still running
// after a moment has taken it: some openers stay as long as the browser.
func OpenInSystem(ctx context.Context, getenv func(string) string, what string) error {
	if err := HasDisplay(getenv); err != nil {
		return err
	}
	argv := opener(what)
	if _, err := exec.LookPath(argv[0]); err != nil {
		return fmt.Errorf("%s is missing, the program that opens the browser (install xdg-utils)", argv[0])
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	moment := time.NewTimer(3 * time.Second)
	defer moment.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("no browser was found (%s: %w)", argv[0], err)
		}
	case <-moment.C:
	case <-ctx.Done():
	}
	return nil
}
