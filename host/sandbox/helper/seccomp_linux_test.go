package main

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// answerOf goes through a filter as the kernel does.
func answerOf(t *testing.T, f filter, nr uint32, arguments ...uint64) uint32 {
	t.Helper()
	data := make([]byte, 64)
	binary.NativeEndian.PutUint32(data, nr)
	binary.NativeEndian.PutUint32(data[4:], auditArch)
	for i, a := range arguments {
		binary.NativeEndian.PutUint64(data[16+8*i:], a)
	}
	var acc uint32
	for at := 0; at < len(f); at++ {
		in := f[at]
		holds := false
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			acc = binary.NativeEndian.Uint32(data[in.K:])
			continue
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		case unix.BPF_JMP | unix.BPF_JA:
			at += int(in.K)
			continue
		case unix.BPF_JMP | unix.BPF_K | unix.BPF_JEQ:
			holds = acc == in.K
		case unix.BPF_JMP | unix.BPF_K | unix.BPF_JGE:
			holds = acc >= in.K
		case unix.BPF_JMP | unix.BPF_K | unix.BPF_JGT:
			holds = acc > in.K
		case unix.BPF_JMP | unix.BPF_K | unix.BPF_JSET:
			holds = acc&in.K != 0
		default:
			t.Fatalf("instruction %d is of no kind that is used: %+v", at, in)
		}
		if holds {
			at += int(in.Jt)
		} else {
			at += int(in.Jf)
		}
	}
	t.Fatalf("call %d has no answer", nr)
	return 0
}

func TestFilterRefusesWhatIsListedAndNothingElse(t *testing.T) {
	deny, unknown := errno(unix.EPERM), errno(unix.ENOSYS)
	for name, spec := range map[string]*box.Spec{
		"command": {Walls: box.WallsFull},
		"plugin":  {Walls: box.WallsFull, Plugin: &box.Plugin{}},
		"program": {Walls: box.WallsFull, Only: true},
		"reduced": {Walls: box.WallsReduced},
		"reads":   {Walls: box.WallsReduced, Reads: true},
	} {
		f := makeFilter(spec)
		never := slices.Concat(refused, refusedHere)
		if spec.Plugin != nil {
			never = slices.Concat(never, refusedPlugin, forks)
		}
		if spec.Only {
			never = slices.Concat(never, refusedPlugin)
		}
		if spec.Walls == box.WallsReduced {
			never = slices.Concat(never, refusedReduced)
			if spec.Reads {
				never = slices.Concat(never, refusedReads, readsHere)
			}
			for nr, argument := range ofOthers {
				if got := answerOf(t, f, nr, []uint64{4711, 4711}...); got != deny {
					t.Errorf("%s: call %d for another process: %#x (argument %d)", name, nr, got, argument)
				}
			}
		}
		for nr := range uint32(1024) {
			want := uint32(unix.SECCOMP_RET_ALLOW)
			switch {
			case slices.Contains(never, nr):
				want = deny
			case nr == unix.SYS_CLONE3, nr == unix.SYS_OPENAT2:
				want = unknown
			case nr == unix.SYS_SOCKET:
				// Of no family that is allowed.
				want = errno(unix.EAFNOSUPPORT)
				if got := answerOf(t, f, nr, unix.AF_UNIX); spec.Walls == box.WallsFull && got != unix.SECCOMP_RET_ALLOW {
					t.Errorf("%s: a unix socket: %#x", name, got)
				}
			case nr == unix.SYS_CLONE && spec.Plugin != nil:
				want = deny
				if got := answerOf(t, f, nr, unix.CLONE_THREAD); got != unix.SECCOMP_RET_ALLOW {
					t.Errorf("%s: a thread: %#x", name, got)
				}
			}
			if got := answerOf(t, f, nr); got != want {
				t.Errorf("%s: call %d: %#x instead of %#x", name, nr, got, want)
			}
		}
		for _, c := range []struct {
			nr        uint32
			arguments []uint64
		}{
			{unix.SYS_CLONE, []uint64{unix.CLONE_NEWUSER}},
			{unix.SYS_IOCTL, []uint64{0, unix.TIOCSTI}},
			{unix.SYS_FCHMOD, []uint64{0, 0o4755}},
			{unix.SYS_FCHMODAT, []uint64{0, 0, 0o2755}},
			{unix.SYS_OPENAT, []uint64{0, 0, unix.O_CREAT, 0o4755}},
		} {
			if got := answerOf(t, f, c.nr, c.arguments...); got != deny {
				t.Errorf("%s: call %d with %#x: %#x", name, c.nr, c.arguments, got)
			}
		}
		if got := answerOf(t, f, unix.SYS_OPENAT, 0, 0, 0, 0o4755); got != unix.SECCOMP_RET_ALLOW {
			t.Errorf("%s: open without making: %#x", name, got)
		}
	}
}
