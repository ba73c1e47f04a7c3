package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// probe tries from inside a box what must not work, and prints what it found.
func probe(given string) int {
	p := &box.Probe{}
	b, err := hex.DecodeString(given)
	if err != nil || p.Decode(b) != nil {
		return exitMisuse
	}
	var findings []box.Finding
	try := func(name string, err error) {
		f := box.Finding{Name: name, Held: err != nil, Words: "reached"}
		if err != nil {
			f.Words = err.Error()
		}
		findings = append(findings, f)
	}
	try("write outside the workspace", writes(p.Outside))
	_, err = os.ReadFile(p.Secret)
	try("read the home directory", err)
	try("change .git", writes(path.Join(p.Git, "config")))
	try("move .git away", os.Rename(p.Git, p.Git+"-away"))
	try("reach a server on this machine", connect(unix.AF_INET, &unix.SockaddrInet4{Port: p.Port, Addr: [4]byte{127, 0, 0, 1}}))
	try("reach a socket of another program", connectUnix(p.Socket))
	try("reach an abstract socket", connectUnix("@"+p.Abstract))
	try("signal another program", unix.Kill(p.PID, 0))
	_, err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID))
	try("read another program's environment", err)
	_, err = syscall.ForkExec("/proc/self/exe", []string{"nothing"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}})
	try("make a user namespace", err)
	try("trace", unix.PtraceAttach(os.Getppid()))
	_, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	if e == unix.EFAULT {
		e = 0
	}
	try("use io_uring", maybe(e))
	if _, err := fmt.Println(hex.EncodeToString(box.EncodeFindings(findings))); err != nil {
		return exitProblem
	}
	return 0
}

func maybe(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

func writes(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("reached\n")
	return errors.Join(err, f.Close())
}

func connectUnix(name string) error {
	return connect(unix.AF_UNIX, &unix.SockaddrUnix{Name: name})
}

func connect(family int, to unix.Sockaddr) error {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.Connect(fd, to)
}
