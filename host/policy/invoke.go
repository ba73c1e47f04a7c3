package policy

import (
	"slices"
	"strings"
)

// invoke finds out what a program does with its arguments.
func (w *walk) invoke(c *call) {
	if len(c.args) == 1 && c.args[0].is("--version") && tellsVersion(c.name) {
		w.add(ClassRead, because(ClassRead))
		return
	}
	if w.justVersion(c) || w.private && w.ownBox(c) || w.builtin(c) || w.wrap(c) || w.tool(c) {
		return
	}
	if why := damaging(c.name); why != "" || strings.HasPrefix(c.name, "mkfs.") || strings.HasPrefix(c.name, "fsck.") {
		if why == "" {
			why = "It changes disks"
		}
		w.add(ClassDangerous, why)
		for i, a := range c.args { // what sudo runs counts too
			if _, may := a.dashed(); !may && c.name != "mkfs" && i < 8 && a.kind == literal && !strings.Contains(a.text, "=") {
				w.start(c.args[i:], nil, c.st.clone())
				break
			}
		}
		return
	}
	switch base(c.name) {
	case "git":
		w.git(c)
	case "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "rbash":
		w.shell(c)
	case "find":
		w.find(c)
	case "sed", "gsed":
		w.sed(c)
	case "awk", "gawk", "mawk", "nawk", "original-awk":
		w.awk(c)
	case "tar", "bsdtar", "gtar":
		w.tar(c)
	case "rsync":
		w.rsync(c)
	case "curl":
		w.fetch(curl(), c)
	case "wget":
		w.fetch(wget(), c)
	case "python", "pypy", "node", "nodejs", "ruby", "perl", "php", "lua", "Rscript", "julia", "deno", "bun", "tsx", "ts-node", "osascript", "tclsh", "guile", "pwsh":
		w.interpreter(c)
	default:
		w.listed(c)
	}
}

// justVersion handles what else asks a program for its version only.
func (w *walk) justVersion(c *call) bool {
	switch {
	case c.name == "ssh" && len(c.args) == 1 && c.args[0].is("-V"):
	case c.name == "openssl" && len(c.args) > 0 && c.args[0].is("version"):
		for _, a := range c.args[1:] {
			if a.kind != literal || a.loud || len(a.text) != 2 || a.text[0] != '-' {
				return false
			}
		}
	default:
		return false
	}
	w.add(ClassRead, because(ClassRead))
	return true
}

// ownBox handles what means little where processes and the home directory are the box's own, and services are hidden.
func (w *walk) ownBox(c *call) bool {
	switch c.name {
	case "pkill", "killall":
		w.add(ClassBuild, "It ends processes of its own")
		return true
	case "ls":
		c.args = slices.DeleteFunc(slices.Clone(c.args), func(a arg) bool { return a.home && a.kind == literal && a.text == "~" })
	case "docker", "docker-compose":
		verbs := c.args
		if len(verbs) > 0 && verbs[0].is("compose") {
			verbs = verbs[1:]
		}
		if len(verbs) > 0 && slices.ContainsFunc([]string{"ps", "ls", "images", "logs", "top", "stats", "info", "inspect", "port"}, verbs[0].is) {
			w.add(ClassDangerous, "Docker acts through a service that the sandbox hides, so this can't work here: in root mode it would ask")
			w.found.impossible = true
			return true
		}
	}
	return false
}

