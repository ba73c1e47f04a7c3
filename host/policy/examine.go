package policy

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// examine finds out what a command line does, as far as that can be proven.
func examine(r Request) finding { return look(r, nil) }

func look(r Request, touched *[]string) finding {
	w := &walk{
		root: filepath.ToSlash(filepath.Clean(r.Place.Root)), touched: touched, posix: r.Place.Sh,
		private: r.Place.Level == LevelFull && r.Place.Access != AccessRoot,
	}
	dir := filepath.ToSlash(filepath.Clean(r.Dir))
	switch {
	case len(r.Command) > maxBytes:
		w.refuse("It is longer than 16 KiB, which nobody can judge")
	case !utf8.ValidString(r.Command):
		w.refuse("It is not text")
	default:
		if why := invisible(r.Command); why != "" {
			w.refuse(why)
		} else if deep(r.Command) {
			w.refuse("It is nested too deeply to be read")
		}
	}
	if !within(w.root, dir) {
		if r.Place.Access != AccessRoot {
			w.refuse("Its working directory lies outside the workspace")
		}
		w.add(ClassDangerous, "It works outside the workspace")
	}
	if w.problem == "" {
		w.parse(r.Command, &state{dirs: []string{dir}})
	}
	if w.asksGit && r.Place.GitProgram != "" {
		w.add(ClassUnknown, "This repository's settings ("+quote(r.Place.GitProgram)+") name a program for git to start")
	}
	f := w.found
	f.git = w.asksGit
	if w.problem != "" {
		return finding{why: reasons{ClassUnknown: w.problem}, impossible: true}
	}
	if f.why.only() {
		f.why[ClassRead] = "It does nothing"
	}
	f.onlyGit = w.gits > 0 && !w.mixed && f.why.only(ClassRead, ClassGit, ClassNetwork)
	if f.why.has(ClassNetwork) && len(f.domains) > 0 && !f.others {
		f.why[ClassNetwork] = "It reaches " + strings.Join(f.domains, " and ")
	}
	f.code = w.code
	if !w.code {
		if offer := same(w.offers); f.begins(offer) {
			f.offer = offer
		}
	}
	return f
}

// deep finds lines that open far more than they close, before any time goes into parsing them.
func deep(text string) bool {
	open := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{':
			open++
		case ')', '}':
			open = max(0, open-1)
		}
		if open > 2*maxDepth {
			return true
		}
	}
	return false
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
	case r >= ' ' && r < 0x7F:
		return false
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
