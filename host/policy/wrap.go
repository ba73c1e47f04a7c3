package policy

import "strings"

// wrapper handles programs that start another command, and tells whether it did. What they start counts as if it stood
// there alone.
func (w *walk) wrap(c *call) bool {
	flags, skip := "", 0
	switch c.name {
	case "env":
		w.env(c)
		return true
	case "xargs":
		w.xargs(c)
		return true
	case "command":
		if len(c.args) > 0 && (c.args[0].is("-v") || c.args[0].is("-V")) {
			w.check(spec{class: ClassRead, operands: "t*", options: "-vV"}, c)
			return true
		}
		flags = "-p"
	case "builtin":
		if w.posix {
			return false
		}
	case "nohup", "chronic", "unbuffer":
	case "exec":
		flags = "-cl -a:t"
	case "nice":
		flags = "-n:t -NUM --adjustment:t"
	case "timeout":
		flags, skip = "-vf -s:t -k:t --signal:t --kill-after:t --foreground --preserve-status --verbose", 1
	case "time":
		flags = "-pvaq -f:t -o:w --format:t --output:w --append --portability --verbose --quiet"
	case "stdbuf":
		flags = "-i:t -o:t -e:t --input:t --output:t --error:t"
	case "setsid":
		flags = "-cfw --ctty --fork --wait"
	case "ionice":
		flags = "-t -c:t -n:t --class:t --classdata:t --ignore"
	case "taskset":
		flags, skip = "-a -c:t --cpu-list:t", 1
		for _, a := range c.args {
			if a.is("-c") || strings.HasPrefix(a.text, "--cpu-list") {
				skip = 0
			}
		}
	case "chrt":
		flags, skip = "-bfiorR --batch --fifo --idle --other --rr", 1
	case "setarch", "linux32", "linux64":
		flags = "-R --addr-no-randomize"
		if c.name == "setarch" {
			skip = 1
		}
	case "flock":
		w.flock(c)
		return true
	case "watch":
		w.watch(c)
		return true
	case "parallel", "rush", "trap", "script", "mapfile", "readarray", "fd", "fdfind", "entr", "sem", "expect", "complete", "tmux", "screen":
		return w.hidden(c)
	case "busybox", "toybox":
	default:
		return false
	}
	rest, ok := w.lead(spec{options: flags, first: true}, c)
	if !ok {
		return true
	}
	c.wrapper = true
	if len(rest) < skip {
		rest = nil
	} else {
		rest = rest[skip:]
	}
	if len(rest) == 0 {
		w.add(ClassRead, because(ClassRead))
		if c.name == "exec" && c.st.input.kind != closed {
			w.add(ClassUnknown, "It changes where the commands after it read from")
		}
		return true
	}
	if options := (&call{args: c.args[:len(c.args)-len(rest)]}); c.name == "exec" && options.told('c') {
		w.add(ClassUnknown, losesSettings)
	}
	if c.name == "command" || c.name == "builtin" {
		w.start(rest, nil, c.st)
		return true
	}
	// What is started is a program, and what it does to itself does not last.
	st := c.st.clone()
	w.start(rest, nil, st)
	c.st.lists = st.lists
	return true
}

// start is a command behind another one.
func (w *walk) start(args []arg, env []variable, st *state) {
	w.wrapped++
	w.run(args, env, st)
	w.wrapped--
}

// lead skips a wrapper's own options. Where one is not known, nobody can tell where the command begins.
func (w *walk) lead(s spec, c *call) (rest []arg, ok bool) {
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		is, may := a.dashed()
		if a.is("--") {
			return c.args[i+1:], true
		}
		if !is && !may {
			return c.args[i:], true
		}
		name := a.text
		known := is && a.kind == literal && !a.loud
		if known && strings.HasPrefix(name, "--") {
			name, _, _ = strings.Cut(name, "=")
			_, known = s.find(name)
		} else if known && !(strings.Contains(s.options, "-NUM") && name[1] >= '0' && name[1] <= '9') {
			for j := 1; j < len(name) && known; j++ {
				var o option
				if o, known = s.find("-" + name[j:j+1]); o.role != 0 {
					break
				}
			}
		}
		if !known {
			w.add(ClassDangerous, "It starts another command in a way that can't be followed")
			return nil, false
		}
		if strings.HasPrefix(name, "--") {
			i += w.long(s, c, i)
		} else {
			i += w.short(s, c, i)
		}
	}
	return nil, true
}

