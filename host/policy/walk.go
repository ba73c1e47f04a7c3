package policy

import (
	"maps"
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// Limits of what is looked at. Beyond them nothing is allowed.
const (
	maxBytes    = 16 << 10 // of a command line
	maxDepth    = 100      // of nesting
	maxCommands = 2500     // commands looked at, loops unrolled
	maxRounds   = 200      // of a loop that are followed one by one
	maxParsed   = 64 << 10 // bytes parsed, with all the lines inside the line
)

// walk goes through a command line once and gathers what it does.
type walk struct {
	root     string
	found    finding
	gits     int  // git commands that are known, word for word
	asksGit  bool // git runs in it
	mixed    bool // there are others, that git's own files stay closed to
	code     bool
	offers   [][]string
	wrapped  int // commands around this one that only start it
	depth    int
	commands int
	removals int  // commands that remove files
	private  bool // it would run where processes, home and loopback are its own
	loops    int  // addresses there that it reaches
	parsed   int
	problem  string // the line is refused for this
	touched  *[]string
	posix    bool // the line is for sh, which may be any shell
	leaps    int  // out of loops
	moves    int  // to other directories
}

// state is what is known at one point of a line.
type state struct {
	dirs  []string // where it may be
	old   []string // where it may have been before; nil is anywhere
	vars  *scope   // what the line itself has set
	input input
	lists bool   // what was run last prints names of files in the workspace
	alt   *state // what holds if that failed; nil where it makes no difference
	dead  bool   // nothing follows: the shell has ended
}

// input is where a command's standard input comes from.
type input struct {
	kind    inputKind
	text    string // of a here-document
	network bool   // something before it in the pipe reaches the network
	lists   bool   // the pipe brings names of files in the workspace
}

type inputKind int

const (
	closed inputKind = iota
	document
	pipe
	file
)

func (st *state) clone() *state {
	c := *st
	c.alt = nil
	return &c
}

// failure takes out what holds after a failure.
func (st *state) failure() *state {
	alt := st.alt
	st.alt = nil
	if alt == nil {
		return st.clone()
	}
	return alt
}

// settle makes st what holds whether or not the last command failed.
func (st *state) settle() {
	if alt := st.alt; alt != nil {
		st.alt = nil
		st.join(alt)
	}
}

// join makes st what holds whether it went st's way or the other's.
func (st *state) join(other *state) {
	if other.dead {
		return
	}
	if st.dead {
		*st = *other
		return
	}
	for _, d := range other.dirs {
		if !slices.Contains(st.dirs, d) {
			st.dirs = append(st.dirs[:len(st.dirs):len(st.dirs)], d)
		}
	}
	if other.old == nil {
		st.old = nil
	} else if st.old != nil {
		st.old = append(st.old[:len(st.old):len(st.old)], other.old...)
		slices.Sort(st.old)
		if st.old = slices.Compact(st.old); len(st.old) > 8 {
			st.old = nil
		}
	}
	if st.vars == other.vars {
		return
	}
	both := &scope{values: map[string]arg{}}
	for name, v := range st.vars.all() {
		if o, ok := other.vars.get(name); ok && o == v {
			both.values[name] = v
		}
	}
	st.vars = both
}

// scope is the variables at one point of a line. It never changes, so that states can share it; a variable that it does
// not have can be anything.
type scope struct{ values map[string]arg }

func (s *scope) all() map[string]arg {
	if s == nil {
		return nil
	}
	return s.values
}

func (s *scope) get(name string) (arg, bool) {
	v, ok := s.all()[name]
	return v, ok
}

// set follows a variable. Those that mean something to the shell, or to programs, are not followed.
func (st *state) set(name string, v arg) {
	const most = 64
	if old, ok := st.vars.get(name); ok && old == v {
		return
	}
	values := maps.Clone(st.vars.all())
	if values == nil {
		values = map[string]arg{}
	}
	switch {
	case v.kind == splits || len(values) >= most:
		delete(values, name)
	case v.loud:
		values[name] = arg{kind: computed}
	default:
		values[name] = v
	}
	st.vars = &scope{values}
}

// add notes a class and the first reason for it.
func (w *walk) add(c Class, why string) {
	if w.found.why[c] == "" {
		w.found.why[c] = why
	}
}

func (w *walk) merge(r reasons) {
	for c, why := range r {
		if why != "" {
			w.add(Class(c), why)
		}
	}
}

func (w *walk) refuse(why string) {
	if w.problem == "" {
		w.problem = why
	}
}

// enter counts nesting; what it returns has to be called on the way out.
func (w *walk) enter() (ok bool) {
	w.depth++
	if w.depth > maxDepth {
		w.refuse("It is nested too deeply to be read")
	}
	return w.problem == ""
}

func (w *walk) leave() { w.depth-- }

func (w *walk) stmts(list []*syntax.Stmt, st *state) {
	for i, s := range list {
		if i > 0 {
			st.settle()
		}
		w.stmt(s, st)
	}
}

// inner walks what runs in a shell of its own, and returns that shell's state.
func (w *walk) inner(list []*syntax.Stmt, st *state) *state {
	sub := st.clone()
	sub.lists = false
	w.stmts(list, sub)
	sub.settle()
	sub.lists = sub.lists && len(list) == 1
	return sub
}

func (w *walk) stmt(s *syntax.Stmt, st *state) {
	if !w.enter() {
		w.leave()
		return
	}
	defer w.leave()
	if s.Coprocess || s.Disown {
		w.add(ClassUnknown, "It runs commands in a way that is not understood")
	}
	if s.Background {
		st = st.clone()
	}
	before := *st
	for _, r := range s.Redirs {
		w.redirect(r, st)
	}
	st.lists = false
	w.command(s.Cmd, st)
	st.input = before.input
	if len(s.Redirs) > 0 && (st.vars != before.vars || st.dead != before.dead || !slices.Equal(st.dirs, before.dirs)) {
		w.mayNot(s, &before, st)
	}
	if s.Negated && st.alt != nil {
		good := *st
		good.alt = nil
		*st = *st.alt
		st.alt = &good
	}
}

// mayNot follows a command that does nothing where a redirection fails.
func (w *walk) mayNot(s *syntax.Stmt, before, st *state) {
	if st.alt == nil {
		st.alt = st.clone()
	}
	before.alt = nil
	st.alt.join(before)
	if call, is := s.Cmd.(*syntax.CallExpr); is && len(call.Args) == 0 {
		// Shells differ on whether variables are set all the same, and on what comes of it.
		*st = *st.alt
	}
}

func (w *walk) command(cmd syntax.Command, st *state) {
	switch c := cmd.(type) {
	case nil:
	case *syntax.CallExpr:
		w.call(c, st)
	case *syntax.BinaryCmd:
		w.binary(c, st)
	case *syntax.Block:
		w.stmts(c.Stmts, st)
	case *syntax.Subshell:
		sub := w.inner(c.Stmts, st)
		st.lists = sub.lists
	case *syntax.IfClause:
		w.ifs(c, st)
	case *syntax.WhileClause:
		w.loop(c.Cond, c.Do, st)
	case *syntax.ForClause:
		w.forEach(c, st)
	case *syntax.CaseClause:
		w.word(c.Word, st)
		start := st.clone()
		for _, item := range c.Items {
			for _, p := range item.Patterns {
				w.word(p, st)
			}
			branch := start.clone()
			w.stmts(item.Stmts, branch)
			branch.settle()
			st.join(branch)
		}
	case *syntax.TestClause:
		w.test(c.X, st)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			w.stmt(c.Stmt, st)
		}
	case *syntax.DeclClause:
		w.declare(c, st)
	case *syntax.ArithmCmd:
		if !w.plainArithmetic(c.X, st) {
			w.look(c.X, st)
			w.add(ClassUnknown, "It computes with what is only known when it runs")
		}
	case *syntax.FuncDecl:
		w.add(ClassUnknown, "It defines a function, which can stand for any command")
		if c.Body != nil {
			sub := st.clone()
			sub.vars = nil
			w.stmt(c.Body, sub)
		}
		w.forkBomb(c)
	default:
		w.add(ClassUnknown, "It runs commands in a way that is not understood")
		w.look(cmd, st)
	}
	w.commands++
	if w.commands > maxCommands {
		w.refuse("It has more commands than can be looked at")
	}
}

