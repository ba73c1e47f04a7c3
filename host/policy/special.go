package policy

import (
	"slices"
	"strings"
)

// find may run commands and remove files behind its tests.
func (w *walk) find(c *call) {
	w.add(ClassRead, because(ClassRead))
	args := c.args
	for len(args) > 0 && (args[0].is("-L") || args[0].is("-P") || args[0].is("-H")) {
		args = args[1:]
	}
	plain, filtered, removes, either := true, false, false, false
	remade := false  // what it finds are names that tools make again
	discard := false // it removes what nobody named
	var roots []arg
	for len(args) > 0 {
		a := args[0]
		if is, _ := a.dashed(); is || a.is("(") || a.is("!") || a.is(")") || a.is(",") {
			break
		}
		roots = append(roots, a)
		args = args[1:]
		plain = plain && a.kind == literal && !a.home && !strings.HasPrefix(a.text, "/")
		if a.kind == pattern && strings.ContainsRune("*?[", rune(a.text[0])) || a.kind == listed {
			w.add(ClassUnknown, "Part of it is only known when it runs")
		}
		w.use(a, 'r', c.st)
	}
	c.st.lists = plain && inside(&call{args: roots})
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a.kind != literal || a.loud {
			w.add(ClassUnknown, "Part of it is only known when it runs")
			continue
		}
		value := func(role byte) {
			i++
			if i < len(args) {
				if args[i].kind > pattern || args[i].kind == pattern && mayAct(args[i].text) {
					w.add(ClassUnknown, "Part of it is only known when it runs")
				}
				w.use(args[i], role, c.st)
			}
		}
		switch a.text {
		case "-o", "-or", ",":
			either = true
		case "!", "-not":
			either = either || i+1 < len(args) && (args[i+1].is("(") || args[i+1].is("-name") || args[i+1].is("!") || args[i+1].is("-not"))
		case "(", ")", "-a", "-and", "-print", "-print0", "-ls", "-prune", "-quit", "-depth", "-d", "-xdev", "-mount",
			"-noleaf", "-daystart", "-follow", "-warn", "-nowarn", "-true", "-false", "-ignore_readdir_race":
		case "-empty", "-readable", "-writable", "-executable", "-nouser", "-nogroup":
			filtered = true
		case "-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex", "-type", "-xtype", "-size", "-mtime", "-mmin", "-atime",
			"-amin", "-ctime", "-cmin", "-perm", "-user", "-group", "-uid", "-gid", "-links", "-inum", "-lname", "-ilname", "-used", "-fstype", "-context":
			if a.text != "-type" && i+1 < len(args) && !args[i+1].is("*") {
				filtered = true
			}
			if a.text == "-name" && i+1 < len(args) && args[i+1].kind == literal && rebuilt(args[i+1].text) {
				remade = true
			}
			value('t')
		case "-newer", "-anewer", "-cnewer", "-samefile":
			filtered = true
			value('r')
		case "-maxdepth", "-mindepth", "-regextype", "-printf", "-newermt", "-newerct", "-newerat":
			value('t')
			c.st.lists = c.st.lists && a.text != "-printf"
		case "-delete":
			removes, discard = true, discard || !remade
			for _, r := range roots {
				w.use(r, 'w', c.st)
			}
			w.add(ClassBuild, "It removes files of the workspace")
		case "-fprint", "-fprint0", "-fls":
			value('w')
		case "-fprintf":
			value('w')
			value('t')
		case "-files0-from":
			value('x')
		case "-exec", "-execdir", "-ok", "-okdir":
			i++
			var inner []arg
			for i < len(args) && !args[i].is(";") && !(args[i].is("+") && args[i-1].is("{}")) {
				b := args[i]
				if b.kind != literal || b.loud {
					w.add(ClassUnknown, "Where the command that find starts ends is only known when it runs")
				}
				switch {
				case b.is("{}"):
					b = below(roots)
				case strings.Contains(b.text, "{}") && strings.Contains(b.text, " "): // a line for a shell
					b.kind, b.loud = max(b.kind, pattern), true
				case strings.Contains(b.text, "{}"):
					b.loud = !strings.HasPrefix(b.text, "{}")
					b.kind, b.text = max(b.kind, pattern), strings.ReplaceAll(b.text, "{}", below(roots).text)
				}
				inner = append(inner, b)
				i++
			}
			if len(inner) == 0 {
				w.add(ClassUnknown, "It starts a command that is not there")
				continue
			}
			st := c.st.clone()
			st.input = input{}
			before := w.removals
			w.start(inner, nil, st)
			removes = removes || inner[0].is("rm")
			discard = discard || w.removals > before && !remade
		default:
			w.add(ClassUnknown, "It gives find "+quote(a.text)+", which is not known to be harmless")
		}
	}
	if removes && (!filtered || either) && (len(roots) == 0 || slices.ContainsFunc(roots, func(a arg) bool {
		return slices.Contains(resolve(c.st.dirs, a.text), w.root)
	})) {
		w.add(ClassDangerous, "It removes the whole workspace")
	}
	if removes {
		w.removals++
	}
	if discard || removes && either {
		w.discard(losesFiles)
	}
}

