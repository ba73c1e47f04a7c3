package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// wrap puts a command into all that only starts it.
func wrap(t testing.TB, command string) map[string]string {
	t.Helper()
	quoted, err := syntax.Quote(command, syntax.LangBash)
	if err != nil || strings.Contains(quoted, "$'") {
		return nil
	}
	return map[string]string{
		"sh -c":          "sh -c " + quoted,
		"bash -lc":       "bash -lc " + quoted,
		"env bash":       "env bash -c " + quoted,
		"eval":           "eval " + quoted,
		"timeout":        "timeout 5 sh -c " + quoted,
		"nice":           "nice -n 3 sh -c " + quoted,
		"nohup":          "nohup sh -c " + quoted,
		"xargs":          "echo | xargs sh -c " + quoted,
		"find":           "find . -exec sh -c " + quoted + " \\;",
		"command":        "command sh -c " + quoted,
		"exec":           "exec sh -c " + quoted,
		"env -S":         "env -S " + quoted,
		"git alias":      "git -c alias.x=!" + quoted + " x",
		"flock":          "flock /tmp/lock -c " + quoted,
		"stdbuf":         "stdbuf -oL sh -c " + quoted,
		"time":           "time sh -c " + quoted,
		"watch":          "watch " + quoted,
		"busybox":        "busybox sh -c " + quoted,
		"subshell":       "(" + command + "\n)",
		"block":          "{ " + command + "\n}",
		"background":     "{ " + command + "\n} &",
		"substitution":   "echo $(" + command + "\n)",
		"process":        "cat <(" + command + "\n)",
		"if":             "if true; then " + command + "\nfi",
		"while":          "while " + command + "\ndo break; done",
		"for":            "for i in 1; do " + command + "\ndone",
		"case":           "case a in *) " + command + "\nesac",
		"after":          "true; " + command,
		"negated":        "! { " + command + "\n}",
		"pipe":           "true | { " + command + "\n} | cat",
		"parameter":      "echo \"${x:-$(" + command + "\n)}\"",
		"here-document":  "cat <<EOF_OF_TEST\n$(" + command + "\n)\nEOF_OF_TEST\n",
		"bisect":         "git bisect run sh -c " + quoted,
		"sudo":           "sudo sh -c " + quoted,
		"npx":            "npx -c " + quoted,
		"function":       "f() { " + command + "\n}; f",
		"two on another": "env -i timeout 3 nice sh -c " + quoted,
	}
}

// TestWrapped: no way of starting a command makes it more allowed than it is by itself.
func TestWrapped(t *testing.T) {
	var commands []string
	for _, row := range table(t, "bypass.txt", 5) {
		commands = append(commands, row[4])
	}
	for _, row := range table(t, "benign.txt", 2) {
		commands = append(commands, row[1])
	}
	for _, command := range commands {
		notMoreAllowed(t, command)
	}
}

func notMoreAllowed(t *testing.T, command string) {
	t.Helper()
	if command == "" || strings.HasSuffix(command, `\`) || command[0] == '-' || command[0] == '+' { // to a wrapper, an option
		return
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(command), "")
	if err != nil {
		return
	}
	dies := false // what stands behind exit or exec does not count, wherever it ends
	syntax.Walk(file, func(n syntax.Node) bool {
		call, is := n.(*syntax.CallExpr)
		dies = dies || is && len(call.Args) > 0 && slices.Contains([]string{"exit", "return", "exec", "break", "continue"}, call.Args[0].Lit())
		return true
	})
	for _, place := range []struct {
		trust  Trust
		access Access
	}{{TrustTrusted, AccessReadOnly}, {TrustTrusted, AccessScoped}, {TrustUntrusted, AccessScoped}} {
		plain := at(command, place.trust, place.access, LevelFull)
		if dies || plain.Verdict == Allow {
			continue
		}
		for name, wrapped := range wrap(t, command) {
			if d := at(wrapped, place.trust, place.access, LevelFull); d.Verdict > plain.Verdict {
				t.Errorf("%s, %s: %q is %s (%s), but %s makes it %s (%s): %q", place.trust, place.access, command, plain.Verdict, plain.Reason, name, d.Verdict, d.Reason, wrapped)
			}
		}
	}
}

// FuzzDecide looks for panics, for lines that take long, for wrapping that makes a line more allowed, and for lines that
// are said to read while a crude look finds something else.
func FuzzDecide(f *testing.F) {
	for _, row := range table(f, "bypass.txt", 5) {
		f.Add(row[4])
	}
	for _, row := range table(f, "benign.txt", 2) {
		f.Add(row[1])
	}
	f.Fuzz(func(t *testing.T, command string) {
		stuck := time.AfterFunc(20*time.Second, func() { panic("this takes too long: " + command) })
		defer stuck.Stop()
		readOnly := at(command, TrustTrusted, AccessReadOnly, LevelFull)
		_, err := syntax.NewParser().Parse(strings.NewReader(command), "")
		for _, access := range []Access{AccessReadOnly, AccessScoped, AccessRoot} {
			for _, trust := range []Trust{TrustUntrusted, TrustReadOnly, TrustTrusted} {
				d := Decide(Request{Command: command, Dir: root, Place: Place{Root: root, Trust: trust, Access: access, Level: LevelFull, RunUnknown: true}})
				if err != nil && d.Verdict == Allow {
					t.Errorf("%q can't be parsed (%v) and is allowed", command, err)
				}
				if d.Verdict == Allow && d.Profile == ProfileHost {
					t.Errorf("%q would run outside the sandbox", command)
				}
				if d.Reason == "" {
					t.Errorf("%q: %s without a reason", command, d.Verdict)
				}
			}
		}
		if readOnly.Verdict == Allow {
			if found := crude(command, 0); found != "" {
				t.Errorf("%q is said to read only, and has %q in it", command, found)
			}
			return
		}
		notMoreAllowed(t, command)
	})
}

func BenchmarkDecide(b *testing.B) {
	deep := "echo " + strings.Repeat("$(", 90) + "ls" + strings.Repeat(")", 90)
	long := strings.Repeat("grep -rn 'func main' src | head -5 && ", maxBytes/40) + "ls"
	for name, command := range map[string]string{
		"typical": "cd src && go test ./... 2>&1 | grep -v ok | head -20",
		"git":     `git add -A && git commit -m "feat: add x" && git log --oneline -3`,
		"deep":    deep,
		"16kB":    long[:min(len(long), maxBytes)],
		"nested":  strings.Repeat("sh -c 'ls; ", 1) + strings.Repeat("ls; ", 3000) + "'",
		"words":   "ls " + strings.Repeat("a/b ", 4000),
		"paths":   "cat " + strings.Repeat("a ", 8000),
		"options": "git log " + strings.Repeat("--format=x ", 1400),
		"braces":  "echo " + strings.Repeat("{a,b}", 3000),
		"parens":  strings.Repeat("(", 8000),
		"dollars": strings.Repeat("$(", 8000),
		"loops":   "for i in " + strings.Repeat("1 ", 3000) + "; do ls -la a b c; done",
		"vars":    strings.Repeat("x=1 && ", 2300) + "ls",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				at(command, TrustTrusted, AccessScoped, LevelFull)
			}
		})
	}
}
