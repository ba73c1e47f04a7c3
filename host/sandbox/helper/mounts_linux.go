package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// A root is built beside the old one, which is then left for good: what was not put in does not exist.
type root struct {
	fd int
}

// devices are all that /dev holds, besides terminals of its own.
var devices = []string{"null", "zero", "full", "random", "urandom"}

func makeRoot(s *box.Spec) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("detach from the host's mounts: %w", err)
	}
	// Taken before anything is covered or made, so that nothing made here can be mistaken for the host's.
	trees := make([]int, len(s.Binds))
	for i, b := range s.Binds {
		fd, err := take(s, b)
		if err != nil {
			return fmt.Errorf("show %s: %w", b.Path, err)
		}
		trees[i] = fd
	}
	devs := make([]int, len(devices))
	for i, d := range devices {
		fd, err := openTree("/dev/"+d, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
		if err != nil {
			return fmt.Errorf("show /dev/%s: %w", d, err)
		}
		devs[i] = fd
	}
	proc, err := makeProc(s)
	if err != nil {
		return fmt.Errorf("make /proc: %w", err)
	}

	r := &root{}
	if r.fd, err = makeTmpfs("0755", 1<<20); err != nil {
		return fmt.Errorf("make root: %w", err)
	}
	// Any directory does as the place of a moment.
	if err := unix.MoveMount(r.fd, "", unix.AT_FDCWD, "/dev", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount root: %w", err)
	}
	if err := r.furnish(s, proc, devs); err != nil {
		return err
	}
	for i, b := range s.Binds {
		if trees[i] < 0 {
			continue
		}
		if err := r.put(trees[i], b.Path); err != nil {
			return fmt.Errorf("show %s: %w", b.Path, err)
		}
		if b.Path == s.Temp {
			if err := r.alsoTemp(s); err != nil {
				return err
			}
		}
	}
	if s.Only {
		if _, err := r.at(s.Dir, true); err != nil {
			return fmt.Errorf("make %s: %w", s.Dir, err)
		}
	}
	for name, target := range s.Links {
		if err := r.link(target, name); err != nil && !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	if len(s.Files) > 0 {
		fd, err := makeTmpfs("0700", 1<<20)
		if err == nil {
			err = r.put(fd, box.Settings)
		}
		if err != nil {
			return fmt.Errorf("make %s: %w", box.Settings, err)
		}
	}
	for name, text := range s.Files {
		if err := r.write(path.Join(box.Settings, name), text); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := setAttr(r.fd, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV, 0); err != nil {
		return fmt.Errorf("make root read-only: %w", err)
	}
	if err := unix.Fchdir(r.fd); err != nil {
		return fmt.Errorf("enter root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	return os.Chdir("/")
}

// furnish makes what every box has: /dev and /proc.
func (r *root) furnish(s *box.Spec, proc int, devs []int) error {
	if err := r.put(proc, "/proc"); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	dev, err := r.at("/dev", true)
	if err != nil {
		return err
	}
	for i, d := range devices {
		if err := r.put(devs[i], "/dev/"+d); err != nil {
			return fmt.Errorf("mount /dev/%s: %w", d, err)
		}
	}
	links := map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
	if s.Temp != "" {
		links["ptmx"] = "pts/ptmx"
		pts, err := makeFS("devpts", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC, "ptmxmode", "0666", "mode", "0600")
		if err == nil {
			err = r.put(pts, "/dev/pts")
		}
		if err != nil {
			return fmt.Errorf("make terminals: %w", err)
		}
		if _, err := r.at("/run", true); err != nil {
			return err
		}
		if !shows(s, "/var/run") {
			if err := r.link("/run", "/var/run"); err != nil {
				return err
			}
		}
	}
	for name, target := range links {
		if err := unix.Symlinkat(target, dev, name); err != nil {
			return fmt.Errorf("link /dev/%s: %w", name, err)
		}
	}
	return nil
}

// alsoTemp makes the other names of the place for temporary files. Where something is to be shown below one, that is a
// directory with the same in it: nothing can be shown below a link.
func (r *root) alsoTemp(s *box.Spec) error {
	for _, name := range []string{"/var/tmp", "/dev/shm"} {
		if !shows(s, name) {
			if err := r.link(s.Temp, name); err != nil {
				return err
			}
			continue
		}
		again, err := unix.OpenTree(r.fd, strings.TrimPrefix(s.Temp, "/"), unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err == nil {
			err = r.put(again, name)
		}
		if err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
	}
	return nil
}

// shows tells whether something of the host is shown at a place or below it.
func shows(s *box.Spec, place string) bool {
	return slices.ContainsFunc(s.Binds, func(b box.Bind) bool { return b.Path == place || strings.HasPrefix(b.Path, place+"/") })
}

func (r *root) link(target, name string) error {
	dir, err := r.at(path.Dir(name), true)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(dir) }()
	if err := unix.Symlinkat(target, dir, path.Base(name)); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return nil
}

// take detaches a copy of the mounts at a path, which must be free of symbolic links: somebody in another box may be
// swapping directories for links meanwhile. It gives -1 for what may be missing and is.
func take(s *box.Spec, b box.Bind) (int, error) {
	if b.Fresh {
		mode := "0700"
		if b.Path == s.Temp {
			mode = "1777"
		}
		fd, err := makeTmpfs(mode, s.Limits.Temp)
		if err == nil && s.Only {
			err = setAttr(fd, unix.MOUNT_ATTR_NOEXEC, 0)
		}
		return fd, err
	}
	from := b.From
	if from == "" {
		from = b.Path
	}
	at, err := unix.Openat2(unix.AT_FDCWD, from, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if b.Optional && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ELOOP)) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(at) }()
	if b.Version != "" {
		if now, err := box.Version(at); err != nil || now != b.Version {
			return -1, errors.Join(errors.New("it is not the file that was checked"), err)
		}
	}
	attr := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
	if s.Only && !b.Exec {
		attr |= unix.MOUNT_ATTR_NOEXEC
	}
	if b.Empty {
		var st unix.Stat_t
		if err := unix.Fstat(at, &st); err != nil {
			return -1, err
		}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return makeFS("tmpfs", attr|unix.MOUNT_ATTR_RDONLY, "mode", "0000", "size", "4096")
		}
		return openTree("/dev/null", attr|unix.MOUNT_ATTR_RDONLY)
	}
	if b.Scrap {
		fd, err := takeScrap(at, s.Limits.Temp)
		if err != nil {
			// Kernels before 5.11, or what nothing can be laid over: then it begins with nothing.
			return makeTmpfs("0700", s.Limits.Temp)
		}
		return fd, nil
	}
	if !b.Write {
		attr |= unix.MOUNT_ATTR_RDONLY
	}
	fd, err := unix.OpenTree(at, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return -1, err
	}
	return fd, setAttr(fd, attr, unix.AT_RECURSIVE)
}

// takeScrap lays a new directory over an open one: what is written goes there, and vanishes with the box.
func takeScrap(lower int, size int64) (int, error) {
	upper, err := makeTmpfs("0700", size)
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(upper) }()
	// It has to be mounted for as long as it takes to name it; any directory does.
	const at = "/dev"
	if err := unix.MoveMount(upper, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return -1, err
	}
	defer func() { _ = unix.Unmount(at, unix.MNT_DETACH) }()
	for _, name := range []string{"/upper", "/work"} {
		if err := unix.Mkdir(at+name, 0o700); err != nil {
			return -1, err
		}
	}
	// Its path could be read as several, by the signs in it.
	if err := unix.Fchdir(lower); err != nil {
		return -1, err
	}
	return makeFS("overlay", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV, "lowerdir", ".",
		"upperdir", at+"/upper", "workdir", at+"/work", "userxattr", "")
}

