package policy

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// invisible finds text that a person would not see, or see as something else.
func invisible(text string) string {
	blanks, lines, start := 0, 0, true
	for _, r := range text {
		switch {
		case r == ' ' || r == '\t':
			blanks++
			if blanks >= 40 && !start || blanks >= 120 {
				return "It hides what follows behind a long run of blanks"
			}
			continue
		case r == '\n':
			lines++
			if lines >= 20 {
				return "It hides what follows behind empty lines"
			}
			blanks, start = 0, true
			continue
		case unseen(r):
			return "It has characters in it that can't be seen, or that are not what they seem"
		}
		blanks, lines, start = 0, 0, false
	}
	return ""
}

// parse reads a line within the line, and walks it. What another shell could read otherwise is not known, whatever else
// can be said of it.
func (w *walk) parse(text string, st *state) {
	w.parsed += len(text)
	if w.parsed > maxParsed {
		w.refuse("It has more lines within lines than can be looked at")
		return
	}
	variant := syntax.LangBash
	if w.posix {
		variant = syntax.LangPOSIX
	}
	file, err := syntax.NewParser(syntax.Variant(variant)).Parse(strings.NewReader(text), "")
	if err != nil && w.posix {
		w.add(ClassUnknown, "It is for sh, which can't read it: "+syntaxWords(err))
		file, err = syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	}
	if err != nil {
		w.refuse("The shell can't read it: " + syntaxWords(err))
		return
	}
	if why := agree(text, file.Stmts, w.posix); why != "" {
		w.add(ClassUnknown, why)
		w.readAs(variant, text, st)
	}
	w.stmts(file.Stmts, st)
	st.settle()
}

// readAs looks at a line for sh as bash would read it, which sh may be.
func (w *walk) readAs(as syntax.LangVariant, text string, st *state) {
	if as != syntax.LangPOSIX {
		return
	}
	w.parsed += len(text)
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil || w.parsed > maxParsed {
		return
	}
	w.posix = false
	w.stmts(file.Stmts, st.clone())
	w.posix = true
}

// script runs a line in a shell of its own: bash, or whatever sh is.
func (w *walk) script(text string, bash bool, st *state) {
	if !w.enter() {
		w.leave()
		return
	}
	defer w.leave()
	defer func(posix bool) { w.posix = posix }(w.posix)
	w.posix = !bash
	sub := st.clone()
	sub.vars = nil
	w.wrapped++
	w.parse(text, sub)
	w.wrapped--
}

// shell is sh and its like.
func (w *walk) shell(c *call) {
	if c.name == "zsh" || c.name == "ksh" || c.name == "mksh" || c.name == "fish" {
		w.add(ClassUnknown, "It is read by a shell that is not understood")
	}
	args := c.args
	command, stdin := false, false
	for len(args) > 0 && args[0].kind == literal && len(args[0].text) > 1 && strings.ContainsAny(args[0].text[:1], "-+") {
		opt := args[0].text
		args = args[1:]
		switch {
		case opt == "--" || opt == "-":
		case opt == "--login", opt == "--norc", opt == "--noprofile", opt == "--posix", opt == "--restricted":
			continue
		case opt == "--version", opt == "--help":
			w.add(ClassRead, because(ClassRead))
			return
		case strings.HasPrefix(opt, "--"), strings.Trim(opt[1:], "bcefhilmnoprstuvxBCEHPT") != "":
			w.add(ClassDangerous, "It starts a shell in a way that can't be followed")
			return
		default:
			command = command || opt[0] == '-' && strings.Contains(opt, "c")
			stdin = stdin || strings.Contains(opt, "s")
			if strings.ContainsAny(opt[1:], "akmnprtBCHPT") || strings.Contains(opt, "i") {
				w.add(ClassUnknown, "It starts a shell with options that change how it reads a line")
			}
			if strings.ContainsAny(opt[1:], "oO") && len(args) > 0 {
				if !args[0].is("pipefail") && !args[0].is("errexit") && !args[0].is("nounset") {
					w.add(ClassUnknown, "It starts a shell with options that are not understood")
				}
				args = args[1:]
			}
			continue
		}
		break
	}
	switch {
	case command && len(args) == 0:
		w.add(ClassUnknown, "It starts a shell with nothing to run")
	case command:
		c.wrapper = true
		if args[0].kind != literal || args[0].loud || args[0].home {
			w.add(ClassUnknown, "What the shell is to run is only known when it runs")
		}
		if args[0].kind > pattern {
			return
		}
		w.script(args[0].text, c.name == "bash" || c.name == "rbash", c.st)
	case stdin:
		w.feed(c, true)
	case len(args) > 0:
		if args[0].kind == piped || args[0].is("/dev/stdin") || strings.HasPrefix(args[0].text, "/dev/fd") || strings.HasPrefix(args[0].text, "/proc") {
			w.add(ClassDangerous, "It runs whatever another command prints")
			return
		}
		w.use(args[0], 'r', c.st)
		w.runsCode(c)
	default:
		w.feed(c, true)
	}
}

