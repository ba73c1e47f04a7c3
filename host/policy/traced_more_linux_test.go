package policy

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTracedSees: the tracer sees what it is there for.
func TestTracedSees(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: apt install strace")
	}
	dir := tracedWorkspace(t)
	var trials []*trial
	for _, line := range []string{
		"touch sample.txt", "sort -o made sample.txt", "mkdir sub", "chmod 600 sample.txt", "env ./prog", "grep -f value.txt sample.txt", "mv sample.sh other.sh",
		"gzip -t -d sample.gz", "tee made", "find . -name sample.xml -delete", "ln -s a b",
	} {
		argv := strings.Fields(line)
		trials = append(trials, &trial{tool: argv[0], option: "any", argv: argv})
	}
	traced(t, dir, 0, trials)
	for _, tr := range trials {
		if len(tr.effects) == 0 && tr.tool != "gzip" {
			t.Errorf("%s goes unseen", quotedWords(tr.argv))
		}
	}
}

// combined makes commands in which options work together: modes of which the last may win, and scripts.
func combined(t *testing.T) []*trial {
	var all []*trial
	for tool, file := range map[string]string{"gzip": "sample.gz", "gunzip": "sample.gz", "bzip2": "sample.bz2", "xz": "sample.xz", "zstd": "sample.zst"} {
		if _, err := exec.LookPath(tool); err != nil {
			continue
		}
		modes := []string{"-c", "-d", "-t", "-l", "-k", "-f", "-q", "--stdout", "--list", "--test", "--decompress", "-dc", "-tc", "-tl", "-ld", "-td"}
		for _, a := range modes {
			all = append(all, &trial{tool: tool, option: a, argv: []string{tool, a, file}})
			for _, b := range modes {
				all = append(all, &trial{tool: tool, option: a + " " + b, argv: []string{tool, a, b, file}})
			}
		}
	}
	for _, line := range []string{
		"tar -tf sample.tar", "tar tvf sample.tar", "tar -t -f sample.tar --wildcards *.txt", "tar --list --file=sample.tar --verbose", "tar tzf sample.tgz",
		"sed -n 1p sample.txt", "sed -e s/x/y/g sample.txt", "sed /x/d sample.txt", "sed -E -n -e p sample.txt", "sed -n '$=' sample.txt", "sed y/ab/cd/ sample.txt",
		"awk '{print $1}' sample.txt", "awk -F: 'NR>1' sample.txt", "awk -v a=1 '{print a}' sample.txt", "awk 'END{print NR}' sample.txt",
		"find . -name value.txt", "find . -newer sample.txt", "find . -samefile sample.txt", "find . -empty -o -size +1", "find . -printf '%p\\n'", "find -L . -type f -ls",
		"find . -regextype posix-extended -regex x", "find . -maxdepth 1 -print0", "find . -perm -u+x -prune", "find . -user root -o -nogroup",
		"date -d tomorrow +%s", "date -r sample.txt", "test -f sample.txt", "printf %s x", "file -b sample.txt", "openssl version -a", "ssh -V", "go env GOPATH", "go version",
		"timeout 1 cat sample.txt", "nice -n 3 cat sample.txt", "unzip -l sample.zip", "uniq -c sample.txt", "xxd -l 4 sample.txt",
	} {
		if argv := argvOf(t, line); exists(argv[0]) {
			all = append(all, &trial{tool: argv[0], argv: argv})
		}
	}
	return slices.Concat(all, gitTrials(t))
}

func exists(tool string) bool {
	_, err := exec.LookPath(tool)
	return err == nil
}

func argvOf(t *testing.T, line string) []string {
	t.Helper()
	var argv []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			argv = append(argv, part)
			continue
		}
		argv = append(argv, strings.Fields(part)...)
	}
	return argv
}

