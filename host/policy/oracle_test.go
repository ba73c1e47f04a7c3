package policy

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// The oracle is a crude shell reader of its own that shares nothing with the classifier: it cuts a line into simple
// commands and looks for programs, options and redirections that change something. It may miss, but what it finds in a
// line that is said to read is a hole.

// token is a word, or an operator.
type token struct {
	text   string
	op     bool
	quoted bool // some of it was quoted, or computed
}

// reader cuts text into tokens. Lines inside the line, such as $(…), come into subs.
type reader struct {
	s    string
	i    int
	subs []string
	lost bool // it does not understand the line
}

// crude finds something that changes, or "".
func crude(line string, depth int) string {
	if depth > 6 {
		return ""
	}
	r := &reader{s: line}
	tokens := r.tokens()
	if r.lost {
		return ""
	}
	for _, sub := range r.subs {
		if found := crude(sub, depth+1); found != "" {
			return found
		}
	}
	var words []token
	for i := 0; i <= len(tokens); i++ {
		if i < len(tokens) && !tokens[i].op {
			words = append(words, tokens[i])
			continue
		}
		if i < len(tokens) && strings.ContainsAny(tokens[i].text, "<>") {
			op := tokens[i].text
			if n := len(words); n > 0 && strings.Trim(words[n-1].text, "0123456789") == "" && !words[n-1].quoted {
				words = words[:n-1] // perhaps a descriptor: words only get fewer
			}
			i++
			if i >= len(tokens) || tokens[i].op {
				return ""
			}
			if writes(op, tokens[i].text) {
				return op + " " + tokens[i].text
			}
			continue
		}
		if found := command(words, depth); found != "" {
			return found
		}
		words = nil
	}
	return ""
}

func writes(op, target string) bool {
	switch op {
	case "<", "<<<":
		return false
	case ">&", "<&":
		if strings.Trim(target, "0123456789-") == "" {
			return false
		}
	}
	for _, fine := range []string{"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/fd/1", "/dev/fd/2"} {
		if path.Clean(target) == fine {
			return false
		}
	}
	return true
}

func (r *reader) tokens() (out []token) {
	for r.i < len(r.s) && !r.lost {
		switch c := r.s[r.i]; {
		case c == ' ' || c == '\t':
			r.i++
		case c == '\\' && strings.HasPrefix(r.s[r.i:], "\\\n"):
			r.i += 2
		case c == '#':
			for r.i < len(r.s) && r.s[r.i] != '\n' {
				r.i++
			}
		case strings.HasPrefix(r.s[r.i:], "<(") || strings.HasPrefix(r.s[r.i:], ">("):
			r.i += 2
			r.subs = append(r.subs, r.until(')'))
			out = append(out, token{text: "/dev/fd/63", quoted: true})
		case strings.IndexByte("\n;&|()<>", c) >= 0:
			op := string(c)
			for _, long := range []string{"<<<", "<<", "&>>", "&>", ">>", ">|", ">&", "<&", "<>", "&&", "||", ";;"} {
				if strings.HasPrefix(r.s[r.i:], long) {
					op = long
					break
				}
			}
			if op == "<<" || op == ";;" {
				r.lost = true
			}
			r.i += len(op)
			out = append(out, token{text: op, op: true})
		default:
			out = append(out, r.word())
		}
	}
	return out
}

func (r *reader) word() token {
	var b strings.Builder
	t := token{}
	for r.i < len(r.s) {
		c := r.s[r.i]
		switch {
		case strings.IndexByte(" \t\n;&|()<>", c) >= 0:
			t.text = b.String()
			return t
		case c == '\\':
			t.quoted = true
			if r.i+1 < len(r.s) && r.s[r.i+1] != '\n' {
				b.WriteByte(r.s[r.i+1])
			}
			r.i += 2
		case c == '\'' || strings.HasPrefix(r.s[r.i:], "$'"):
			t.quoted = true
			if c == '$' {
				r.lost = true
			}
			end := strings.IndexByte(r.s[r.i+1:], '\'')
			if end < 0 {
				r.lost = true
				return t
			}
			b.WriteString(r.s[r.i+1 : r.i+1+end])
			r.i += end + 2
		case c == '"':
			t.quoted = true
			r.i++
			for r.i < len(r.s) && r.s[r.i] != '"' {
				r.text(&b, true)
			}
			r.i++
		default:
			r.text(&b, false)
		}
	}
	t.text = b.String()
	return t
}