func (w *walk) binary(c *syntax.BinaryCmd, st *state) {
	switch c.Op {
	case syntax.Pipe, syntax.PipeAll:
		left := st.clone()
		w.stmt(c.X, left)
		right := st.clone()
		right.input = input{kind: pipe, lists: left.lists && c.Op == syntax.Pipe, network: w.has(ClassNetwork)}
		w.stmt(c.Y, right)
		st.lists = right.lists
	case syntax.AndStmt:
		w.stmt(c.X, st)
		bad := st.failure()
		w.stmt(c.Y, st)
		worse := st.failure()
		worse.join(bad)
		st.alt = worse
		st.lists = false
	default:
		w.stmt(c.X, st)
		other := st.failure()
		w.stmt(c.Y, other)
		bad := other.failure()
		st.join(other)
		st.alt = bad
		st.lists = false
	}
}

func (w *walk) ifs(c *syntax.IfClause, st *state) {
	if !w.enter() {
		w.leave()
		return
	}
	defer w.leave()
	w.stmts(c.Cond, st)
	other := st.failure()
	w.stmts(c.Then, st)
	st.settle()
	switch {
	case c.Else == nil:
	case len(c.Else.Cond) == 0:
		w.stmts(c.Else.Then, other)
	default:
		w.ifs(c.Else, other)
	}
	other.settle()
	st.join(other)
}

