// Package visible spells out characters that a person would not see.
package visible

import (
	"strconv"
	"strings"
	"unicode"
)

// Text escapes characters that can't be seen, or that would steer a terminal; ends of lines and tabs stay.
func Text(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) && !blank(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// blank tells of characters that count as printed and leave no mark: fillers, selectors, braille without dots.
func blank(r rune) bool {
	const noDots = '\u2800'
	return r == noDots || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
