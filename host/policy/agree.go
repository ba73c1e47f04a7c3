package policy

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// agree compares what the parser found in a line with what a scanner of our own finds there. "" says that both read the
// same, and that there is nothing in the line which shells read in different ways; else it says what there is.
func agree(text string, list []*syntax.Stmt, posix bool) string {
	r := &scanner{text: text, posix: posix, marks: make([]byte, len(text))}
	r.commands(0)
	if r.odd != "" {
		return r.odd
	}
	a := &agreement{r: r}
	a.stmts(list)
	if a.odd == "" && r.left != 0 {
		return "Shells differ on how to read it"
	}
	return a.odd
}

// agreement goes through the parser's tree and takes each mark for what it stands for. What it does not know is odd.
type agreement struct {
	r   *scanner
	odd string
}

func (a *agreement) stop(why string) {
	if a.odd == "" {
		a.odd = why
	}
}

func (a *agreement) take(pos syntax.Pos, kind byte) {
	at := int(pos.Offset())
	if !pos.IsValid() || a.r.at(at) == 0 || a.r.marks[at]&kind == 0 {
		a.stop("Shells differ on how to read it")
		return
	}
	a.r.marks[at] &^= kind
	a.r.left--
}

// follows takes a word, which begins a command only where that may be.
func (a *agreement) follows(pos syntax.Pos, first bool) {
	if a.take(pos, markWord); a.odd == "" && !first && a.r.marks[pos.Offset()]&markFirst != 0 {
		a.stop("Shells differ on where a command in it ends")
	}
}

// sign takes an operator, which has to be the very one.
func (a *agreement) sign(pos syntax.Pos, op string) {
	if a.take(pos, markSign); a.odd == "" && sign(a.r.text[pos.Offset():]) != op {
		a.stop("Shells differ on how to read it")
	}
}

func (a *agreement) stmts(list []*syntax.Stmt) {
	for _, s := range list {
		a.stmt(s)
	}
}

func (a *agreement) stmt(s *syntax.Stmt) {
	if s.Coprocess || s.Disown {
		a.stop("It runs commands in a way that is not understood")
	}
	if s.Negated {
		a.take(s.Position, markWord)
	}
	a.command(s.Cmd)
	for _, r := range s.Redirs {
		a.redirect(r)
	}
	switch {
	case !s.Semicolon.IsValid():
	case s.Background:
		a.sign(s.Semicolon, "&")
	default:
		a.sign(s.Semicolon, ";")
	}
}

func (a *agreement) redirect(r *syntax.Redirect) {
	if r.N != nil {
		a.take(r.N.Pos(), markNumber)
	}
	a.sign(r.OpPos, r.Op.String())
	if r.Op != syntax.Hdoc && r.Op != syntax.DashHdoc {
		a.word(r.Word, false)
		return
	}
	// Quotes around its end are no more than a sign that nothing in it is computed.
	a.take(r.Word.Pos(), markWord)
	if r.Hdoc == nil {
		return
	}
	for _, part := range r.Hdoc.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
		case *syntax.ParamExp:
			a.param(part)
		default:
			a.stop("Its here-document runs commands")
		}
	}
}

