package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/openvibez/openvibez/host/folder"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

const (
	maxProcesses = 2048
	maxFiles     = 4096
	// How long output is still read once everything that could write it has been ended.
	drainTime = 2 * time.Second
)

// Run runs a granted command line in its profile and returns when it has ended, and with it all that it started. A
// command that was ended by ctx or by its timeout gives a Result too. The error says why it was not run.
func (s *Sandbox) Run(ctx context.Context, g policy.Grant, o Options) (Result, error) {
	if !g.OK() || g.Command() == "" {
		return Result{}, errors.New("nothing was granted")
	}
	walls, err := s.walls(ctx, g)
	if err != nil {
		return Result{}, err
	}
	held := &placeholders{}
	defer held.release()
	return s.carry(ctx, walls, func() (*box.Spec, error) { return s.box(g, o.Private, walls, held) }, g.Domains(), o)
}

// walls tells how much is enforced for a granted command.
func (s *Sandbox) walls(ctx context.Context, g policy.Grant) (box.Walls, error) {
	if g.Profile() == policy.ProfileHost {
		return box.WallsNone, nil
	}
	report := s.Report(ctx)
	switch {
	case report.Level == policy.LevelNone:
		return "", fmt.Errorf("there is no sandbox here to run this in: %s", report.Problem)
	case report.Level == policy.LevelFull:
		return box.WallsFull, nil
	case g.Profile() == policy.ProfileNet:
		return "", fmt.Errorf("the sandbox can't limit what a command reaches on the network here: %s", report.Problem)
	}
	return box.WallsReduced, nil
}

// box describes the box of a granted command, as strong as its profile demands. What it needs in the workspace stays
// until held is released.
func (s *Sandbox) box(g policy.Grant, private string, walls box.Walls, held *placeholders) (*box.Spec, error) {
	args, err := shell(g)
	if err != nil {
		return nil, err
	}
	spec := &box.Spec{Walls: walls, Args: args, Dir: g.Dir(), Root: g.Root(), Identity: g.Identity()}
	if walls == box.WallsNone {
		if err := same(g); err != nil {
			return nil, err
		}
		spec.Env = hostEnvironment(s.config.Getenv)
		return spec, nil
	}
	root, err := s.enter(g)
	if err != nil {
		return nil, err
	}
	if err := s.furnish(spec, g, root, private); err != nil {
		return nil, err
	}
	if walls != box.WallsFull {
		return spec, nil
	}
	git := g.Profile() == policy.ProfileGit || g.Profile() == policy.ProfileNet && g.Git()
	if g.Profile() != policy.ProfileRO {
		more, err := held.protect(root, git)
		if err != nil {
			return nil, err
		}
		spec.Binds = append(spec.Binds, more...)
		// Or git clean and git stash -u would try to remove them, and say that they fail.
		spec.Files["gitignore"] = held.ignored(root)
	} else if tree, err := worktreeOf(root); err == nil && tree != nil {
		spec.Binds = append(spec.Binds, box.Bind{Path: tree.common, Optional: true})
	}
	spec.Binds = append(spec.Binds, held.cover(lookInside(root), g.Profile(), git)...)
	return spec, nil
}

// enter checks that the workspace is still what was meant.
func (s *Sandbox) enter(g policy.Grant) (string, error) {
	root := g.Root()
	if root == "" {
		return "", errors.New("the command has no workspace")
	}
	if err := s.usable(root); err != nil {
		return "", err
	}
	if err := same(g); err != nil {
		return "", err
	}
	if dir, err := filepath.EvalSymlinks(g.Dir()); err != nil || !within(root, dir) {
		return "", fmt.Errorf("%s is no directory in the workspace %s", g.Dir(), root)
	}
	return root, nil
}

// usable says why a directory can't be shown as a workspace.
func (s *Sandbox) usable(root string) error {
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		return fmt.Errorf("find workspace: %w", err)
	}
	switch own := filepath.Dir(s.config.RuntimeDir); {
	case resolved != root:
		return fmt.Errorf("%s leads to %s by now: add the workspace again", root, resolved)
	case within(root, own) || within(root, s.config.CacheDir):
		return fmt.Errorf("%s holds OpenVibez's own files: use another directory as the workspace", root)
	case root == "/dev" || within("/proc", root) || within("/sys", root):
		return fmt.Errorf("%s is no place for files: use another directory as the workspace", root)
	case within(root, s.home):
		return fmt.Errorf("%s holds your home directory with all that is secret in it: use a directory below it as the workspace", root)
	}
	return nil
}

// same checks that the workspace is the directory that the grant is about. The helper checks it again when it enters.
func same(g policy.Grant) error {
	if g.Identity() == "" {
		return nil
	}
	id, err := folder.Of(g.Root())
	if err != nil {
		return fmt.Errorf("look at the workspace: %w", err)
	}
	if id.String() != g.Identity() {
		return fmt.Errorf("another directory lies at %s than the one this was allowed in", g.Root())
	}
	return nil
}

