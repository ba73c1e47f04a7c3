package main

import (
	"fmt"
	"maps"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// refused are system calls that reach beyond the box, or that more holes have been found in than programs need them.
var refused = []uint32{
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_MADVISE,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_FANOTIFY_INIT,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_TREE_ATTR,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
	unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_VHANGUP,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
	unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_PERSONALITY, unix.SYS_SYSLOG,
}

// refusedPlugin are what a plugin has no use for, nor a program that may start no others: ways to execute what is no file.
var refusedPlugin = []uint32{unix.SYS_EXECVEAT, unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET}

// refusedReduced are what namespaces keep within the box, and Landlock knows nothing of: other processes, and memory that
// is shared by a number or a name.
var refusedReduced = []uint32{
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES,
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL, unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL,
	unix.SYS_SEMGET, unix.SYS_SEMOP, unix.SYS_SEMTIMEDOP, unix.SYS_SEMCTL, unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK,
}

// ofOthers change a process, by the number in this argument; 0 is the caller itself.
var ofOthers = map[uint32]uint32{
	unix.SYS_PRLIMIT64: 0, unix.SYS_SETPRIORITY: 1, unix.SYS_GETPRIORITY: 1, unix.SYS_IOPRIO_SET: 1, unix.SYS_SCHED_SETAFFINITY: 0,
	unix.SYS_SCHED_SETATTR: 0, unix.SYS_SCHED_SETPARAM: 0, unix.SYS_SCHED_SETSCHEDULER: 0,
}

// refusedReads change what Landlock does not govern: modes, owners, times and attributes, of whatever can be named.
var refusedReads = []uint32{
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT, unix.SYS_TRUNCATE,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT, unix.SYS_FILE_SETATTR,
}

const (
	setFlags = unix.FS_IOC_SETFLAGS
	setXattr = 0x401c5820 // FS_IOC_FSSETXATTR
)

const (
	newNamespaces = unix.CLONE_NEWCGROUP | unix.CLONE_NEWIPC | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID |
		unix.CLONE_NEWUSER | unix.CLONE_NEWUTS | unix.CLONE_NEWTIME
	setID = 0o6000
	// creates are the flags with which open looks at its mode. O_TMPFILE without the O_DIRECTORY in it.
	creates = unix.O_CREAT | unix.O_TMPFILE&^unix.O_DIRECTORY
)

// A filter is a BPF program. It keeps the system call's number in the accumulator between the parts.
type filter []unix.SockFilter

func makeFilter(s *box.Spec) filter {
	f := filter{}
	f.load(4) // architecture
	f.jump(unix.BPF_JEQ, auditArch, 1, 0)
	f.answer(unix.SECCOMP_RET_KILL_PROCESS)
	f.load(0) // number
	f.foreign()

	deny := errno(unix.EPERM)
	never := slices.Concat(refused, refusedHere)
	if s.Plugin != nil {
		never = slices.Concat(never, refusedPlugin, forks)
	}
	if s.Only {
		never = slices.Concat(never, refusedPlugin)
	}
	if s.Walls == box.WallsReduced {
		never = slices.Concat(never, refusedReduced)
		if s.Reads {
			never = slices.Concat(never, refusedReads, readsHere)
		}
	}
	f.refuse(never, deny)
	// Their arguments are in memory, out of a filter's sight; programs fall back to the older calls.
	f.refuse([]uint32{unix.SYS_CLONE3, unix.SYS_OPENAT2}, errno(unix.ENOSYS))
	if s.Plugin != nil {
		f.when(unix.SYS_CLONE, 0, func(g *filter) {
			g.jump(unix.BPF_JSET, unix.CLONE_THREAD, 1, 0)
			g.answer(deny)
		})
	}
	f.when(unix.SYS_CLONE, 0, func(g *filter) { g.bits(newNamespaces, deny) })
	f.when(unix.SYS_IOCTL, 1, func(g *filter) {
		g.value(unix.TIOCSTI, deny)
		g.value(unix.TIOCLINUX, deny)
		if s.Walls == box.WallsReduced && s.Reads {
			g.value(setFlags, deny)
			g.value(setXattr, deny)
		}
	})
	if s.Walls == box.WallsReduced {
		for _, nr := range slices.Sorted(maps.Keys(ofOthers)) {
			f.when(nr, ofOthers[nr], func(g *filter) {
				g.jump(unix.BPF_JEQ, 0, 1, 0)
				g.answer(deny)
			})
		}
	}
	f.when(unix.SYS_FCHMOD, 1, func(g *filter) { g.bits(setID, deny) })
	f.when(unix.SYS_FCHMODAT, 2, func(g *filter) { g.bits(setID, deny) })
	f.when(unix.SYS_FCHMODAT2, 2, func(g *filter) { g.bits(setID, deny) })
	f.when(unix.SYS_MKNODAT, 2, func(g *filter) { g.bits(setID, deny) })
	f.opens(unix.SYS_OPENAT, 2, deny)
	f.local(deny)
	f.when(unix.SYS_SOCKET, 0, func(g *filter) {
		families := []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}
		switch {
		case s.Plugin != nil:
			// The host talks to it over them.
			families = families[:1]
		case s.Walls != box.WallsFull:
			// Without namespaces nothing else keeps it from the host's sockets. Pairs remain.
			families = nil
		}
		for _, family := range families {
			g.value(family, unix.SECCOMP_RET_ALLOW)
		}
		g.answer(errno(unix.EAFNOSUPPORT))
	})
	f.answer(unix.SECCOMP_RET_ALLOW)
	return f
}

