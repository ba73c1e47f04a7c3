package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// maxPrinted is how much of what a key's command prints is looked at.
const maxPrinted = 64 << 10

// commands fetches keys from command lines, as from a password manager's. What came is kept in memory for a while, so
// that nobody has to confirm each message with a fingerprint.
type commands struct {
	wait time.Duration
	keep time.Duration

	mu    sync.Mutex
	known map[string]*printed
}

// printed is a command's key, or the run of the command under way.
type printed struct {
	done  chan struct{}
	key   string
	err   error
	until time.Time
}

func newCommands(wait, keep time.Duration) *commands {
	return &commands{wait: wait, keep: keep, known: map[string]*printed{}}
}

// key gives what a command line prints. The error reads on from "the command": "ended with exit status 1: not signed in".
func (c *commands) key(ctx context.Context, line string) (string, error) {
	c.mu.Lock()
	p := c.known[line]
	if p != nil {
		select {
		case <-p.done:
			if time.Now().After(p.until) {
				p = nil
			}
		default:
		}
	}
	if p == nil {
		p = &printed{done: make(chan struct{})}
		c.known[line] = p
		go c.run(line, p)
	}
	c.mu.Unlock()
	select {
	case <-p.done:
		return p.key, p.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// forget has the command run anew for the next key.
func (c *commands) forget(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, line)
}

func (c *commands) run(line string, p *printed) {
	p.key, p.err = c.execute(line)
	c.mu.Lock()
	defer c.mu.Unlock()
	p.until = time.Now().Add(c.keep)
	if p.err != nil {
		p.until = time.Time{}
	}
	close(p.done)
	time.AfterFunc(c.keep, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.known[line] == p {
			delete(c.known, line)
		}
	})
}

func (c *commands) execute(line string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.wait)
	defer cancel()
	cmd := shell(ctx, line)
	if home, err := os.UserHomeDir(); err == nil {
		if info, err := os.Stat(home); err == nil && info.IsDir() {
			cmd.Dir = home
		}
	}
	var out, errs head
	cmd.Stdout, cmd.Stderr = &out, &errs
	// What it left behind in the background may hold the pipes open.
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("did not end within %s; it may be waiting for a password", c.wait)
	case err != nil:
		words := fmt.Sprintf("failed (%v)", err)
		if last := lastLine(errs.String()); last != "" {
			words += ": " + last
		}
		return "", errors.New(words)
	}
	first, _, _ := strings.Cut(strings.TrimLeft(out.String(), "\r\n"), "\n")
	if first = strings.TrimSpace(first); first == "" {
		return "", errors.New("printed nothing")
	}
	return first, nil
}

// lastLine gives the last line that says anything, fit for a person.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")), "\n")
	return fmt.Sprintf("%.300s", Redact(strings.TrimSpace(lines[len(lines)-1])))
}

// head keeps the beginning of what is written to it.
type head struct{ bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	if room := maxPrinted - h.Len(); room > 0 {
		_, _ = h.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
