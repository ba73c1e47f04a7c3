package policy

import (
	"slices"
	"strings"
)

// call of a program: what it is given, and what it turned out to be.
type call struct {
	name string
	args []arg
	st   *state

	code    bool     // it runs code of the workspace
	git     bool     // it is a literal git command that is known
	wrapper bool     // it only starts another command, which counts by itself
	offer   []string // what a remembered approval would begin with
}

// run looks at one command with its arguments.
func (w *walk) run(args []arg, env []variable, st *state) {
	if !w.enter() {
		w.leave()
		return
	}
	defer w.leave()
	w.commands++
	if w.commands > maxCommands {
		w.refuse("It has more commands than can be looked at")
		return
	}
	outer := w.found.why
	w.found.why = reasons{}
	name, own := program(args[0])
	w.touch(args, name, st)
	c := &call{name: name, args: args[1:], st: st, offer: []string{name}}
	switch {
	case name == "":
		w.add(ClassUnknown, "Which program it runs is only known when it runs")
	case own:
		w.ownProgram(c, args[0])
	default:
		w.invoke(c)
	}
	for _, v := range env {
		if !harmless(v) && !(c.code && buildsWith(v)) && !(c.name == "git" && gitVariable(v)) {
			w.add(ClassUnknown, "It sets "+v.name+", which can change what the program does")
		}
	}
	mine := w.found.why
	w.found.why = outer
	w.merge(mine)
	plain := w.wrapped == 0 && plainWords(args)
	if plain && slices.Contains(besides(), name) && mine.only(ClassRead) {
		return
	}
	if plain && c.git && mine.only(ClassRead, ClassGit, ClassNetwork) {
		w.gits++
	} else {
		w.mixed = true
	}
	w.record(c, args, !mine.only(ClassRead) && !c.wrapper)
}

// besides are the commands that may stand beside git's where .git is writable, and beside those that a person's rule covers.
func besides() []string { return []string{"echo", "cd", "true", ":"} }

// plainWords tells whether all words are known beforehand, or are names of files in a directory that is known.
func plainWords(args []arg) bool {
	return !slices.ContainsFunc(args, func(a arg) bool {
		is, may := a.dashed()
		return a.home || a.kind != literal && (a.kind != pattern || is || may)
	})
}

// record remembers what an approval could be remembered by, which is up to the commands that do more than read.
func (w *walk) record(c *call, args []arg, does bool) {
	var argv []string
	for _, a := range args {
		if a.kind != literal || a.loud || a.home {
			break
		}
		argv = append(argv, a.text)
	}
	if c.code {
		w.code = true
	}
	if c.wrapper || w.wrapped > 0 {
		argv = nil
	}
	w.found.argvs = append(w.found.argvs, argv)
	if does {
		w.offers = append(w.offers, c.offer)
	}
}

// ownProgram is one named by a path, such as ./configure.
func (w *walk) ownProgram(c *call, a arg) {
	for _, full := range resolve(c.st.dirs, a.text) {
		if !within(w.root, full) {
			w.add(ClassUnknown, "It runs "+quote(a.text)+", a program outside the workspace")
			return
		}
	}
	w.runsCode(c)
}

// runsCode is what building and testing comes to: the workspace's own code runs in the sandbox. Paths that lead
// elsewhere are not taken for granted.
func (w *walk) runsCode(c *call) {
	c.code = true
	w.add(ClassBuild, "It runs code of the workspace")
	for _, a := range c.args {
		w.anyPath(a, c.st)
	}
}

// anyPath finds arguments that name places outside the workspace, whatever they are for.
func (w *walk) anyPath(a arg, st *state) {
	switch a.kind {
	case literal, pattern:
		text := a.text
		if i := strings.IndexByte(text, '='); i >= 0 {
			text = text[i+1:]
		} else if len(text) > 2 && text[0] == '-' && text[2] == '/' {
			text = text[2:]
		}
		if a.home || a.loud && strings.Contains(a.text, "~") {
			w.add(ClassUnknown, "It names the home directory")
			return
		}
		if strings.HasPrefix(text, "/") || slices.Contains(strings.Split(text, "/"), "..") {
			w.readPath(text, st)
		}
	case computed, splits:
		w.add(ClassUnknown, "Part of it is only known when it runs")
	}
}

