package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/host/folder"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

// A workspace may lie below what the box has a place of its own at, and so may the home directory.
func TestBoxWorkspaceAnywhere(t *testing.T) {
	for _, base := range []string{"/tmp", "/var/tmp", "/dev/shm", "/run", "/var/run", "/srv", "/opt", "/usr/local", "/var/lib", "/etc", "/mnt"} {
		resolved, err := filepath.EvalSymlinks(base)
		if err != nil {
			t.Logf("there is no %s here", base)
			continue
		}
		for _, kept := range []bool{false, true} {
			for _, home := range []bool{false, true} {
				dir, err := os.MkdirTemp(resolved, "ovw")
				if err != nil {
					t.Logf("not tried in %s, which needs root: %v", base, err)
					break
				}
				t.Cleanup(func() { os.RemoveAll(dir) })
				p := newPlace(t)
				p.root = filepath.Join(dir, "a", "work")
				if home {
					p.sandbox.home = filepath.Join(dir, "a")
				}
				if err := os.MkdirAll(p.root, 0o700); err != nil {
					t.Fatal(err)
				}
				o := Options{}
				if kept {
					o.Private = filepath.Join(filepath.Dir(p.home), "kept")
				}
				for _, profile := range []policy.Profile{policy.ProfileWork, policy.ProfileRO} {
					// Twice, because what is kept has the first one's traces.
					r := p.run(profile, "pwd && echo x > /tmp/t && cat /var/tmp/t /dev/shm/t && echo x > ~/h && (echo x > made || test "+string(profile)+" = ro) && cat made", o)
					if r.ExitCode != 0 || !strings.HasPrefix(r.Stdout.Text, p.root+"\nx\nx\n") {
						t.Errorf("%s, home %t, kept %t, %s: %d %s%s", p.root, home, kept, profile, r.ExitCode, r.Stdout.Text, r.Stderr.Text)
					}
				}
			}
		}
	}
	p := newPlace(t)
	for root, words := range map[string]string{"/proc/self": "no place for files", "/sys/kernel": "no place for files", filepath.Dir(p.home): "OpenVibez's own files"} {
		if root, err := filepath.EvalSymlinks(root); err == nil {
			p.root = root
		}
		if _, err := p.try(t.Context(), policy.ProfileWork, "true", Options{}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s as a workspace: %v", p.root, err)
		}
	}
}

// What a command moves to /tmp or home is there for the next one of the same conversation, for no other, and survives.
func TestBoxKeepsWhatIsMovedAway(t *testing.T) {
	p := newPlace(t)
	p.write("work/notes.txt", "notes")
	p.write("work/more.txt", "more")
	kept := Options{Private: filepath.Join(filepath.Dir(p.home), "kept")}
	if r := p.run(policy.ProfileWork, "mv notes.txt /tmp/x && mv more.txt ~/y", kept); r.ExitCode != 0 {
		t.Fatalf("%+v", r)
	}
	again := New(p.sandbox.config)
	t.Cleanup(func() { _ = again.Close() })
	again.home, p.sandbox = p.home, again
	if r := p.run(policy.ProfileRO, "cat /tmp/x /var/tmp/x /dev/shm/x ~/y", kept); r.Stdout.Text != "notesnotesnotesmore" {
		t.Errorf("later: %+v", r)
	}
	for _, o := range []Options{{}, {Private: kept.Private + "2"}} {
		if r := p.run(policy.ProfileRO, "ls /tmp/x ~/y", o); r.ExitCode == 0 {
			t.Errorf("elsewhere: %+v", r)
		}
	}
	// Whatever lies in the way of what is shown below, and whatever settings were left for git.
	r := p.run(policy.ProfileWork, "cd / && git config --global alias.x '!echo planted' && echo '[alias] x = !echo planted' > ~/.gitconfig; mkdir -p ~/.config/git; cp ~/.gitconfig ~/.config/git/config; "+
		"rm -rf /tmp/* ; ln -s /etc /tmp/ovz", kept)
	if r.ExitCode != 0 {
		t.Errorf("%+v", r)
	}
	if r := p.run(policy.ProfileWork, "git x", kept); r.ExitCode == 0 || strings.Contains(r.Stdout.Text, "planted") {
		t.Errorf("settings stay: %+v", r)
	}
	root, err := os.MkdirTemp("/tmp", "ovw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	if r := p.run(policy.ProfileWork, "ln -s /etc "+root, kept); r.ExitCode != 0 {
		t.Errorf("%+v", r)
	}
	p.root = root
	if r := p.run(policy.ProfileWork, "echo x > made && ls", kept); r.Stdout.Text != "made\n" {
		t.Errorf("behind a link: %+v", r)
	}
}

