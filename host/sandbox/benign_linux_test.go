package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/openvibez/openvibez/host/policy"
)

// warm gives the box what go has compiled of its standard library in an earlier run of this test, and keeps it for the
// next: as another user it would only compile the same again.
func (p *place) warm() {
	p.t.Helper()
	cache, err := p.sandbox.cache(p.root)
	if err != nil {
		p.t.Fatal(err)
	}
	here, kept := filepath.Join(cache, "go-build"), filepath.Join(programs, "go-build")
	if _, err := os.Stat(kept); err == nil {
		if err := os.CopyFS(here, os.DirFS(kept)); err != nil {
			p.t.Fatal(err)
		}
		return
	}
	p.t.Cleanup(func() {
		if err := os.CopyFS(kept, os.DirFS(here)); err != nil && !errors.Is(err, fs.ErrPermission) {
			p.t.Error(err)
		}
	})
}

// What developers do all day works in the profile that policy gives it.
func TestBoxDoesOrdinaryWork(t *testing.T) {
	p := newPlace(t)
	p.write("work/go.mod", "module example.org/app\n\ngo 1.26\n")
	p.write("work/main.go", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(hello()) }\n\nfunc hello() string { return \"hello\" }\n")
	p.write("work/main_test.go", `package main

import (
	"os"
	"os/exec"
	"testing"
)

func TestHello(t *testing.T) {
	if hello() != "hello" {
		t.Fatal(hello())
	}
	if err := os.WriteFile(t.TempDir()+"/x", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-c", "echo hi").Output(); err != nil || string(out) != "hi\n" {
		t.Fatal(out, err)
	}
}
`)
	p.write("work/Makefile", "all: out.txt\nout.txt: main.go\n\twc -l $< > $@\nclean:\n\trm -f out.txt\n")
	p.write("work/lib/package.json", `{"name": "lib", "version": "1.0.0", "main": "index.js"}`)
	p.write("work/lib/index.js", "module.exports = () => 42;\n")
	p.write("work/package.json", `{"name": "app", "version": "1.0.0", "private": true, "scripts": {"test": "node --test", "build": "node -e \"require('fs').writeFileSync('dist.txt', String(require('lib')()))\""}, "dependencies": {"lib": "file:lib"}}`)
	p.write("work/app.test.js", `const test = require("node:test"), assert = require("node:assert"), http = require("node:http");
test("serves", (t, done) => {
  assert.equal(require("lib")(), 42);
  const s = http.createServer((q, r) => r.end("ok")).listen(0, "127.0.0.1", () => http.get({ port: s.address().port, host: "127.0.0.1" }, (r) => { assert.equal(r.statusCode, 200); s.close(); r.resume(); done(); }));
});
`)
	p.write("work/c/hello.c", "#include <stdio.h>\nint main(void) { puts(\"hi\"); return 0; }\n")
	p.write("work/hello.py", "import json, tempfile, subprocess\nwith tempfile.TemporaryFile() as f:\n    f.write(b'x')\nprint(json.dumps(subprocess.check_output(['echo', 'hi'], text=True)))\n")
	p.identity()
	p.warm()
	if r := p.run(policy.ProfileWork, "go build -o app . && ./app", Options{}); r.ExitCode != 0 {
		t.Errorf("go build outside of a repository: exit code %d\n%s", r.ExitCode, r.Stderr.Text)
	}
	p.repository()
	for _, c := range []struct {
		profile policy.Profile
		command string
		needs   string
	}{
		{policy.ProfileRO, "ls -la && cat main.go | head -3 | wc -l && find . -name '*.go' | sort", ""},
		{policy.ProfileRO, "grep -rn hello . --include='*.go'", ""},
		{policy.ProfileRO, "rg hello", "rg"},
		{policy.ProfileRO, "jq .name package.json", "jq"},
		{policy.ProfileRO, "git log --oneline && git status --short && git diff", ""},
		{policy.ProfileRO, "sed -n '1,3p' main.go; awk '{print NR}' main.go | tail -1; diff main.go main.go", ""},
		{policy.ProfileRO, "ps aux | head -2; uname -a; date; id -u; df -h . ; du -sh .; env | sort | head -1", ""},
		{policy.ProfileRO, "go version && node --version && git --version", "go"},
		{policy.ProfileWork, "go build -o app . && ./app", "go"},
		{policy.ProfileWork, "go test ./... && go vet ./... && gofmt -l .", "go"},
		{policy.ProfileWork, "go run .", "go"},
		{policy.ProfileWork, "make && make clean", "make"},
		{policy.ProfileWork, "npm install --package-lock-only && npm ci && npm test && npm run build && cat dist.txt", "npm"},
		{policy.ProfileWork, "cc -o hello c/hello.c && ./hello", "cc"},
		{policy.ProfileWork, "/usr/bin/python3 hello.py", "/usr/bin/python3"},
		{policy.ProfileWork, "cat > notes.md <<'X'\n# Notes\nX\nmkdir -p a/b && mv notes.md a/b/ && cp -r a d && rm -r d && touch a/b/d && chmod +x a/b/d && ln -s b a/l", ""},
		{policy.ProfileWork, "tar czf /tmp/x.tgz main.go && tar xzf /tmp/x.tgz -C /tmp && cmp main.go /tmp/main.go", ""},
		{policy.ProfileWork, "(sleep 0.05 & wait) && printf 'a\\nb\\n' | xargs -n1 -P2 echo | sort | uniq -c && time true", ""},
		{policy.ProfileWork, "sed -i 's/hello/hallo/' c/hello.c && sort -u main.go -o sorted && tee copy < main.go > /dev/null", ""},
		{policy.ProfileWork, "script -qec 'tty' /dev/null", "script"},
		{policy.ProfileGit, "git checkout -qb feature && git add -A && git commit -qm 'work' && git branch && git stash list", ""},
	} {
		if c.needs != "" {
			if _, err := exec.LookPath(c.needs); err != nil {
				t.Logf("left out, because %s is not installed: %s", c.needs, c.command)
				continue
			}
		}
		if r := p.run(c.profile, "set -eo pipefail; "+c.command, Options{}); r.ExitCode != 0 {
			t.Errorf("%s: %s\nexit code %d %s\n%s%s", c.profile, c.command, r.ExitCode, r.Problem, r.Stdout.Text, r.Stderr.Text)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(p.root, ".[a-z]*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}