// feed is a program that runs what comes on its standard input.
func (w *walk) feed(c *call, shell bool) {
	in := c.st.input
	switch {
	case in.kind == document && shell:
		c.wrapper = true
		w.script(in.text, c.name == "bash" || c.name == "rbash", c.st)
	case in.kind == document && base(c.name) == "python" && pythonIsPlain(in.text):
		w.runsCode(c)
	case in.kind == pipe && in.network:
		w.add(ClassDangerous, "It runs what it gets from the network")
	case in.kind == pipe && shell:
		w.add(ClassDangerous, "It runs whatever another command prints")
	case in.kind == closed:
		w.add(ClassRead, because(ClassRead))
	default:
		w.add(ClassUnknown, "It runs what comes on its standard input")
	}
}

// builtin handles what only a shell can do, and tells whether it did.
func (w *walk) builtin(c *call) bool {
	st := c.st
	switch c.name {
	case "cd":
		args := c.args
		for len(args) > 0 && (args[0].is("--") || args[0].is("-P") || args[0].is("-L")) {
			args = args[1:]
		}
		w.add(ClassRead, because(ClassRead))
		if len(args) == 1 && args[0].is("-") && st.old != nil {
			before := st.clone()
			st.dirs, st.old = st.old, st.dirs
			st.alt = before
			return true
		}
		if len(args) != 1 || args[0].is("-") {
			w.add(ClassUnknown, "It goes to a directory that is only known when it runs")
			return true
		}
		old := st.clone()
		w.enterDir(args[0], st)
		st.old, st.alt = old.dirs, old
	case "exit", "return":
		// Outside of functions return is an error and no end; so is exit with more than a number.
		w.add(ClassRead, because(ClassRead))
		w.operands(spec{operands: "t?"}, c.args, st)
		st.dead = c.name == "exit" && (len(c.args) == 0 || len(c.args) == 1 && c.args[0].kind == literal && strings.Trim(c.args[0].text, "0123456789") == "")
	case "break", "continue":
		w.add(ClassRead, because(ClassRead))
		w.leaps++
		st.vars = nil
	case "set":
		w.add(ClassRead, because(ClassRead))
		for i, a := range c.args {
			if a.is("pipefail") && i > 0 {
				continue
			}
			if a.kind != literal || a.loud || len(a.text) < 2 || a.text[0] != '-' && a.text[0] != '+' || strings.Trim(a.text[1:], "euxovE") != "" {
				w.add(ClassUnknown, "It changes how the shell reads what follows")
			}
		}
	case "read":
		w.add(ClassRead, because(ClassRead))
		for i := 0; i < len(c.args); i++ {
			a := c.args[i]
			switch {
			case a.is("-r"), a.is("-s"), a.is("-rs"):
			case a.is("-d"), a.is("-n"), a.is("-t"), a.is("-u"), a.is("-p"), a.is("-rd"), a.is("-rp"):
				i++
			case a.kind == literal && plainName(a.text):
				st.set(a.text, arg{kind: splits})
			default:
				w.add(ClassUnknown, "It reads into variables in a way that is not followed")
			}
		}
	case "unset":
		w.add(ClassRead, because(ClassRead))
		for _, a := range c.args {
			if a.kind != literal || !plainName(a.text) {
				w.add(ClassUnknown, "It changes what the commands after it do")
				continue
			}
			st.set(a.text, arg{kind: splits})
		}
	case "test", "[":
		w.testArgs(c)
	case "printf":
		w.add(ClassRead, because(ClassRead))
		if len(c.args) > 0 && (c.args[0].kind != literal || c.args[0].loud && c.args[0].text[:min(1, len(c.args[0].text))] == "-" ||
			len(c.args[0].text) > 1 && c.args[0].text[0] == '-' && c.args[0].text != "--") {
			w.add(ClassUnknown, "It prints in a way that can set variables")
		}
	case "source", ".":
		w.runsCode(c)
		if len(c.args) == 0 {
			return true
		}
		if c.args[0].kind == piped || strings.HasPrefix(c.args[0].text, "/dev") || strings.HasPrefix(c.args[0].text, "/proc") {
			w.add(ClassDangerous, "It runs whatever another command prints")
			return true
		}
		w.use(c.args[0], 'r', st)
		st.vars = nil
	case "eval":
		c.wrapper = true
		var text []string
		for _, a := range c.args {
			if a.kind != literal || a.loud || a.home {
				w.add(ClassUnknown, "What it runs is only known when it runs")
			}
			if a.kind > pattern {
				return true
			}
			text = append(text, a.text)
		}
		w.wrapped++
		w.parse(strings.Join(text, " "), st)
		w.wrapped--
	case "kill":
		w.kill(c)
	case "wait", "jobs":
		w.check(spec{class: ClassRead, operands: "t*", options: "-nflprs"}, c)
		if c.name == "jobs" && len(c.args) > 0 && named(c, "-x") || c.name == "wait" && slices.ContainsFunc(c.args, func(a arg) bool { return strings.Contains(a.text, "p") }) {
			w.add(ClassUnknown, "It runs or sets what is not followed")
		}
	case "umask", "times":
		w.check(spec{class: ClassRead, operands: "t*", options: "*"}, c)
	case "ulimit":
		w.check(spec{class: ClassRead, operands: "t?", options: "-aSHntfvmsucd"}, c)
	case "hash":
		w.check(spec{class: ClassRead, operands: "t*", options: "-rlt"}, c)
	case "type", "which", "whereis":
		w.check(spec{class: ClassRead, operands: "t*", options: "-afptPsSbm"}, c)
	default:
		return false
	}
	return true
}

