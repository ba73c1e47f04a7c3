//go:build webview

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	// What the web view prints must not end the window once the host, who reads it, has gone.
	signal.Ignore(syscall.SIGPIPE)
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "openvibez-window:", err)
		os.Exit(1)
	}
}

// run shows the window until the person or the host closes it.
func run() error {
	o, err := readOrder(os.Stdin)
	if err != nil {
		return err
	}
	w, err := open(o)
	if err != nil {
		return fmt.Errorf("open a window: %w", err)
	}
	l := &link{
		socket:   o.Socket,
		patience: 30 * time.Second,
		silence:  time.Minute,
		command: func(line string) {
			switch verb, rest, _ := strings.Cut(line, " "); verb {
			case "raise":
				w.raise()
			case "go":
				w.show(rest)
				w.raise()
			case "consent":
				if q, ok := readQuestion(rest); ok {
					w.ask(q)
				} else {
					w.unask()
				}
			}
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for {
			select {
			case a := <-w.answers():
				if err := l.answer(ctx, a); err != nil {
					fmt.Fprintln(os.Stderr, "openvibez-window:", err)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	over := make(chan error, 1)
	go func() {
		over <- l.follow(ctx)
		w.close()
	}()
	w.run()
	cancel()
	if err := <-over; !errors.Is(err, errClosed) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