// text reads one character, or one expansion.
func (r *reader) text(b *strings.Builder, quoted bool) {
	rest := r.s[r.i:]
	switch {
	case strings.HasPrefix(rest, "$(("), strings.HasPrefix(rest, "${"), strings.HasPrefix(rest, "$["):
		r.lost = true
		r.i += 2
	case strings.HasPrefix(rest, "$("):
		r.i += 2
		r.subs = append(r.subs, r.until(')'))
		b.WriteString("\x01")
	case rest[0] == '`':
		r.i++
		sub := r.until('`')
		if strings.Contains(sub, `\`) {
			r.lost = true
		}
		r.subs = append(r.subs, sub)
		b.WriteString("\x01")
	case quoted && rest[0] == '\\' && len(rest) > 1:
		if strings.IndexByte("$`\"\\", rest[1]) < 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(rest[1])
		r.i += 2
	case rest[0] == '$':
		b.WriteString("\x01") // whatever it is
		r.i++
	default:
		b.WriteByte(rest[0])
		r.i++
	}
}

// until reads to the end of a line within the line.
func (r *reader) until(end byte) string {
	start := r.i
	inner := &reader{s: r.s, i: r.i}
	for inner.i < len(inner.s) && !inner.lost {
		switch c := inner.s[inner.i]; {
		case c == end:
			r.i = inner.i + 1
			return r.s[start:inner.i]
		case end == '`':
			inner.i++
		case c == '(':
			inner.i++
			inner.until(')')
		case c == '#' && (inner.i == start || strings.IndexByte(" \t\n;&|(", inner.s[inner.i-1]) >= 0):
			for inner.i < len(inner.s) && inner.s[inner.i] != '\n' {
				inner.i++
			}
		case strings.IndexByte(" \t\n;&|<>)", c) >= 0:
			inner.i++
		default:
			inner.word()
		}
	}
	r.lost = true
	r.i = len(r.s)
	return ""
}

// command looks at one simple command.
func command(words []token, depth int) string {
	for len(words) > 0 {
		w := words[0]
		switch name, _, assigns := strings.Cut(w.text, "="); {
		case !w.quoted && slices.Contains([]string{"if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"}, w.text):
			words = words[1:]
		case assigns && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "":
			if slices.Contains([]string{"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "LESSOPEN"}, name) {
				return w.text
			}
			words = words[1:]
		case !w.quoted && slices.Contains([]string{"for", "select", "case", "function", "[[", "coproc"}, w.text):
			return ""
		default:
			return started(texts(words), depth)
		}
	}
	return ""
}

func texts(words []token) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.text
	}
	return out
}

