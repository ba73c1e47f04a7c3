package policy

import (
	"slices"
	"strings"
)

// interpreter runs a program of the workspace, or one that stands in the command itself.
func (w *walk) interpreter(c *call) {
	name := base(c.name)
	inline := map[string]string{
		"python": "c", "pypy": "c", "node": "ep", "nodejs": "ep", "ruby": "e", "perl": "eE", "php": "rBRE", "lua": "e", "Rscript": "e", "julia": "eE", "bun": "ep", "deno": "", "tsx": "ep", "ts-node": "ep",
	}[name]
	for i, a := range c.args {
		is, may := a.dashed()
		if !is && may || a.loud {
			w.add(ClassUnknown, "Which program it runs is only known when it runs")
			return
		}
		if !is {
			w.program(c, name, i)
			return
		}
		text := a.text
		switch {
		case text == "--":
			continue
		case len(c.args) == 1 && slices.Contains(strings.Fields(saysVersion(name)), text):
			w.add(ClassRead, because(ClassRead))
			return
		case name == "python" && strings.HasPrefix(text, "-m"), name == "pypy" && strings.HasPrefix(text, "-m"):
			w.module(c, i)
			return
		case text == "-c" && name == "python" && i+1 < len(c.args) && c.args[i+1].kind == literal && !c.args[i+1].loud && pythonIsPlain(c.args[i+1].text):
			w.runsCode(c) // a module of the workspace may have any name
			return
		case text[1] != '-' && strings.ContainsAny(text[1:], inline), strings.HasPrefix(text, "--e"), strings.HasPrefix(text, "--pr"), text == "--run" || strings.HasPrefix(text, "--command"),
			name == "perl" && strings.ContainsAny(text, "nip"), name == "ruby" && strings.ContainsAny(text[1:2], "nip"):
			w.add(ClassUnknown, "It runs a program that stands in the command itself")
			return
		case name == "node" && strings.HasPrefix(text, "--test"), name == "node" && text == "--check", name == "php" && text == "-l", name == "ruby" && text == "-c", name == "perl" && text == "-c", name == "node" && strings.HasPrefix(text, "--watch"):
			w.runsCode(c)
			continue
		case name == "python" && (text == "-W" || text == "-X") && i+1 < len(c.args):
			c = &call{name: c.name, args: slices.Delete(slices.Clone(c.args), i, i+2), st: c.st, code: true}
			w.interpreter(c)
			return
		}
	}
	if len(c.args) > 0 { // options alone can load files
		w.runsCode(c)
	}
	w.feed(c, false)
}

// saysVersion is the options with which an interpreter, given nothing else, runs nothing.
func saysVersion(name string) string {
	switch name {
	case "python", "pypy":
		return "-V -VV --version -h --help"
	case "perl":
		return "-v -V --version"
	case "node", "nodejs", "bun", "julia", "php", "guile", "pwsh":
		return "-v --version -h --help"
	case "deno":
		return "-V --version -h --help"
	case "ruby", "Rscript":
		return "--version --help"
	}
	return ""
}

// program is a script at argument i, or a verb of deno and bun.
func (w *walk) program(c *call, name string, i int) {
	a := c.args[i]
	switch {
	case a.is("-"), a.kind == piped, a.is("/dev/stdin"):
		w.feed(c, false)
		return
	case name == "bun" && (a.is("install") || a.is("add") || a.is("update") || a.is("i") || a.is("remove")):
		w.registry(c, "registry.npmjs.org")
		w.add(ClassBuild, because(ClassBuild))
		return
	case name == "bun" && a.is("x"):
		w.fetchedTool(&call{name: "bunx", args: c.args[i+1:], st: c.st})
		return
	case name == "deno" && (a.is("install") || a.is("add") || a.is("eval") || a.is("upgrade") || a.is("repl") || a.is("cache") || a.is("publish")):
		w.add(ClassUnknown, "It fetches or runs what does not lie in the workspace")
		return
	case slices.ContainsFunc(c.args[i:], func(a arg) bool { return strings.Contains(a.text, "://") }) && (name == "deno" || name == "bun" || strings.Contains(a.text, "://")):
		w.add(ClassDangerous, "It runs what it gets from the network")
		w.elsewhere()
		return
	}
	if strings.HasPrefix(a.text, "/") || a.home {
		w.use(a, 'r', c.st)
	}
	w.runsCode(c)
}

// module is python -m.
func (w *walk) module(c *call, i int) {
	name := strings.TrimPrefix(c.args[i].text, "-m")
	args := c.args[i+1:]
	if name == "" {
		if len(args) == 0 || args[0].kind != literal {
			w.add(ClassUnknown, "Which program it runs is only known when it runs")
			return
		}
		name, args = args[0].text, args[1:]
	}
	inner := &call{name: name, args: args, st: c.st}
	switch name {
	case "json.tool":
		w.check(spec{ClassRead, "", "r? w?", "--sort-keys --no-ensure-ascii --json-lines --indent:t --tab --no-indent --compact", false}, inner)
		if !slices.ContainsFunc(c.args[:i], func(a arg) bool { return a.is("-I") || a.is("-P") }) {
			w.runsCode(inner) // a json.py of the workspace comes before Python's own
		}
	case "pip":
		w.pip(inner, inner.verb())
		w.runsCode(c)
	case "timeit", "code", "codeop", "pdb", "trace", "profile", "cProfile", "smtplib", "urllib", "webbrowser", "antigravity", "idlelib", "asyncio":
		w.add(ClassUnknown, "It runs a program that stands in the command itself")
	case "ensurepip":
		w.registry(c, "pypi.org", "files.pythonhosted.org")
	default:
		c.code = true
		w.runsCode(inner)
	}
}

// pythonIsPlain tells whether a program only imports modules and prints what they hold.
func pythonIsPlain(text string) bool {
	name := func(s string) bool {
		s = strings.TrimSpace(s)
		return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") == ""
	}
	value := func(s string) bool {
		s = strings.TrimSpace(s)
		if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
			return !strings.ContainsAny(s[1:len(s)-1], "\\\"'")
		}
		return name(s)
	}
	if !strings.Contains(text, "print(") {
		return false
	}
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		line = strings.Trim(line, " ")
		names, imports := strings.CutPrefix(line, "import ")
		values, prints := strings.CutPrefix(line, "print(")
		values, ends := strings.CutSuffix(values, ")")
		switch {
		case line == "":
		case imports && !slices.ContainsFunc(strings.Split(names, ","), func(s string) bool { return !name(s) }):
		case prints && ends && !slices.ContainsFunc(strings.Split(values, ","), func(s string) bool { return !value(s) }):
		default:
			return false
		}
	}
	return true
}
