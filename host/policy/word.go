package policy

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// kind tells how much of an argument is known before it runs.
type kind int

const (
	literal  kind = iota
	pattern       // a glob: names of files
	listed        // names of files in the workspace, any number of them
	computed      // one word that only the run will know
	splits        // any number of such words
	piped         // the name of a pipe from another command, as <(…) gives it
)

// arg is one word of a command, as far as it is known.
type arg struct {
	kind kind
	text string // of a literal or a pattern
	home bool   // it begins with the home directory
	loud bool   // another shell would read it otherwise, so it may only be free text
}

func (a arg) is(text string) bool { return a.kind == literal && !a.loud && !a.home && a.text == text }

// dashed tells whether it is an option, and whether it might be one.
func (a arg) dashed() (is, may bool) {
	switch a.kind {
	case literal:
		is = !a.home && len(a.text) > 1 && a.text[0] == '-'
		return is, is
	case pattern:
		if a.home {
			return false, false
		}
		is = a.text[0] == '-'
		return is, is || strings.ContainsRune("*?[", rune(a.text[0]))
	case piped:
		return false, false
	}
	return false, true
}

// words expands what can be expanded beforehand, and looks into all that is run on the way.
func (w *walk) words(list []*syntax.Word, st *state) []arg {
	var args []arg
	for _, word := range list {
		args = append(args, w.expand(word, st)...)
	}
	return args
}

// expand follows braces, then reads each of the words that they make.
func (w *walk) expand(word *syntax.Word, st *state) []arg {
	if !strings.Contains(word.Lit(), "{") && !hasBrace(word) {
		return []arg{w.word(word, st)}
	}
	split := *word
	split.Parts = append([]syntax.WordPart(nil), word.Parts...)
	if !syntax.SplitBraces(&split) {
		return []arg{w.word(word, st)}
	}
	lists := [][]syntax.WordPart{nil}
	for _, part := range split.Parts {
		brace, is := part.(*syntax.BraceExp)
		if !is {
			for i := range lists {
				lists[i] = append(lists[i][:len(lists[i]):len(lists[i])], part)
			}
			continue
		}
		var next [][]syntax.WordPart
		for _, head := range lists {
			for _, elem := range brace.Elems {
				if brace.Sequence || len(next) >= 64 || hasBrace(elem) {
					w.look(word, st)
					return []arg{{kind: splits}}
				}
				next = append(next, append(head[:len(head):len(head)], elem.Parts...))
			}
		}
		lists = next
	}
	args := make([]arg, 0, len(lists))
	for _, parts := range lists {
		args = append(args, w.word(&syntax.Word{Parts: parts}, st))
	}
	return args
}

func hasBrace(word *syntax.Word) bool {
	for _, part := range word.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			if strings.Contains(part.Value, "{") {
				return true
			}
		case *syntax.BraceExp:
			return true
		}
	}
	return false
}