// enterDir follows a change of directory.
func (w *walk) enterDir(a arg, st *state) {
	switch {
	case a.kind != literal || a.loud:
		w.add(ClassUnknown, "It goes to a directory that is only known when it runs")
	case a.home:
		w.add(ClassUnknown, "It goes to the home directory")
	default:
		w.moves++
		w.readPath(a.text, st)
		dirs := resolve(st.dirs, a.text)
		slices.Sort(dirs)
		if dirs = slices.Compact(dirs); len(dirs) > 8 {
			w.add(ClassUnknown, "It changes its directory more often than can be followed")
			dirs = dirs[:8]
		}
		st.dirs = dirs
		w.touch(nil, "", st)
	}
}

// testArgs is [ … ]: an option in the wrong place could run commands. What is computed may only stand where nothing but
// a value can.
func (w *walk) testArgs(c *call) {
	w.add(ClassRead, because(ClassRead))
	args := c.args
	if c.name == "[" && len(args) > 0 && args[len(args)-1].is("]") {
		args = args[:len(args)-1]
	}
	fixed := true
	for _, a := range args {
		fixed = fixed && a.kind == literal && !a.loud
		if a.kind == splits || a.kind == listed || a.kind == literal && (a.text == "-v" || a.text == "-R") {
			w.add(ClassUnknown, "It tests in a way that can run commands")
			return
		}
	}
	known := func(a arg, options string) bool {
		return a.kind == literal && !a.loud && a.text != "" && strings.Contains(" "+options+" ", " "+a.text+" ")
	}
	if len(args) > 1 && args[0].is("!") && !known(args[1], testsTwo) {
		args = args[1:]
	}
	switch {
	case fixed, len(args) < 2:
	case len(args) == 2 && known(args[0], testsOne):
	case len(args) == 3 && known(args[1], testsTwo):
	default:
		w.add(ClassUnknown, "It tests in a way that can run commands")
	}
}

// What test asks of one value, and of two.
const (
	testsOne = "! -a -b -c -d -e -f -g -h -k -n -p -r -s -t -u -w -x -z -G -L -N -O -S"
	testsTwo = "= == != < > -eq -ne -lt -le -gt -ge -ef -nt -ot"
)

func (w *walk) kill(c *call) {
	w.add(ClassRead, because(ClassRead))
	for i, a := range c.args {
		switch {
		case a.is("-l"), a.is("-L"), a.is("-0"):
		case a.is("-1") && (i > 0 || len(c.args) == 1), a.is("0"), a.is("1"):
			w.add(ClassDangerous, "It ends every process it can reach")
		case a.kind == literal && len(a.text) > 1 && (a.text[0] == '-' || a.text[0] == '%'):
		case i > 0 && (c.args[i-1].is("-s") || c.args[i-1].is("-n")):
		case a.kind == computed && i+1 == len(c.args), w.private && a.kind != literal && a.kind != pattern:
			w.add(ClassBuild, "It ends processes")
		default:
			w.add(ClassUnknown, "It ends a process, and which one is not known")
		}
		if a.is("--") && i+1 < len(c.args) && c.args[i+1].is("-1") {
			w.add(ClassDangerous, "It ends every process it can reach")
		}
	}
}

// base is a program's name without version and extension: python3.12 is python.
func base(name string) string {
	name = strings.TrimSuffix(path.Base(name), ".exe")
	for _, known := range []string{"python", "pip", "node", "ruby", "perl", "php", "gcc", "g++", "clang", "clang++", "lua", "pypy"} {
		if rest, is := strings.CutPrefix(name, known); is && strings.Trim(rest, "0123456789.-") == "" {
			return known
		}
	}
	return name
}
