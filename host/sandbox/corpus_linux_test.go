package sandbox

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openvibez/openvibez/host/policy"
)

// TestOrdinaryCommandsWork runs each command of policy's benign corpus that needs no question in the profile that its
// decision names, and again without a sandbox in a copy of the same workspace: the box hinders none of them.
func TestOrdinaryCommandsWork(t *testing.T) {
	slow := []string{"go test -race -count=1 ./...", "python3 -m venv .venv", "mvn -q test"}
	data, err := os.ReadFile("../policy/testdata/benign.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		class, command, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || class == "ask" || strings.HasPrefix(line, "#") {
			continue
		}
		group := "read and git"
		switch {
		case slices.Contains(slow, command):
			continue
		case class == "build" && strings.Contains(" "+command, " go "):
			group = "go" // these share what was built before
		case class == "build":
			group = "build"
		}
		lines[group] = append(lines[group], strings.ReplaceAll(command, "␤", "\n"))
	}
	t.Logf("left out, because they take long and others do the like: %q", slow)
	for group, commands := range lines {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			newPair(t).compare(commands)
		})
	}
}

// pair is a workspace and its twin outside of any box.
type pair struct {
	*place
	model string // what both begin as
	twin  string
	fresh string // how both were made, as long as they are still like that
}

func newPair(t *testing.T) *pair {
	p := newPlace(t)
	if level := p.sandbox.Report(t.Context()).Level; level != policy.LevelFull {
		t.Skipf("the sandbox is %s here; `openvibez doctor` says what it needs", level)
	}
	// Tools that the person keeps at home are left out: their homes differ.
	var path []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if slices.ContainsFunc(systemDirs(), func(system string) bool { return within(system, dir) }) {
			path = append(path, dir)
		}
	}
	env := map[string]string{"HOME": p.home, "PATH": strings.Join(path, ":"), "USER": "tester"}
	p.sandbox.config.Getenv = func(name string) string { return env[name] }
	p.identity()
	w := &pair{place: p, model: filepath.Join(p.home, "model"), twin: filepath.Join(p.home, "twin", "work")}
	w.furnish()
	return w
}