// started looks at a program with its arguments.
func started(argv []string, depth int) string {
	if len(argv) == 0 || depth > 6 {
		return ""
	}
	name, args := path.Base(argv[0]), argv[1:]
	operands := slices.DeleteFunc(slices.Clone(args), func(s string) bool { return strings.HasPrefix(s, "-") })
	has := func(options ...string) bool {
		return slices.ContainsFunc(args, func(s string) bool { return slices.Contains(options, s) })
	}
	all := strings.Join(argv, " ")
	if slices.Contains([]string{"curl", "wget", "ssh", "docker", "systemctl", "apt", "apt-get"}, argv[0]) && slices.Equal(args, []string{"--version"}) {
		return ""
	}
	if argv[0] == "ssh" && slices.Equal(args, []string{"-V"}) || name == "curl" && len(operands) == 1 && local(operands[0]) && !has("-O", "-J", "-K") {
		return ""
	}
	switch name {
	case "rm", "rmdir", "mv", "cp", "dd", "tee", "touch", "mkdir", "ln", "chmod", "chown", "chgrp", "truncate", "install", "unlink", "shred", "mkfifo", "mknod",
		"sudo", "doas", "su", "curl", "wget", "ssh", "scp", "nc", "make", "cc", "gcc", "docker", "systemctl", "mount", "crontab", "killall", "pkill", "apt", "apt-get",
		"source", ".", "trap", "alias", "patch", "rsync", "split", "sponge", "strip":
		return all
	case "eval":
		return crude(strings.Join(args, " "), depth+1)
	case "sh", "bash", "dash":
		for i, a := range args {
			switch {
			case strings.HasPrefix(a, "--"):
				return ""
			case strings.HasPrefix(a, "-") && strings.Contains(a, "c") && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-"):
				return crude(args[i+1], depth+1)
			case !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+"):
				return all
			}
		}
	case "command", "exec", "env", "nohup", "nice", "timeout", "time", "xargs", "stdbuf", "setsid", "ionice", "builtin", "busybox":
		if name == "command" && has("-v", "-V", "-pv", "-pV", "-vp") {
			return ""
		}
		return started(behind(name, args), depth+1)
	case "find":
		for i, a := range args {
			switch a {
			case "-delete", "-fprint", "-fprint0", "-fprintf", "-fls":
				if i == 0 || !slices.Contains([]string{"-name", "-iname", "-path", "-ipath", "-regex", "-lname", "-wholename", "-iregex", "-user", "-printf"}, args[i-1]) {
					return all
				}
			case "-exec", "-execdir", "-ok", "-okdir":
				if found := started(args[i+1:], depth+1); found != "" {
					return found
				}
			}
		}
	case "sed":
		for i, a := range args {
			if (i == 0 || !slices.Contains([]string{"-e", "-ne", "-l"}, args[i-1])) && (strings.HasPrefix(a, "-i") || strings.HasPrefix(a, "-ni") || strings.HasPrefix(a, "--i")) {
				return all
			}
		}
	case "awk", "gawk", "mawk":
		if slices.ContainsFunc(args, func(s string) bool { return strings.Contains(s, "system(") || strings.HasPrefix(s, "-f") }) {
			return all
		}
	case "git":
		return startedGit(args, all)
	case "sort":
		if slices.ContainsFunc(args, func(s string) bool {
			return strings.HasPrefix(s, "-o") || strings.HasPrefix(s, "--o") || strings.HasPrefix(s, "--comp")
		}) && !slices.ContainsFunc(args, func(s string) bool {
			return strings.Trim(s, "-bdfghinrsu") != s && strings.ContainsAny(s[len(s)-1:], "tkST")
		}) {
			return all
		}
	case "rg":
		if slices.ContainsFunc(args, func(s string) bool { return strings.HasPrefix(s, "--pre=") }) {
			return all
		}
	case "fd":
		if has("-x", "-X", "--exec") && !has("-e", "-t", "-E") {
			return all
		}
	case "tar":
		if len(operands) > 0 && args[0] == operands[0] && strings.ContainsAny(args[0], "cxru") {
			return all
		}
	case "python3", "python", "node", "perl", "ruby":
		if len(args) > 0 && (args[0] == "-c" || args[0] == "-e" || !strings.HasPrefix(args[0], "-")) {
			return all
		}
	case "npm", "pnpm":
		if len(args) > 0 && slices.Contains([]string{"test", "run", "ci", "install", "i", "exec", "start", "publish", "config"}, args[0]) {
			return all
		}
	case "go":
		if len(args) > 0 && slices.Contains([]string{"build", "test", "run", "install", "get", "generate", "vet", "tool", "clean", "fmt", "fix", "work"}, args[0]) {
			return all
		}
	case "kill":
		if len(operands) > 0 && !has("-l", "-L", "-0") {
			return all
		}
	}
	return ""
}