// A grant is for the directory that it was given for, not for another of the same name.
func TestBoxGrantIsForOneDirectory(t *testing.T) {
	for _, level := range []policy.Level{policy.LevelFull, policy.LevelReduced, policy.LevelNone} {
		p := newPlace(t)
		p.sandbox.tested.Do(func() { p.sandbox.report = Report{Level: level} })
		id, err := folder.Of(p.root)
		if err != nil {
			t.Fatal(err)
		}
		sub := filepath.Join(p.root, "sub")
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		d := policy.Decide(policy.Request{Command: "touch made", Dir: sub, Place: policy.Place{
			Root: p.root, Identity: id.String(), Trust: policy.TrustTrusted, Access: policy.AccessRoot, Level: level,
		}})
		g, ok := d.Grant()
		if !ok {
			if g, err = d.Approved(); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := p.sandbox.Run(t.Context(), g, Options{}); err != nil || r.ExitCode != 0 {
			t.Errorf("level %s, in the right one: %+v, %v", level, r, err)
		}
		if err := os.Rename(p.root, p.root+"2"); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := p.sandbox.Run(t.Context(), g, Options{}); err == nil || !strings.Contains(err.Error(), "another directory lies") {
			t.Errorf("level %s: %v", level, err)
		}
		// And if it is swapped after the host has looked.
		spec := &box.Spec{Walls: box.WallsNone, Args: []string{"/bin/true"}, Dir: sub, Root: p.root, Identity: id.String()}
		if level != policy.LevelNone {
			if spec, err = p.sandbox.box(mustChoose(t, p, "true"), "", map[policy.Level]box.Walls{policy.LevelFull: box.WallsFull, policy.LevelReduced: box.WallsReduced}[level], &placeholders{}); err != nil {
				t.Fatal(err)
			}
			spec.Root, spec.Identity = p.root, id.String()
		}
		if _, err := p.sandbox.carry(t.Context(), spec.Walls, func() (*box.Spec, error) { return spec, nil }, nil, Options{}); err == nil || !strings.Contains(err.Error(), "another directory lies") {
			t.Errorf("level %s, late: %v", level, err)
		}
		if _, err := os.Stat(filepath.Join(sub, "made")); err == nil {
			t.Errorf("level %s: it ran there", level)
		}
	}
}

func mustChoose(t *testing.T, p *place, command string) policy.Grant {
	t.Helper()
	g, err := policy.Chosen(command, p.root, p.root, policy.ProfileRO, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// What leads to other programs, and what makes tools run programs, is covered deeper in a workspace too.
func TestBoxCoversWhatLiesInside(t *testing.T) {
	p := newPlace(t)
	p.probe()
	p.write("work/vendor/x/.git/config", "[core]\n")
	p.write("work/vendor/x/.git/hooks/pre-commit", "#!/bin/sh\n")
	p.write("work/packages/a/.vscode/tasks.json", "{}")
	p.write("work/packages/a/.envrc", "#")
	p.write("work/node_modules/b/.vscode/tasks.json", "{}")
	p.write("work/sub/.git", "gitdir: ../.git/modules/sub\n")
	for _, socket := range []string{"server.sock", "run/deep.sock", ".git/fsmonitor--daemon.ipc"} {
		at := filepath.Join(p.root, socket)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		p.serve("unix", at)
	}
	held := []string{
		"write vendor/x/.git/config", "write vendor/x/.git/hooks/post-checkout", "write vendor/x/.git/commondir", "rename vendor/x/.git vendor/x/.away",
		"write packages/a/.vscode/tasks.json", "write packages/a/.envrc", "write sub/.git",
		"unix server.sock", "unix run/deep.sock", "unix .git/fsmonitor--daemon.ipc",
	}
	for _, profile := range []policy.Profile{policy.ProfileWork, policy.ProfileRO} {
		for _, name := range held {
			if r := p.run(profile, "exec ./probe "+name, Options{}); r.ExitCode != 1 || !strings.Contains(r.Stdout.Text, "held: ") {
				t.Errorf("%s: %s: %d %s", profile, name, r.ExitCode, r.Stdout.Text)
			}
		}
	}
	r := p.run(policy.ProfileWork, "rm -r node_modules && ./probe write vendor/x/file && ./probe write packages/a/file && ls server.sock", Options{})
	if r.ExitCode != 0 {
		t.Errorf("what is not covered: %+v", r)
	}
	// Git itself may work in it; what makes it run programs stays closed.
	r = p.run(policy.ProfileGit, "rm -rf vendor/y && git init -q vendor/y && ./probe write vendor/x/.git/made && ! ./probe write vendor/x/.git/hooks/post-checkout && ! ./probe write vendor/x/.git/commondir", Options{})
	if r.ExitCode != 0 {
		t.Errorf("git: %+v", r)
	}
	if left, _ := filepath.Glob(filepath.Join(p.root, "vendor/x/.git/*")); len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
}

// What only reads finds the caches as they are, may write to them, and leaves them as they were.
func TestBoxReadsWithThrowAwayCaches(t *testing.T) {
	p := newPlace(t)
	if r := p.run(policy.ProfileWork, "mkdir -p $XDG_CACHE_HOME && echo old > $XDG_CACHE_HOME/x", Options{}); r.ExitCode != 0 {
		t.Fatalf("%+v", r)
	}
	if r := p.run(policy.ProfileRO, "cd $XDG_CACHE_HOME && cat x && echo new > x && echo new > y && cat x y && rm x", Options{}); r.Stdout.Text != "old\nnew\nnew\n" || r.ExitCode != 0 {
		t.Errorf("%+v", r)
	}
	if r := p.run(policy.ProfileWork, "cd $XDG_CACHE_HOME && cat *", Options{}); r.Stdout.Text != "old\n" {
		t.Errorf("afterwards: %+v", r)
	}
}