// word reads one word without braces.
func (w *walk) word(word *syntax.Word, st *state) arg {
	if len(word.Parts) == 1 {
		if lit, is := word.Parts[0].(*syntax.Lit); is && !strings.ContainsAny(lit.Value, `\~*?[`) {
			return arg{text: lit.Value}
		}
	}
	var b strings.Builder
	a := arg{}
	for i, part := range word.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			text := part.Value
			if i == 0 && strings.HasPrefix(text, "~") {
				a.home = true
			}
			if strings.Contains(text, "=~") || strings.Contains(text, ":~") {
				a.loud = true
			}
			meta := unescape(&b, text)
			if meta && a.kind == literal {
				a.kind = pattern
			}
		case *syntax.SglQuoted:
			if part.Dollar {
				a.loud = true
				if strings.Contains(part.Value, `\`) {
					b.WriteString(dollarQuoted(part.Value))
					continue
				}
			}
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			if part.Dollar {
				a.loud = true
			}
			w.quoted(part.Parts, st, &b, &a)
		case *syntax.ParamExp:
			v, ok := w.param(part, st)
			switch {
			case !ok, v.kind == listed && len(word.Parts) > 1, v.home && i > 0, v.kind == literal && v.text == "":
				a.kind = splits // or nothing at all
			case v.kind != literal && v.kind != pattern || strings.ContainsAny(v.text, " \t\n\\"):
				a.kind = max(a.kind, spread(v))
			case v.kind == literal && strings.ContainsAny(v.text, "*?["):
				a.kind = max(a.kind, pattern)
				b.WriteString(v.text)
			default:
				a.kind, a.home = max(a.kind, v.kind), a.home || v.home
				b.WriteString(v.text)
			}
		case *syntax.CmdSubst:
			v := w.subst(part, st)
			a.kind = max(a.kind, spread(v))
			if v.kind == listed && len(word.Parts) > 1 {
				a.kind = splits
			}
		case *syntax.ProcSubst:
			w.inner(part.Stmts, st)
			if part.Op != syntax.CmdIn || len(word.Parts) > 1 {
				a.kind = splits
				continue
			}
			a.kind = piped
		default: // arithmetic, extended globs
			if exp, is := part.(*syntax.ArithmExp); is && w.plainArithmetic(exp.X, st) {
				a.kind = max(a.kind, computed)
				continue
			}
			if _, is := part.(*syntax.ExtGlob); is {
				w.add(ClassUnknown, "It has a pattern in it that shells read in different ways")
			}
			w.look(part, st)
			a.kind = splits
		}
	}
	a.text = b.String()
	if a.kind == pattern && a.text == "[" {
		a.kind = literal // the command of that name
	}
	if a.kind == pattern && a.text == "" {
		a.kind = splits
	}
	return a
}

// spread is what a value becomes where it is not quoted.
func spread(v arg) kind {
	switch v.kind {
	case listed, pattern:
		return v.kind
	}
	return splits
}

// quoted reads what stands between double quotes: it stays one word.
func (w *walk) quoted(parts []syntax.WordPart, st *state, b *strings.Builder, a *arg) {
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			s := part.Value
			for i := 0; i < len(s); i++ {
				if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\", s[i+1]) >= 0 {
					i++
				}
				b.WriteByte(s[i])
			}
		case *syntax.ParamExp:
			v, ok := w.param(part, st)
			switch {
			case ok && v.home && b.Len() > 0, ok && v.kind == listed && (len(parts) > 1 || b.Len() > 0), ok && v.kind > listed:
				a.kind = max(a.kind, computed)
			case ok:
				a.kind, a.home = max(a.kind, v.kind), a.home || v.home
				b.WriteString(v.text)
			default:
				a.kind = max(a.kind, oneOrMany(part))
			}
		case *syntax.CmdSubst:
			if v := w.subst(part, st); v.kind == literal {
				b.WriteString(v.text)
				continue
			}
			a.kind = max(a.kind, computed)
		case *syntax.ArithmExp:
			if !w.plainArithmetic(part.X, st) {
				w.look(part, st)
				w.add(ClassUnknown, "It computes with what is only known when it runs")
			}
			a.kind = max(a.kind, computed)
		default:
			w.look(part, st)
			a.kind = max(a.kind, splits)
		}
	}
}

// oneOrMany: "$@" and "${a[@]}" are many words even between quotes.
func oneOrMany(p *syntax.ParamExp) kind {
	if p.Param != nil && (p.Param.Value == "@" || p.Param.Value == "*") || p.Index != nil || p.Names != 0 || p.Excl {
		return splits
	}
	return computed
}

// param is a variable's value, where the line itself has set it.
func (w *walk) param(p *syntax.ParamExp, st *state) (arg, bool) {
	if !plainParam(p) {
		w.lookIntoParam(p, st)
		return arg{}, false
	}
	switch name := p.Param.Value; name {
	case "?", "#", "$", "!":
		return arg{kind: computed}, true
	case "_": // bash's own: the last word of the command before
		return arg{}, false
	case "HOME":
		return arg{home: true, text: "~"}, true
	case "PWD":
		if len(st.dirs) == 1 {
			return arg{text: st.dirs[0]}, true
		}
		return arg{}, false
	default:
		v, ok := st.vars.get(name)
		return v, ok
	}
}

// lookIntoParam looks at what an expansion like ${x:-…} runs. Those that assign, or compute, are not known.
func (w *walk) lookIntoParam(p *syntax.ParamExp, st *state) {
	if p.Index != nil || p.Slice != nil || p.Excl || p.Exp != nil && (p.Exp.Op == syntax.AssignUnset || p.Exp.Op == syntax.AssignUnsetOrNull ||
		p.Exp.Op == syntax.OtherParamOps) {
		w.add(ClassUnknown, "It computes with what is only known when it runs")
	}
	if p.Exp != nil && p.Param != nil {
		st.set(p.Param.Value, arg{kind: splits})
	}
	w.look(p, st)
}

// subst looks into a command substitution, and tells what it prints where that is known.
func (w *walk) subst(c *syntax.CmdSubst, st *state) arg {
	if c.TempFile || c.ReplyVar {
		w.add(ClassUnknown, "It runs commands in a way that is not understood")
	}
	mixed := w.mixed
	sub := w.inner(c.Stmts, st)
	if text, is := quotation(c.Stmts); is {
		w.mixed = mixed
		return arg{text: strings.TrimRight(text, "\n")}
	}
	if len(c.Stmts) != 1 {
		return arg{kind: computed}
	}
	if call, is := c.Stmts[0].Cmd.(*syntax.CallExpr); is && len(call.Args) == 1 && len(call.Assigns) == 0 && call.Args[0].Lit() == "pwd" && len(st.dirs) == 1 {
		return arg{text: st.dirs[0]}
	}
	if sub.lists {
		return arg{kind: listed}
	}
	return arg{kind: computed}
}

// quotation is the text of $(cat <<'EOF' …), which is a long way to write it down.
func quotation(list []*syntax.Stmt) (text string, is bool) {
	if len(list) != 1 || list[0].Negated || list[0].Background || len(list[0].Redirs) != 1 {
		return "", false
	}
	call, is := list[0].Cmd.(*syntax.CallExpr)
	if r := list[0].Redirs[0]; is && len(call.Args) == 1 && len(call.Assigns) == 0 && call.Args[0].Lit() == "cat" && r.Op == syntax.Hdoc && r.N == nil && r.Hdoc != nil {
		return plainText(r)
	}
	return "", false
}

// plainArithmetic tells whether an expression has nothing but numbers in it. Names would be computed in turn, and can
// run commands.
func (w *walk) plainArithmetic(x syntax.ArithmExpr, st *state) bool {
	switch x := x.(type) {
	case *syntax.Word:
		a := w.word(x, st)
		if a.kind != literal || a.text == "" || strings.Trim(a.text, "0123456789abcdefABCDEFx") != "" {
			return false
		}
		if a.text[0] >= '0' && a.text[0] <= '9' {
			return true
		}
		v, known := st.vars.get(a.text)
		return known && v.kind == literal && v.text != "" && strings.Trim(v.text, "0123456789") == ""
	case *syntax.BinaryArithm:
		return !assigns(x.Op) && w.plainArithmetic(x.X, st) && w.plainArithmetic(x.Y, st)
	case *syntax.ParenArithm:
		return w.plainArithmetic(x.X, st)
	case *syntax.UnaryArithm:
		return x.Op != syntax.Inc && x.Op != syntax.Dec && w.plainArithmetic(x.X, st)
	}
	return false
}

func assigns(op syntax.BinAritOperator) bool {
	switch op {
	case syntax.Add, syntax.Sub, syntax.Mul, syntax.Quo, syntax.Rem, syntax.Eql, syntax.Neq, syntax.Lss, syntax.Leq, syntax.Gtr, syntax.Geq:
		return false
	}
	return true
}

// unescape writes unquoted text without its backslashes, and tells whether it is a glob.
func unescape(b *strings.Builder, s string) (meta bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			if i == len(s) {
				return meta
			}
		case '*', '?', '[':
			meta = true
		}
		b.WriteByte(s[i])
	}
	return meta
}

// dollarQuoted follows the escapes that matter in free text; others stay as they are written.
func dollarQuoted(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\'`, "'").Replace(s)
}

// program is the name that a command runs by. Paths to the system's own directories say no more than the name;
// any other path is a program of somebody's.
func program(a arg) (name string, own bool) {
	if a.kind != literal || a.loud || a.home || a.text == "" {
		return "", false
	}
	if !strings.Contains(a.text, "/") {
		return a.text, false
	}
	switch dir := path.Dir(a.text); dir {
	case "/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin":
		if path.Clean(a.text) == a.text {
			return path.Base(a.text), false
		}
	}
	return a.text, true
}