// use is an argument in a role.
func (w *walk) use(a arg, role byte, st *state) {
	switch role {
	case 't':
		if a.kind == splits || a.kind == piped {
			w.add(ClassUnknown, "Part of it is only known when it runs")
		}
	case 'r', 'w', 'W':
		w.usePath(a, role, st)
	case 'p':
		w.pathspec(a, st)
	case 's': // a merge strategy
		if !a.is("ours") && !a.is("recursive") && !a.is("ort") && !a.is("resolve") && !a.is("octopus") && !a.is("subtree") {
			w.add(ClassUnknown, "It uses a way to merge that is not known")
		}
	case 'E': // a line for a shell
		w.add(ClassUnknown, "It runs other commands at each step")
		if a.kind == literal {
			w.script(a.text, false, st)
		}
	case '+': // a format of date's; without the plus it sets the clock
		switch {
		case a.kind != literal || a.loud:
			w.add(ClassUnknown, "Part of it is only known when it runs")
		case !strings.HasPrefix(a.text, "+"):
			w.add(ClassDangerous, "It sets the clock")
		}
	case 'm': // a file mode
		if a.kind != literal || strings.ContainsAny(a.text, "st") || len(strings.TrimLeft(a.text, "0")) > 3 && strings.Trim(a.text, "01234567") == "" {
			w.add(ClassDangerous, "It makes programs run as somebody else")
		}
	case 'o': // dd's own way
		key, value, _ := strings.Cut(a.text, "=")
		switch {
		case a.kind != literal || a.loud:
			w.add(ClassUnknown, "Part of it is only known when it runs")
		case key == "of":
			w.use(arg{text: value}, 'w', st)
		case key == "if":
			w.use(arg{text: value}, 'r', st)
		}
	case 'k':
		if a.kind != literal || a.loud || !sedIsPlain(a.text) {
			w.add(ClassUnknown, "Its sed script may do more than edit what it is fed")
		}
	case 'z': // the end of a backup's name
		if strings.Trim(a.text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-") != "" {
			w.add(ClassUnknown, "It keeps copies in a place that is not followed")
		}
	case 'a':
		if a.kind != literal || a.loud || !awkIsPlain(a.text) {
			w.add(ClassUnknown, "Its awk program may do more than print")
		}
	case 'U':
		w.address(a)
	case 'D': // data, or a file of data behind an @
		if i := strings.IndexAny(a.text, "@<"); i >= 0 && a.kind == literal {
			a.text = a.text[i+1:]
			w.use(a, 'r', st)
			return
		}
		w.use(a, 't', st)
	case 'O': // a format that may name files
		if a.kind != literal || strings.Contains(a.text, "%output") || strings.HasPrefix(a.text, "@") {
			w.add(ClassUnknown, "It writes to where a format says")
		}
	case 'C':
		w.enterDir(a, st)
	default:
		w.add(ClassUnknown, "It uses an option that can run other commands")
	}
}

// pathspec is what git takes as a revision or a path. Only paths that lead out of the workspace matter.
func (w *walk) pathspec(a arg, st *state) {
	switch {
	case a.kind == literal || a.kind == pattern:
		if a.home {
			w.add(ClassUnknown, "It names the home directory")
		} else if strings.HasPrefix(a.text, "/") || slices.Contains(strings.Split(a.text, "/"), "..") {
			w.readPath(a.text, st)
		}
	case a.kind > computed:
		w.add(ClassUnknown, "Part of it is only known when it runs")
	}
}

func (w *walk) usePath(a arg, role byte, st *state) {
	switch {
	case a.kind == piped && role == 'r':
	case a.kind == listed && role != 'r':
		w.add(ClassBuild, because(ClassBuild))
	case a.kind == listed:
	case a.kind > listed, a.loud:
		if role != 'r' {
			w.add(ClassBuild, because(ClassBuild))
		}
		w.add(ClassUnknown, "Which file it uses is only known when it runs")
	case role == 'r' && a.home:
		w.add(ClassUnknown, "It reads the home directory")
	case a.home:
		w.add(ClassDangerous, "It changes the home directory")
	case role == 'r':
		w.readPath(a.text, st)
	default:
		w.writePath(a, role == 'W', st)
	}
}

// plainName tells whether a variable means nothing to shells and programs.
func plainName(name string) bool {
	if name == "" || strings.HasSuffix(name, "_proxy") || name == "histchars" || name == "auto_resume" || strings.HasPrefix(name, "npm_") {
		return false
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" {
		return true
	}
	return slices.Contains([]string{
		"VERSION", "NAME", "FILE", "FILES", "DIR", "OUT", "OUTPUT", "SRC", "DST", "DEST", "TAG", "BIN", "COUNT", "TOTAL",
		"BRANCH", "COMMIT", "SHA", "START", "END", "I", "N", "X", "PORT", "URL", "MSG", "RESULT", "PATTERN",
	}, name)
}

