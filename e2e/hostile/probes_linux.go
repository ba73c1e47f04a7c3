package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probes try one thing each; no error means that it worked.
var probes = map[string]func(aim string) error{
	"read": func(aim string) error {
		b, err := os.ReadFile(aim)
		if err == nil && len(b) == 0 {
			return errHeld
		}
		return err
	},
	// By a way around the path.
	"read-root": func(aim string) error {
		for _, root := range []string{"/proc/1/root", "/proc/self/root", "/proc/self/cwd/../../../../../../..", "/proc/thread-self/root/proc/1/root"} {
			if _, err := os.ReadFile(root + aim); err == nil {
				return nil
			}
		}
		return errHeld
	},
	"read-link": func(aim string) error {
		link := filepath.Join(own(), "link")
		_ = os.Remove(link)
		if err := os.Symlink(aim, link); err != nil {
			return err
		}
		_, err := os.ReadFile(link)
		return err
	},
	"hard-link": func(aim string) error { return os.Link(aim, filepath.Join(own(), fmt.Sprint("hard", os.Getpid()))) },
	"write":     func(aim string) error { return os.WriteFile(aim, []byte("hostile"), 0o600) },
	"list":      func(aim string) error { return some(os.ReadDir(aim)) },
	"exec":      func(aim string) error { return exec.Command(aim, "-c", "true").Run() },
	// Through the loader, which any readable file can be given to.
	"exec-loader": func(aim string) error {
		loaders, _ := filepath.Glob("/lib*/ld-linux*.so.*")
		if len(loaders) == 0 {
			return os.ErrNotExist
		}
		return exec.Command(loaders[0], aim, "-c", "true").Run()
	},
	"exec-own": func(aim string) error {
		path := filepath.Join(own(), "program")
		_ = os.Remove(path)
		if err := copyTo(path, aim); err != nil {
			return err
		}
		return exec.Command(path, "-c", "true").Run()
	},
	"exec-memory": func(aim string) error {
		fd, err := unix.MemfdCreate("program", 0)
		if err != nil {
			return err
		}
		path := "/proc/self/fd/" + strconv.Itoa(fd)
		if err := copyTo(path, aim); err != nil {
			return err
		}
		return exec.Command(path, "-c", "true").Run()
	},
	// In the place of this process: no new one is needed.
	"exec-self": func(aim string) error { return syscall.Exec(aim, []string{aim, "-c", "exit 0"}, nil) },
	"fork": func(string) error {
		err := exec.Command("/proc/self/exe").Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil // It ran, and said that it is a plugin.
		}
		return err
	},
	"tcp":  func(aim string) error { return dial("tcp", aim) },
	"udp":  func(aim string) error { return dial("udp", aim) },
	"unix": func(aim string) error { return dial("unix", aim) },
	"raw": func(string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
		_ = unix.Close(fd)
		return err
	},
	"ptrace": func(aim string) error {
		runtime.LockOSThread()
		pid, _ := strconv.Atoi(aim)
		if err := unix.PtraceSeize(pid); err != nil {
			return err
		}
		// The tracer's end lets go of it.
		return nil
	},
	"memory-of": func(aim string) error {
		pid, _ := strconv.Atoi(aim)
		b := make([]byte, 8)
		local := []unix.Iovec{{Base: &b[0], Len: 8}}
		_, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: uintptr(0x10000), Len: 8}}, 0)
		if err == unix.EFAULT {
			return nil // It may; there is only nothing at that address.
		}
		return err
	},
	"environment-of": func(aim string) error {
		_, err := os.ReadFile("/proc/" + aim + "/environ")
		return err
	},
	"signal": func(aim string) error {
		pid, _ := strconv.Atoi(aim)
		return unix.Kill(pid, 0)
	},
	"pidfd": func(aim string) error {
		pid, _ := strconv.Atoi(aim)
		fd, err := unix.PidfdOpen(pid, 0)
		if err == nil {
			err = unix.PidfdSendSignal(fd, 0, nil, 0)
		}
		return err
	},
	"limits-of": func(aim string) error {
		pid, _ := strconv.Atoi(aim)
		return unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &unix.Rlimit{})
	},
	"namespace": func(string) error {
		runtime.LockOSThread() // and lost with it
		return unix.Unshare(unix.CLONE_NEWUTS | unix.CLONE_NEWUSER*btoi(os.Getuid() != 0))
	},
	"io-uring": func(string) error {
		params := make([]byte, 120)
		fd, _, no := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params[0])), 0)
		if no != 0 {
			return no
		}
		return unix.Close(int(fd))
	},
	"keyring": func(string) error {
		_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true)
		return err
	},
	"setuid-bit": func(string) error {
		path := filepath.Join(own(), "bit")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		return unix.Chmod(path, 0o4755)
	},
	// Other processes that can be seen.
	"processes": func(string) error {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		n := 0
		for _, e := range entries {
			if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() && pid != 1 {
				n++
			}
		}
		if n < 2 {
			return errHeld
		}
		return nil
	},
	// A descriptor that is none of the plugin's.
	"descriptors": func(aim string) error {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return err
		}
		for _, fd := range fds {
			if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.Contains(to, aim) {
				return nil
			}
		}
		return errHeld
	},
	// MIB of memory, all of it touched.
	"use-memory": func(aim string) error {
		mib, _ := strconv.Atoi(aim)
		var all [][]byte
		for range mib {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			all = append(all, b)
		}
		time.Sleep(2 * time.Second) // for those who look only now and then
		runtime.KeepAlive(all)
		return nil
	},
	// N threads at once.
	"use-threads": func(aim string) error {
		n, _ := strconv.Atoi(aim)
		var all sync.WaitGroup
		release := make(chan struct{})
		for range n {
			all.Add(1)
			go func() {
				runtime.LockOSThread()
				all.Done()
				<-release
			}()
		}
		all.Wait()
		close(release)
		return nil
	},
	// MIB in files of its own directory.
	"use-disk": func(aim string) error {
		mib, _ := strconv.Atoi(aim)
		b := make([]byte, 1<<20)
		for i := range mib {
			if err := os.WriteFile(filepath.Join(own(), fmt.Sprint("fill", i)), b, 0o600); err != nil {
				return err
			}
		}
		return nil
	},
	"use-descriptors": func(aim string) error {
		n, _ := strconv.Atoi(aim)
		for range n {
			f, err := os.Open("/proc/self/stat")
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }()
		}
		return nil
	},
	// N connections to the host's socket, all left open.
	"use-connections": func(aim string) error {
		n, _ := strconv.Atoi(aim)
		for range n {
			if _, err := net.Dial("unix", os.Getenv("OPENVIBEZ_HOST_SOCKET")); err != nil {
				return err
			}
		}
		return nil
	},
	"remove-socket": func(string) error { return os.Remove(os.Getenv("OPENVIBEZ_HOST_SOCKET")) },
}

// own is the one directory that a plugin may write to.
func own() string { return os.Getenv("PLUGIN_UNIX_SOCKET_DIR") }

func copyTo(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		// Where there is nothing to copy, this program itself will do.
		if b, err = os.ReadFile("/proc/self/exe"); err != nil {
			return err
		}
	}
	return os.WriteFile(to, b, 0o700)
}

func some(entries []os.DirEntry, err error) error {
	if err == nil && len(entries) == 0 {
		return errHeld
	}
	return err
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
