package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// killAfter is how long the helper has to end everything by itself.
const killAfter = 3 * time.Second

// start starts a process in its box and returns once it runs. The error says why there is no box. The helper comes up while
// describe finds out what to tell it.
func (s *Sandbox) start(walls box.Walls, describe func() (*box.Spec, error), stdin, stdout, stderr *os.File) (*child, error) {
	memory, err := newMemory()
	if err != nil {
		return nil, fmt.Errorf("write down the box: %w", err)
	}
	defer func() { _ = memory.Close() }()
	watched, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make lifeline: %w", err)
	}
	defer func() { _ = watched.Close() }()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make report socket: %w", err), held.Close())
	}
	theirs, ours := os.NewFile(uintptr(pair[1]), "report"), os.NewFile(uintptr(pair[0]), "report")
	defer func() { _ = theirs.Close() }()
	conn, err := net.FileConn(ours)
	_ = ours.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make report socket: %w", err), held.Close())
	}
	reports := conn.(*net.UnixConn)

	own, err := s.findGroups().make()
	if err != nil {
		// Then the helper looks after it.
		s.log.Warn("a box has no control group", "problem", err)
	}
	cmd := s.command(walls, own)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.ExtraFiles = []*os.File{memory, watched, theirs}
	c := &child{done: make(chan struct{})}
	c.stop = func() {
		// The kernel ends the whole box when the lifeline ends, as it does when the host ends in whatever way.
		_ = held.Close()
		own.kill()
		if walls == box.WallsFull {
			_ = cmd.Process.Kill()
			return
		}
		time.AfterFunc(killAfter, func() { _ = cmd.Process.Kill() })
	}
	up := make(chan error, 1)
	go func() { up <- cmd.Start() }()
	spec, wrong := describe()
	if err := <-up; err != nil {
		own.remove()
		return nil, errors.Join(fmt.Errorf("start %s: %w", s.config.Helper, err), held.Close(), reports.Close())
	}
	c.pid = cmd.Process.Pid
	s.keep(c)
	_ = theirs.Close()
	if wrong == nil {
		err = c.begin(spec, own, memory, reports)
	}
	if wrong != nil || err != nil {
		c.kill()
		_ = reports.Close()
		_ = cmd.Wait()
		own.remove()
		s.forget(c)
		switch {
		case wrong != nil:
			return nil, wrong
		case c.last.Problem == "":
			err = fmt.Errorf("the helper ended before it began (%s)", cmd.ProcessState)
		}
		return nil, err
	}
	go func() {
		defer s.forget(c)
		defer own.remove()
		if r, _, err := receive(reports); err == nil {
			c.last = r
		}
		_ = reports.Close()
		if c.last.Ended {
			// Nothing is left but the helper, and it does nothing any more but end. Without namespaces something may have got away.
			if walls != box.WallsFull {
				own.kill()
			}
			c.finish(c.last.Exit, "")
			_ = cmd.Wait()
			c.kill()
			return
		}
		_ = cmd.Wait()
		c.kill()
		c.last.Problem = own.problem(spec.Limits)
		c.finish(cmd.ProcessState.ExitCode(), cmd.ProcessState.String())
	}()
	return c, nil
}

// command is the helper, in namespaces of its own where walls say so, and in a control group where there is one.
func (s *Sandbox) command(walls box.Walls, own *group) *exec.Cmd {
	cmd := exec.Command(s.config.Helper)
	// What is done for all threads takes as long as there are threads. Little garbage is kept for as long as it runs.
	cmd.Env = []string{"GOMAXPROCS=1", "GOGC=25"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if own != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(own.fd.Fd())
	}
	if walls == box.WallsFull {
		uid, gid := os.Getuid(), os.Getgid()
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
			unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		// Whoever is not root inside loses all capabilities with the exec otherwise. The kernel looks for DAC_OVERRIDE when
		// it lays one directory over another.
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP, unix.CAP_DAC_OVERRIDE}
	}
	return cmd
}

// begin tells the helper what to do, and waits until it does it.
func (c *child) begin(spec *box.Spec, own *group, memory *os.File, reports *net.UnixConn) error {
	if own != nil && spec.Walls != box.WallsNone {
		if err := own.limit(spec.Limits); err != nil {
			return err
		}
		spec.Limits.Held = true
	}
	if err := seal(memory, spec.Encode()); err != nil {
		return err
	}
	if _, err := reports.Write([]byte{1}); err != nil {
		return err
	}
	var err error
	if c.last, c.listener, err = receive(reports); err == nil && !c.last.Started {
		err = errors.New(c.last.Problem)
	}
	return err
}

// finish says how it ended. words are for what has no exit code.
func (c *child) finish(code int, words string) {
	switch {
	case c.last.Problem != "":
		c.end = c.last.Problem
	case code > 128:
		c.end = "signal: " + syscall.Signal(code-128).String()
	case code >= 0:
		c.end = fmt.Sprintf("exit status %d", code)
	default:
		c.end = words
	}
	close(c.done)
}

// receive waits for the helper's next report, and the listener that may come with it.
func receive(from *net.UnixConn) (box.Report, net.Listener, error) {
	var r box.Report
	b, rights := make([]byte, 16<<10), make([]byte, unix.CmsgSpace(4))
	n, k, _, _, err := from.ReadMsgUnix(b, rights)
	if err != nil {
		return r, nil, err
	}
	if err := r.Decode(b[:n]); err != nil {
		return r, nil, fmt.Errorf("read report: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:k])
	if err != nil || len(messages) == 0 {
		return r, nil, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return r, nil, err
	}
	unix.CloseOnExec(fds[0])
	f := os.NewFile(uintptr(fds[0]), "proxy")
	defer func() { _ = f.Close() }()
	l, err := net.FileListener(f)
	return r, l, err
}

// newMemory gives a file in memory.
func newMemory() (*os.File, error) {
	fd, err := unix.MemfdCreate("openvibez-box", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "box"), nil
}

// seal fills a file in memory for good: nobody can change it any more.
func seal(f *os.File, content []byte) error {
	_, err := f.Write(content)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
	}
	return err
}