func (a *agreement) command(cmd syntax.Command) {
	if a.odd != "" {
		return
	}
	switch c := cmd.(type) {
	case nil:
	case *syntax.CallExpr:
		for i, as := range c.Assigns {
			a.assign(as, i == 0)
		}
		if a.r.posix && len(c.Args) > 0 && slices.Contains(onlyBash(), c.Args[0].Lit()) {
			a.stop("Shells called sh differ on what " + c.Args[0].Lit() + " means")
		}
		for i, word := range c.Args {
			a.word(word, i == 0 && len(c.Assigns) == 0)
		}
	case *syntax.BinaryCmd:
		a.stmt(c.X)
		a.sign(c.OpPos, c.Op.String())
		a.stmt(c.Y)
	case *syntax.Block:
		a.take(c.Lbrace, markWord)
		a.stmts(c.Stmts)
		a.take(c.Rbrace, markWord)
	case *syntax.Subshell:
		a.sign(c.Lparen, "(")
		a.stmts(c.Stmts)
		a.sign(c.Rparen, ")")
	case *syntax.IfClause:
		a.take(c.FiPos, markWord)
		for ; c != nil; c = c.Else {
			a.take(c.Position, markWord)
			a.stmts(c.Cond)
			if c.ThenPos.IsValid() {
				a.take(c.ThenPos, markWord)
			}
			a.stmts(c.Then)
		}
	case *syntax.WhileClause:
		a.take(c.WhilePos, markWord)
		a.stmts(c.Cond)
		a.loop(c.DoPos, c.Do, c.DonePos)
	case *syntax.ForClause:
		a.forEach(c)
	case *syntax.TestClause:
		a.take(c.Left, markWord)
		a.test(c.X)
		a.take(c.Right, markWord)
	case *syntax.TimeClause:
		a.take(c.Time, markWord)
		if c.PosixFormat || c.Stmt == nil || c.Stmt.Negated {
			a.stop("It measures time in a way that shells differ on")
			return
		}
		a.stmt(c.Stmt)
	case *syntax.DeclClause:
		a.take(c.Variant.Pos(), markWord)
		for _, as := range c.Args {
			if as.Naked && as.Name != nil && as.Value == nil && as.Index == nil {
				a.take(as.Name.Pos(), markWord)
				continue
			}
			a.assign(as, false)
		}
	default:
		a.stop("It runs commands in a way that shells differ on")
	}
}

// onlyBash are the words that begin something in bash and are a program's name, or nothing, in other shells.
func onlyBash() []string {
	return []string{
		"[[", "function", "select", "time", "coproc", "let", "declare", "typeset", "local", "readonly", "nameref", "export", "source",
		"builtin", "mapfile", "readarray", "shopt", "enable", "compgen", "pushd", "popd",
	}
}

func (a *agreement) loop(do syntax.Pos, list []*syntax.Stmt, done syntax.Pos) {
	a.take(do, markWord)
	a.stmts(list)
	a.take(done, markWord)
}

func (a *agreement) forEach(c *syntax.ForClause) {
	iter, is := c.Loop.(*syntax.WordIter)
	if !is || c.Select || c.Braces || !iter.InPos.IsValid() {
		a.stop("It counts in a way that shells differ on")
		return
	}
	a.take(c.ForPos, markWord)
	a.take(iter.Name.Pos(), markWord)
	a.take(iter.InPos, markWord)
	for _, word := range iter.Items {
		a.word(word, false)
	}
	// The parser does not keep the semicolon in between.
	gap := a.r.text[iter.End().Offset():c.DoPos.Offset()]
	if at := strings.IndexByte(gap, ';'); at >= 0 && strings.Trim(gap, " \t\n\\") == ";" {
		a.r.marks[int(iter.End().Offset())+at] = 0
		a.r.left--
	}
	a.loop(c.DoPos, c.Do, c.DonePos)
}

// test is [[ … ]] with one test in it.
func (a *agreement) test(x syntax.TestExpr) {
	switch x := x.(type) {
	case *syntax.Word:
		a.word(x, false)
	case *syntax.UnaryTest:
		word, is := x.X.(*syntax.Word)
		if !is {
			a.stop("It tests in a way that shells differ on")
			return
		}
		a.take(x.OpPos, markWord)
		a.word(word, false)
	case *syntax.BinaryTest:
		left, is := x.X.(*syntax.Word)
		right, also := x.Y.(*syntax.Word)
		if !is || !also || x.Op == syntax.TsReMatch {
			a.stop("It tests in a way that shells differ on")
			return
		}
		a.word(left, false)
		a.take(x.OpPos, markWord)
		a.word(right, false)
	default:
		a.stop("It tests in a way that shells differ on")
	}
}