// mayAct tells whether files may be called so that a glob of them is more than tests to find.
func mayAct(glob string) bool {
	return slices.ContainsFunc([]string{"-delete", "-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fprint0", "-fprintf", "-fls", "-files0-from"}, func(action string) bool {
		return mayMean(glob, action)
	})
}

// below is what find puts in for {}: each of the names below its roots.
func below(roots []arg) arg {
	switch {
	case len(roots) == 0:
		return arg{kind: pattern, text: "./x*"}
	case len(roots) == 1 && roots[0].kind <= pattern:
		return arg{kind: pattern, text: strings.TrimSuffix(roots[0].text, "/") + "/x*", home: roots[0].home}
	}
	return arg{kind: pattern, text: "./x*", loud: slices.ContainsFunc(roots, func(a arg) bool {
		return a.kind > pattern || a.home || strings.HasPrefix(a.text, "/") || strings.Contains(a.text, "..")
	})}
}

// tar packs, lists or unpacks; several of its options run programs.
func (w *walk) tar(c *call) {
	args := slices.Clone(c.args)
	if len(args) > 0 && args[0].kind == literal && args[0].text != "" && args[0].text[0] != '-' {
		args[0].text = "-" + args[0].text // the old way: the letters without a dash, their values behind
		if n := strings.Count(args[0].text, "f") + strings.Count(args[0].text, "C"); n > 1 || strings.ContainsAny(args[0].text, "bgIFLKNTVX") {
			w.add(ClassUnknown, "It gives tar options in a way that is not followed")
		}
		if i := strings.IndexByte(args[0].text, 'f'); i >= 0 { // f takes the next word, wherever it stands
			args[0].text = strings.Replace(args[0].text, "f", "", 1) + "f"
		}
	}
	lists, creates, unpacks := false, false, false
	for _, a := range args {
		if a.kind == literal && len(a.text) > 1 && a.text[0] == '-' {
			if a.text[1] != '-' {
				lists = lists || strings.Contains(a.text, "t")
				creates = creates || strings.ContainsAny(a.text, "cru")
				unpacks = unpacks || strings.Contains(a.text, "x")
			}
			lists = lists || a.is("--list")
			unpacks = unpacks || a.is("--extract")
			creates = creates || a.is("--create") || a.is("--append") || a.is("--update")
		}
	}
	options := "-cxtrvzjJpkmOhSnwUlaA -f:w -C:C -T:r -X:r -b:t -I:x -F:x -g:w -P!d --create --extract --list --verbose --gzip --gunzip --bzip2 --xz --zstd --auto-compress " +
		"--file:w --directory:C --exclude:t --exclude-from:r --exclude-vcs --files-from:r --strip-components:t --keep-old-files --overwrite --to-stdout --preserve-permissions " +
		"--no-same-owner --no-same-permissions --same-owner --wildcards --no-wildcards --anchored --transform:x --xform:x --owner:t --group:t --mode:t --mtime:t --sort:t --numeric-owner " +
		"--dereference --null --no-recursion --one-top-level?:t --remove-files:x --to-command:x --checkpoint?:t --checkpoint-action:x --use-compress-program:x --rsh-command:x --rmt-command:x " +
		"--info-script:x --new-volume-script:x --absolute-names!d --totals --append --update --format:t --touch --keep-newer-files --skip-old-files"
	s := spec{ClassBuild, "", "r*", options, false}
	if lists && !creates && !unpacks {
		s.class = ClassRead
		s.options = strings.Replace(strings.Replace(options, "-f:w", "-f:r", 1), "--file:w", "--file:r", 1)
	} else if !creates {
		s.options = strings.Replace(strings.Replace(options, "-f:w", "-f:r", 1), "--file:w", "--file:r", 1)
		s.operands = "t*"
	}
	for i, a := range args {
		// A colon names another machine, wherever tar takes it for the archive's.
		if host, _, is := strings.Cut(a.text, ":"); is && !strings.Contains(host, "/") && (i == 0 || !strings.HasPrefix(args[i-1].text, "--ex") && !strings.HasPrefix(args[i-1].text, "--transf")) {
			w.add(ClassNetwork, "It reaches another machine")
			w.found.others = true
		}
	}
	at := c.st.clone()
	inner := &call{name: "tar", args: args, st: at}
	w.check(s, inner)
	if s.class == ClassBuild {
		for _, dir := range at.dirs {
			if !creates {
				w.writePath(arg{text: dir}, false, c.st)
			}
		}
	}
}