// furnish puts the system, the workspace, the caches, and places to write to into the box.
func (s *Sandbox) furnish(spec *box.Spec, g policy.Grant, root, private string) error {
	cache, err := s.cache(root)
	if err != nil {
		return err
	}
	v := s.look()
	memory := totalMemory()
	spec.Temp, spec.Home = "/tmp", s.home
	spec.Links = v.links
	spec.Limits = box.Limits{Memory: max(memory/2, 1<<30), Processes: maxProcesses, Files: maxFiles, Temp: tempLimit(memory)}
	spec.Listen = g.Profile() == policy.ProfileNet
	settings := filepath.Join(box.Settings, "gitconfig")
	spec.Reads = g.Profile() == policy.ProfileRO
	// What only reads may use the caches, and leaves them as they are.
	more := []box.Bind{{Path: cache, Write: !spec.Reads, Scrap: spec.Reads}, {Path: root, Write: !spec.Reads}}
	if spec.Walls == box.WallsFull {
		spec.Files = map[string]string{"gitconfig": s.identity() + "[core]\n\texcludesFile = " + filepath.Join(box.Settings, "gitignore") + "\n"}
	} else {
		// Nothing can be laid over the real ones.
		if private == "" {
			private = cache + ".own"
		}
		spec.Temp, spec.Home = filepath.Join(private, "tmp"), filepath.Join(private, "home")
		settings = filepath.Join(s.config.CacheDir, "gitconfig")
		if now, err := os.ReadFile(settings); err != nil || string(now) != s.identity() {
			if err := os.WriteFile(settings, []byte(s.identity()), 0o600); err != nil {
				return fmt.Errorf("write git's settings: %w", err)
			}
		}
		if more[0] = (box.Bind{Path: settings}); spec.Reads {
			cache = filepath.Join(spec.Temp, "cache")
		} else {
			more = append(more, box.Bind{Path: cache, Write: true})
		}
	}
	own, err := places(spec, private, append(more, v.home...))
	if err != nil {
		return err
	}
	spec.Env = s.environment(v, g, spec, cache, settings)
	spec.Binds = slices.Concat(v.without(root, spec.Home), own, v.home, more)
	return nil
}

// carry starts what describe says and follows it to its end.
func (s *Sandbox) carry(ctx context.Context, walls box.Walls, describe func() (*box.Spec, error), domains []string, o Options) (Result, error) {
	var r Result
	if err := ctx.Err(); err != nil {
		return r, err
	}
	stdout, err := newStream(o.MaxOutput, o.Stdout)
	if err != nil {
		return r, err
	}
	stderr, err := newStream(o.MaxOutput, o.Stderr)
	if err != nil {
		return r, errors.Join(err, stdout.close())
	}
	began := time.Now()
	var wrong error
	described := func() (*box.Spec, error) {
		var spec *box.Spec
		spec, wrong = describe()
		return spec, wrong
	}
	var c *child
	if walls == box.WallsNone && !exists(s.config.Helper) {
		c, err = s.startBare(described, stdout.write, stderr.write)
	} else {
		c, err = s.start(walls, described, nil, stdout.write, stderr.write)
	}
	_, _ = stdout.write.Close(), stderr.write.Close()
	if err != nil {
		if wrong == nil {
			err = fmt.Errorf("start the command: %w", err)
		}
		return r, errors.Join(err, stdout.read.Close(), stderr.read.Close())
	}
	var p *proxy
	if c.listener != nil {
		p = newProxy(c.listener, domains, s.dialer, s.log)
	}
	if o.Started != nil {
		o.Started(c.pid)
	}
	var late <-chan time.Time
	if o.Timeout > 0 {
		t := time.NewTimer(o.Timeout)
		defer t.Stop()
		late = t.C
	}
	over := watchPrivate(o.Private, c.done)
	var full bool
	select {
	case <-c.done:
	case <-late:
		r.TimedOut = true
	case full = <-over:
	case <-ctx.Done():
	}
	c.kill()
	<-c.done
	stdout.finish()
	stderr.finish()
	if p != nil {
		r.Refused, r.Told = p.Refused(), p.Told()
		_ = p.Close()
	}
	r.Duration = time.Since(began)
	r.ExitCode, r.Problem = c.last.Exit, c.last.Problem
	if !c.last.Ended {
		r.ExitCode = 128 + 9
	}
	if full {
		r.Problem = fmt.Sprintf("ended: /tmp and the home directory of commands hold more than the %d MiB they may; remove what is not needed", tempLimit(totalMemory())>>20)
	}
	r.Stdout, r.Stderr = stdout.kept.output(), stderr.kept.output()
	return r, nil
}

// A stream is one of a command's outputs.
type stream struct {
	read, write *os.File
	kept        *capture
	done        chan struct{}
}

func newStream(limit int, also io.Writer) (*stream, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	s := &stream{read: read, write: write, kept: newCapture(limit, also), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		_, _ = io.Copy(s.kept, read)
	}()
	return s, nil
}

// finish reads what is left. A process that got away may hold the pipe open for ever.
func (s *stream) finish() {
	_ = s.read.SetReadDeadline(time.Now().Add(drainTime))
	<-s.done
	_ = s.read.Close()
}

func (s *stream) close() error { return errors.Join(s.read.Close(), s.write.Close()) }

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// HasBash tells whether command lines run in bash. Where there is none they run in sh, and policy has to know.
func HasBash() bool { return runtime.GOOS == "windows" || findBash() != "" }

// HasBash tells the same to those that have a sandbox.
func (s *Sandbox) HasBash() bool { return HasBash() }

func findBash() string {
	for _, bash := range []string{"/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"} {
		if exists(bash) {
			return bash
		}
	}
	return ""
}

// shell is the program that runs a granted command line: the one that policy read it for.
func shell(g policy.Grant) ([]string, error) {
	bash := findBash()
	switch {
	case g.Shell() == "sh" || g.Shell() == "" && bash == "":
		return []string{"/bin/sh", "-c", g.Command()}, nil
	case bash == "" && runtime.GOOS != "windows": // there it is looked for when it is started
		return nil, errors.New("the command was judged as one for bash, and there is no bash any more: ask again")
	}
	return []string{bash, "--norc", "--noprofile", "-c", g.Command()}, nil
}
