package policy

import (
	"slices"
	"strings"
)

// examine finds out what a command line does, as far as that can be proven.
func examine(r Request) finding {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(" ./_-+:@%,", c)
	}
	unknown := finding{why: map[Class]string{ClassUnknown: "What it does can't be told beforehand"}}
	if strings.ContainsFunc(r.Command, func(c rune) bool { return !plain(c) }) || !within(r.Place.Root, r.Dir) {
		return unknown
	}
	argv := strings.Fields(r.Command)
	if len(argv) == 0 || slices.ContainsFunc(argv, func(a string) bool { return strings.HasPrefix(a, "/") || strings.Contains(a, "..") }) {
		return unknown
	}
	first := argv[0]
	if len(argv) > 1 {
		first += " " + argv[1]
	}
	switch {
	case slices.Contains([]string{"ls", "cat", "head", "tail", "wc", "pwd", "true", "echo"}, argv[0]):
		return finding{why: map[Class]string{ClassRead: "It only reads"}}
	case slices.Contains([]string{"git status", "git log", "git diff"}, first) && len(argv) == 2:
		return finding{why: map[Class]string{ClassRead: "It only reads"}, onlyGit: true}
	case slices.Contains([]string{"mkdir", "touch", "rm", "make"}, argv[0]), slices.Contains([]string{"go build", "go test", "go vet", "npm test"}, first):
		return finding{why: map[Class]string{ClassBuild: "It changes files of the workspace"}, prefix: argv}
	case slices.Contains([]string{"git add", "git commit", "git stash", "git switch", "git checkout"}, first) && !strings.Contains(r.Command, " -"):
		return finding{why: map[Class]string{ClassGit: "It changes git's own files"}, prefix: argv, onlyGit: true}
	}
	return unknown
}