// rsync copies here, or to and from other machines.
func (w *walk) rsync(c *call) {
	s := spec{ClassBuild, "", "r* w", "-avrnzhPuLplHtgoDxAXciqISWEORCm -e:x --archive --verbose --recursive --dry-run --compress --human-readable --partial --progress --update --delete --delete-after --delete-before " +
		"--delete-during --delete-excluded --exclude:t --exclude-from:r --include:t --include-from:r --links --copy-links --perms --times --checksum --itemize-changes --stats --info:t --size-only --ignore-existing " +
		"--existing --relative --quiet --no-perms --no-owner --no-group --chmod:t --files-from:r --filter:t --max-size:t --min-size:t --inplace --whole-file --rsh:x --rsync-path:x --log-file:w --temp-dir:w --backup --backup-dir:w " +
		"--bwlimit:t --timeout:t --mkpath --omit-dir-times --out-format:t --executability --no-times", false}
	if c.told(0, "--delete", "--del", "--remove-source-files", "--remove-sent-files", "--force") {
		w.discard("It removes files that are not in what it copies")
	}
	for _, a := range c.args {
		if host, _, is := strings.Cut(a.text, ":"); is && !strings.HasPrefix(a.text, "-") && !strings.Contains(host, "/") {
			_, bare, at := strings.Cut(host, "@")
			if !at {
				bare = host
			}
			w.add(ClassUnknown, "It runs a program on another machine")
			w.reach(bare)
		}
	}
	w.check(s, c)
}

// sed may write files and run commands from its script.
func (w *walk) sed(c *call) {
	script := false
	for _, a := range c.args {
		if a.kind == literal && len(a.text) > 1 && a.text[0] == '-' {
			letters := a.text[1:]
			script = script || strings.HasPrefix(a.text, "--exp") || strings.HasPrefix(a.text, "--fil") || a.text[1] != '-' && strings.ContainsAny(beforeSuffix(letters), "ef")
		}
	}
	operands := "k r*"
	if script {
		operands = "r*"
	}
	s := spec{ClassRead, "", operands, "-nrEsuz -i?:z -e:k -f:x -l:t --quiet --silent --regexp-extended --separate --unbuffered --null-data --in-place?:z --expression:k --file:x --line-length:t --posix --debug --follow-symlinks --sandbox", false}
	inPlace := false
	for _, a := range c.args {
		if a.kind == literal && len(a.text) > 1 && a.text[0] == '-' {
			inPlace = inPlace || strings.HasPrefix(a.text, "--i") || a.text[1] != '-' && strings.Contains(flagsOf(a.text[1:]), "i")
		}
	}
	if inPlace {
		s.class = ClassBuild
		s.operands = strings.Replace(s.operands, "r*", "w*", 1)
	}
	w.check(s, c)
}

// flagsOf is the letters of a cluster of sed's options before the first that takes a value.
func flagsOf(letters string) string {
	if i := strings.IndexAny(letters, "efl"); i >= 0 {
		return letters[:i]
	}
	return letters
}

// beforeSuffix is the letters before -i, behind which a suffix stands.
func beforeSuffix(letters string) string {
	if i := strings.IndexByte(letters, 'i'); i >= 0 {
		return letters[:i]
	}
	return letters
}

// awk's programs can run commands and write files.
func (w *walk) awk(c *call) {
	operands := "a r*"
	for _, a := range c.args {
		if strings.HasPrefix(a.text, "-f") || strings.HasPrefix(a.text, "--f") {
			operands = "r*"
		}
	}
	w.check(spec{ClassRead, "", operands, "-F:t -v:t -f:x --field-separator:t --assign:t --file:x -i:x --include:x -l:x -E:x -e:a --csv --posix --re-interval --sandbox", false}, c)
}

