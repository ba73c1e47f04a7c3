package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// examine finds out what a command line does, as far as that can be proven.
func examine(r Request) finding {
	w := &walk{root: r.Place.Root, found: finding{why: map[Class]string{}}}
	switch {
	case len(r.Command) > maxBytes:
		w.refuse("It is longer than 16 KiB, which nobody can judge")
	case !utf8.ValidString(r.Command):
		w.refuse("It is not text")
	default:
		if why := invisible(r.Command); why != "" {
			w.refuse(why)
		}
	}
	if !within(r.Place.Root, r.Dir) {
		if r.Place.Access != AccessRoot {
			w.refuse("Its working directory lies outside the workspace")
		}
		w.add(ClassDangerous, "It works outside the workspace")
	}
	if w.problem == "" {
		w.parse(r.Command, &state{dirs: []string{r.Dir}, vars: map[string]arg{}})
	}
	f := w.found
	if w.problem != "" {
		return finding{why: map[Class]string{ClassUnknown: w.problem}, impossible: true}
	}
	if len(f.why) == 0 {
		f.why[ClassRead] = "It does nothing"
	}
	_, build := f.why[ClassBuild]
	_, unknown := f.why[ClassUnknown]
	_, dangerous := f.why[ClassDangerous]
	f.onlyGit = w.gits > 0 && w.gits == w.changing && !build && !unknown && !dangerous
	f.code = w.code
	if !w.code {
		f.offer = same(w.offers)
	}
	return f
}

// same is what all the lists are, or nil.
func same(lists [][]string) []string {
	for _, l := range lists {
		if strings.Join(l, "\x00") != strings.Join(lists[0], "\x00") {
			return nil
		}
	}
	if len(lists) == 0 {
		return nil
	}
	return lists[0]
}

// unseen tells of characters that a person can't see, or would take for others.
func unseen(r rune) bool {
	switch {
	case r == '\uFE0F': // makes emoji colourful
		return false
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector):
		return true
	case unicode.Is(unicode.Zs, r): // ' ' does not come here
		return true
	case r == '\u115F' || r == '\u1160' || r == '\u3164' || r == '\uFFA0' || r == '\u2800' || r == '\u034F' || r == utf8.RuneError:
		return true
	}
	return false
}

// syntaxWords says where a line can't be parsed.
func syntaxWords(err error) string {
	var bad syntax.ParseError
	if errors.As(err, &bad) {
		return fmt.Sprintf("%s (line %d, column %d)", quote(bad.Text), bad.Pos.Line(), bad.Pos.Col())
	}
	return quote(err.Error())
}
