package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Style is how an output may look: plain unless it is a terminal that wants colours.
type Style struct {
	Terminal, Colour bool
}

func styleOf(f *os.File, getenv func(string) string) Style {
	terminal := term.IsTerminal(int(f.Fd()))
	return Style{terminal, terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

func (s Style) paint(code, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold is for text that is important.
func (s Style) Bold(text string) string { return s.paint("1", text) }

// Dim is for text that is beside the point.
func (s Style) Dim(text string) string { return s.paint("2", text) }

// Red is for text that is wrong.
func (s Style) Red(text string) string { return s.paint("31", text) }

// Green is for text that is right.
func (s Style) Green(text string) string { return s.paint("32", text) }

// Yellow is for text that is to be minded.
func (s Style) Yellow(text string) string { return s.paint("33", text) }

// Table prints rows in columns as wide as their longest cell. The last column is not padded.
func Table(out io.Writer, head func(string) string, rows [][]string) {
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

// PrintJSON writes each message on a line of its own.
func PrintJSON[M proto.Message](out io.Writer, all ...M) error {
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
