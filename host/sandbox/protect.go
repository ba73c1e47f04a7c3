package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

// onlyIfThere are protected where they exist. Tools stumble over an empty one; whoever uses them has them already.
func onlyIfThere() []string { return []string{".hg", ".svn", ".jj"} }

// protectedGit are the parts of a .git directory that make git run programs, or look elsewhere for those that do.
// The text is what a missing file is given for the moment, so that git goes on working.
type gitPart struct {
	name string
	dir  bool
	text string
}

func protectedGit() []gitPart {
	return []gitPart{
		{"hooks", true, ""},
		{"config", false, ""},
		{"config.worktree", false, ""},
		{"commondir", false, ".\n"},
		{"info/attributes", false, ""},
		{"modules", true, ""},
		{"worktrees", true, ""},
	}
}

// placeholders are empty things made where a protected one is missing, because only what exists can be covered. They go
// when nobody uses them any more, in this process or another.
type placeholders struct {
	locks []*os.File
	made  []string
}

// protect gives what has to lie over a writable workspace. In a git profile .git itself is writable, apart from what
// makes git run programs.
func (p *placeholders) protect(root string, git bool) ([]box.Bind, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open workspace: %w", err)
	}
	defer func() { _ = dir.Close() }()
	var binds []box.Bind
	for _, name := range policy.Protected() {
		if slices.Contains(onlyIfThere(), name) {
			continue
		}
		if name == ".git" && git {
			more, err := p.protectGit(dir, root)
			if err != nil {
				return nil, err
			}
			binds = append(binds, more...)
			continue
		}
		missing, err := p.hold(dir, name, gitPart{dir: true})
		if err != nil {
			return nil, err
		}
		binds = append(binds, box.Bind{Path: filepath.Join(root, name), Optional: missing})
	}
	for _, name := range onlyIfThere() {
		binds = append(binds, box.Bind{Path: filepath.Join(root, name), Optional: true})
	}
	if !git {
		elsewhere, err := worktreeOf(root)
		if err != nil || elsewhere == nil {
			return binds, err
		}
		binds = append(binds, box.Bind{Path: elsewhere.common, Optional: true})
	}
	return binds, nil
}

func (p *placeholders) protectGit(dir *os.Root, root string) ([]box.Bind, error) {
	info, err := dir.Lstat(".git")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// git init makes it; there is nothing yet that could be turned against anybody.
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look at .git: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, linkError(filepath.Join(root, ".git"))
	case info.IsDir():
		return p.coverGit(filepath.Join(root, ".git"), protectedGit())
	}
	tree, err := worktreeOf(root)
	if err != nil {
		return nil, err
	}
	binds := []box.Bind{{Path: filepath.Join(root, ".git")}}
	if tree == nil {
		return binds, nil
	}
	// The worktree's own directory may be written, the others' not.
	common, err := p.coverGit(tree.common, protectedGit())
	if err != nil {
		return nil, err
	}
	own, err := p.coverGit(tree.own, []gitPart{{"config.worktree", false, ""}, {"commondir", false, ""}, {"gitdir", false, ""}})
	return append(append(binds, common...), own...), err
}

// coverGit makes a git directory writable but for parts of it. Each directory on the way to such a part is a mount
// too, or it could be moved away with the part in it.
func (p *placeholders) coverGit(path string, parts []gitPart) ([]box.Bind, error) {
	dir, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = dir.Close() }()
	binds := []box.Bind{{Path: path, Write: true}}
	pinned := map[string]bool{}
	for _, part := range parts {
		if parent := filepath.Dir(part.name); parent != "." && !pinned[parent] {
			missing, err := p.hold(dir, parent, gitPart{dir: true})
			if err != nil {
				return nil, err
			}
			binds = append(binds, box.Bind{Path: filepath.Join(path, parent), Write: true, Optional: missing})
			pinned[parent] = true
		}
		missing, err := p.hold(dir, part.name, part)
		if err != nil {
			return nil, err
		}
		binds = append(binds, box.Bind{Path: filepath.Join(path, part.name), Optional: missing})
	}
	return binds, nil
}

