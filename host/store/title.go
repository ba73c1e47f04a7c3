package store

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const titleRunes = 60

// titleOf makes a title of a message's first words: one line, cut at a word border where there is one.
func titleOf(text string) string {
	// Enough to fill a title, and not all of a pasted book.
	if cut := titleRunes * 32; len(text) > cut {
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + " "
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), isDirection(r):
			return -1
		}
		return r
	}, text)
	words := strings.Fields(text)
	title, runes := "", 0
	for i, word := range words {
		n := utf8.RuneCountInString(word)
		if i > 0 && runes+1+n > titleRunes {
			return title + "…"
		}
		if i == 0 && n > titleRunes {
			return cutRunes(word, titleRunes) + "…"
		}
		if i > 0 {
			title, runes = title+" ", runes+1
		}
		title, runes = title+word, runes+n
	}
	return title
}

// isDirection says whether r turns the direction of text that follows, here: of all that comes after the title.
func isDirection(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

// cutRunes keeps about n runes and does not cut between a character and the marks that belong to it.
func cutRunes(text string, n int) string {
	rs := []rune(text)
	if len(rs) <= n {
		return text
	}
	belongs := func(i int) bool {
		const joiner = '\u200d'
		return unicode.Is(unicode.M, rs[i]) || rs[i] == joiner || rs[i-1] == joiner ||
			rs[i] >= 0x1f3fb && rs[i] <= 0x1f3ff
	}
	end := n
	for end > 1 && belongs(end) {
		end--
	}
	if end <= 1 {
		end = n
	}
	return string(rs[:end])
}
