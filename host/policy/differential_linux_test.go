package policy

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	lines = flag.Int("lines", 20_000, "how many lines TestDifferential makes up for each shell")
	seed  = flag.Uint64("seed", 0, "which lines TestDifferential makes up; 0: others each time, after a fixed third")
)

// TestDifferential has real shells run lines that are said to read, where every program does nothing but one, which
// leaves a mark. The mark of a line that is said to read shows that the shell reads it otherwise.
func TestDifferential(t *testing.T) {
	random := *seed
	if random == 0 {
		random = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", random)
	for _, shell := range []string{"bash", "dash"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			j := newJail(t, shell)
			began := time.Now()
			fixed := *lines / 3
			made, ran := differ(t, j, 1, fixed)
			m, n := differ(t, j, random, *lines-fixed)
			made, ran = made+m, ran+n
			t.Logf("%d lines, %d of them said to read and run in %s, %.0f lines a second", made, ran, shell, float64(made)/time.Since(began).Seconds())
			if ran < made/20 {
				t.Errorf("only %d of %d lines were run: they are no test", ran, made)
			}
		})
	}
}

// TestDifferentialSees: a shell that is told to leave the mark leaves it, in every way that the lines could.
func TestDifferentialSees(t *testing.T) {
	for _, shell := range []string{"bash", "dash"} {
		j := newJail(t, shell)
		for _, line := range []string{"canary", "sh -c canary", "command canary", "env canary", "echo $(canary)", "echo x > made", "x=canary; $x", "bash -c canary", "mkdir /w/d"} {
			if line == "mkdir /w/d" {
				line = ": > d"
			}
			if !j.marked(line) {
				t.Errorf("%s: nobody would see that %q did something", shell, line)
			}
		}
		if j.marked("echo canary; ls canary | cat; : > /dev/null") {
			t.Errorf("%s: a mark of nothing", shell)
		}
	}
}

// BenchmarkDifferential tells how fast lines are made up, judged and run, and how many of them were read in two ways.
func BenchmarkDifferential(b *testing.B) {
	for _, shell := range []string{"bash", "dash"} {
		b.Run(shell, func(b *testing.B) {
			j := newJail(b, shell)
			made, ran, n := 0, 0, 0
			for b.Loop() {
				m, r := differ(b, j, uint64(n+2), 4000)
				made, ran, n = made+m, ran+r, n+1
			}
			differ := 0
			if b.Failed() {
				differ = 1
			}
			b.ReportMetric(float64(made)/b.Elapsed().Seconds(), "lines/s")
			b.ReportMetric(float64(ran)/b.Elapsed().Seconds(), "run/s")
			b.ReportMetric(float64(differ), "disagreements")
		})
	}
}

func differ(t testing.TB, j *jail, seed uint64, n int) (made, ran int) {
	t.Helper()
	g := newLines(t, seed)
	for made < n && !t.Failed() {
		var batch []string
		for len(batch) < 400 && made < n {
			made++
			if line := g.line(); j.reads(line) {
				batch = append(batch, line)
			}
		}
		ran += len(batch)
		if !j.marks(batch) {
			continue
		}
		for _, line := range batch {
			if j.marked(line) {
				small := j.shrink(line)
				t.Errorf("%s runs something in a line that is said to read: %q\n(made smaller from %q)", j.shell, small, line)
				return made, ran
			}
		}
		t.Errorf("%s ran something in one of these lines, and not in any of them alone: %q", j.shell, batch)
	}
	return made, ran
}

// jail is a directory that a shell can't leave, with programs that do nothing.
type jail struct {
	shell, root, chroot string
}

