package policy

import (
	"strings"
	"unicode/utf8"
)

// What a scanner marks, each at the byte where it begins.
const (
	markWord   byte = 1 << iota
	markNumber      // of a descriptor before a redirection
	markSign        // an operator, or a bracket of commands
	markQuote
	markDollar // a variable
	markSubst
	markOther // $((…)), <(…) and >(…)
	markFirst // of the words and redirections between two operators, or two ends of lines
)

// scanner reads a line by itself, without the parser, and knows nothing but what every shell reads in the same way. What
// it marks has to be what the parser found; where it stops, nobody can tell what the shell will do.
type scanner struct {
	text    string
	posix   bool // sh may be any shell, so bash's own words mean nothing certain
	i       int
	depth   int
	marks   []byte
	left    int  // marks
	inside  bool // a command
	odd     string
	pending []hereMark
}

// hereMark is what ends a here-document whose text has not come yet.
type hereMark struct {
	text         string
	tabs, quoted bool
}

func (r *scanner) mark(at int, kind byte) {
	ends := kind == markSign && r.text[at] != '<' && r.text[at] != '>' && !strings.HasPrefix(r.text[at:], "&>")
	switch {
	case ends:
		r.inside = false
	case !r.inside && kind&(markWord|markNumber|markSign) != 0:
		r.inside = true
		kind |= markFirst
	}
	r.marks[at] |= kind
	r.left++
}

func (r *scanner) stop(why string) {
	if r.odd == "" {
		r.odd = why
	}
	r.i = len(r.text)
}

// at is the byte at an index, or zero.
func (r *scanner) at(i int) byte {
	if i < 0 || i >= len(r.text) {
		return 0
	}
	return r.text[i]
}

// commands reads up to the bracket that ends them, or to the end.
func (r *scanner) commands(end byte) {
	if r.depth++; r.depth > maxDepth {
		r.stop("It is nested too deeply to be read")
	}
	inside := r.inside
	r.inside = false
	defer func() { r.depth, r.inside = r.depth-1, inside }()
	for r.i < len(r.text) {
		before := r.at(r.i - 1)
		switch r.text[r.i] {
		case ' ', '\t':
			r.i++
		case '\n':
			r.i++
			r.inside = false
			r.documents()
		case '#':
			if r.depth > 1 || len(r.pending) > 0 || before != 0 && strings.IndexByte(" \t\n;", before) < 0 {
				r.stop("Shells differ on where a comment in it begins")
				continue
			}
			for r.i < len(r.text) && r.text[r.i] != '\n' {
				r.i++
			}
			if r.at(r.i-1) == '\\' {
				r.stop("Shells differ on where a comment in it ends")
			}
		case '\\':
			if r.at(r.i+1) != '\n' {
				r.word()
				continue
			}
			if before != ' ' && before != '\t' || r.at(r.i+2) == '#' || r.at(r.i+2) == 0 || len(r.pending) > 0 {
				r.stop("It joins lines in a way that shells differ on")
				continue
			}
			r.i += 2
		case ')':
			if end != ')' || len(r.pending) > 0 {
				r.stop("Its brackets are read in different ways by shells")
				continue
			}
			r.mark(r.i, markSign)
			r.i++
			return
		case '(':
			if r.at(r.i+1) == '(' || before != 0 && strings.IndexByte(" \t\n;&|(", before) < 0 || len(r.pending) > 0 {
				r.stop("Its brackets are read in different ways by shells")
				continue
			}
			r.mark(r.i, markSign)
			r.i++
			r.commands(')')
		case ';', '&', '|', '<', '>':
			r.operator()
		default:
			if n := r.i + digits(r.text[r.i:]); n > r.i && (r.at(n) == '<' || r.at(n) == '>') {
				if n > r.i+1 || r.at(n+1) == '(' {
					r.stop("Shells differ on which file it opens")
					continue
				}
				r.mark(r.i, markNumber)
				r.i = n
				r.operator()
				continue
			}
			r.word()
		}
	}
	if end != 0 || len(r.pending) > 0 {
		r.stop("Something in it has no end")
	}
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// sign is the operator at the beginning of a text, as long as can be.
func sign(text string) string {
	for _, s := range []string{"&>>", "<<<", "<<-", "&&", "||", "|&", "&>", ">>", ">|", ">&", "<<", "<&", "<>", ";;", ";&"} {
		if strings.HasPrefix(text, s) {
			return s
		}
	}
	return text[:min(1, len(text))]
}

func (r *scanner) operator() {
	op := sign(r.text[r.i:])
	switch op {
	case ";;", ";&":
		r.stop("It chooses between commands in a way that is not followed")
		return
	case "|&", "&>", "&>>", "<<<":
		if r.posix {
			r.stop("Shells called sh differ on what " + op + " means")
			return
		}
	case "<", ">":
		if r.at(r.i+1) != '(' {
			break
		}
		if r.posix || len(r.pending) > 0 || strings.IndexByte(" \t\n;&|(", r.at(r.i-1)) < 0 {
			r.stop("Shells differ on what " + op + "( means")
			return
		}
		r.mark(r.i, markOther)
		r.i += 2
		r.commands(')')
		if c := r.at(r.i); c != 0 && strings.IndexByte(" \t\n;&|)", c) < 0 {
			r.stop("Shells differ on where a word in it ends")
		}
		return
	}
	r.mark(r.i, markSign)
	r.i += len(op)
	if op == "<<" || op == "<<-" {
		r.document(op == "<<-")
	}
}

// document reads what will end a here-document.
func (r *scanner) document(tabs bool) {
	for r.at(r.i) == ' ' || r.at(r.i) == '\t' {
		r.i++
	}
	h := hereMark{tabs: tabs}
	start := r.i
	if q := r.at(r.i); q == '\'' || q == '"' {
		h.quoted = true
		r.i++
	}
	from := r.i
	for c := r.at(r.i); c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'; c = r.at(r.i) {
		r.i++
	}
	if h.text = r.text[from:r.i]; h.quoted {
		if r.at(r.i) != r.text[start] {
			h.text = ""
		}
		r.i++
	}
	if c := r.at(r.i); h.text == "" || c != 0 && strings.IndexByte(" \t\n;&|)<>", c) < 0 {
		r.stop("Where its here-document ends is not clear")
		return
	}
	r.mark(start, markWord)
	r.pending = append(r.pending, h)
}