func errno(e syscall.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(e) }

// load puts a field of seccomp_data into the accumulator.
func (f *filter) load(offset uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset})
}

func (f *filter) jump(op uint16, k uint32, yes, no uint8) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | op, K: k, Jt: yes, Jf: no})
}

func (f *filter) answer(what uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what})
}

// refuse answers what to system calls. The numbers are sorted, so that only one part of them is gone through: the kernel
// does it for every number that there is when it takes the filter.
func (f *filter) refuse(numbers []uint32, what uint32) {
	const part = 12
	numbers = slices.Sorted(slices.Values(numbers))
	for len(numbers) > 0 {
		n := min(part, len(numbers))
		f.jump(unix.BPF_JGT, numbers[n-1], uint8(n+2), 0)
		for i, nr := range numbers[:n] {
			f.jump(unix.BPF_JEQ, nr, uint8(n-i), 0)
		}
		numbers = numbers[n:]
		rest := len(numbers) + 3*((len(numbers)+part-1)/part)
		f.jump(unix.BPF_JA, uint32(1+rest), 0, 0)
		f.answer(what)
	}
}

// value answers what if the accumulator is v.
func (f *filter) value(v, what uint32) {
	f.jump(unix.BPF_JEQ, v, 0, 1)
	f.answer(what)
}

// bits answers what if the accumulator has any of the bits.
func (f *filter) bits(mask, what uint32) {
	f.jump(unix.BPF_JSET, mask, 0, 1)
	f.answer(what)
}

// when looks closer at one system call: inside, the accumulator holds the lower half of an argument. All machines with
// a table here keep the lower half first.
func (f *filter) when(nr uint32, argument uint32, inside func(*filter)) {
	part := filter{}
	part.load(16 + 8*argument)
	inside(&part)
	part.load(0)
	f.jump(unix.BPF_JEQ, nr, 0, uint8(len(part)))
	*f = append(*f, part...)
}

// opens refuses to make files with a set-ID mode. Without the flags to make one the mode is whatever was in the register.
func (f *filter) opens(nr, flags, what uint32) {
	f.when(nr, flags, func(g *filter) {
		g.jump(unix.BPF_JSET, creates, 0, 3)
		g.load(16 + 8*(flags+1))
		g.bits(setID, what)
	})
}

// loadFilter puts all threads of this process under f.
func loadFilter(f filter) error {
	program := &unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	r, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(program)))
	if e != 0 {
		return e
	}
	if r != 0 {
		return fmt.Errorf("thread %d has a filter of its own", r)
	}
	return nil
}
