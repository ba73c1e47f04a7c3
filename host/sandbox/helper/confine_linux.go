package main

import (
	"errors"
	"fmt"
	"os"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// handled are all rights that this kernel's Landlock knows of, and that are refused where no rule allows them.
func handled(version int) ll.RulesetAttr {
	has := func(since int, bits uint) uint64 {
		if version < since {
			return 0
		}
		return 1<<bits - 1
	}
	return ll.RulesetAttr{
		HandledAccessFS:  has(1, 13) | has(2, 14) | has(3, 15) | has(5, 16) | has(9, 17),
		HandledAccessNet: has(4, 2) | has(10, 4),
		Scoped:           has(6, 2),
	}
}

// rules are a Landlock ruleset in the making.
type rules struct {
	fd    int
	knows uint64
}

// allow lets what lies at a path be used so, as far as the kernel tells rights apart.
func (r rules) allow(access uint64, path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if access &= r.knows; access == 0 {
		return nil
	}
	if err := ll.LandlockAddPathBeneathRule(r.fd, &ll.PathBeneathAttr{AllowedAccess: access, ParentFd: fd}, 0); err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	return nil
}

// landlockOff lets the process reach only the files of its box. Around namespaces it is a second wall; where there are
// none it is the only one for files. It stands around the thread that starts the process: to put it around all threads
// each has to be woken, and no other ever does anything for somebody else.
func landlockOff(s *box.Spec, root, plugin *os.File) error {
	const (
		read  = ll.AccessFSReadFile | ll.AccessFSReadDir
		write = ll.AccessFSWriteFile | ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg |
			ll.AccessFSMakeSock | ll.AccessFSMakeFifo | ll.AccessFSMakeSym | ll.AccessFSTruncate | ll.AccessFSRefer
		file   = ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSExecute
		device = ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSIoctlDev
	)
	version, err := ll.LandlockGetABIVersion()
	if err != nil || version < 1 {
		// The probes tell what that is worth.
		return nil
	}
	attr := handled(version)
	var shown uint64 = read | ll.AccessFSExecute
	if plugin != nil || s.Only {
		shown = read
	}
	if s.Walls == box.WallsFull {
		// The network namespace holds nothing to protect, and programs under test listen in it.
		attr.HandledAccessNet = 0
	}
	fd, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return fmt.Errorf("make rules: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	r := rules{fd, attr.HandledAccessFS}
	allow := func(access uint64, path string) {
		if err == nil {
			err = r.allow(access, path)
		}
	}
	if s.Walls == box.WallsFull {
		allow(shown, "/")
		if len(s.Files) > 0 {
			allow(read|write, box.Settings)
		}
	} else if plugin == nil && exists("/proc") {
		// What the mounts would hide is not listed, and so not reachable.
		allow(read, "/proc")
	}
	if exists("/dev/pts") {
		allow(read|ll.AccessFSWriteFile|ll.AccessFSIoctlDev, "/dev/pts")
	}
	for _, d := range devices {
		allow(device, "/dev/"+d)
	}
	for _, b := range s.Binds {
		if b.Empty || s.Walls == box.WallsFull && !b.Write && !b.Fresh && !b.Scrap && !b.Exec && plugin == nil {
			continue
		}
		var st unix.Stat_t
		if err := unix.Lstat(b.Path, &st); err != nil {
			if b.Optional {
				continue
			}
			return err
		}
		access := shown
		if b.Write || b.Fresh || b.Scrap {
			access |= write
		}
		if plugin != nil {
			access |= ll.AccessFSResolveUnix
		}
		switch {
		case st.Mode&unix.S_IFMT == unix.S_IFLNK:
			continue
		case st.Mode&unix.S_IFMT != unix.S_IFDIR:
			if b.Exec {
				access |= ll.AccessFSExecute
			}
			access &= file
		}
		path := b.Path
		if root != nil && path == s.Root {
			// The one that was looked at, whatever lies there by now.
			path = fmt.Sprintf("/proc/self/fd/%d", root.Fd())
		}
		allow(access, path)
	}
	if plugin != nil {
		allow(ll.AccessFSReadFile|ll.AccessFSExecute, fmt.Sprintf("/proc/self/fd/%d", plugin.Fd()))
	}
	if err != nil {
		return err
	}
	return ll.LandlockRestrictSelf(fd, 0)
}

func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }

// dropCapabilities gives up what making the box took; the calling thread's children can't get any back. The filter keeps
// the other threads, which do nothing, from using theirs.
func dropCapabilities() error {
	const secureBits = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<6 | 1<<7 // NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, all locked
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, secureBits, 0, 0, 0); err != nil {
		return fmt.Errorf("lock capabilities: %w", err)
	}
	for c := uintptr(0); ; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			if errors.Is(err, unix.EINVAL) && c > 0 {
				break
			}
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	none := &[2]unix.CapUserData{}
	if err := unix.Capset(header, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

func setLimits(s *box.Spec) error {
	limit := func(what int, n uint64, name string) error {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("limit %s: %w", name, err)
		}
		return nil
	}
	if err := limit(unix.RLIMIT_CORE, 0, "core dumps"); err != nil || s.Walls == box.WallsNone {
		return err
	}
	if n := s.Limits.Files; n > 0 {
		var now unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
			return fmt.Errorf("read limits: %w", err)
		}
		if err := limit(unix.RLIMIT_NOFILE, min(n, now.Max), "open files"); err != nil {
			return err
		}
	}
	if s.Plugin != nil {
		// It may make the files and sockets it needs to be found, but fill none: the disk they are on is the host's.
		if err := limit(unix.RLIMIT_FSIZE, 0, "the size of files"); err != nil {
			return err
		}
	}
	if n := s.Limits.Processes; n > 0 && s.Walls == box.WallsFull {
		// Counted in the user namespace; without one it would count everything the person runs.
		return limit(unix.RLIMIT_NPROC, uint64(n), "processes")
	}
	return nil
}

// loopbackUp starts the only network device there is.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// listenProxy makes a listener at box.ProxyAddr.
func listenProxy() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 3128, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, err
	}
	return fd, unix.Listen(fd, 128)
}
