package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// AskHidden has a person enter what is not shown.
func (t *Terminal) AskHidden(what, more string) (string, error) {
	t.Err.Printf("%s (it is not shown%s): ", Clean(what), more)
	defer t.Err.Println()
	fd := int(t.In.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for it: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	type entered struct {
		text []byte
		err  error
	}
	done := make(chan entered, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- entered{text, err}
	}()
	select {
	case e := <-done:
		if e.err != nil && !errors.Is(e.err, io.EOF) {
			return "", fmt.Errorf("read what was entered: %w", e.err)
		}
		return strings.TrimSpace(string(e.text)), nil
	case <-signals:
		// Otherwise nothing typed would be shown any more.
		_ = term.Restore(fd, before)
		return "", Fail(Cancelled, errors.New("nothing was entered"))
	}
}

// Confirm asks whether something is meant; scripts have to say so beforehand.
func (t *Terminal) Confirm(cmd *cobra.Command, what string, yes bool) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(t.In.Fd())) {
		return Misused(cmd, "this would %s: say --yes", what)
	}
	t.Err.Printf("%s%s? [y/N] ", strings.ToUpper(what[:1]), what[1:])
	answer, _ := bufio.NewReader(t.In).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return Fail(Cancelled, errors.New("nothing was done"))
	}
	return nil
}
