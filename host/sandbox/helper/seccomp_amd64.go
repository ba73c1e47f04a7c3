//go:build linux

package main

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_X86_64

var (
	refusedHere = []uint32{unix.SYS_KEXEC_FILE_LOAD, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_USELIB, unix.SYS_CREATE_MODULE, unix.SYS_NFSSERVCTL, unix.SYS__SYSCTL}
	readsHere   = []uint32{unix.SYS_CHMOD, unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT}
	forks       = []uint32{unix.SYS_FORK, unix.SYS_VFORK}
)

// foreign kills what calls by the x32 numbers.
func (f *filter) foreign() {
	const x32 = 0x40000000
	f.jump(unix.BPF_JGE, x32, 0, 1)
	f.answer(unix.SECCOMP_RET_KILL_PROCESS)
}

// local looks at calls that only this architecture has.
func (f *filter) local(deny uint32) {
	for nr, argument := range map[uint32]uint32{unix.SYS_CHMOD: 1, unix.SYS_CREAT: 1, unix.SYS_MKNOD: 1} {
		f.when(nr, argument, func(g *filter) { g.bits(setID, deny) })
	}
	f.opens(unix.SYS_OPEN, 1, deny)
}
