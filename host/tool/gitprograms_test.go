package tool

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGitPrograms(t *testing.T) {
	for text, want := range map[string]string{
		"[core]\n\tbare = false\n[user]\n\tname = x\n":          "",
		"[core]\n\thooksPath = .husky\n":                        "", // the sandbox sets another
		"[filter \"a b\"]\n\tClean = ./x\n":                     "filter.a b.clean",
		"[FILTER \"x\"] smudge=./x\n":                           "filter.x.smudge",
		"[filter.x]\nprocess=./x\n":                             "filter.x.process",
		"[diff]\n external = ./x":                               "diff.external",
		"[diff \"x\"]\n # c\n textconv = ./x":                   "diff.x.textconv",
		"[merge \"x\"]\ndriver = ./x %A\n":                      "merge.x.driver",
		"[include]\npath = ../x\n":                              "include.path",
		"[includeIf \"gitdir:/\"]\npath = ../x\n":               "includeif.gitdir:/.path",
		"[submodule \"a\"]\nupdate = !./x\n":                    "submodule.a.update",
		"[submodule \"a\"]\nupdate = rebase\n[branch \"main\"]": "",
		"[remote \"o\"]\nurl = x\nuploadpack = ./x\n":           "remote.o.uploadpack",
		"[a \"]\"]\n[filter \"]\"]\nclean=x":                    "filter.].clean",
		"[filter\nclean=x":                                      "settings that can't be read",
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, ".git"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".git", "config"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := GitPrograms(dir); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		// A worktree has its settings elsewhere.
		tree := t.TempDir()
		own := filepath.Join(dir, ".git", "worktrees", "x")
		if err := os.MkdirAll(own, 0o700); err != nil {
			t.Fatal(err)
		}
		for path, text := range map[string]string{filepath.Join(own, "commondir"): "../..\n", filepath.Join(tree, ".git"): "gitdir: " + own + "\n"} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := GitPrograms(tree); got != want {
			t.Errorf("%q of a worktree: %q, want %q", text, got, want)
		}
	}
	if got := GitPrograms(t.TempDir()); got != "" {
		t.Errorf("no repository: %q", got)
	}
}
