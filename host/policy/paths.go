package policy

import (
	"path/filepath"
	"slices"
	"strings"
)

// Protected lists what lies in a workspace and decides what later runs by itself: git's own files, and those of editors
// and tools. Commands see them read-only; a name counts at the workspace's top and, for .git, anywhere.
func Protected() []string {
	return []string{
		".git", ".hg", ".svn", ".jj",
		".vscode", ".idea", ".zed", ".fleet",
		".husky", ".devcontainer", ".devcontainer.json", ".envrc",
		".openvibez", ".claude", ".cursor", ".codex", ".gemini", ".mcp.json",
	}
}

// within tells whether an absolute path is root or below it. Both are compared as they are written.
func within(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// protected names the part of a path below root that is not to be changed, or "". Names are compared as file systems
// that ignore case, trailing dots and short names would.
func protected(root, path string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return ""
	}
	for i, part := range strings.Split(filepath.ToSlash(rel), "/") {
		plain := strings.ToLower(strings.TrimRight(part, ". "))
		if plain == ".git" || plain == "git~1" {
			return ".git"
		}
		if i == 0 && slices.Contains(Protected(), plain) {
			return plain
		}
	}
	return ""
}

// reading is what a file tool's wish to read comes to.
func reading(r Request) finding {
	if within(r.Place.Root, r.Read) {
		return finding{why: map[Class]string{ClassRead: "It reads a file of the workspace"}}
	}
	return finding{why: map[Class]string{ClassUnknown: "It reads " + quote(r.Read) + ", which lies outside the workspace"}}
}

// writing is what a file tool's wish to change a file comes to.
func writing(r Request) finding {
	root := r.Place.Root
	if !within(root, r.Write) || filepath.Clean(r.Write) == filepath.Clean(root) {
		return finding{why: map[Class]string{ClassDangerous: "It changes " + quote(r.Write) + ", which lies outside the workspace"}}
	}
	name := protected(root, r.Write)
	switch {
	case name == ".git" && r.Place.Access != AccessRoot:
		return finding{
			why:        map[Class]string{ClassDangerous: "It changes git's own files, which only git commands may"},
			impossible: true,
		}
	case name != "":
		return finding{why: map[Class]string{ClassDangerous: "It changes " + name + ", which decides what runs by itself later"}}
	}
	return finding{why: map[Class]string{ClassBuild: "It changes a file of the workspace"}}
}
