package sandbox

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// unreadable is the mode of a program's copy: the kernel lets nobody look into a process whose file they can't read.
const unreadable = 0o111

// copies are the private copies of programs that were checked since the host started.
type copies struct {
	mu   sync.Mutex
	made map[Executable]copied
}

type copied struct {
	path, version string
	// The program that the kernel starts to load it; "" for a static one.
	loader string
}

// of gives the copy of a program in a directory, and makes it where it is missing.
func (c *copies) of(in string, e Executable) (copied, error) {
	if e.SHA256 == [32]byte{} {
		return copied{}, fmt.Errorf("start %s: nobody has said what its SHA-256 must be", e.Path)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.made[e]; ok {
		if now, err := box.VersionAt(known.path); err == nil && now == known.version {
			return known, nil
		}
	}
	dir := filepath.Join(in, hex.EncodeToString(e.SHA256[:16]))
	// It says when the copy was last of use.
	now := time.Now()
	_ = os.Chtimes(dir, now, now)
	made, err := check(filepath.Join(dir, filepath.Base(e.Path)), e.SHA256)
	if err != nil {
		if made, err = makeCopy(dir, e); err != nil {
			return copied{}, err
		}
		sweepPrograms(in)
	}
	if c.made == nil {
		c.made = map[Executable]copied{}
	}
	c.made[e] = made
	return made, nil
}

// check looks at a copy that was made earlier, whoever may have changed it since.
func check(path string, want [32]byte) (copied, error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return copied{}, errors.Join(errors.New("there is no copy"), err)
	}
	if err := os.Chmod(path, 0o500); err != nil {
		return copied{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return copied{}, err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return copied{}, err
	}
	if [32]byte(sum.Sum(nil)) != want {
		return copied{}, errors.New("it is another program")
	}
	return seal0111(f, path)
}

// makeCopy copies a program and checks what it copies.
func makeCopy(dir string, e Executable) (copied, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return copied{}, fmt.Errorf("make directory for %s: %w", e.Path, err)
	}
	from, err := os.Open(e.Path)
	if err != nil {
		return copied{}, fmt.Errorf("open program: %w", err)
	}
	defer func() { _ = from.Close() }()
	if info, err := from.Stat(); err != nil || !info.Mode().IsRegular() {
		return copied{}, errors.Join(fmt.Errorf("%s is no file", e.Path), err)
	}
	to, err := os.CreateTemp(dir, ".copy-")
	if err != nil {
		return copied{}, fmt.Errorf("copy %s: %w", e.Path, err)
	}
	defer func() {
		_ = to.Close()
		_ = os.Remove(to.Name())
	}()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, sum), from); err != nil {
		return copied{}, fmt.Errorf("copy %s: %w", e.Path, err)
	}
	if got := [32]byte(sum.Sum(nil)); got != e.SHA256 {
		return copied{}, fmt.Errorf("%s is not the program that was approved: its SHA-256 is %x, approved was %x", e.Path, got, e.SHA256)
	}
	// Nobody may have it open for writing when it is executed.
	if err := errors.Join(to.Chmod(0o500), to.Sync(), to.Close()); err != nil {
		return copied{}, fmt.Errorf("copy %s: %w", e.Path, err)
	}
	path := filepath.Join(dir, filepath.Base(e.Path))
	if err := os.Rename(to.Name(), path); err != nil {
		return copied{}, fmt.Errorf("copy %s: %w", e.Path, err)
	}
	made, err := check(path, e.SHA256)
	if err != nil {
		return copied{}, fmt.Errorf("check the copy of %s: %w", e.Path, err)
	}
	return made, nil
}

// seal0111 makes an open copy unreadable, and tells what it is known by from then on.
func seal0111(f *os.File, path string) (copied, error) {
	loader, err := loaderOf(f)
	if err != nil {
		return copied{}, err
	}
	if err := f.Chmod(unreadable); err != nil {
		return copied{}, err
	}
	version, err := box.Version(int(f.Fd()))
	return copied{path: path, version: version, loader: loader}, err
}

// loaderOf gives the program that the kernel starts to load another; "" for a static one.
func loaderOf(f io.ReaderAt) (string, error) {
	program, err := elf.NewFile(f)
	if err != nil {
		return "", fmt.Errorf("it is no program of this system: %w", err)
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP && part.Filesz < maxPointer {
			name := make([]byte, part.Filesz)
			if _, err := part.ReadAt(name, 0); err != nil {
				return "", fmt.Errorf("read its loader: %w", err)
			}
			return strings.TrimRight(string(name), "\x00"), nil
		}
	}
	return "", nil
}

// sweepPrograms removes copies that no host has started for long: each version of a program has one.
func sweepPrograms(in string) {
	const unused = 30 * 24 * time.Hour
	dirs, _ := os.ReadDir(in)
	for _, d := range dirs {
		if info, err := d.Info(); err == nil && time.Since(info.ModTime()) > unused {
			_ = os.RemoveAll(filepath.Join(in, d.Name()))
		}
	}
}