func newJail(t testing.TB, shell string) *jail {
	t.Helper()
	j := &jail{shell: shell, root: t.TempDir()}
	for _, j.chroot = range []string{"/usr/sbin/chroot", "/usr/bin/chroot"} { // users don't have it on their path
		if _, err := os.Stat(j.chroot); err == nil {
			break
		}
	}
	for _, dir := range []string{"bin", "p", "w/src", "c", "dev", "tmp", "s"} {
		if err := os.MkdirAll(filepath.Join(j.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(j.root, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, from := range map[string]string{"bin/bash": "bash", "bin/dash": "dash", "bin/true": "true", "p/env": "env", "p/nice": "nice", "p/timeout": "timeout", "p/nohup": "nohup"} {
		path, err := exec.LookPath(from)
		if err != nil {
			t.Skipf("there is no %s here to compare with: install the packages bash, dash and coreutils", from)
		}
		libraries, err := exec.Command("ldd", path).Output()
		if err != nil {
			t.Skipf("ldd can't tell what %s needs: %v", from, err)
		}
		copies := map[string]string{path: name}
		for _, library := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
			copies[library] = library[1:]
		}
		for from, to := range copies {
			data, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(j.root, filepath.Dir(to)), 0o755); err != nil {
				t.Fatal(err)
			}
			write(to, string(data), 0o755)
		}
	}
	for name, to := range map[string]string{"bin/sh": "dash", "p/sh": "/bin/dash", "p/dash": "/bin/dash", "p/bash": "/bin/bash"} {
		if err := os.Symlink(to, filepath.Join(j.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range idle() {
		if err := os.Symlink("/bin/true", filepath.Join(j.root, "p", name)); err != nil {
			t.Fatal(err)
		}
	}
	write("p/canary", "#!/bin/dash\n: > \"/c/$OF_LINE\"\n", 0o755)
	write("dev/null", "", 0o666)
	j.tidy()
	probe := j.command(t.Context(), "true")
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("a shell can't be locked in here (user namespaces are needed): %v %s", err, out)
	}
	return j
}

// idle are the programs that are there and do nothing.
func idle() []string {
	return []string{"ls", "cat", "grep", "head", "tail", "wc", "sort", "uniq", "cut", "tr", "find", "git", "stat", "file", "du", "rg", "diff", "sed", "awk", "date", "basename", "tee", "xargs"}
}

// tidy makes the working directory what it is before each line.
func (j *jail) tidy() {
	for _, dir := range []string{"w", "c", "tmp", "s"} {
		entries, _ := os.ReadDir(filepath.Join(j.root, dir))
		for _, e := range entries {
			_ = os.RemoveAll(filepath.Join(j.root, dir, e.Name()))
		}
	}
	_ = os.Mkdir(filepath.Join(j.root, "w/src"), 0o755)
	for _, name := range []string{"a", "b.txt", "f", "src/x.go"} {
		_ = os.WriteFile(filepath.Join(j.root, "w", name), []byte("canary\n"), 0o644)
	}
}

func (j *jail) command(ctx context.Context, script string) *exec.Cmd {
	const enter = `mount --make-rprivate / && mount --bind /dev/null "$0/dev/null" && exec env -i PATH=/p HOME=/w LANG=C.UTF-8 "$1" "$0" "/bin/$2" -c "cd /w; $3"`
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", enter, j.root, j.chroot, j.shell, script)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return cmd
}

// marks runs lines, each in a subshell, and tells whether one of them left something.
func (j *jail) marks(batch []string) bool {
	var b strings.Builder
	b.WriteString("canary() { : > \"/c/$OF_LINE\"; }\nexport OF_LINE\n")
	for _, name := range idle() { // a function costs no process
		fmt.Fprintf(&b, "%s() { :; }\n", name)
	}
	for i, line := range batch {
		fmt.Fprintf(&b, "OF_LINE=%d\n( ulimit -t 2; eval '%s' ) </dev/null >/dev/null 2>&1\n", i, strings.ReplaceAll(line, "'", `'\''`))
	}
	script := filepath.Join(j.root, "s", "run")
	if err := os.WriteFile(script, []byte(b.String()), 0o644); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	_ = j.command(ctx, ". /s/run").Run() // it ends as its last line does
	left, _ := os.ReadDir(filepath.Join(j.root, "c"))
	inside, _ := os.ReadDir(filepath.Join(j.root, "w"))
	below, _ := os.ReadDir(filepath.Join(j.root, "w/src"))
	marked := len(left) > 0 || len(inside) != 4 || len(below) != 1
	if marked {
		j.tidy()
	}
	return marked
}

func (j *jail) marked(line string) bool { return j.marks([]string{line}) }

// reads tells whether a line is said to read, for the shell of the jail.
func (j *jail) reads(line string) bool {
	return Decide(Request{Command: line, Dir: root, Place: Place{
		Root: root, Trust: TrustUntrusted, Access: AccessReadOnly, Level: LevelFull, Sh: j.shell != "bash",
	}}).Verdict == Allow
}

// shrink takes out of a line what it does not need to show what it shows.
func (j *jail) shrink(line string) string {
	for size := len(line) / 2; size > 0; size /= 2 {
		for i := 0; i+size <= len(line); {
			if less := line[:i] + line[i+size:]; j.reads(less) && j.marked(less) {
				line = less
				continue
			}
			i++
		}
	}
	return line
}

// lineMaker makes up lines that try to hide a program named canary.
type lineMaker struct {
	*rand.Rand
	corpus []string
}

func newLines(t testing.TB, seed uint64) *lineMaker {
	t.Helper()
	g := &lineMaker{Rand: rand.New(rand.NewPCG(seed, 7))}
	acts := regexp.MustCompile(`\b(rm|touch|mv|cp|sudo|chmod|mkdir|dd|make|npm|python3?|node|ln|kill|curl|wget)\b`)
	absolute := regexp.MustCompile(`(^|[\s=>"'(])/[a-z]`)
	for name, fields := range map[string]int{"bypass.txt": 5, "benign.txt": 2} {
		for _, row := range table(t, name, fields) {
			if line := row[fields-1]; len(line) < 400 {
				g.corpus = append(g.corpus, absolute.ReplaceAllString(acts.ReplaceAllString(line, "canary"), "${1}a"))
			}
		}
	}
	return g
}

func (g *lineMaker) of(list ...string) string { return list[g.IntN(len(list))] }

func (g *lineMaker) line() string {
	var line string
	switch g.IntN(10) {
	case 0, 1:
		line = g.corpus[g.IntN(len(g.corpus))]
	case 2, 3, 4:
		line = g.story()
	default:
		line = g.list(3)
	}
	for range max(0, g.IntN(8)-4) {
		line = g.mutate(line)
	}
	return line
}

// mutate changes a few bytes, mostly for such that mean something to shells.
func (g *lineMaker) mutate(line string) string {
	if line == "" {
		return g.special()
	}
	i := g.IntN(len(line))
	switch g.IntN(6) {
	case 0:
		return line[:i] + line[i+1:]
	case 1:
		k := i + g.IntN(min(12, len(line)-i)+1)
		return line[:k] + line[i:k] + line[k:]
	case 2:
		return line[:i] + g.special() + line[i+1:]
	}
	return line[:i] + g.special() + line[i:]
}

func (g *lineMaker) special() string {
	return g.of("'", `"`, `\`, "`", "$", "${", "}", "(", ")", "$(", "$((", "))", ";", "&", "|", "<", ">", "<<", "<<-", "<<<", "\n", "#", " #", "!", "{", ",", "*", "?",
		"[", "]", "[[", "~", "=", "+=", "\t", " ", "é", "\\\n", "\\\\", "&>", ">&", "|&", "&&", "||", ";;", "$'", `$"`, "<(", ">(", "@(", "canary", "$(canary)", "`canary`", "EOF", "\nEOF\n",
		"${x:-", "${x%", "${x#", "${x/", "-", "1", "2>", "case", "esac", " in ", "function ", "time ", "if ", "then ", "fi", "do", "done", "2>&1", "\u00a0", "'\\''", `"'"`, `'"'`, "{a,", "1}", "..", "$x", `"$x"`, "eval ", "sh -c ", "&\n", "$#", "$_", "$$")
}

// list is commands, one after another.
func (g *lineMaker) list(deep int) string {
	line := g.command(deep)
	for range g.IntN(3) {
		line += g.of("; ", " && ", " || ", " | ", "\n", " ;", "|", "&&", " & ", "; \n", " \\\n ") + g.command(deep)
	}
	return line
}

func (g *lineMaker) command(deep int) string {
	if deep <= 0 {
		return g.of("ls", "cat f", "true", "echo a", "grep canary f", "echo canary")
	}
	switch g.IntN(22) {
	case 0:
		return "( " + g.list(deep-1) + " )"
	case 1:
		return "{ " + g.list(deep-1) + "; }"
	case 2:
		return "if " + g.list(deep-1) + "; then " + g.list(deep-1) + "; " + g.of("", "else "+g.command(deep-1)+"; ") + "fi"
	case 3:
		return "for x in " + g.words(deep-1) + "; do " + g.list(deep-1) + "; done"
	case 4:
		return "! " + g.command(deep-1)
	case 5:
		return g.document()
	case 6, 7:
		return g.of("sh -c ", "bash -c ", "dash -c ", "eval ", "env sh -c ", "nice sh -c ", "command sh -c ") + g.quoted(g.list(deep-1))
	case 8:
		return "x=" + g.word(deep-1)
	case 9:
		return "# " + g.words(deep-1) + "\n" + g.command(deep-1)
	case 10:
		return g.of("[ ", "test ", "[[ ") + g.word(deep-1) + g.of(" = ", " == ", " != ", " -a ", " < ", " || ", " -eq ") + g.word(deep-1) + g.of(" ]", "", " ]]")
	case 11:
		return g.command(deep-1) + g.of(" >/dev/null", " 2>&1", " </dev/null", " 2>/dev/null", " &>/dev/null", " >&2", " <f", " <<<a", " </none")
	}
	return g.of("echo", "ls", "cat", "grep", "head", "wc", "sort", "printf", "true", "find", "git log", "echo", "echo") + " " + g.words(deep-1)
}

func (g *lineMaker) words(deep int) string {
	line := g.word(deep)
	for range g.IntN(3) {
		line += " " + g.word(deep)
	}
	return line
}

func (g *lineMaker) word(deep int) string {
	word := g.piece(deep)
	for range g.IntN(3) {
		word += g.piece(deep)
	}
	return word
}

// piece is a part of a word, often one that has the canary in quotes.
func (g *lineMaker) piece(deep int) string {
	if deep <= 0 {
		return g.of("a", "f", "b.txt", "-n", "canary", "'canary'", "$x", `"$x"`)
	}
	switch g.IntN(16) {
	case 0:
		return "'" + g.of("canary", "$(canary)", "`canary`", `a\`, `"`, "#", "; canary;", "a\ncanary\n") + "'"
	case 1:
		return `"` + g.inside(deep-1) + `"`
	case 2:
		return "$(" + g.list(deep-1) + g.of("", " ", "\n") + ")"
	case 3:
		if g.IntN(4) > 0 {
			break
		}
		return "`" + g.list(deep-1) + "`"
	case 4:
		if g.IntN(4) > 0 {
			break
		}
		return "${x" + g.of(":-", "-", ":+", "+", "%", "#", "/a/", "^", ":", "=", "@") + g.of(g.word(deep-1), "'"+g.inside(deep-1)+"'", `"`+g.inside(deep-1)+`"`) + "}"
	case 5:
		return "$'" + g.of("canary", `\'`, `\\`, `\n`, "$(canary)", `a\tb`) + "'"
	case 6:
		return `\` + g.of("'", `"`, "$", "`", " ", "\\", "#", ";", "(", "\n", "a", "&", "<")
	case 7:
		return "$((" + g.of("1+1", "x", "(1)", "$(canary)", "a[$(canary)]", "1)") + g.of("))", ") )")
	case 8:
		return g.of("{a,b}", "{a,$(canary)}", "{1..3}", "a[1]", "[a-z]*", "*", "~", "@{u}", "{}", "HEAD@{1}", "!(a)")
	case 9:
		return g.of("a#b", "#", "$#", "$$", "$_", "${x}", "$x", "$1", "$@", "é", "a=b", "--x=y", "-")
	}
	return g.of("a", "f", "b.txt", "-n", "src", "x", "1", "canary", "main", ".", "--color")
}

// inside is what may stand between double quotes.
func (g *lineMaker) inside(deep int) string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(g.of("a", " ", "canary", "'", `\"`, "\\`", `\$(canary)`, `\\`, "$x", "${x}", "#", ";", "; canary;", "$", "$ ", "(", ")", "{", "!", "\n", "é", "&", "`canary`",
			"${x:-'$(canary)'}", `${x:-"a"}`, "$(echo a)", "$(echo 'canary')", `$(echo "canary")`, "<<EOF", "'$x'", "$'a'", "${x+`canary`}", "$((1+1))"))
	}
	_ = deep
	return b.String()
}

func (g *lineMaker) document() string {
	end := g.of("EOF", "EOF", "E", "a b", "EO\\\nF", "END_1", "$x", "`a`", "é")
	body := g.of("a", "canary", "$(canary)", "`canary`", "$x", `\$(canary)`, "'", `"`, "a\\", "\tEOF", "EOF ", "${x:-$(canary)}", "EO\\\nF", " EOF") + "\n" + g.of("", "canary\n", "$(canary)\n", "it's\n")
	mark := g.of(end, "'"+end+"'", `"`+end+`"`, `\`+end, "'E'OF", `E"O"F`)
	return g.of("cat", "cat -n", "grep a", "sh", "echo") + " " + g.of("<<", "<<-", "<< ", "0<<") + mark + g.of("", " | cat", "; ls", " #", " && canary", " <<E2", ")") + "\n" + body + end + g.of("\n", "", "\ncanary\n", ")\n", "\nls\n", "\nE2\n")
}

// quoted puts a line between quotes, not always as it should.
func (g *lineMaker) quoted(line string) string {
	switch g.IntN(4) {
	case 0:
		return `"` + strings.NewReplacer(`"`, `\"`, "$", `\$`, "`", "\\`", `\`, `\\`).Replace(line) + `"`
	case 1:
		return `"` + line + `"`
	}
	return "'" + strings.ReplaceAll(line, "'", `'\''`) + "'"
}

// story sets a variable to a program's name, more than once, and runs it.
func (g *lineMaker) story() string {
	var step func(deep int) string
	step = func(deep int) string {
		name, value := g.of("c", "c", "d", "_"), g.of("ls", "ls", "ls", "canary", "$c", "$d", `"$c"`, "l", "")
		if deep <= 0 {
			return name + "=" + value
		}
		switch g.IntN(26) {
		case 0:
			return "if " + g.of("true", "false", "ls", "[ -f a ]") + "; then " + step(deep-1) + "; " + g.of("", "else "+step(deep-1)+"; ") + "fi"
		case 1:
			return "for " + g.of("i", "c", "_") + " in " + g.of("1 2", "ls", "canary ls", "ls canary", "$c") + "; do " + step(deep-1) + "; " + step(deep-1) + "; done"
		case 2:
			return "while " + g.of("false", "ls x", "read d") + "; do " + step(deep-1) + "; break; done"
		case 3:
			return g.of("break", "continue", "return", "exit", "exit 1 2", "exit x", "return 1", "nice exit", "command exit 0", "break 2")
		case 4:
			return g.of("export ", "local ", "readonly ", "declare ", "command export ") + name + "=" + value + g.of("", " d=$c")
		case 5:
			return g.of("unset ", "read ", "read -r ", "export ", "unset -f ") + name
		case 6:
			return step(deep-1) + g.of(" </none", " </dev/null", " 2>/dev/null", " >/dev/null")
		case 7:
			return "( " + step(deep-1) + " )"
		case 8:
			return "{ " + step(deep-1) + "; }"
		case 9:
			return step(deep-1) + g.of(" && ", " || ", " | ", " & ") + step(deep-1)
		case 10:
			return "! " + step(deep-1)
		case 11:
			return name + "=" + value + " " + g.of("c", "d") + "=" + g.of("$c", "$d", "ls", "canary")
		case 12:
			return name + "=" + value + " " + g.of("ls", ":", "true", "eval ls", "export d", "cd src")
		case 13:
			return "eval " + g.of("'"+name+"="+value+"'", `"c=$d"`, "c=ls", "c=canary")
		case 14:
			return g.of("echo canary", "set -e", "set -u", "cd src", "cd ..", "cd none", "true canary", "set -f", "set --", "cd src && cd ..", "exec 3<f", "shift")
		}
		return name + "=" + value
	}
	line := g.of("c=ls", "c=canary", "d=canary; c=ls", "d=ls; c=canary")
	for range 1 + g.IntN(4) {
		line += g.of("; ", "; ", "\n", " && ") + step(2)
	}
	return line + "; " + g.of("$c", "$c", "$d", "$_", "$c x", `"$c"`, "${c}", "eval $c", "command $c", "sh -c $c", "sh -c '$c'", "nice $d")
}