// ownName tells of variables that neither shells nor programs know: set and not exported, nothing but the line sees them.
func ownName(name string) bool {
	if name == "" || name[0] < 'A' || name[0] > 'Z' || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || strings.HasSuffix(name, "_PROXY") {
		return false
	}
	for _, family := range []string{
		"ALL_PROXY", "AWS", "BASH", "BAT", "BC_", "BUNDLE", "CARGO", "CC", "CDPATH", "CFLAGS", "CGO", "CHILD", "CI", "CLICOLOR", "COLUMNS", "COMP", "COPROC", "CPP", "CXX",
		"DBUS", "DEBIAN", "DENO", "DIRSTACK", "DISPLAY", "DOCKER", "DOTNET", "DYLD", "EDITOR", "EMACS", "ENV", "EPOCH", "EUID", "EXEC", "EXINIT", "FC", "FIGNORE", "FORCE",
		"FUNC", "GCONV", "GEM", "GIT", "GLIBC", "GLOB", "GO", "GRADLE", "GREP", "GROUPS", "GZIP", "HIST", "HOME", "HOST", "HTTP", "IFS", "IGNOREEOF", "INPUTRC", "JAVA", "JDK", "JQ",
		"KUBE", "LANG", "LC_", "LD", "LESS", "LINENO", "LINES", "LOC", "LOGNAME", "LS_", "MACHTYPE", "MAIL", "MAKE", "MALLOC", "MAN", "MAPFILE", "MAVEN", "NLS", "NODE", "NO_",
		"NPM", "NUGET", "OLDPWD", "OPENVIBEZ", "OPT", "OSTYPE", "PAGER", "PATH", "PERL", "PIP", "PIPESTATUS", "POSIX", "PPID", "PROMPT", "PS", "PWD", "PYTHON", "RANDOM",
		"READLINE", "REPLY", "RIPGREP", "RUBY", "RUST", "SECONDS", "SHELL", "SHLVL", "SRANDOM", "SSH", "SYSTEMD", "TAPE", "TAR", "TERM", "TIMEFORMAT", "TMOUT", "TMP", "TZ",
		"UID", "USER", "UV_", "VIRTUAL", "VISUAL", "WAYLAND", "XAUTH", "XDG", "XZ", "YARN", "ZIP", "ZSTD", "UNZIP", "COMPOSER",
	} {
		if strings.HasPrefix(name, family) {
			return false
		}
	}
	return true
}

// harmless tells of variables that change how things look, and not what they do.
func harmless(v variable) bool {
	if v.odd || v.value.kind == splits {
		return false
	}
	switch v.name {
	case "LANG", "LANGUAGE", "TZ":
		text := v.value.text // that is looked for among the system's own files
		return v.value.kind == literal && !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, ":") && !strings.Contains(text, "..") &&
			(v.name != "LANG" || plainLocale(v.value))
	case "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS", "LINES", "CI":
		return true
	case "PAGER", "GIT_PAGER", "MANPAGER":
		return v.value.is("cat") || v.value.is("")
	}
	return strings.HasPrefix(v.name, "LC_") && plainLocale(v.value)
}

// plainLocale tells of languages whose letters can't hold what means something to the shell.
func plainLocale(a arg) bool {
	text := strings.ToLower(a.text)
	return a.kind == literal && !a.loud && !a.home && (text == "" || text == "c" || text == "posix" || strings.HasSuffix(text, ".utf-8") || strings.HasSuffix(text, ".utf8"))
}

// gitVariable tells of variables that git commands may be given.
func gitVariable(v variable) bool {
	if v.odd || v.value.kind == splits {
		return false
	}
	switch v.name {
	case "GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE",
		"GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE", "GIT_MERGE_AUTOEDIT", "GIT_LITERAL_PATHSPECS":
		return true
	case "GIT_EDITOR", "EDITOR", "VISUAL", "GIT_SEQUENCE_EDITOR":
		return v.value.is("true") || v.value.is(":")
	}
	return false
}

// buildsWith tells of variables that a command may be given which runs the workspace's code anyway: all but those that
// change what the shell, git and the loader do.
func buildsWith(v variable) bool {
	if v.odd || v.value.kind == splits || v.value.home || v.value.loud {
		return false
	}
	for _, family := range []string{"LD_", "DYLD_", "GIT_", "BASH", "SHELL", "PROMPT_", "OPENVIBEZ_", "SSH_", "DBUS_", "XDG_", "LIBRARY_"} {
		if strings.HasPrefix(v.name, family) {
			return false
		}
	}
	return !slices.Contains([]string{
		"PATH", "HOME", "ENV", "IFS", "PS0", "PS1", "PS2", "PS4", "CDPATH", "GLOBIGNORE", "FIGNORE", "PWD", "OLDPWD", "USER",
		"LOGNAME", "TMPDIR", "GCONV_PATH", "LOCPATH", "HOSTALIASES", "TERMINFO", "DOCKER_HOST", "KUBECONFIG", "EDITOR", "VISUAL",
	}, v.name) && !strings.HasSuffix(strings.ToLower(v.name), "_proxy")
}
