package tool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Bounds of a look at a workspace, and of what is reported.
const (
	maxSeen     = 200_000
	maxSeenTime = 5 * time.Second
	maxReported = 200
	// A directory that is new with more files than this is reported as one.
	maxListed = 20
)

// Snapshot is how a workspace looked at one time, without the contents. Of .git only what can make something run is in
// it.
type Snapshot struct {
	files map[string]stamp
	dirs  map[string]bool
	// Of each repository, the names of its objects.
	objects map[string]map[string]bool
	// Cut says why not everything was looked at; empty: everything was.
	Cut string
}

// stamp changes whenever a file does.
type stamp struct {
	inode, size, changed int64
	mode                 fs.FileMode
}

// Look takes a snapshot of the workspace at root. It follows no symbolic link.
func Look(ctx context.Context, root string) (*Snapshot, error) {
	base, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("look at the workspace: %w", err)
	}
	defer base.Close()
	s := &Snapshot{files: map[string]stamp{}, dirs: map[string]bool{}, objects: map[string]map[string]bool{}}
	until := time.Now().Add(maxSeenTime)
	err = fs.WalkDir(base.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			// Gone meanwhile, or not ours to read.
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case len(s.files)+len(s.dirs) >= maxSeen:
			s.Cut = fmt.Sprintf("the workspace has more than %d files", maxSeen)
			return fs.SkipAll
		case len(s.files)%256 == 0 && time.Now().After(until):
			s.Cut = "looking through the workspace took too long"
			return fs.SkipAll
		}
		if d.IsDir() {
			s.dirs[name] = true
			if path.Base(name) == ".git" {
				s.lookGit(base.FS(), name)
			}
			if name != "." && uninteresting(name) {
				return fs.SkipDir
			}
			return nil
		}
		if inGit(name) && !gitRuns(name) {
			return nil
		}
		info, err := d.Info()
		if err == nil {
			s.files[name] = stampOf(info)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.SkipAll) {
		return nil, fmt.Errorf("look at the workspace: %w", err)
	}
	return s, nil
}

func inGit(name string) bool {
	return name == ".git" || strings.HasPrefix(name, ".git/") || strings.Contains(name, "/.git/")
}

// gitRuns tells of the files within .git that can make something run.
func gitRuns(name string) bool {
	_, within, ok := strings.Cut("/"+name, "/.git/")
	if !ok {
		return true // A worktree's or submodule's .git is a file.
	}
	return strings.HasPrefix(within, "hooks/") || within == "config" || within == "config.worktree" || within == "info/attributes" || strings.HasPrefix(within, "modules/") && (strings.Contains(within, "/hooks/") || path.Base(within) == "config")
}

// uninteresting tells of directories of .git that hold only what git itself reads.
func uninteresting(name string) bool {
	_, within, ok := strings.Cut("/"+name, "/.git/")
	if !ok {
		return false
	}
	switch first, _, _ := strings.Cut(within, "/"); first {
	case "hooks", "info", "modules":
		return false
	}
	return true
}

// Touch takes a file as it is now into the snapshot, so that it is not reported: an edit speaks for itself.
func (s *Snapshot) Touch(root, file string) {
	name := show(root, file)
	info, err := os.Lstat(file)
	if err != nil {
		delete(s.files, name)
		return
	}
	s.files[name] = stampOf(info)
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		s.dirs[dir] = true
	}
}

// Since tells what has become different since an earlier snapshot, sensitive files first, and how much is left out.
func (s *Snapshot) Since(before *Snapshot) (changes []*apiv1.FileChange, left int) {
	add := func(name string, kind apiv1.FileChange_Kind) { changes = append(changes, changeOf(name, kind)) }
	created := map[string][]string{}
	for name, now := range s.files {
		was, known := before.files[name]
		switch {
		case !known && before.Cut == "":
			top := newDir(before, name)
			created[top] = append(created[top], name)
		case known && was != now:
			add(name, apiv1.FileChange_KIND_CHANGED)
		}
	}
	for top, names := range created {
		if top != "" && len(names) > maxListed {
			changes = append(changes, &apiv1.FileChange{Path: fmt.Sprintf("%s/ (%d files)", top, len(names)), Kind: apiv1.FileChange_KIND_CREATED})
			names = slices.DeleteFunc(names, func(n string) bool {
				// What installed packages bring along is theirs.
				return Sensitive(n) == "" || strings.Contains(n, "node_modules/") || strings.Contains(n, "site-packages/") || strings.Contains(n, "vendor/")
			})
		}
		for _, name := range names {
			add(name, apiv1.FileChange_KIND_CREATED)
		}
	}
	for name := range s.dirs {
		if path.Base(name) == ".git" && !before.dirs[name] && before.Cut == "" {
			add(name, apiv1.FileChange_KIND_CREATED)
		}
	}
	if s.Cut == "" {
		for name := range before.files {
			if _, still := s.files[name]; !still {
				add(name, apiv1.FileChange_KIND_DELETED)
			}
		}
	}
	return listed(append(changes, s.lost(before)...))
}

// After tells what has become different since a time, without those that are told already. What is gone left no trace.
func (s *Snapshot) After(since time.Time, told map[string]bool) (changes []*apiv1.FileChange, left int) {
	// Files are stamped with the time of the kernel's last tick.
	from := since.Add(-20 * time.Millisecond).UnixNano()
	for name, now := range s.files {
		if now.changed >= from && !told[name] {
			changes = append(changes, changeOf(name, apiv1.FileChange_KIND_CHANGED))
		}
	}
	return listed(changes)
}

func changeOf(name string, kind apiv1.FileChange_Kind) *apiv1.FileChange {
	f := &apiv1.FileChange{Path: name, Kind: kind}
	if f.Why = Sensitive(strings.TrimSuffix(name, "/")); kind == apiv1.FileChange_KIND_DELETED {
		f.Why = ""
	}
	f.Sensitive = f.Why != ""
	return f
}

// listed sorts changes and cuts them to what is reported.
func listed(changes []*apiv1.FileChange) ([]*apiv1.FileChange, int) {
	sort.Slice(changes, func(i, j int) bool {
		if changes[i].Sensitive != changes[j].Sensitive {
			return changes[i].Sensitive
		}
		return changes[i].Path < changes[j].Path
	})
	left := max(len(changes)-maxReported, 0)
	return changes[:len(changes)-left], left
}

// newDir is the uppermost directory above a file that was not there before; empty if its directory was.
func newDir(before *Snapshot, name string) string {
	top := ""
	for dir := path.Dir(name); dir != "." && !before.dirs[dir]; dir = path.Dir(dir) {
		top = dir
	}
	return top
}