// listed is the programs that the table knows.
func (w *walk) listed(c *call) {
	s, ok := specOf(c.name)
	if !ok {
		w.add(ClassUnknown, quote(c.name)+" is not a program that is known")
		return
	}
	switch c.name {
	case "grep", "egrep", "fgrep", "zgrep", "rg", "ag", "jq":
		// With the pattern given as an option, every operand is a file.
		for _, a := range c.args {
			if a.kind == literal && len(a.text) > 1 && a.text[0] == '-' && (a.text[1] != '-' && strings.ContainsAny(a.text, "ef") ||
				strings.HasPrefix(a.text, "--reg") || strings.HasPrefix(a.text, "--file") || strings.HasPrefix(a.text, "--from") || a.text == "--type-list") {
				s.operands = "r*"
				if a.text == "--files" {
					c.st.lists = true
				}
			}
		}
		if named(c, "-l") || named(c, "-rl") || named(c, "-rln") || named(c, "-lr") || named(c, "--files-with-matches") {
			c.st.lists = inside(c)
		}
		if w.recursive(c) {
			s.class = ClassRead
		}
	case "fd", "fdfind":
		c.st.lists = inside(c)
	case "ls":
		// Bare names only, of the directory that it is in.
		c.st.lists = !slices.ContainsFunc(c.args, func(a arg) bool { return !a.is("-1") && !a.is("-t") && a.kind != pattern })
	case "head", "tail", "sort", "uniq", "tac", "cat", "tee":
		// They pass on whole lines of their input.
		c.st.lists = c.st.input.lists && !slices.ContainsFunc(c.args, func(a arg) bool {
			return !(a.kind == literal && (strings.HasPrefix(a.text, "-") || strings.Trim(a.text, "0123456789") == ""))
		}) && !named(c, "-c")
	}
	if c.name == "grep" && c.st.input.lists && !named(c, "-o") && !named(c, "--only-matching") {
		c.st.lists = true
	}
	if (c.name == "less" || c.name == "more") && slices.ContainsFunc(c.args, func(a arg) bool { return strings.HasPrefix(a.text, "+") }) {
		w.add(ClassUnknown, "It gives the pager commands")
	}
	switch c.name {
	case "strings", "size", "nm", "readelf", "objdump", "ar", "ranlib", "strip", "objcopy":
		for _, a := range c.args { // more of the command line stands in a file
			if a.kind > pattern || a.text != "" && strings.ContainsRune("@*?[", rune(a.text[0])) && (a.kind == pattern || a.text[0] == '@') {
				w.add(ClassUnknown, "It takes options from a file")
			}
		}
	}
	if c.name == "pgrep" || c.name == "ps" {
		s.operands = "t*"
	}
	w.check(s, c)
	switch c.name {
	case "rm", "rmdir", "shred", "unlink", "truncate":
		w.wipe(c)
	case "mv":
		if len(c.args) > 0 && c.args[len(c.args)-1].is("/dev/null") {
			w.wipe(c)
		}
	case "gzip", "gunzip", "xz", "bzip2", "zstd", "unzip":
		w.onlyLooks(c)
	}
}

// recursive tells of a search that goes through directories.
func (w *walk) recursive(c *call) bool { return named(c, "-r") || named(c, "-R") }

// inside tells whether all that a search is given lies in the workspace.
func inside(c *call) bool {
	return !slices.ContainsFunc(c.args, func(a arg) bool {
		return a.home || a.kind > listed || strings.HasPrefix(a.text, "/") || slices.Contains(strings.Split(a.text, "/"), "..")
	})
}

// onlyLooks corrects the class of archivers that are told to write to standard output, or to list. With options that
// take values nobody can tell which words are options.
func (w *walk) onlyLooks(c *call) {
	letters, looking := "cdfkltnNqrv0123456789", "lt"
	words := []string{"--stdout", "--to-stdout", "--list", "--test", "--decompress", "--keep", "--quiet", "--verbose", "--force"}
	if c.name == "unzip" {
		letters, looking, words = "lptvZqCaj1", "lptvZ", nil
	}
	// Of several modes the last one wins; standard output stays.
	looks, stdout, works, operands := false, false, false, false
	for _, a := range c.args {
		is, may := a.dashed()
		switch i := slices.Index(words, a.text); {
		case c.name == "unzip" && operands && may: // behind the archive it is the name of a file in it
			return
		case !may && a.kind != listed:
			operands = true
		case !is || a.kind != literal || a.loud, strings.HasPrefix(a.text, "--") && i < 0, i < 0 && strings.Trim(a.text[1:], letters) != "":
			return
		default:
			looks = looks || i == 2 || i == 3 || i < 0 && strings.ContainsAny(a.text[1:], looking)
			stdout = stdout || i == 0 || i == 1 || i < 0 && c.name != "unzip" && strings.Contains(a.text[1:], "c")
			works = works || i == 4 || i < 0 && c.name != "unzip" && strings.Contains(a.text[1:], "d")
		}
	}
	if (stdout || looks && !works) && w.found.why.only(ClassBuild) {
		w.found.why[ClassBuild] = ""
		w.add(ClassRead, because(ClassRead))
	}
}