func (w *pair) compare(commands []string) {
	t := w.t
	var missing, failed []string
	for _, command := range commands {
		d := policy.Decide(policy.Request{Command: command, Dir: w.root, Place: policy.Place{
			Root: w.root, Trust: policy.TrustTrusted, Access: policy.AccessScoped, Level: policy.LevelFull,
		}})
		w.renew(command)
		code, out := w.unboxed(command)
		if strings.Contains(out, "command not found") || strings.Contains(out, "No module named") {
			missing = append(missing, command)
			continue
		}
		if d.Class != policy.ClassRead {
			w.fresh = ""
		}
		if code != 0 {
			failed = append(failed, command)
		}
		g, ok := d.Grant()
		if !ok {
			t.Errorf("%q is not allowed: %s", command, d.Reason)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		r, err := w.sandbox.Run(ctx, g, Options{})
		cancel()
		if err != nil || r.ExitCode != code {
			t.Errorf("%s: %q ends with %d, without a sandbox with %d (%v)\n%s%s\nwithout:\n%s", d.Profile, command, r.ExitCode, code, err, r.Stdout.Text, r.Stderr.Text, out)
		}
	}
	works := len(commands) - len(missing) - len(failed)
	t.Logf("%d of %d commands work; their programs are missing: %q; they fail in any case: %q", works, len(commands), missing, failed)
	if 100*works < 60*len(commands) {
		t.Errorf("only %d of %d commands could be tried", works, len(commands))
	}
}

// unboxed runs a command in the twin, without a sandbox but in a network of its own that leads nowhere. What it leaves
// running ends with it.
func (w *pair) unboxed(command string) (code int, output string) {
	w.t.Helper()
	cache, err := w.sandbox.cache(w.root)
	if err != nil {
		w.t.Fatal(err)
	}
	temp := filepath.Join(w.home, "twin", "tmp")
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/bash", "-c", strings.ReplaceAll(command, "/tmp/", temp+"/"))
	cmd.Dir = w.twin
	cmd.Env = []string{
		"HOME=" + w.home, "PATH=" + w.sandbox.config.Getenv("PATH"), "TMPDIR=" + temp, "USER=tester", "LANG=C.UTF-8", "TERM=dumb", "PAGER=cat", "GIT_EDITOR=true",
		"GOCACHE=" + filepath.Join(cache, "go-build"), "GOPROXY=off", "GOFLAGS=-modcacherw", "GOTELEMETRY=off", "npm_config_offline=true", "PIP_NO_INDEX=1",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		w.t.Fatalf("%q: %v", command, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// renew makes the workspace and its twin what they were. Commands that keep changes find some, others a clean tree.
func (w *pair) renew(command string) {
	w.t.Helper()
	dirty := ":"
	if slices.ContainsFunc([]string{"commit", "stash push", "git stash", "git add", "restore", "git diff", "git status"}, func(s string) bool { return strings.Contains(command, s) }) {
		dirty = "for d in work twin/work; do (cd $d && echo changed >> f.txt && echo new > staged.txt && git add staged.txt); done"
	}
	if command == "git init" {
		dirty = "rm -r work/.git twin/work/.git"
	}
	if dirty == w.fresh {
		return
	}
	w.fresh = dirty
	for _, dir := range []string{w.root, w.twin, filepath.Join(w.home, "twin", "tmp")} {
		if err := os.RemoveAll(dir); err != nil {
			w.t.Fatal(err)
		}
	}
	w.script("mkdir -p twin/tmp && cp -a model work && cp -a model twin/work && " + dirty)
}

// script runs a line in the home.
func (w *pair) script(line string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "/bin/bash", "-ec", line)
	cmd.Dir, cmd.Env = w.home, []string{"HOME=" + w.home, "PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// furnish fills the model with what the commands of the corpus are about.
func (w *pair) furnish() {
	program := "package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n)\n\n// TODO: foo.\nfunc main() {\n\t_ = context.Background()\n\tfmt.Println(hello())\n}\n"
	hello := "package main\n\nfunc hello() string {\n\treturn \"hello\"\n}\n"
	test := "package pkg\n\nimport \"testing\"\n\nfunc TestFoo(t *testing.T) {\n\tif Foo() != 1 {\n\t\tt.Fatal()\n\t}\n}\n\nfunc BenchmarkFoo(b *testing.B) {\n\tfor b.Loop() {\n\t\tFoo()\n\t}\n}\n"
	scripts := `"test": "sh scripts/test.sh", "build": "node script.js", "lint": "sh scripts/test.sh", "dev": "node script.js"`
	for name, text := range map[string]string{
		"go.mod": "module example.org/app\n\ngo 1.26\n", "go.sum": "", "main.go": program + strings.Repeat("\n// Line.\n", 30), "a.go": hello, "src/main.go": program, "src/util.go": hello,
		"src/a.go": "package main\n", "src/b.go": "package main\n", "internal/doc.go": "package main\n\nfunc main() {}\n", "cmd/app/main.go": program + "\nfunc hello() int { return 1 }\n",
		"cmd/x/main.go": "package main\n\nfunc main() {}\n", "pkg/foo.go": "package pkg\n\n// Foo is one.\nfunc Foo() int { return 1 }\n", "pkg/foo_test.go": test,
		"Makefile": "all:\n\t@echo all\ntest:\n\t@echo test\nclean:\n\trm -f *.o\n", "README.md": "# App\n\nUse sudo make install.\n", "..hidden": "",
		"main.c":       "//go:build ignore\n#include <stdio.h>\nint main(void) { puts(\"hi\"); return 0; }\n",
		"package.json": `{"name": "app", "version": "1.0.0", "private": true, "scripts": {` + scripts + `}, "dependencies": {}}`, "script.js": "require('fs').writeFileSync('built.txt', '1');\n",
		"app.test.js": "require('node:test')('adds', () => require('node:assert').equal(1 + 1, 2));\n", "node_modules/.bin/tsc": "#!/bin/sh\nexit 0\n", "node_modules/x/index.js": "",
		"src/app.ts": "import { useState } from 'react';\nconst foo = 1;\n", "src/index.js": "const f = (x) => x;\n", "src/x.py": "import os\n", "old.ts": "1;\n",
		"src/main.rs": "fn main() {}\n", "app.py": "import os\nfrom sys import path\n", "script.py": "import json, sys\njson.load(open(sys.argv[2]))\n",
		"tests/test_a.py": "", "test_app.py": "import unittest\n\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(1, 1)\n", "x.pyc": "", "src/__pycache__/y.pyc": "",
		"scripts/test.sh": "#!/bin/sh\necho tested\n", "scripts/run.sh": "#!/bin/sh\n", "build.sh": "#!/bin/sh\n", "gradlew": "#!/bin/sh\nexit 0\n", "f.txt": "foo one\nbar two\n",
		"a.txt": "1 a\n2 b\n", "b.txt": "1 a\n3 c\n", "data.txt": "a:b:101\nc:d:2\n", "names.txt": "b\na\na\n", "data.csv": "a,2,x\nb,1,y\n", "data.json": `[{"id": 4}]`,
		"build.log": strings.Repeat("an error here\n", 60), "big.log": "text\n", "token.txt": "aGVsbG8K\n", ".env": "A=1\n", "secret.txt": "s\n", ".gitignore": "node_modules\n*.pyc\n__pycache__\nsub\n",
		"config.example.json": "{}\n", "templates/base/x": "", "dist/old.js": "1\n", "build/x": "", "third_party/x": "", "old/x": "old\n", "sub/f": "f\n", "sub/go.mod": "module example.org/sub\n\ngo 1.26\n",
		"sub/s_test.go": "package sub\n\nimport \"testing\"\n\nfunc TestS(t *testing.T) {}\n", "sub/package.json": `{"name": "sub", "scripts": {"test": "echo ok"}}`, "sub/Makefile": "all:\n\t@echo sub\n",
		"frontend/package.json": `{"name": "frontend", "scripts": {"build": "echo built"}}`, "bin/app": "\x7fELF", "f.bin": "\x00\x01", "fix.patch": "--- a/b.txt\n+++ b/b.txt\n@@ -1,2 +1,2 @@\n 1 a\n-3 c\n+3 d\n",
	} {
		w.write("model/"+name, text)
	}
	w.script(`cd model
chmod +x scripts/*.sh build.sh gradlew node_modules/.bin/tsc
tar czf release.tar.gz dist; tar czf vendor.tar.gz templates; /usr/bin/python3 -m zipfile -c a.zip f.txt
git init -q -b main; git remote add origin https://example.org/app.git
git add -A; git commit -qm first; git branch old; echo 2 >> data.txt; git commit -qam second
git checkout -qb feature/x; echo x > x.txt; git add x.txt; git commit -qm x
git checkout -q main; git checkout -qb abc123; echo y > y.txt; git add y.txt; git commit -qm y
git checkout -q main; echo 3 >> data.txt; git commit -qam third
echo stashed >> README.md; git stash -q
cd sub; git init -q -b main; git add f; git commit -qm sub; echo more >> f`)
}