// gitTrials is each option of each git command that git.go calls read.
func gitTrials(t *testing.T) []*trial {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), "git.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text func(e ast.Expr) string
	text = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, _ := strconv.Unquote(e.Value)
			return s
		case *ast.BinaryExpr:
			return text(e.X) + text(e.Y)
		case *ast.Ident:
			return map[string]string{"diffOptions": diffOptions, "logOptions": logOptions, "paths": paths}[e.Name]
		}
		return ""
	}
	var all []*trial
	ast.Inspect(file, func(n ast.Node) bool {
		clause, is := n.(*ast.CaseClause)
		if !is {
			return true
		}
		options := ""
		for _, s := range clause.Body {
			ast.Inspect(s, func(n ast.Node) bool {
				if call, is := n.(*ast.CallExpr); is && len(call.Args) == 1 {
					if f, is := call.Fun.(*ast.Ident); is && f.Name == "read" {
						options += " " + text(call.Args[0])
					}
				}
				return true
			})
		}
		if options == "" {
			return true
		}
		for _, e := range clause.List {
			words := strings.Fields(text(e))
			if len(words) == 0 {
				continue
			}
			argv := append([]string{"git"}, words...)
			name, tool := strings.Join(argv, " "), "git"
			if words[0] == "submodule" || words[0] == "bisect" {
				tool = "git script"
			}
			all = append(all, &trial{tool: tool, option: name, argv: argv}, &trial{tool: tool, option: name, argv: append(slices.Clone(argv), "HEAD")})
			for _, o := range optionsOf(name, spec{options: options}) {
				values := []string{""}
				if o.role != 0 {
					values = []string{"value.txt"}
				} else if strings.Trim(o.name, "-0123456789") == "" {
					continue
				}
				for _, v := range values {
					with := append(slices.Clone(argv), o.name)
					if v != "" && (o.optional || strings.HasPrefix(o.name, "--")) {
						with[len(with)-1] += map[bool]string{true: "=", false: ""}[strings.HasPrefix(o.name, "--")] + v
					} else if v != "" {
						with = append(with, v)
					}
					all = append(all, &trial{tool: tool, option: name + " " + o.name, argv: with})
				}
			}
		}
		return true
	})
	return all
}

// repository makes the workspace one of git's, and adds archives.
func repository(t *testing.T, work string) {
	t.Helper()
	for _, line := range []string{
		"git init -q -b main", "git add sample.txt sample.go", "git -c user.name=a -c user.email=a@b.invalid commit -q -m one", "git tag v1",
		"tar cf sample.tar sample.txt", "tar czf sample.tgz sample.txt",
	} {
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = work
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(work), "GIT_CONFIG_NOSYSTEM=1"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%s: %v %s", line, err, out)
		}
	}
}

// TestTracedPackages: what only tells of packages runs nothing of the workspace and changes nothing there.
func TestTracedPackages(t *testing.T) {
	if !exists("strace") {
		t.Skip("strace is not installed: apt install strace")
	}
	dir := tracedWorkspace(t)
	for name, text := range map[string]string{
		"go.mod": "module example.org/x\n\ngo 1.21\n", "main.go": "package main\n\nimport \"fmt\"\n\n//go:generate ./prog\nfunc main() { fmt.Println() }\n",
		"package.json":                `{"name": "x", "version": "1.0.0", "dependencies": {"y": "1.0.0"}, "scripts": {"preinstall": "./prog", "prels": "./prog"}}`,
		"node_modules/y/package.json": `{"name": "y", "version": "1.0.0", "scripts": {"install": "../../prog"}}`,
		"setup.py":                    "open('made', 'w')\n",
	} {
		path := filepath.Join(dir, "work", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "work", "sample.go")); err != nil {
		t.Fatal(err)
	}
	var trials []*trial
	for _, line := range []string{
		"go list", "go list ./...", "go list -m", "go list -m all", "go list -json .", "go list -deps ./...", "go list -test -find .", "go list -e -f '{{.Dir}}' .", "go list -m -json -retracted all",
		"npm ls", "npm ls --all --json", "npm list --depth=0", "npm root", "npm prefix", "npm explain y", "npm ls -g", "npm ll --long --parseable",
		"pip list", "pip show pip", "pip freeze", "pip --version",
	} {
		argv := argvOf(t, line)
		if !exists(argv[0]) {
			t.Logf("not on this machine, so not tried: %s", line)
			continue
		}
		if d := Decide(Request{Command: line, Dir: "/workspace", Place: Place{Root: "/workspace", Trust: TrustTrusted, Access: AccessReadOnly, Level: LevelFull}}); d.Verdict != Allow {
			t.Errorf("%s is not said to read: %s", line, d.Reason)
		}
		trials = append(trials, &trial{tool: argv[0], option: line, argv: argv})
	}
	traced(t, dir, 0, trials)
	for _, tr := range trials {
		if len(tr.effects) > 0 || tr.refused {
			t.Errorf("%s is said to read, and: %s (refused: %t)", quotedWords(tr.argv), strings.Join(tr.effects, ", "), tr.refused)
		}
	}
}
