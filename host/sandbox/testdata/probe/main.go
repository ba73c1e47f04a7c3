// Command probe tries what a box must not let through. It exits with 0 when it got through, with 1 when it did not.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	if os.Getenv("PROBE_PLUGIN") != "" {
		plugin()
		return
	}
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	err := try(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Println("held:", err)
		os.Exit(1)
	}
	fmt.Println("reached")
}

func try(what string, args []string) error {
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(arg(i))
		return n
	}
	switch what {
	case "read":
		_, err := os.ReadFile(arg(0))
		return err
	case "list":
		names, err := os.ReadDir(arg(0))
		if err == nil && len(names) == 0 {
			return errors.New("empty")
		}
		return err
	case "write", "change":
		flags := os.O_WRONLY | os.O_APPEND
		if what == "write" {
			flags |= os.O_CREATE
		}
		f, err := os.OpenFile(arg(0), flags, 0o644)
		if err != nil {
			return err
		}
		_, err = f.WriteString("reached\n")
		return errors.Join(err, f.Close())
	case "touch":
		now := time.Now()
		return os.Chtimes(arg(0), now, now)
	case "chmod":
		mode, err := strconv.ParseUint(arg(1), 8, 32)
		if err != nil {
			return err
		}
		return unix.Chmod(arg(0), uint32(mode))
	case "chown":
		return unix.Chown(arg(0), os.Getuid(), os.Getgid())
	case "setxattr":
		return unix.Setxattr(arg(0), "user.probe", []byte("x"), 0)
	case "truncate":
		return unix.Truncate(arg(0), 0)
	case "fchmodat2":
		mode, err := strconv.ParseUint(arg(1), 8, 32)
		if err != nil {
			return err
		}
		return unix.Fchmodat(unix.AT_FDCWD, arg(0), uint32(mode), unix.AT_SYMLINK_NOFOLLOW)
	case "create-setuid":
		fd, err := unix.Open(arg(0), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0o4755)
		if err != nil {
			return err
		}
		defer os.Remove(arg(0))
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return err
		}
		if st.Mode&0o4000 == 0 {
			return errors.New("made without the bit")
		}
		return nil
	case "mknod-setuid":
		defer os.Remove(arg(0))
		return unix.Mknod(arg(0), unix.S_IFREG|0o4755, 0)
	case "rename":
		return os.Rename(arg(0), arg(1))
	case "mkdir":
		return os.Mkdir(arg(0), 0o755)
	case "link":
		return os.Link(arg(0), arg(1))
	case "link-open":
		f, err := os.Open(arg(0))
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, arg(1), unix.AT_SYMLINK_FOLLOW)
	case "link-change":
		if err := os.Link(arg(0), arg(1)); err != nil {
			return err
		}
		return try("change", args[1:])
	case "rewrite":
		// Writes what is there already, for places where anything else would change the machine.
		b, err := os.ReadFile(arg(0))
		if err != nil {
			return err
		}
		f, err := os.OpenFile(arg(0), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		return errors.Join(err, f.Close())
	case "keychain":
		return keychain(arg(0), arg(1))
	case "proxy":
		return tunnel(arg(0))
	case "tcp", "udp":
		c, err := net.DialTimeout(what, arg(0), 3*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(3 * time.Second))
		if _, err := c.Write([]byte("ping")); err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 4))
		return err
	case "unix":
		c, err := net.Dial("unix", arg(0))
		if err != nil {
			return err
		}
		return c.Close()
	case "unixgram":
		c, err := net.Dial("unixgram", arg(0))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("x"))
		return err
	case "listen":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go func() {
			if c, err := l.Accept(); err == nil {
				_, _ = c.Write([]byte("x"))
			}
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 1))
		return err
	case "family":
		fd, err := unix.Socket(number(0), unix.SOCK_DGRAM, number(1))
		if err != nil {
			return err
		}
		return unix.Close(fd)
	case "ptrace":
		runtime.LockOSThread() // only the thread that attached may detach
		if err := unix.PtraceAttach(number(0)); err != nil {
			return err
		}
		_, _ = unix.Wait4(number(0), nil, 0, nil)
		return unix.PtraceDetach(number(0))
	case "vmread":
		b := make([]byte, 1)
		local := []unix.Iovec{{Base: &b[0], Len: 1}}
		_, err := unix.ProcessVMReadv(number(0), local, []unix.RemoteIovec{{Base: uintptr(number(1)), Len: 1}}, 0)
		return err
	case "signal":
		return unix.Kill(number(0), 0)
	case "prlimit":
		var old unix.Rlimit
		return unix.Prlimit(number(0), unix.RLIMIT_NOFILE, nil, &old)
	case "pidfd":
		_, err := unix.PidfdOpen(number(0), 0)
		return err
	case "priority":
		_, err := unix.Getpriority(unix.PRIO_PROCESS, number(0))
		return err
	case "shm":
		// A System V segment of the host, by its key.
		_, _, e := unix.Syscall(unix.SYS_SHMGET, uintptr(number(0)), 0, 0)
		return maybe(e)
	case "userns":
		cmd := exec.Command("/bin/true")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
		return cmd.Run()
	case "setns":
		fd, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			return err
		}
		return nil
	case "mount":
		return unix.Mount("none", arg(0), "tmpfs", 0, "")
	case "fsopen":
		fd, err := unix.Fsopen("tmpfs", 0)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	case "chroot":
		return unix.Chroot("/")
	case "io_uring":
		var params [120]byte
		fd, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
		if e == 0 {
			_ = unix.Close(int(fd))
		}
		return maybe(e)
	case "bpf":
		_, _, e := unix.Syscall(unix.SYS_BPF, 0xffff, 0, 0)
		if e == unix.EINVAL {
			return nil
		}
		return maybe(e)
	case "perf":
		attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Bits: unix.PerfBitExcludeKernel}
		fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, 0)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	case "userfaultfd":
		fd, _, e := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|1, 0, 0)
		if e == 0 {
			_ = unix.Close(int(fd))
		}
		return maybe(e)
	case "keyring":
		_, err := unix.AddKey("user", "probe", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
		return err
	case "handle":
		handle, mount, err := unix.NameToHandleAt(unix.AT_FDCWD, arg(0), 0)
		if err != nil {
			return err
		}
		_ = mount
		dir, err := unix.Open(filepath.Dir(arg(0)), unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		_, err = unix.OpenByHandleAt(dir, handle, unix.O_RDONLY)
		return err
	case "tiocsti":
		// On a terminal of its own: what matters is that the request itself is refused.
		master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer master.Close()
		// 64-bit requests whose lower half is TIOCSTI are the same to the kernel.
		_, _, e := unix.Syscall(unix.SYS_IOCTL, master.Fd(), unix.TIOCSTI|1<<40, uintptr(unsafe.Pointer(&[]byte("x")[0])))
		if e == unix.EIO {
			// The kernel itself has it switched off: the filter did not answer.
			return nil
		}
		return maybe(e)
	case "tty":
		f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return f.Close()
	case "descriptor":
		var st unix.Stat_t
		return unix.Fstat(number(0), &st)
	case "descriptors":
		var found []string
		for fd := 3; fd < 1024; fd++ {
			var st unix.Stat_t
			name, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
			if unix.Fstat(fd, &st) == nil && !strings.HasPrefix(name, "anon_inode:") && !strings.HasPrefix(name, "/sys") {
				found = append(found, strconv.Itoa(fd)+" "+name)
			}
		}
		if len(found) == 0 {
			return errors.New("none")
		}
		fmt.Println(found)
		return nil
	case "forge":
		// Write into the output of the process that stands beside this one.
		f, err := os.OpenFile("/proc/1/fd/"+arg(0), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("FORGED\n")
		return err
	case "memory-of":
		f, err := os.OpenFile("/proc/"+arg(0)+"/mem", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return f.Close()
	case "memfd":
		return runMemfd()
	case "exec":
		return exec.Command(arg(0), args[1:]...).Run()
	case "fork":
		cmd := exec.Command("/proc/self/exe", "nothing")
		if err := cmd.Start(); err != nil {
			return err
		}
		_ = cmd.Wait()
		return nil
	case "stdin":
		b, err := io.ReadAll(os.Stdin)
		if err == nil && len(b) == 0 {
			return errors.New("empty")
		}
		return err
	case "daemon":
		// A process that leaves everything behind and writes to a file for as long as it lives.
		cmd := exec.Command(os.Args[0], "tick", arg(0))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		return cmd.Start()
	case "tick":
		for {
			if err := os.WriteFile(arg(0), []byte(strconv.FormatInt(time.Now().UnixNano(), 10)), 0o644); err != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "swap":
		// Swaps a directory for a link and back, for as long as it lives: a race for whoever looks before opening.
		for {
			_ = os.Rename(arg(0), arg(0)+".real")
			_ = os.Symlink(arg(1), arg(0))
			_ = os.Remove(arg(0))
			_ = os.Rename(arg(0)+".real", arg(0))
		}
	case "eat":
		var kept [][]byte
		for range number(0) {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = byte(i)
			}
			kept = append(kept, b)
		}
		if len(kept) != number(0) {
			return errors.New("no memory")
		}
		return nil
	case "nothing":
		return nil
	case "echo":
		// Each line that comes is one to try; what comes of it goes back.
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			if err := try(words[0], words[1:]); err != nil {
				fmt.Println("held:", err)
			} else {
				fmt.Println("reached")
			}
		}
		return lines.Err()
	case "parent":
		// Look into the process that started this one.
		return try("read", []string{fmt.Sprintf("/proc/%d/%s", os.Getppid(), arg(0))})
	case "copy":
		b, err := os.ReadFile(arg(0))
		if err != nil {
			return err
		}
		return os.WriteFile(arg(1), b, 0o755)
	case "bridge":
		c, err := net.Dial("tcp", "127.0.0.1:3128")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte(arg(0)))
		return err
	case "capabilities":
		b, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			if name, set, _ := strings.Cut(strings.TrimSpace(line), ":\t"); strings.HasPrefix(name, "Cap") && name != "CapInh" && strings.Trim(set, "0") != "" {
				fmt.Println(name, set)
				return nil
			}
		}
		return errors.New("none")
	}
	return fmt.Errorf("no probe %q", what)
}

func maybe(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// runMemfd executes a program that is in no file.
func runMemfd() error {
	fd, err := unix.MemfdCreate("probe", 0)
	if err != nil {
		return err
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	if _, err := unix.Write(fd, program); err != nil {
		return err
	}
	return exec.Command(fmt.Sprintf("/proc/self/fd/%d", fd), "nothing").Run()
}
