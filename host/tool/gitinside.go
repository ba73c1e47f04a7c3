package tool

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	rebaseTodo = "rebase-merge/git-rebase-todo"
	// How many of a repository's objects are remembered by name.
	maxObjects = 20_000
)

// lookGit notes what git's own commands would not do in a repository: a rebase that runs programs when it goes on, and
// objects that are gone.
func (s *Snapshot) lookGit(base fs.FS, dir string) {
	todo := path.Join(dir, rebaseTodo)
	if info, err := fs.Stat(base, todo); err == nil && info.Mode().IsRegular() && info.Size() < maxSettings {
		if text, err := fs.ReadFile(base, todo); err == nil && runsPrograms(string(text)) {
			s.files[todo] = stampOf(info)
		}
	}
	objects := map[string]bool{}
	parts, _ := fs.ReadDir(base, path.Join(dir, "objects"))
	for _, part := range parts {
		if name := part.Name(); len(name) == 2 || name == "pack" {
			entries, _ := fs.ReadDir(base, path.Join(dir, "objects", name))
			for _, e := range entries {
				if len(objects) < maxObjects && (name != "pack" || strings.HasSuffix(e.Name(), ".pack")) {
					objects[name+"/"+e.Name()] = true
				}
			}
		}
	}
	if len(objects) < maxObjects {
		s.objects[dir] = objects
	}
}

// runsPrograms tells of a rebase's list with commands for a shell in it.
func runsPrograms(todo string) bool {
	for line := range strings.Lines(todo) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word == "exec" || word == "x" {
			return true
		}
	}
	return false
}

// lost tells of repositories from which objects have gone that were not packed instead.
func (s *Snapshot) lost(before *Snapshot) (changes []*apiv1.FileChange) {
	for dir, objects := range before.objects {
		now, known := s.objects[dir]
		gone, packed := 0, false
		for name := range objects {
			if !now[name] {
				gone++
			}
		}
		for name := range now {
			packed = packed || strings.HasPrefix(name, "pack/") && !objects[name]
		}
		if gone > 0 && !packed && (known || !s.dirs[dir]) {
			changes = append(changes, &apiv1.FileChange{
				Path: fmt.Sprintf("%s/objects (%d files)", dir, gone), Kind: apiv1.FileChange_KIND_DELETED, Sensitive: true, Why: "git's own data is gone",
			})
		}
	}
	return changes
}
