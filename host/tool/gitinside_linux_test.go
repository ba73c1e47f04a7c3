package tool

import (
	"os/exec"
	"strings"
	"testing"
)

func TestLookInsideGit(t *testing.T) {
	root := t.TempDir()
	do := func(line string) {
		t.Helper()
		cmd := exec.Command("/bin/sh", "-c", line)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	do("git init -q && git config user.name a && git config user.email a@example.org && echo 1 >f && git add f && git commit -qm 1")
	for _, c := range []struct{ line, want string }{
		{"echo 2 >g && git add g && git commit -qm 2", "g"},
		{"git gc -q", ""},
		{"mkdir .git/rebase-merge && echo 'pick abc' >.git/rebase-merge/git-rebase-todo", ""},
		{"echo 'exec ./x' >>.git/rebase-merge/git-rebase-todo", ".git/rebase-merge/git-rebase-todo runs when the rebase goes on"},
		{"touch .git/hooks/post-commit", ".git/hooks/post-commit runs on git commands"},
		{"rm -f .git/objects/pack/*.pack", ".git/objects (1 files) git's own data is gone"},
	} {
		before, err := Look(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		do(c.line)
		now, err := Look(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		changes, _ := now.Since(before)
		var got []string
		for _, f := range changes {
			got = append(got, strings.TrimSpace(f.Path+" "+f.Why))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %q, want %q", c.line, got, c.want)
		}
	}
}