// documents reads the texts that stand behind a line.
func (r *scanner) documents() {
	for _, h := range r.pending {
		for ended := false; !ended; {
			if r.i >= len(r.text) {
				r.stop("Where its here-document ends is not clear")
				return
			}
			start := r.i
			if n := strings.IndexByte(r.text[r.i:], '\n'); n >= 0 {
				r.i += n + 1
			} else {
				r.i = len(r.text)
			}
			line := strings.TrimSuffix(r.text[start:r.i], "\n")
			if h.tabs {
				line = strings.TrimLeft(line, "\t")
			}
			if ended = line == h.text; ended || h.quoted {
				continue
			}
			next := r.i
			for r.i = start; r.i < next; {
				switch r.text[r.i] {
				case '\\', '`':
					r.stop("Shells differ on what its here-document says")
					return
				case '$':
					if r.at(r.i+1) == '(' {
						r.stop("Its here-document runs commands")
						return
					}
					r.dollar(true)
				default:
					r.i++
				}
			}
			if r.i != next {
				r.stop("Shells differ on what its here-document says")
				return
			}
		}
	}
	r.pending = nil
}

// word reads one word, up to a blank or an operator.
func (r *scanner) word() {
	start := r.i
	r.mark(start, markWord)
	for r.i < len(r.text) {
		switch c := r.text[r.i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '&' || c == '|' || c == ')':
			return
		case c == '<' || c == '>':
			if r.at(r.i+1) == '(' {
				r.stop("Shells differ on where a word in it ends")
			}
			return
		case c == '(':
			r.stop("Its brackets are read in different ways by shells")
		case c == '\'':
			r.single()
		case c == '"':
			r.double()
		case c == '$':
			r.dollar(false)
		case c == '`':
			r.backquote()
		case c == '\\':
			if n := r.at(r.i + 1); n == 0 || n == '\n' || n >= utf8.RuneSelf {
				r.stop("It joins lines in a way that shells differ on")
				continue
			}
			r.i += 2
		case c == '[':
			if name := r.text[start:r.i]; name != "" && digits(name) == 0 && strings.Trim(name, nameBytes) == "" {
				r.stop("It sets an array, which is not followed")
				continue
			}
			r.i++
		case c >= utf8.RuneSelf:
			r.stop("Shells differ on which words are in it: letters like those belong between quotes")
		default:
			r.i++
		}
	}
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

func (r *scanner) backquote() {
	r.stop("It has a backquote in it, which shells read in different ways: $(…) is plain")
}

// single reads '…', or what follows the dollar of $'…'.
func (r *scanner) single() {
	end := strings.IndexByte(r.text[r.i+1:], '\'')
	if end < 0 {
		r.stop("Something in it has no end")
		return
	}
	end += r.i + 1
	if len(r.pending) > 0 && strings.Contains(r.text[r.i:end], "\n") {
		r.stop("Where its here-document begins is not clear")
		return
	}
	r.mark(r.i, markQuote)
	r.mark(end, markQuote)
	r.i = end + 1
}

// double reads "…".
func (r *scanner) double() {
	r.mark(r.i, markQuote)
	r.i++
	for r.i < len(r.text) {
		switch r.text[r.i] {
		case '"':
			r.mark(r.i, markQuote)
			r.i++
			return
		case '\\':
			n := r.at(r.i + 1)
			if n == 0 || n == '\n' {
				r.stop("It joins lines in a way that shells differ on")
				return
			}
			r.i++
			if n == '"' || n == '$' || n == '`' || n == '\\' {
				r.i++
			}
		case '$':
			r.dollar(true)
		case '`':
			r.backquote()
		case '\n':
			if len(r.pending) > 0 {
				r.stop("Where its here-document begins is not clear")
				return
			}
			r.i++
		default:
			r.i++
		}
	}
	r.stop("Something in it has no end")
}

// dollar reads what a dollar stands for. Of what may stand in braces, only names are plain.
func (r *scanner) dollar(quoted bool) {
	start, next := r.i, r.at(r.i+1)
	switch {
	case next == '(' && r.at(r.i+2) == '(':
		r.arithmetic()
	case next == '(':
		if len(r.pending) > 0 {
			r.stop("Where its here-document begins is not clear")
			return
		}
		r.mark(start, markSubst)
		r.i += 2
		r.commands(')')
	case next == '{':
		end := r.i + 2
		for end < len(r.text) && strings.IndexByte(nameBytes, r.text[end]) >= 0 {
			end++
		}
		if name := r.text[r.i+2 : end]; name == "" || r.at(end) != '}' || digits(name) > 0 && digits(name) < len(name) {
			r.stop("It computes what stands in ${…}, which shells read in different ways")
			return
		}
		r.mark(start, markDollar)
		r.i = end + 1
	case next >= '0' && next <= '9', next != 0 && strings.IndexByte("@*#?$!-", next) >= 0:
		if r.i += 2; digits(r.text[r.i-1:]) > 1 {
			r.stop("Shells differ on which argument it means")
			return
		}
		r.mark(start, markDollar)
	case next != 0 && strings.IndexByte(nameBytes, next) >= 0:
		r.mark(start, markDollar)
		for r.i++; r.i < len(r.text) && strings.IndexByte(nameBytes, r.text[r.i]) >= 0; {
			r.i++
		}
	case next == '\'' && !quoted && !r.posix:
		text, _, _ := strings.Cut(r.text[r.i+2:], "'")
		if strings.Contains(strings.NewReplacer(`\\`, "", `\n`, "", `\t`, "", `\r`, "").Replace(text), `\`) {
			r.stop("It computes what stands in $'…'")
			return
		}
		r.i++
		r.single()
		if r.odd == "" { // the parser has it begin at the dollar
			r.marks[start], r.marks[start+1] = r.marks[start]|markQuote, 0
		}
	case next == 0 || strings.IndexByte(" \t\n|),./:%^=+~]}<>;&", next) >= 0, quoted && next == '"':
		r.i++
	default:
		r.stop("Shells differ on what a dollar in it stands for")
	}
}

// arithmetic reads $((…)) with nothing in it but numbers, names and what computes with them.
func (r *scanner) arithmetic() {
	r.mark(r.i, markOther)
	open := 0
	for r.i += 3; r.i < len(r.text); r.i++ {
		switch c := r.text[r.i]; {
		case c == '(':
			open++
		case c == ')' && open > 0:
			open--
		case c == ')' && r.at(r.i+1) == ')':
			r.mark(r.i, markOther)
			r.i += 2
			return
		case c != ' ' && strings.IndexByte("+-*/%", c) < 0 && strings.IndexByte(nameBytes, c) < 0:
			r.stop("It computes with what is only known when it runs")
			return
		}
	}
	r.stop("Something in it has no end")
}
