package terminal

import (
	"io"
	"os"
)

// Terminal is what every command works with: what it reads, what it prints to, and the environment.
type Terminal struct {
	Getenv func(string) string
	In     *os.File
	Out    *Output
	Err    *os.File
	// How standard output and standard error may look.
	Style, ErrStyle Style
}

// New gives the terminal that this program was started from.
func New() *Terminal {
	return &Terminal{
		Getenv: os.Getenv, In: os.Stdin, Out: &Output{Writer: os.Stdout}, Err: os.Stderr,
		Style: styleOf(os.Stdout, os.Getenv), ErrStyle: styleOf(os.Stderr, os.Getenv),
	}
}

// Output is standard output. It remembers the first write that failed: whose words got lost is not done.
type Output struct {
	io.Writer
	// Failed is that first write.
	Failed error
}

func (o *Output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.Failed == nil {
		o.Failed = err
	}
	return n, err
}
