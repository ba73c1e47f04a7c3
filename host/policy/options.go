package policy

import (
	"slices"
	"strings"
)

// spec says what a program may be given.
//
// Operands are roles, one after the other: t is text that is never run or opened, r is a path that is read, w one that
// is written, W one that is removed. A role with a star stands for any number, those with a question mark may be missing.
//
// Options are words. "-abc" are three that take nothing, "-o:w" takes a value in role w as does the last of "-abo:w", "-i?:t" may have one right
// behind it, "--name", "--name:t" and "--name?:t" likewise. After "!" stands the class it makes the command: b, n, u, d.
// A "*" at the end says that none of the program's options does more than read, so that a word which is only known when
// it runs may be one; those that stand in the line have to be listed all the same. "**" takes anything.
type spec struct {
	class    Class
	why      string
	operands string
	options  string
	first    bool // options end at the first operand
}

// option is one that a spec knows.
type option struct {
	role     byte // 0: it takes no value
	optional bool // the value only comes attached
	effect   byte
}

// find looks up an option by the text of its word in the spec: "-x" or "--name". Abbreviated names count.
func (s spec) find(name string) (option, bool) {
	long := strings.HasPrefix(name, "--")
	var found option
	matches := 0
	rest := s.options
	for rest != "" {
		if long { // on to the next that begins like it
			i := strings.Index(rest, name)
			if i < 0 {
				break
			}
			if i > 0 && rest[i-1] != ' ' {
				rest = rest[i+1:]
				continue
			}
			rest = rest[i:]
		}
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		if len(word) < 2 || (strings.HasPrefix(word, "--") != long) {
			continue
		}
		word, effect, _ := strings.Cut(word, "!")
		word, role, valued := strings.Cut(word, ":")
		word, optional := strings.CutSuffix(word, "?")
		o := option{optional: optional}
		if valued {
			o.role = role[0]
		}
		if effect != "" {
			o.effect = effect[0]
		}
		if !long {
			if i := strings.IndexByte(word[1:], name[1]); i >= 0 {
				if i+2 < len(word) { // a value is the last letter's
					o.role, o.optional = 0, false
				}
				return o, true
			}
			continue
		}
		if word == name {
			return o, true
		}
		if strings.HasPrefix(word, name) {
			matches++
			found = o
		}
	}
	return found, matches == 1
}

// any tells whether what is only known when it runs may be an option: none does more than read.
func (s spec) any() bool { return s.text() || strings.HasSuffix(s.options, " *") }

// text tells whether options mean nothing.
func (s spec) text() bool { return s.options == "**" || s.options == "*" }

// check goes through a program's arguments as getopt does.
func (w *walk) check(s spec, c *call) {
	if s.why == "" {
		s.why = because(s.class)
	}
	w.add(s.class, s.why)
	if goStyle(c.name) {
		c = &call{name: c.name, args: doubleDashed(s, c.args), st: c.st}
	}
	operands := make([]arg, 0, len(c.args))
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		is, may := a.dashed()
		switch {
		case a.is("--"):
			operands = append(operands, c.args[i+1:]...)
			i = len(c.args)
		case s.first && len(operands) > 0, !may:
			operands = append(operands, a)
		case !is && (s.any() || a.kind == pattern || a.kind == listed):
			// A file may be called like an option. What that could do is no more than the workspace's own code may.
			if s.class == ClassRead && !s.any() {
				w.add(ClassBuild, "It takes names of files that could be options")
			}
			operands = append(operands, a)
		case a.kind == pattern && !a.loud && s.spelled(a.text):
			// A file's name in place of the glob begins with the same option.
		case a.kind != literal || a.loud:
			w.add(ClassUnknown, "Part of it is only known when it runs")
			operands = append(operands, a)
		case strings.HasPrefix(a.text, "--"):
			i += w.long(s, c, i)
		default:
			i += w.short(s, c, i)
		}
	}
	w.operands(s, operands, c.st)
}

// spelled tells whether a glob is the value of an option that is spelled out and takes any text.
func (s spec) spelled(text string) bool {
	name, value, attached := strings.Cut(text, "=")
	if !attached || !strings.HasPrefix(name, "--") || strings.ContainsAny(name, "*?[") || value == "" {
		return false
	}
	o, ok := s.find(name)
	return ok && o.role == 't' && o.effect == 0
}

// goStyle tells of programs whose options are words behind one dash or two.
func goStyle(name string) bool {
	return name == "gofmt" || name == "shfmt" || name == "go"
}

// doubleDashed writes the options of such a program as others have them. Cut short they mean nothing, and what can be
// switched on may be so with =true.
func doubleDashed(s spec, args []arg) []arg {
	out := slices.Clone(args)
	for i, a := range out {
		if is, _ := a.dashed(); !is || a.kind != literal || a.loud || a.is("--") {
			continue
		}
		name, value, attached := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(a.text, "-"), "-"), "=")
		o, known := s.find("--" + name)
		switch {
		case !known || !strings.Contains(s.options+" ", "--"+name+" ") && !strings.Contains(s.options, "--"+name+":") && !strings.Contains(s.options, "--"+name+"!"):
			out[i].text = "--\x00" + name // no option has this name
		case attached && o.role == 0 && (value == "true" || value == "false"):
			out[i].text = "--" + name
		case attached:
			out[i].text = "--" + name + "=" + value
		default:
			out[i].text = "--" + name
		}
	}
	return out
}

