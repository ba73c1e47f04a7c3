package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openvibez/openvibez/host/visible"
)

// Visible escapes characters that can't be seen, or that would steer the terminal.
func Visible(text string) string { return visible.Text(text) }

// Indent moves each line of a text to the right.
func Indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// Short is the beginning of an id that is enough to name it.
func Short(id string) string { return id[:min(8, len(id))] }

// OneLine makes text fit a row of a table, and keeps terminal control sequences of others out of it.
func OneLine(text string, most int) string {
	text = strings.Join(strings.Fields(Clean(text)), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// Clean makes visible what a terminal would obey: control characters, marks that turn the direction of writing, and
// bytes that are no text. A carriage return at the end of a line is dropped.
func Clean(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return steers(r) || r == utf8.RuneError }) < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\r' && (i+n == len(text) || text[i+n] == '\n'):
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case steers(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// steers tells of characters that a terminal obeys instead of showing them.
func steers(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Bidi_Control, r)
}