// env may set variables, change the directory, and split a string into the command.
func (w *walk) env(c *call) {
	for i, a := range c.args {
		text, is := "", false
		if a.kind == literal || a.kind == pattern {
			text, is = a.text, strings.HasPrefix(a.text, "-")
		}
		if !is {
			break
		}
		split, attached := strings.CutPrefix(text, "-S")
		if !attached {
			if split, attached = strings.CutPrefix(text, "--s"); attached {
				_, split, _ = strings.Cut(split, "=")
			}
		}
		if strings.HasPrefix(text, "-vS") || strings.HasPrefix(text, "-iS") {
			split, attached = text[3:], true
		}
		if !attached {
			continue
		}
		parts := []string{split}
		for _, b := range c.args[i+1:] {
			parts = append(parts, b.text)
		}
		w.add(ClassUnknown, "It splits a string into a command")
		w.script(strings.Join(parts, " "), false, c.st)
		return
	}
	st := c.st.clone()
	inner := *c
	inner.st = st
	rest, ok := w.lead(spec{options: "-iv0 -u:t -C:C --ignore-environment --null --debug --unset:t --chdir:C"}, &inner)
	if !ok {
		return
	}
	c.wrapper = true
	w.takesAway(c.args[:len(c.args)-len(rest)])
	var env []variable
	for len(rest) > 0 && rest[0].kind <= computed && strings.Contains(rest[0].text, "=") && !strings.HasPrefix(rest[0].text, "=") {
		name, value, _ := strings.Cut(rest[0].text, "=")
		v := rest[0]
		v.text = value
		env = append(env, variable{name: name, value: v})
		rest = rest[1:]
	}
	if len(rest) == 0 {
		w.add(ClassRead, because(ClassRead))
		return
	}
	w.start(rest, env, st)
}

const losesSettings = "It takes away variables by which programs are kept from starting others"

// takesAway finds env's options that keep variables from a command: git's neutral settings are among those.
func (w *walk) takesAway(options []arg) {
	for i, a := range options {
		name, long := strings.CutPrefix(a.text, "--u")
		switch {
		case long:
			var attached bool
			if _, name, attached = strings.Cut(name, "="); !attached && i+1 < len(options) {
				name = options[i+1].text
			}
		case strings.HasPrefix(a.text, "--i"), len(a.text) > 1 && a.text[1] != '-' && strings.Contains(beforeUnset(a.text), "i"):
			w.add(ClassUnknown, losesSettings)
			return
		case len(a.text) > 1 && a.text[0] == '-' && a.text[1] != '-' && strings.HasPrefix(a.text[len(beforeUnset(a.text)):], "u"):
			if name = a.text[len(beforeUnset(a.text))+1:]; name == "" && i+1 < len(options) {
				name = options[i+1].text
			}
		default:
			continue
		}
		if !plainName(name) && !ownName(name) {
			w.add(ClassUnknown, losesSettings)
		}
	}
}

// beforeUnset is a cluster of env's options up to the first that takes a value.
func beforeUnset(cluster string) string {
	if i := strings.IndexAny(cluster, "uCS"); i >= 0 {
		return cluster[:i]
	}
	return cluster
}

// hidden is programs that take commands in ways that are not followed. What can be seen of those counts all the same.
func (w *walk) hidden(c *call) bool {
	start := 0
	if c.name == "fd" || c.name == "fdfind" {
		for i, a := range c.args {
			if a.is("-x") || a.is("-X") || a.kind == literal && strings.HasPrefix(a.text, "--exec") {
				start = i + 1
			}
		}
		if start == 0 {
			return false
		}
	}
	w.add(ClassUnknown, "It starts other commands")
	begun, before := false, w.removals
	for i := start; i < len(c.args); i++ {
		a := c.args[i]
		if a.kind > pattern {
			continue
		}
		if strings.ContainsAny(a.text, " ;|&") {
			w.script(a.text, false, c.st)
		}
		if !begun && !strings.HasPrefix(a.text, "-") && a.text != "" {
			begun = true
			w.start(c.args[i:], nil, c.st.clone())
		}
	}
	if w.removals > before {
		w.discard(losesFiles)
	}
	return true
}

