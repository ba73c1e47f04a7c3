package policy

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// look walks the commands inside a piece of syntax whose own meaning is not followed.
func (w *walk) look(n syntax.Node, st *state) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			w.inner(n.Stmts, st)
			return false
		case *syntax.ProcSubst:
			w.inner(n.Stmts, st)
			return false
		case *syntax.Stmt:
			w.stmt(n, st.clone())
			return false
		case *syntax.ArithmExp:
			if !w.plainArithmetic(n.X, st) {
				w.add(ClassUnknown, "It computes with what is only known when it runs")
			}
		}
		return w.problem == ""
	})
}

// redirect notes what a redirection opens. What it writes is a change of its own, which no remembered approval of a
// command covers.
func (w *walk) redirect(r *syntax.Redirect, st *state) {
	outer := w.found.why
	w.found.why = reasons{}
	w.redirection(r, st)
	mine := w.found.why
	w.found.why = outer
	w.merge(mine)
	if !mine.only() {
		w.mixed = true
		w.found.argvs = append(w.found.argvs, nil)
		w.offers = append(w.offers, nil)
	}
}

func (w *walk) redirection(r *syntax.Redirect, st *state) {
	if r.N != nil && strings.Trim(r.N.Value, "0123456789") != "" {
		w.add(ClassUnknown, "It opens a file in a way that is not understood")
	}
	stdin := r.N == nil || r.N.Value == "0"
	if r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc {
		w.hereDocument(r, st, stdin)
		return
	}
	a := arg{kind: splits}
	if words := w.words([]*syntax.Word{r.Word}, st); len(words) == 1 {
		a = words[0]
	}
	switch r.Op {
	case syntax.WordHdoc:
		if stdin {
			st.input = input{kind: file}
			if a.kind == literal && !a.loud && !a.home {
				st.input = input{kind: document, text: a.text + "\n"}
			}
		}
		return
	case syntax.DplIn, syntax.DplOut:
		if a.kind == literal && strings.Trim(a.text, "0123456789-") == "" && a.text != "" {
			if r.Op == syntax.DplIn && stdin {
				st.input = input{kind: file}
			}
			return
		}
	case syntax.RdrIn:
		if stdin {
			st.input = input{kind: file, lists: a.kind == piped && st.lists}
		}
		w.use(a, 'r', st)
		return
	case syntax.RdrInOut:
		if stdin {
			st.input = input{kind: file}
		}
	}
	w.use(a, 'w', st)
}

func (w *walk) hereDocument(r *syntax.Redirect, st *state, stdin bool) {
	in := input{kind: file}
	if r.Hdoc != nil {
		if text, plain := plainText(r); plain {
			in = input{kind: document, text: text}
		} else {
			var b strings.Builder
			w.quoted(r.Hdoc.Parts, st, &b, &arg{})
		}
	}
	for _, part := range r.Word.Parts {
		if q, is := part.(*syntax.DblQuoted); is && !q.Dollar && (len(q.Parts) == 0 || len(q.Parts) == 1 && plainLit(q.Parts[0])) {
			continue
		}
		if q, is := part.(*syntax.SglQuoted); plainLit(part) || is && !q.Dollar {
			continue
		}
		w.add(ClassUnknown, "Where its here-document ends is not clear")
	}
	if stdin {
		st.input = in
	}
}