func (a *agreement) assign(as *syntax.Assign, first bool) {
	if as.Append || as.Naked || as.Index != nil || as.Array != nil || as.Name == nil {
		a.stop("It sets variables in a way that shells differ on")
		return
	}
	a.follows(as.Name.Pos(), first)
	if as.Value != nil {
		a.parts(as.Value)
	}
}

func (a *agreement) word(word *syntax.Word, first bool) {
	if word == nil || len(word.Parts) == 0 {
		a.stop("Shells differ on how to read it")
		return
	}
	if subst, is := word.Parts[0].(*syntax.ProcSubst); is {
		if len(word.Parts) > 1 {
			a.stop("Shells differ on where a word in it ends")
			return
		}
		a.take(subst.OpPos, markOther)
		a.stmts(subst.Stmts)
		a.sign(subst.Rparen, ")")
		return
	}
	a.follows(word.Pos(), first)
	a.parts(word)
}

func (a *agreement) parts(word *syntax.Word) {
	brace, list := false, false
	for _, part := range word.Parts {
		if a.odd != "" {
			return
		}
		if lit, is := part.(*syntax.Lit); is {
			if strings.IndexByte(lit.Value, '{') >= 0 {
				brace = true
			}
			list = list || brace && (strings.IndexByte(lit.Value, ',') >= 0 || strings.Contains(lit.Value, ".."))
			continue
		}
		a.part(part)
	}
	if list && !a.plainBraces(word) {
		a.stop("It has braces in it that shells read in different ways")
	}
}

// plainBraces tells whether each of a word's braces is a list like {a,b} or has no meaning at all.
func (a *agreement) plainBraces(word *syntax.Word) bool {
	text := word.Lit()
	if text == "" || strings.IndexByte(text, '\\') >= 0 {
		return false
	}
	for {
		_, rest, is := strings.Cut(text, "{")
		if !is {
			return true
		}
		inside, after, is := strings.Cut(rest, "}")
		if !is || strings.ContainsAny(inside, "{") || strings.Contains(inside, "..") || strings.Contains(inside, ",") && a.r.posix {
			return false
		}
		text = after
	}
}

func (a *agreement) part(part syntax.WordPart) {
	switch p := part.(type) {
	case *syntax.Lit:
	case *syntax.SglQuoted:
		a.take(p.Left, markQuote)
		a.take(p.Right, markQuote)
	case *syntax.DblQuoted:
		if p.Dollar {
			a.stop("Shells differ on what a dollar in it stands for")
			return
		}
		a.take(p.Left, markQuote)
		for _, inner := range p.Parts {
			switch inner.(type) {
			case *syntax.Lit, *syntax.ParamExp, *syntax.CmdSubst, *syntax.ArithmExp:
				a.part(inner)
			default:
				a.stop("Shells differ on how to read what it has in quotes")
			}
		}
		a.take(p.Right, markQuote)
	case *syntax.ParamExp:
		a.param(p)
	case *syntax.CmdSubst:
		if p.Backquotes || p.TempFile || p.ReplyVar {
			a.stop("It runs commands in a way that shells differ on")
			return
		}
		a.take(p.Left, markSubst)
		a.stmts(p.Stmts)
		a.sign(p.Right, ")")
	case *syntax.ArithmExp:
		if p.Bracket || p.Unsigned {
			a.stop("It computes in a way that shells differ on")
			return
		}
		a.take(p.Left, markOther)
		a.take(p.Right, markOther)
	default:
		a.stop("It has something in it that shells read in different ways")
	}
}

func (a *agreement) param(p *syntax.ParamExp) {
	if !plainParam(p) {
		a.stop("It computes what stands in ${…}, which shells read in different ways")
		return
	}
	a.take(p.Dollar, markDollar)
}

// plainParam tells whether an expansion is nothing but a variable.
func plainParam(p *syntax.ParamExp) bool {
	return p.Param != nil && p.NestedParam == nil && p.Flags == nil && !p.Excl && !p.Length && !p.Width && !p.IsSet && p.Index == nil &&
		len(p.Modifiers) == 0 && p.Slice == nil && p.Repl == nil && p.Names == 0 && p.Exp == nil
}
