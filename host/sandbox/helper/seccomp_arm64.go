//go:build linux

package main

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

var (
	refusedHere = []uint32{unix.SYS_KEXEC_FILE_LOAD, unix.SYS_NFSSERVCTL}
	readsHere   []uint32
	forks       []uint32
)

// foreign has nothing to do: 32-bit programs call under another architecture.
func (f *filter) foreign() {}

// local has nothing to do: the older calls do not exist here.
func (f *filter) local(uint32) {}