// long handles one option with a name and returns how many further arguments it takes.
func (w *walk) long(s spec, c *call, i int) int {
	name, value, attached := strings.Cut(c.args[i].text, "=")
	o, ok := s.find(name)
	switch {
	case ok && o.role == 'x':
		w.use(arg{}, 'x', c.st)
		if !attached && !o.optional {
			return 1
		}
	case !ok && s.text():
		if strings.Contains(s.operands, "r") {
			w.anyPath(c.args[i], c.st)
		}
	case !ok:
		w.add(ClassUnknown, "It uses the option "+quote(name)+", which is not known to be harmless")
	case attached && o.role != 0:
		w.effect(o.effect)
		w.use(arg{text: value}, o.role, c.st)
	case attached:
		w.add(ClassUnknown, "It uses the option "+quote(name)+" in a way that is not known to be harmless")
	default:
		w.effect(o.effect)
		if o.role != 0 && !o.optional {
			return w.value(s, o, c, i)
		}
	}
	return 0
}

// short handles a cluster such as -rn or -k2 and returns how many further arguments it takes.
func (w *walk) short(s spec, c *call, i int) int {
	text := c.args[i].text
	for j := 1; j < len(text); j++ {
		if text[j] >= '0' && text[j] <= '9' && j == 1 && strings.Contains(s.options, "-NUM") {
			return 0
		}
		o, ok := s.find("-" + text[j:j+1])
		if !ok {
			if s.text() {
				if j == 1 && strings.Contains(s.operands, "r") {
					w.anyPath(c.args[i], c.st)
				}
				continue
			}
			w.add(ClassUnknown, "It uses the option "+quote("-"+text[j:j+1])+", which is not known to be harmless")
			return 0
		}
		w.effect(o.effect)
		if o.role == 'x' {
			w.use(arg{}, 'x', c.st)
		}
		if o.role == 0 {
			continue
		}
		if j+1 < len(text) {
			w.use(arg{text: text[j+1:]}, o.role, c.st)
			return 0
		}
		if o.optional {
			return 0
		}
		return w.value(s, o, c, i)
	}
	return 0
}

func (w *walk) value(s spec, o option, c *call, i int) int {
	if i+1 >= len(c.args) {
		// The program will complain. Until it does, it is one that writes.
		if o.role == 'w' || o.role == 'W' {
			w.add(ClassBuild, because(ClassBuild))
		}
		return 0
	}
	v := c.args[i+1]
	if o.role == '2' || o.role == '3' { // a name, and its value or the file that holds it
		if i+2 < len(c.args) {
			w.use(v, 't', c.st)
			w.use(c.args[i+2], map[byte]byte{'2': 't', '3': 'r'}[o.role], c.st)
		}
		return 2
	}
	if v.kind == pattern && o.role == 't' && s.class == ClassRead && !strings.ContainsAny(s.operands, "wW") && v.text[0] != '-' {
		// The first file's name is the value, the others follow it, and may be called like options.
		w.use(v, 'r', c.st)
		if !s.any() && strings.ContainsRune("*?[", rune(v.text[0])) {
			w.add(ClassBuild, "It takes names of files that could be options")
		}
		return 1
	}
	w.use(v, o.role, c.st)
	if v.kind == splits || v.kind == listed || v.kind == pattern {
		w.add(ClassUnknown, "Part of it is only known when it runs")
	}
	return 1
}

func (w *walk) effect(e byte) {
	switch e {
	case 'b':
		w.add(ClassBuild, because(ClassBuild))
	case 'n':
		w.add(ClassNetwork, because(ClassNetwork))
		w.found.others = true
	case 'u':
		w.add(ClassUnknown, "It uses an option that can run other commands")
	case 'd':
		w.add(ClassDangerous, "It uses an option that can damage the system")
	}
}

// operands gives each operand its role.
func (w *walk) operands(s spec, list []arg, st *state) {
	roles := strings.Fields(s.operands)
	for len(roles) > 0 && len(list) > 0 {
		head, tail := roles[0], roles[len(roles)-1]
		switch {
		case len(head) == 1 || head[1] == '?' || len(roles) == 1 && len(list) > 0:
			first := list[0]
			w.operand(first, head[0], s, st)
			list = list[1:]
			if head[len(head)-1] != '*' {
				roles = roles[1:]
				for _, role := range roles { // a glob can be more than one name
					if first.kind == pattern || first.kind == listed {
						w.operand(first, role[0], s, st)
					}
				}
			}
		default: // a star in front: the roles behind it are the last operands'
			w.operand(list[len(list)-1], tail[0], s, st)
			list, roles = list[:len(list)-1], roles[:len(roles)-1]
		}
	}
	if len(list) > 0 {
		w.add(ClassUnknown, "It has more arguments than are known to be harmless")
	}
}

// operand uses one. Where free text is taken, any number of words will do, as long as none can be an option that matters.
func (w *walk) operand(a arg, role byte, s spec, st *state) {
	if a.kind == splits && role == 't' && s.any() && strings.HasSuffix(s.operands, "*") && !strings.ContainsAny(s.operands, "rwW") {
		return
	}
	w.use(a, role, st)
}

func because(c Class) string {
	switch c {
	case ClassRead:
		return "It only reads"
	case ClassBuild:
		return "It changes files of the workspace"
	case ClassGit:
		return "It changes git's own files"
	case ClassNetwork:
		return "It reaches the network"
	case ClassDangerous:
		return "It can damage more than the workspace"
	}
	return "What it does can't be told beforehand"
}