// awkIsPlain tells whether a program only prints. It looks for what it would take to do more, whether or not that stands
// in a string.
func awkIsPlain(text string) bool {
	for _, bad := range []string{"system", "getline", "@", "ARGV", "ARGC", "extension", "close", "fflush", "PROCINFO", "\\\n"} {
		if strings.Contains(text, bad) {
			return false
		}
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '|' && i+1 < len(text) && text[i+1] == '|':
			i++
		case text[i] == '|' || text[i] == '>':
			print := strings.LastIndex(text[:i], "print")
			if print < 0 {
				continue
			}
			between := text[print:i]
			if strings.ContainsAny(between, "\"/#") || !strings.ContainsAny(between, ";}") && !endsLine(between) {
				return false
			}
		}
	}
	return true
}

// endsLine tells whether what is printed ends with a line: behind a comma, and some others, it goes on in the next.
func endsLine(between string) bool {
	line, _, more := strings.Cut(between, "\n")
	line = strings.TrimRight(line, " \t")
	return more && (line == "" || !strings.ContainsAny(line[len(line)-1:], ",&|?:{"))
}

// sedIsPlain tells whether a script only edits what it is fed: no command that reads, writes or runs.
func sedIsPlain(text string) bool {
	p := sedScript{text: text}
	return p.plain()
}

type sedScript struct {
	text string
	i    int
}

func (p *sedScript) skip(set string) {
	for p.i < len(p.text) && strings.IndexByte(set, p.text[p.i]) >= 0 {
		p.i++
	}
}

func (p *sedScript) plain() bool {
	for {
		p.skip(" \t\n;{}")
		if p.i == len(p.text) {
			return true
		}
		if !p.address() {
			return false
		}
		p.skip(" \t!")
		if p.i == len(p.text) {
			return false
		}
		cmd := p.text[p.i]
		p.i++
		switch cmd {
		case '{', '}', '=', 'd', 'D', 'g', 'G', 'h', 'H', 'n', 'N', 'p', 'P', 'x', 'z', 'F':
		case 'q', 'Q', 'l', 'L':
			p.skip(" \t0123456789")
		case '#':
			for p.i < len(p.text) && p.text[p.i] != '\n' {
				p.i++
			}
			continue
		case 'b', 't', 'T', ':':
			p.skip(" \t")
			p.skip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
		case 'a', 'i', 'c':
			line, _, _ := strings.Cut(p.text[p.i:], "\n")
			if rest := strings.TrimLeft(line, " \t"); strings.Contains(strings.TrimPrefix(rest, `\`), `\`) || rest == `\` || rest == "" {
				return false // it goes on in the next line
			}
			p.i += len(line)
			continue
		case 's', 'y':
			if p.i == len(p.text) {
				return false
			}
			delim := p.text[p.i]
			p.i++
			if delim == '\\' || delim == '\n' || delim == ' ' || delim >= 0x80 || !p.part(delim, true) || !p.part(delim, false) {
				return false
			}
			if cmd == 's' {
				p.skip("gpiIM0123456789")
			}
		default:
			return false
		}
		p.skip(" \t")
		if p.i < len(p.text) && strings.IndexByte(";}\n#{", p.text[p.i]) < 0 && cmd != '{' && cmd != '}' {
			return false
		}
	}
}

// address reads "12", "$", "/re/I", "\cREc", and pairs of them.
func (p *sedScript) address() bool {
	for range 2 {
		p.skip(" \t")
		if p.i == len(p.text) {
			return true
		}
		switch ch := p.text[p.i]; {
		case ch >= '0' && ch <= '9' || ch == '+' || ch == '~':
			p.skip("+~0123456789")
		case ch == '$':
			p.i++
		case ch == '/':
			p.i++
			if !p.part('/', true) {
				return false
			}
			p.skip("IM")
		case ch == '\\':
			return false
		default:
			return true
		}
		p.skip(" \t")
		if p.i == len(p.text) || p.text[p.i] != ',' {
			return true
		}
		p.i++
	}
	return true
}

// part reads up to a delimiter. Seds differ on a delimiter between brackets, so there must be none.
func (p *sedScript) part(delim byte, regex bool) bool {
	bracket := false
	for p.i < len(p.text) {
		ch := p.text[p.i]
		p.i++
		switch {
		case ch == '\\' && p.i < len(p.text):
			if regex && bracket && p.text[p.i] == delim {
				return false
			}
			p.i++
		case ch == delim && bracket && regex:
			return false
		case ch == delim:
			return true
		case ch == '[' && regex:
			bracket = true
			if p.i < len(p.text) && p.text[p.i] == '^' {
				p.i++
			}
			if p.i < len(p.text) && p.text[p.i] == ']' {
				p.i++
			}
		case ch == ']':
			bracket = false
		case ch == '\n' && regex:
			return false
		}
	}
	return false
}