func openTree(name string, attr uint64) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return -1, err
	}
	return fd, setAttr(fd, attr, unix.AT_RECURSIVE)
}

func setAttr(fd int, set uint64, flags uint) error {
	return unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|flags, &unix.MountAttr{Attr_set: set})
}

func makeTmpfs(mode string, size int64) (int, error) {
	options := []string{"mode", mode}
	if size > 0 {
		// A file without content costs about a kilobyte too.
		options = append(options, "size", strconv.FormatInt(size, 10), "nr_inodes", strconv.FormatInt(size/1024, 10))
	}
	return makeFS("tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV, options...)
}

// makeFS makes a new filesystem, not mounted anywhere yet.
func makeFS(kind string, attr uint64, options ...string) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(fs) }()
	for o := range slices.Chunk(options, 2) {
		set := func() error { return unix.FsconfigSetString(fs, o[0], o[1]) }
		if o[1] == "" {
			set = func() error { return unix.FsconfigSetFlag(fs, o[0]) }
		}
		if err := set(); err != nil {
			return -1, fmt.Errorf("option %s=%s: %w", o[0], o[1], err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, int(attr))
}

// put mounts a tree at a path of the new root and makes that path where it is missing.
func (r *root) put(tree int, name string) error {
	defer func() { _ = unix.Close(tree) }()
	var st unix.Stat_t
	if err := unix.Fstat(tree, &st); err != nil {
		return err
	}
	target, err := r.at(name, st.Mode&unix.S_IFMT == unix.S_IFDIR)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(target) }()
	return unix.MoveMount(tree, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

// at opens a path of the new root, never through a symbolic link, and makes it where it is missing.
func (r *root) at(name string, dir bool) (int, error) {
	rel := strings.TrimPrefix(path.Clean(name), "/")
	if rel == "" {
		rel = "."
	}
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(r.fd, rel, how)
	if !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	parent, err := r.at(path.Dir("/"+rel), true)
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(parent) }()
	if dir {
		err = unix.Mkdirat(parent, path.Base(rel), 0o755)
	} else {
		var made int
		if made, err = unix.Openat(parent, path.Base(rel), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o644); err == nil {
			err = unix.Close(made)
		}
	}
	if err != nil {
		return -1, err
	}
	return unix.Openat2(r.fd, rel, how)
}

func (r *root) write(name, text string) error {
	dir, err := r.at(path.Dir(name), true)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(dir) }()
	fd, err := unix.Openat(dir, path.Base(name), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// makeProc makes a /proc of the new process namespace. It is read-only: for root the kernel's settings are files there.
func makeProc(s *box.Spec) (int, error) {
	attr := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC)
	fd, err := makeFS("proc", attr)
	if errors.Is(err, unix.EPERM) {
		// In a container whose own /proc is read-only.
		return makeFS("proc", attr|unix.MOUNT_ATTR_RDONLY)
	}
	if err != nil {
		return -1, err
	}
	if s.Limits.Processes > 0 && kernelAtLeast(6, 14) {
		// Since then this is a setting of the namespace; before it was everybody's. It binds root too, as RLIMIT_NPROC does not.
		if f, err := unix.Openat(fd, "sys/kernel/pid_max", unix.O_WRONLY|unix.O_CLOEXEC, 0); err == nil {
			_, _ = unix.Write(f, []byte(strconv.FormatInt(s.Limits.Processes+301, 10)))
			_ = unix.Close(f)
		}
	}
	return fd, setAttr(fd, attr|unix.MOUNT_ATTR_RDONLY, 0)
}

func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	first, rest, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), ".")
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		rest = rest[:i]
	}
	a, badMajor := strconv.Atoi(first)
	b, badMinor := strconv.Atoi(rest)
	return badMajor == nil && badMinor == nil && (a > major || a == major && b >= minor)
}
