package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// style is how an output may look: plain unless it is a terminal that wants colours.
type style struct{ terminal, colour bool }

func styleOf(f *os.File, getenv func(string) string) style {
	terminal := term.IsTerminal(int(f.Fd()))
	return style{terminal, terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

func (s style) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string   { return s.paint("1", text) }
func (s style) dim(text string) string    { return s.paint("2", text) }
func (s style) red(text string) string    { return s.paint("31", text) }
func (s style) green(text string) string  { return s.paint("32", text) }
func (s style) yellow(text string) string { return s.paint("33", text) }

// table prints rows in columns as wide as their longest cell. The last column is not padded.
func table(out io.Writer, head func(string) string, rows [][]string) {
	if len(rows) < 2 {
		return
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 {
			text = head(text)
		}
		fmt.Fprintln(out, text)
	}
}

// printJSON writes each message on a line of its own.
func printJSON[M proto.Message](out io.Writer, all ...M) error {
	var line bytes.Buffer
	for _, m := range all {
		text, err := protojson.Marshal(m)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		line.Reset()
		// protojson varies its blanks on purpose; scripts deserve better.
		if err := json.Compact(&line, text); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		line.WriteByte('\n')
		if _, err := out.Write(line.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// ago is how long it is since a time in Unix milliseconds, in one word.
func ago(ms int64) string {
	d := time.Since(time.UnixMilli(ms))
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// short is the beginning of an id that is enough to name it.
func short(id string) string { return id[:min(8, len(id))] }

// oneLine makes text fit a row of a table, and keeps terminal control sequences of others out of it.
func oneLine(text string, most int) string {
	text = strings.Join(strings.Fields(clean(text)), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// clean drops control characters that a terminal would obey.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, text)
}
