// Package terminal is how the program speaks to a person at a terminal: looks, questions, words and exit codes.
//
// Promise: what others wrote can't steer the terminal, and no question leaves it without echo. In reading order:
// terminal.go (what a command works with), output.go (where words go), clean.go (text of others), style.go (colours,
// tables), json.go, ask.go (yes or no, and what is not shown), words.go (sizes, times, quotes), command.go (arguments
// and their mistakes), exit.go (exit codes).
package terminal