// loop walks what runs any number of times: what it sets, and where it goes, can't be followed.
func (w *walk) loop(cond, do []*syntax.Stmt, st *state) {
	body := st.clone()
	body.vars = nil
	dirs := body.dirs
	defer w.leaping(w.leaps, w.moves)
	w.stmts(cond, body)
	body.settle()
	w.stmts(do, body)
	body.settle()
	if !slices.Equal(dirs, body.dirs) {
		w.add(ClassUnknown, "It changes its directory in a loop")
	}
	st.vars = nil
	st.join(body)
}

// leaping is called behind a loop: where it can be left in the middle, nobody knows in which directory.
func (w *walk) leaping(leaps, moves int) (left bool) {
	if left = w.leaps > leaps; left && w.moves > moves {
		w.add(ClassUnknown, "It changes its directory in a loop")
	}
	return left
}

func (w *walk) forEach(c *syntax.ForClause, st *state) {
	iter, is := c.Loop.(*syntax.WordIter)
	if !is || c.Select || !iter.InPos.IsValid() || !plainName(iter.Name.Value) {
		w.add(ClassUnknown, "It counts with what is only known when it runs")
		w.look(c.Loop, st)
		w.loop(nil, c.Do, st)
		return
	}
	items := w.words(iter.Items, st)
	if len(items) > maxRounds {
		w.add(ClassUnknown, "It goes round more often than can be followed")
		w.loop(nil, c.Do, st)
		return
	}
	start := st.clone()
	leaps, moves := w.leaps, w.moves
	for _, item := range items {
		if item.kind == splits {
			item.kind = computed
		}
		st.set(iter.Name.Value, item)
		w.stmts(c.Do, st)
		st.settle()
		if w.problem != "" {
			return
		}
	}
	st.join(start)
	if w.leaping(leaps, moves) {
		st.vars = nil
	}
}

// forkBomb finds a function that does little but start itself again.
func (w *walk) forkBomb(f *syntax.FuncDecl) {
	if f.Name == nil || f.Body == nil {
		return
	}
	forks, again := false, false
	syntax.Walk(f.Body, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			forks = forks || n.Background
		case *syntax.BinaryCmd:
			forks = forks || n.Op == syntax.Pipe
		case *syntax.CallExpr:
			again = again || len(n.Args) > 0 && n.Args[0].Lit() == f.Name.Value
		}
		return true
	})
	if forks && again {
		w.add(ClassDangerous, "It is a program that starts itself without end")
	}
}

func (w *walk) has(c Class) bool {
	return w.found.why.has(c)
}
