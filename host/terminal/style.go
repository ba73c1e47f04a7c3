package terminal

import (
	"strings"
	"unicode/utf8"
)

// Style is how an output may look: plain unless it is a terminal that wants colours.
type Style struct {
	Terminal, Colour bool
}

func (s Style) paint(code, text string) Styled {
	text = Clean(text)
	if !s.Colour || text == "" {
		return Styled(text)
	}
	return Styled("\x1b[" + code + "m" + text + "\x1b[0m")
}

// Bold is for text that is important.
func (s Style) Bold(text string) Styled { return s.paint("1", text) }

// Dim is for text that is beside the point.
func (s Style) Dim(text string) Styled { return s.paint("2", text) }

// Red is for text that is wrong.
func (s Style) Red(text string) Styled { return s.paint("31", text) }

// Green is for text that is right.
func (s Style) Green(text string) Styled { return s.paint("32", text) }

// Yellow is for text that is to be minded.
func (s Style) Yellow(text string) Styled { return s.paint("33", text) }

// Table prints rows in columns as wide as their longest cell. The first row is the head, which may be empty. The last column is not padded.
func Table(out *Output, rows [][]string) {
	if len(rows) < 2 {
		return
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = Clean(cell)
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
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
		if n > 0 {
			out.Println(text)
		} else if text != "" {
			out.Println(out.Dim(text))
		}
	}
}