// hold sees to it that name exists, and stays until release. missing says that it does not, and that nobody with the
// person's rights could make it either.
func (p *placeholders) hold(dir *os.Root, name string, as gitPart) (missing bool, err error) {
	path := filepath.Join(dir.Name(), name)
	for range 100 {
		info, err := dir.Lstat(name)
		if err == nil {
			if info.Mode()&fs.ModeSymlink != 0 {
				return false, linkError(path)
			}
			if !isPlaceholder(info, as) {
				return false, nil
			}
			if p.join(dir, name, path, info) {
				return false, nil
			}
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("protect %s: %w", path, err)
		}
		if as.dir {
			err = dir.Mkdir(name, placeholderDir)
		} else {
			var f *os.File
			if f, err = dir.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, placeholderFile); err == nil {
				_, err = f.WriteString(as.text)
				err = errors.Join(err, f.Close())
			}
		}
		if unwritable(err) {
			return true, nil
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return false, fmt.Errorf("protect %s, which does not exist: %w", path, err)
		}
	}
	return false, fmt.Errorf("protect %s: it comes and goes", path)
}

// join counts this process among the users of a placeholder, unless it is going just now.
func (p *placeholders) join(dir *os.Root, name, path string, info fs.FileInfo) bool {
	f, err := dir.Open(name)
	if err != nil {
		return false
	}
	now, err := dir.Lstat(name)
	if !lockShared(f) || err != nil || !os.SameFile(info, now) {
		_ = f.Close()
		return false
	}
	p.locks, p.made = append(p.locks, f), append(p.made, path)
	return true
}

// Nobody makes empty things with these modes; that is how they are known again, even by another process.
const (
	placeholderDir  = 0o555
	placeholderFile = 0o444
)

func isPlaceholder(info fs.FileInfo, as gitPart) bool {
	if as.dir {
		return info.IsDir() && info.Mode().Perm()&0o700 == placeholderDir&0o700
	}
	return info.Mode().IsRegular() && info.Mode().Perm()&0o700 == placeholderFile&0o700 && info.Size() == int64(len(as.text))
}

// release removes what was made, unless somebody else needs it or has put something into it.
func (p *placeholders) release() {
	for i := len(p.locks) - 1; i >= 0; i-- {
		f, path := p.locks[i], p.made[i]
		info, err := f.Stat()
		now, gone := os.Lstat(path)
		if err == nil && gone == nil && os.SameFile(info, now) && lockAlone(f) {
			// A directory that somebody put something into stays.
			_ = os.Remove(path)
		}
		_ = f.Close()
	}
	p.locks, p.made = nil, nil
}

// ignored tells git to pass over what was made at the top of a workspace.
func (p *placeholders) ignored(root string) string {
	var b strings.Builder
	for _, path := range p.made {
		if filepath.Dir(path) == root {
			b.WriteString("/" + filepath.Base(path) + "\n")
		}
	}
	return b.String()
}

func linkError(path string) error {
	return fmt.Errorf("%s is a symbolic link, which can't be protected: replace it with what it points to, or let the command only read", path)
}

// A worktree is what a .git file leads to.
type worktree struct {
	own, common string
}

// worktreeOf follows the .git file of a linked worktree. A file that leads anywhere else leads nowhere: what it names
// must be git's own record of this very worktree.
func worktreeOf(root string) (*worktree, error) {
	path := filepath.Join(root, ".git")
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxPointer {
		return nil, nil
	}
	text, err := readShort(path)
	if err != nil {
		return nil, fmt.Errorf("read .git: %w", err)
	}
	own, is := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if !is || !filepath.IsAbs(own) {
		return nil, nil
	}
	if own, err = filepath.EvalSymlinks(own); err != nil {
		return nil, nil
	}
	common := filepath.Dir(filepath.Dir(own))
	back, err := readShort(filepath.Join(own, "gitdir"))
	if err != nil || filepath.Base(filepath.Dir(own)) != "worktrees" || strings.TrimSpace(string(back)) != path || !isDir(filepath.Join(common, "objects")) {
		return nil, nil
	}
	return &worktree{own, common}, nil
}

const maxPointer = 4096

// readShort reads a small file of a repository, which may be anything: a pipe would never end.
func readShort(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxPointer))
}
