package terminal

import (
	"os"
)

// Terminal is what every command works with: what it reads, what it prints to, and the environment.
type Terminal struct {
	Getenv func(string) string
	In     *os.File
	Out    *Output
	Err    *Output
}

// New gives the terminal that this program was started from.
func New() *Terminal {
	return &Terminal{
		Getenv: os.Getenv, In: os.Stdin, Out: NewOutput(os.Stdout, os.Getenv), Err: NewOutput(os.Stderr, os.Getenv),
	}
}
