package terminal

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Output is where words for people go. Whatever it is given, text of others can't steer a terminal through it: only what
// is Styled gets there as it is. It remembers the first write that failed: whose words got lost is not done.
type Output struct {
	Style
	// Failed is that first write.
	Failed error

	to io.Writer
}

// NewOutput gives an output into a file, which may be a terminal.
func NewOutput(to *os.File, getenv func(string) string) *Output {
	terminal := term.IsTerminal(int(to.Fd()))
	return &Output{to: to, Style: Style{Terminal: terminal, Colour: terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}}
}

// Printf prints like fmt.Printf. What it is given is cleaned, in a pipe too, unless it is Styled.
func (o *Output) Printf(format string, args ...any) {
	_, _ = o.write(fmt.Sprintf(format, harmless(args)...))
}

// Print prints its arguments one after the other. What it is given is cleaned, in a pipe too, unless it is Styled.
func (o *Output) Print(args ...any) { _, _ = o.write(fmt.Sprint(harmless(args)...)) }

// Println prints like fmt.Println. What it is given is cleaned, in a pipe too, unless it is Styled.
func (o *Output) Println(args ...any) { _, _ = o.write(fmt.Sprintln(harmless(args)...)) }

// Write passes on what is more than words for people: an answer, JSON, what a command printed. A pipe gets it as it is,
// a terminal gets it cleaned.
func (o *Output) Write(p []byte) (int, error) {
	text := string(p)
	if o.Terminal {
		text = Clean(text)
	}
	if _, err := o.write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Wipe empties the line that the cursor of a terminal stands in.
func (o *Output) Wipe() { _, _ = o.write("\r\x1b[2K") }

func (o *Output) write(text string) (int, error) {
	n, err := io.WriteString(o.to, text)
	if o.Failed == nil {
		o.Failed = err
	}
	return n, err
}

// harmless makes each argument one that is cleaned after it was formatted.
func harmless(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch arg.(type) {
		case Styled, int: // an int may be a width
			out[i] = arg
		default:
			out[i] = cleaned{arg}
		}
	}
	return out
}

type cleaned struct{ arg any }

func (c cleaned) Format(f fmt.State, verb rune) {
	_, _ = io.WriteString(f, Clean(fmt.Sprintf(fmt.FormatString(f, verb), c.arg)))
}

// Styled is clean text with our own colours around it.
type Styled string
