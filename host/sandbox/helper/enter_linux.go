package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/folder"
)

// enter goes to the working directory. The workspace is opened and looked at once it is open, so that nothing that lies
// in its place by now is taken for it: in a box this is what the box shows.
func (r *runner) enter() error {
	s := r.spec
	if s.Identity == "" {
		if err := os.Chdir(s.Dir); err != nil {
			return fmt.Errorf("enter directory: %w", err)
		}
		return nil
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, s.Root, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return fmt.Errorf("enter %s: %w", s.Root, err)
	}
	r.root = os.NewFile(uintptr(fd), s.Root)
	id, err := folder.OfDescriptor(fd)
	if err != nil {
		return fmt.Errorf("look at %s: %w", s.Root, err)
	}
	if id.String() != s.Identity {
		return fmt.Errorf("another directory lies at %s than the one this was allowed in", s.Root)
	}
	below, is := strings.CutPrefix(s.Dir, strings.TrimSuffix(s.Root, "/")+"/")
	if !is {
		if s.Dir != s.Root {
			if err := os.Chdir(s.Dir); err != nil {
				return fmt.Errorf("enter directory: %w", err)
			}
			return nil
		}
		below = "."
	}
	in, err := unix.Openat2(fd, below, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH})
	if err != nil {
		return fmt.Errorf("enter %s: %w", s.Dir, err)
	}
	defer func() { _ = unix.Close(in) }()
	return unix.Fchdir(in)
}
