package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

const (
	// How many names are looked at in a workspace before a command, those near its top first, and how much of what is found
	// is covered.
	maxNames = 20000
	maxFound = 200
	// In how many repositories inside a workspace git may write.
	maxInner = 8
)

// ofOthers are directories of what was installed, which tools remove and make anew as a whole. What looks like settings
// there is nobody's.
func ofOthers() []string {
	return []string{
		"node_modules", "bower_components", ".venv", "venv", "site-packages", "target", "dist", "build", "Pods", ".tox", ".terraform", ".next",
	}
}

// inner is what lies inside a workspace and is not a command's to use or change.
type inner struct {
	sockets []string // they lead to other programs
	// What makes tools run programs, as at the top: settings of git, editors and tools, and repositories.
	settings, repositories []string
}

// lookInside finds it, as it is now; what a command makes is its own.
func lookInside(root string) inner {
	var found inner
	protected, others := policy.Protected(), ofOthers()
	next, seen := []string{root}, 0
	for len(next) > 0 && seen < maxNames && len(found.sockets)+len(found.settings)+len(found.repositories) < maxFound {
		dir := next[0]
		next = next[1:]
		entries := namesIn(dir, maxNames-seen)
		seen += len(entries)
		inGit := filepath.Base(dir) == ".git"
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			switch {
			case e.Type()&fs.ModeSocket != 0:
				found.sockets = append(found.sockets, path)
			case inGit:
			case slices.Contains(protected, e.Name()) && e.Type()&fs.ModeSymlink == 0:
				if e.Name() == ".git" && e.IsDir() {
					// Git's own helpers listen there.
					next = append(next, path)
				}
				if dir == root {
					continue
				}
				if e.Name() == ".git" && e.IsDir() {
					found.repositories = append(found.repositories, path)
				} else {
					found.settings = append(found.settings, path)
				}
			case e.IsDir() && !slices.Contains(others, e.Name()):
				next = append(next, path)
			}
		}
	}
	return found
}

func namesIn(dir string, most int) []fs.DirEntry {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	// What can't be read can't be used either.
	entries, _ := f.ReadDir(most)
	return entries
}

// cover gives what has to lie over it. Nothing of a workspace that is only read can be changed anyway.
func (p *placeholders) cover(found inner, profile policy.Profile, git bool) []box.Bind {
	var binds []box.Bind
	if profile != policy.ProfileRO {
		for i, path := range found.repositories {
			if git && i < maxInner {
				if more, err := p.coverGit(path, protectedGit()); err == nil {
					binds = append(binds, more...)
					continue
				}
			}
			binds = append(binds, box.Bind{Path: path, Optional: true})
		}
		// Git alone brings only what was committed.
		if profile != policy.ProfileGit {
			for _, path := range found.settings {
				binds = append(binds, box.Bind{Path: path, Optional: true})
			}
		}
	}
	for _, path := range found.sockets {
		binds = append(binds, box.Bind{Path: path, Empty: true, Optional: true})
	}
	return binds
}
