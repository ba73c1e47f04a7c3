package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// What a command's /tmp and home hold together where they are kept is looked at this often, and less if there is a lot.
const lookEvery = 2 * time.Second

// tempLimit is how many bytes /tmp and home may hold.
func tempLimit(memory int64) int64 { return min(max(memory/8, 256<<20), 4<<30) }

// places are where the box's process may write: new ones, or those that private keeps. What is to be shown below them
// finds directories there, whatever an earlier command put in the way.
func places(spec *box.Spec, private string, below []box.Bind) ([]box.Bind, error) {
	if private == "" {
		return []box.Bind{{Path: spec.Temp, Fresh: true}, {Path: spec.Home, Fresh: true}}, nil
	}
	if err := os.MkdirAll(private, 0o700); err != nil {
		return nil, fmt.Errorf("make private directory: %w", err)
	}
	private, err := filepath.EvalSymlinks(private)
	if err != nil {
		return nil, fmt.Errorf("find private directory: %w", err)
	}
	var binds []box.Bind
	for name, path := range map[string]string{"tmp": spec.Temp, "home": spec.Home} {
		b := box.Bind{Path: path, Write: true, From: filepath.Join(private, name)}
		if err := os.MkdirAll(b.From, 0o700); err != nil {
			return nil, fmt.Errorf("make private directory: %w", err)
		}
		for _, shown := range below {
			if path != b.From && path != shown.Path && within(path, shown.Path) {
				if err := clearWay(b.From, shown.Path[len(path):], isDir(shown.Path)); err != nil {
					return nil, err
				}
			}
		}
		binds = append(binds, b)
	}
	if within(binds[1].Path, binds[0].Path) {
		binds[0], binds[1] = binds[1], binds[0]
	}
	// It says when the directory was last of use.
	now := time.Now()
	return binds, os.Chtimes(private, now, now)
}

// clearWay removes what is no directory on a way below dir, and what is of another kind at its end.
func clearWay(dir, way string, toDir bool) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open private directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	parts := strings.Split(strings.Trim(way, "/"), "/")
	for i := range parts {
		at := filepath.Join(parts[:i+1]...)
		info, err := root.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		last := i == len(parts)-1
		switch {
		case err != nil:
		case !info.IsDir() && (!last || toDir || !info.Mode().IsRegular()):
			err = root.Remove(at)
		case info.IsDir() && last && !toDir:
			err = root.RemoveAll(at)
		}
		if err != nil {
			return fmt.Errorf("clear the way to %s: %w", way, err)
		}
	}
	return nil
}

// watchPrivate tells when a private directory holds too much and more than before, until done. It gives nil for none.
func watchPrivate(dir string, done <-chan struct{}) <-chan bool {
	if dir == "" {
		return nil
	}
	over := make(chan bool, 1)
	go func() {
		limit, before := tempLimit(totalMemory()), int64(0)
		for pause := lookEvery; ; {
			select {
			case <-done:
				return
			case <-time.After(pause):
			}
			began := time.Now()
			held := holds(dir, done)
			if held > limit && before > 0 && held > before {
				over <- true
				return
			}
			before = max(held, 1)
			pause = max(lookEvery, 20*time.Since(began))
		}
	}()
	return over
}

// holds counts the bytes on disk below a directory.
func holds(dir string, done <-chan struct{}) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		select {
		case <-done:
			return fs.SkipAll
		default:
		}
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil {
			sum += allocated(info)
		}
		return nil
	})
	return sum
}