// xargs starts a command with words from its input behind it.
func (w *walk) xargs(c *call) {
	replace := ""
	for i, a := range c.args {
		if a.kind != literal || !strings.HasPrefix(a.text, "-") {
			continue
		}
		switch {
		case a.text == "-I" && i+1 < len(c.args):
			replace = c.args[i+1].text
		case strings.HasPrefix(a.text, "-I"):
			replace = a.text[2:]
		case strings.HasPrefix(a.text, "-i"), strings.HasPrefix(a.text, "--replace"):
			replace = "{}"
		}
		if is := a.text == "-a" || strings.HasPrefix(a.text, "--arg-file"); is {
			c.st = c.st.clone()
			c.st.input.lists = false
		}
	}
	rest, ok := w.lead(spec{options: "-0rtpxo -i?:t -I:t -n:t -P:t -L:t -l?:t -d:t -E:t -e?:t -s:t -a:r --null --no-run-if-empty --verbose --replace?:t " +
		"--max-args:t --max-procs:t --max-lines?:t --delimiter:t --arg-file:r --exit --max-chars:t --open-tty --eof?:t", first: true}, c)
	if !ok {
		return
	}
	c.wrapper = true
	more := arg{kind: splits}
	if c.st.input.lists {
		more = arg{kind: listed}
	}
	args := append([]arg(nil), rest...)
	if len(args) == 0 {
		args = []arg{{text: "echo"}}
	}
	if replace == "" {
		args = append(args, more)
	} else {
		for i, a := range args {
			switch {
			case !strings.Contains(a.text, replace):
			case a.text == replace && i > 0:
				args[i] = more
				if more.kind == splits {
					args[i].kind = computed
				}
			case more.kind == listed && i > 0 && replace == "{}":
				args[i].kind, args[i].text = pattern, strings.ReplaceAll(a.text, replace, "*")
			default:
				args[i] = arg{kind: pattern, text: a.text, loud: true}
				w.add(ClassUnknown, "Part of what it starts is only known when it runs")
			}
		}
	}
	st := c.st.clone()
	st.input = input{}
	before := w.removals
	w.start(args, nil, st)
	if w.removals > before {
		w.discard(losesFiles)
	}
}

// flock runs a command, or a line behind -c, while it holds a lock.
func (w *walk) flock(c *call) {
	rest, ok := w.lead(spec{options: "-nsxueoF -w:t -E:t --nonblock --shared --exclusive --unlock --close --no-fork --wait:t --timeout:t"}, c)
	if !ok {
		return
	}
	c.wrapper = true
	w.add(ClassRead, because(ClassRead))
	if len(rest) == 0 {
		return
	}
	if strings.Trim(rest[0].text, "0123456789") != "" || rest[0].kind != literal {
		w.use(rest[0], 'w', c.st)
	}
	rest = rest[1:]
	if len(rest) > 1 && (rest[0].is("-c") || rest[0].is("--command")) {
		rest = append([]arg{{text: "sh"}, {text: "-c"}}, rest[1:]...)
	}
	if len(rest) > 0 {
		w.start(rest, nil, c.st)
	}
}

// watch hands its words to a shell, again and again.
func (w *walk) watch(c *call) {
	rest, ok := w.lead(spec{options: "-bcdegtx -n:t -d?:t --beep --color --differences?:t --errexit --chgexit --no-title --exec --interval:t --precise"}, c)
	if !ok {
		return
	}
	c.wrapper = true
	parts := []string{}
	for _, a := range rest {
		if a.kind != literal {
			w.add(ClassUnknown, "Part of what it starts is only known when it runs")
		}
		parts = append(parts, a.text)
	}
	w.script(strings.Join(parts, " "), false, c.st)
}
