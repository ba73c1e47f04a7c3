package tool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/openvibez/openvibez/host/folder"
)

// place is an open directory and a name in it. It was reached without following a symbolic link, so nobody who moves
// things about meanwhile can lead elsewhere.
type place struct {
	dir  *os.Root
	name string
}

// errMoved says that something on the way is not what it was when the path was looked at.
var errMoved = errors.New("something on its path has just been replaced; look again")

// errOther says that the workspace is not the one that a grant is about.
var errOther = errors.New("another directory lies in its place than the one this was allowed in")

// reach opens the directory of path, which is absolute and without symbolic links. Directories that are missing are made
// if it may. Where the workspace has to be known by an identity, it is looked at once it is open.
func reach(root, identity, path string, mayMake bool) (*place, error) {
	base := root
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		// Outside the workspace: somebody has allowed this very path.
		base = filepath.VolumeName(path) + string(filepath.Separator)
		if rel, err = filepath.Rel(base, path); err != nil {
			return nil, err
		}
	}
	dir, err := os.OpenRoot(base)
	if err != nil {
		return nil, err
	}
	if err := known(dir, identity, root); err != nil {
		_ = dir.Close()
		return nil, err
	}
	parts := strings.Split(rel, string(filepath.Separator))
	last := len(parts) - 1
	for _, part := range parts[:last] {
		next, err := step(dir, part, mayMake)
		_ = dir.Close()
		if err != nil {
			return nil, err
		}
		dir = next
	}
	return &place{dir: dir, name: parts[last]}, nil
}

// known checks that an open directory is the workspace that was meant, if it is the workspace.
func known(dir *os.Root, identity, root string) error {
	if identity == "" || dir.Name() != root {
		return nil
	}
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	id, err := folder.OfFile(f)
	if err == nil && id.String() != identity {
		err = errOther
	}
	return err
}

func step(dir *os.Root, name string, mayMake bool) (*os.Root, error) {
	seen, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) && mayMake {
		if err := dir.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		seen, err = dir.Lstat(name)
	}
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		if seen.Mode()&fs.ModeSymlink != 0 {
			return nil, errMoved
		}
		return nil, fmt.Errorf("%s is no directory", name)
	}
	next, err := dir.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if now, err := next.Stat("."); err != nil || !os.SameFile(seen, now) {
		_ = next.Close()
		return nil, errMoved
	}
	return next, nil
}

func (p *place) close() { _ = p.dir.Close() }

// open opens the file or directory for reading, and nothing else than a file or a directory.
func (p *place) open() (*os.File, fs.FileInfo, error) {
	seen, err := p.dir.Lstat(p.name)
	if err != nil {
		return nil, nil, err
	}
	if !seen.Mode().IsRegular() && !seen.IsDir() {
		if seen.Mode()&fs.ModeSymlink != 0 {
			return nil, nil, errMoved
		}
		return nil, nil, fmt.Errorf("it is a %s, not a file", kindOf(seen.Mode()))
	}
	f, err := p.dir.OpenFile(p.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	now, err := f.Stat()
	if err != nil || !os.SameFile(seen, now) {
		_ = f.Close()
		return nil, nil, errMoved
	}
	return f, now, nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// content reads a whole file of at most most bytes; nil and no error if there is none.
func (p *place) content(most int64) ([]byte, fs.FileInfo, error) {
	f, info, err := p.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info.IsDir() {
		return nil, nil, errors.New("it is a directory")
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("it is larger than %s", size(most))
	}
	return data, info, err
}

// replace puts a file with data in the place of the one that was seen, or where there was none. Nobody ever sees half of
// it, and a link that was put there meanwhile is replaced, not followed.
func (p *place) replace(data []byte, mode fs.FileMode, seen fs.FileInfo) (fs.FileInfo, error) {
	temp := ".openvibez-" + strings.ToLower(rand.Text()[:10])
	f, err := p.dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.dir.Remove(temp) }()
	_, err = f.Write(data)
	info, statErr := f.Stat()
	err = errors.Join(err, statErr, f.Chmod(mode.Perm()), f.Sync(), f.Close())
	if err != nil {
		return nil, err
	}
	if err := p.unchanged(seen); err != nil {
		return nil, err
	}
	if seen != nil {
		keepOwner(p.dir, temp, seen)
	}
	return info, p.dir.Rename(temp, p.name)
}

// remove removes the file that was seen.
func (p *place) remove(seen fs.FileInfo) error {
	if err := p.unchanged(seen); err != nil {
		return err
	}
	return p.dir.Remove(p.name)
}

func (p *place) unchanged(seen fs.FileInfo) error {
	now, err := p.dir.Lstat(p.name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && seen == nil:
		return nil
	case err != nil:
		return err
	case seen == nil || !os.SameFile(seen, now) || !now.ModTime().Equal(seen.ModTime()) || now.Size() != seen.Size():
		return errMoved
	}
	return nil
}

// size says bytes as people do.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// plain says what went wrong without the path that the caller names itself.
func plain(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