// plainText is the text of a here-document in which nothing is computed.
func plainText(r *syntax.Redirect) (text string, plain bool) {
	var b strings.Builder
	for _, part := range r.Hdoc.Parts {
		lit, is := part.(*syntax.Lit)
		if !is {
			return "", false
		}
		b.WriteString(lit.Value)
	}
	return b.String(), hereQuoted(r.Word) || !strings.Contains(b.String(), `\`)
}

func plainLit(part syntax.WordPart) bool {
	lit, is := part.(*syntax.Lit)
	return is && !strings.ContainsAny(lit.Value, "$`")
}

// hereQuoted tells whether a here-document's delimiter has quotes, so that nothing in it is expanded.
func hereQuoted(word *syntax.Word) bool {
	for _, part := range word.Parts {
		lit, is := part.(*syntax.Lit)
		if !is || strings.Contains(lit.Value, `\`) {
			return true
		}
	}
	return false
}

// test looks at [[ … ]]. Comparing numbers computes both sides, which can run commands.
func (w *walk) test(x syntax.TestExpr, st *state) {
	if !w.enter() {
		w.leave()
		return
	}
	defer w.leave()
	switch x := x.(type) {
	case *syntax.Word:
		w.word(x, st)
	case *syntax.ParenTest:
		w.test(x.X, st)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsVarSet || x.Op == syntax.TsRefVar {
			w.add(ClassUnknown, "It tests a variable in a way that can run commands")
		}
		w.test(x.X, st)
	case *syntax.BinaryTest:
		switch x.Op {
		case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
			for _, side := range []syntax.TestExpr{x.X, x.Y} {
				word, is := side.(*syntax.Word)
				if !is || !w.number(word, st) {
					w.add(ClassUnknown, "It computes with what is only known when it runs")
				}
			}
		default:
			w.test(x.X, st)
			w.test(x.Y, st)
		}
	}
}

// number tells whether a word can only be a number.
func (w *walk) number(word *syntax.Word, st *state) bool {
	if len(word.Parts) == 1 {
		parts := word.Parts
		if q, is := parts[0].(*syntax.DblQuoted); is && len(q.Parts) == 1 {
			parts = q.Parts
		}
		if p, is := parts[0].(*syntax.ParamExp); is && p.Param != nil && (p.Param.Value == "#" || p.Param.Value == "?") && p.Exp == nil {
			return true
		}
	}
	a := w.word(word, st)
	return a.kind == literal && strings.Trim(a.text, "-0123456789") == ""
}

// call is a simple command: assignments, then words.
func (w *walk) call(c *syntax.CallExpr, st *state) {
	if len(c.Args) == 0 {
		for _, as := range c.Assigns {
			w.keep(w.assign(as, st), st)
		}
		return
	}
	env := make([]variable, 0, len(c.Assigns))
	for _, as := range c.Assigns {
		env = append(env, w.assign(as, st))
	}
	args := w.words(c.Args, st)
	if len(args) == 0 {
		return
	}
	w.run(args, env, st)
}

// variable is an assignment.
type variable struct {
	name  string
	value arg
	odd   bool // an array, or something added
}

func (w *walk) assign(as *syntax.Assign, st *state) variable {
	v := variable{odd: as.Append || as.Index != nil || as.Array != nil || as.Naked}
	if as.Name != nil {
		v.name = as.Name.Value
	}
	if as.Array != nil {
		w.add(ClassUnknown, "It sets an array, which is not followed")
	}
	if v.odd {
		w.look(as, st)
		v.value = arg{kind: splits}
		return v
	}
	if as.Value != nil {
		v.value = w.word(as.Value, st)
		if v.value.kind == pattern { // no globs in assignments
			v.value.kind = literal
		}
		if v.value.kind == splits {
			v.value.kind = computed
		}
	}
	return v
}

// keep is what an assignment by itself does to the rest of the line.
func (w *walk) keep(v variable, st *state) {
	if v.odd && plainName(v.name) {
		st.set(v.name, arg{kind: splits})
		return
	}
	if v.odd || !plainName(v.name) && !ownName(v.name) {
		w.add(ClassUnknown, "It sets "+v.name+", which can change what the commands after it do")
		return
	}
	st.set(v.name, v.value)
}

// declare is export, local and the like.
func (w *walk) declare(c *syntax.DeclClause, st *state) {
	all := make([]variable, 0, len(c.Args))
	for _, as := range c.Args { // all of them are computed before any is set
		all = append(all, w.assign(as, st))
	}
	for i, as := range c.Args {
		v := all[i]
		switch {
		case c.Variant.Value != "export", v.name == "":
			w.add(ClassUnknown, "It declares variables in a way that is not followed")
		case as.Naked && as.Value == nil && as.Index == nil && (plainName(v.name) || harmless(variable{name: v.name})):
		case !v.odd && (harmless(v) || buildsWith(v)):
			w.add(ClassRead, "It only reads")
			st.set(v.name, v.value)
		default:
			w.keep(v, st)
		}
	}
}