// behind is the command that a wrapper starts, as far as it can be told.
func behind(name string, args []string) []string {
	valued := map[string]string{
		"exec": "a", "env": "uC", "nice": "n", "timeout": "sk", "time": "fo", "xargs": "InPLdsEa", "stdbuf": "ioe", "ionice": "cn",
	}[name]
	for len(args) > 0 {
		a := args[0]
		switch {
		case name == "env" && strings.Contains(a, "=") && a[0] != '-', strings.HasPrefix(a, "--"):
		case len(a) > 1 && a[0] == '-':
			if strings.Contains(valued, a[len(a)-1:]) && len(args) > 1 {
				args = args[1:]
			}
		case name == "timeout": // how long
			return args[1:]
		default:
			return args
		}
		args = args[1:]
	}
	return nil
}

// local tells of addresses that lead nowhere else.
func local(url string) bool {
	host := strings.FieldsFunc(strings.TrimPrefix(url, "http://"), func(r rune) bool { return r == ':' || r == '/' })
	return len(host) > 0 && (host[0] == "localhost" || host[0] == "127.0.0.1") && !strings.ContainsAny(url, "@\\#")
}

func startedGit(args []string, all string) string {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if args[0] == "-C" && len(args) > 1 {
			args = args[1:]
		} else if args[0] == "-c" || args[0] == "--help" || args[0] == "-h" || args[0] == "--version" || args[0] == "-v" {
			return ""
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return ""
	}
	has := func(prefixes ...string) bool {
		return slices.ContainsFunc(args[1:], func(s string) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
		})
	}
	switch args[0] {
	case "add", "commit", "push", "pull", "fetch", "clone", "merge", "rebase", "reset", "checkout", "switch", "restore", "clean", "rm", "mv", "cherry-pick", "revert",
		"apply", "am", "init", "gc", "prune", "update-ref", "update-index", "filter-branch", "difftool", "mergetool", "submodule-add", "fast-import":
		return all
	case "stash":
		if len(args) == 1 || args[1] != "list" && args[1] != "show" {
			return all
		}
	case "branch", "tag":
		if len(args) > 1 && slices.Contains([]string{"-d", "-D", "-m", "-M", "-f"}, args[1]) || len(args) == 2 && args[1] != "" && args[1][0] != '-' {
			return all
		}
	case "remote":
		if len(args) > 2 && slices.Contains([]string{"add", "set-url", "remove", "rename", "update"}, args[1]) {
			return all
		}
	case "config":
		if len(args) == 3 && args[1] != "" && args[1][0] != '-' && args[1] != "get" && args[1] != "list" && args[2] != "" && args[2][0] != '-' {
			return all
		}
	case "log", "diff", "show":
		if has("--output=", "--ext-diff", "--textconv") && !slices.Contains(args, "--") && !has("-S", "-G", "-O", "-l", "-L", "-n", "--grep", "--author", "--committer", "--since", "--until", "--after", "--before") {
			return all
		}
	}
	return ""
}

// TestOracle: it sees what it is there for, and lets alone what only looks alike.
func TestOracle(t *testing.T) {
	for _, line := range []string{
		"rm x", "ls; rm x", "ls && /bin/rm x", `"rm" x`, `r\m x`, "echo $(rm x)", "echo \"$(rm x)\"", "echo `rm x`", "ls > f", "ls >> f", "ls &> f", "cat <(rm x)",
		"env -u X rm x", "nice -n 3 timeout 5s rm x", "ls | xargs -n 1 rm", "sh -c 'ls; rm x'", "bash -lc \"ls && rm x\"", "find . -exec rm {} +", "find . -delete", "sed -i s/a/b/ f",
		"git commit -m x", "git -C a stash", "if true; then rm x; fi", "while rm x; do :; done", "{ rm x; }", "(rm x)", "PATH=. ls", "eval 'rm x'", "sort -o x y", "git branch foo",
		"ls 2> err", "echo $(ls $(rm x))", "git log --output=x", "! rm x", "ls\nrm x", "python3 x.py", "tar xf a.tar", "a=$(rm x) ls",
	} {
		if crude(line, 0) == "" {
			t.Errorf("%q goes unseen", line)
		}
	}
	for _, row := range table(t, "benign.txt", 2) {
		if found := crude(row[1], 0); row[0] == "read" && found != "" {
			t.Errorf("%q only reads, and %q is seen in it", row[1], found)
		}
	}
}
