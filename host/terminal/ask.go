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

// Interactive tells whether somebody is there to be asked.
func (t *Terminal) Interactive() bool { return term.IsTerminal(int(t.In.Fd())) }

// AskHidden has a person enter what is not shown. What a signal interrupts leaves the terminal as it was.
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
		return string(e.text), nil
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
	if !t.Interactive() {
		return Misused(cmd, "this would %s: say --yes", what)
	}
	answer, err := t.Ask(strings.ToUpper(what[:1]) + what[1:] + "? [y/N] ")
	if err != nil {
		return err
	}
	if !Yes(answer) {
		return Fail(Cancelled, errors.New("nothing was done"))
	}
	return nil
}

// Ask has a person enter a line.
func (t *Terminal) Ask(prompt string) (string, error) {
	t.Err.Print(prompt)
	line, err := bufio.NewReader(t.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// Yes tells whether an answer agrees.
func Yes(answer string) bool {
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}
