package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/host/policy"
)

// identity tells git who the person is.
func (p *place) identity() {
	p.write(".gitconfig", "[user]\n\tname = A Tester\n\temail = tester@example.org\n[init]\n\tdefaultBranch = trunk\n")
}

// repository makes the workspace a git repository with one commit.
func (p *place) repository() {
	p.t.Helper()
	p.identity()
	p.write("work/file", "one\n")
	p.outside("git init -q && git add file && git commit -qm first")
}

// outside runs a command line in the workspace as the person does, without a box.
func (p *place) outside(command string) string {
	p.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir, cmd.Env = p.root, []string{"HOME=" + p.home, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

func TestBoxGitWorks(t *testing.T) {
	p := newPlace(t)
	p.repository()
	for _, command := range []string{
		"git status", "echo two >> file && git diff", "git add file && git commit -m second", "git branch other", "git checkout -q other",
		"echo three >> file && git stash && git stash pop", "git commit -qam third", "git switch trunk", "git merge -q other", "git tag v1",
		"git log --oneline | cat", "git rm -q --cached file && git reset -q", "git branch -d other", "git rebase HEAD~1", "git show --stat HEAD",
		"touch junk && git stash -u -q && test ! -e junk && git stash pop -q && test -e junk", "mkdir d && touch d/x && git clean -qfd && test ! -e d && test ! -e junk",
		"mkdir .vscode/x 2>&1 || git check-ignore .vscode",
	} {
		if r := p.run(policy.ProfileGit, command, Options{}); r.ExitCode != 0 {
			t.Errorf("%s: exit code %d\n%s%s", command, r.ExitCode, r.Stdout.Text, r.Stderr.Text)
		}
	}
	if log := p.outside("git log --format='%an %s' && git status --porcelain && git fsck"); !strings.HasPrefix(log, "A Tester third\nA Tester second\nA Tester first\n") {
		t.Errorf("afterwards the log is %q", log)
	}
	if left, _ := filepath.Glob(filepath.Join(p.root, ".git", "*commondir*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, command := range []string{"git status", "git log --oneline", "git diff HEAD~1", "git branch", "git ls-files"} {
		for _, profile := range []policy.Profile{policy.ProfileRO, policy.ProfileWork} {
			if r := p.run(profile, command, Options{}); r.ExitCode != 0 {
				t.Errorf("%s in %s: exit code %d\n%s", command, profile, r.ExitCode, r.Stderr.Text)
			}
		}
	}
	if r := p.run(policy.ProfileWork, "git commit --allow-empty -m no", Options{}); r.ExitCode == 0 {
		t.Error("work may commit")
	}
}

func TestBoxGitInitWorks(t *testing.T) {
	p := newPlace(t)
	if r := p.run(policy.ProfileGit, "git init -q && git status", Options{}); r.ExitCode != 0 {
		t.Errorf("exit code %d: %s", r.ExitCode, r.Stderr.Text)
	}
}

func TestBoxGitCantBeTurnedAgainstThePerson(t *testing.T) {
	p := newPlace(t)
	p.repository()
	config, err := os.ReadFile(filepath.Join(p.root, ".git", "config"))
	if err != nil {
		t.Fatal(err)
	}
	for _, attack := range []string{
		"git config core.fsmonitor ./evil",
		"echo evil > .git/hooks/post-checkout",
		"mv .git/hooks .git/h",
		"mv .git .git2",
		"rm -rf .git/hooks && test ! -e .git/hooks",
		"echo ../evil > .git/commondir",
		"rm .git/commondir",
		"mv .git/commondir .git/c",
		"echo '* filter=x' > .git/info/attributes",
		"mv .git/info .git/i",
		"echo '[core]' > .git/config.worktree",
		"mkdir -p .git/modules/x/hooks",
		"git worktree add ../w",
		"git -c core.hooksPath=/tmp/h config user.name Evil",
		"ln -f .git/HEAD .git/config",
		"cp .git/HEAD .git/config.lock && mv .git/config.lock .git/config",
	} {
		for _, profile := range []policy.Profile{policy.ProfileGit, policy.ProfileWork} {
			if r := p.run(profile, attack, Options{}); r.ExitCode == 0 {
				t.Errorf("%s succeeds in %s: %s", attack, profile, r.Stdout.Text)
			}
		}
	}
	now, err := os.ReadFile(filepath.Join(p.root, ".git", "config"))
	if err != nil || string(now) != string(config) {
		t.Errorf("the configuration is %q, %v", now, err)
	}
	p.outside("rm -f .git/config.lock && git status && git fsck && test ! -e .git/commondir && test ! -e .git/modules")
}

func TestBoxGitHooksOfTheRepositoryDoNotRun(t *testing.T) {
	p := newPlace(t)
	p.repository()
	p.write("work/.git/hooks/pre-commit", "#!/bin/sh\ntouch hook-ran\n")
	if err := os.Chmod(filepath.Join(p.root, ".git/hooks/pre-commit"), 0o755); err != nil {
		t.Fatal(err)
	}
	if r := p.run(policy.ProfileGit, "git commit -q --allow-empty -m x", Options{}); r.ExitCode != 0 {
		t.Errorf("exit code %d: %s", r.ExitCode, r.Stderr.Text)
	}
	if _, err := os.Stat(filepath.Join(p.root, "hook-ran")); err == nil {
		t.Error("the hook ran")
	}
	p.outside("git commit -q --allow-empty -m x && test -e hook-ran")
}

// TestBoxGitHooksOfAnotherRepositoryDoNotRun: git keeps what the environment sets from a repository that it pushes to.
func TestBoxGitHooksOfAnotherRepositoryDoNotRun(t *testing.T) {
	p := newPlace(t)
	p.repository()
	p.outside("git init -q --bare other")
	hook := filepath.Join(p.root, "hook-ran")
	p.write("work/other/hooks/pre-receive", "#!/bin/sh\ntouch '"+hook+"'\n")
	if err := os.Chmod(filepath.Join(p.root, "other/hooks/pre-receive"), 0o755); err != nil {
		t.Fatal(err)
	}
	if r := p.run(policy.ProfileWork, "git push -q ./other HEAD:refs/heads/a", Options{}); r.ExitCode != 0 {
		t.Errorf("exit code %d: %s", r.ExitCode, r.Stderr.Text)
	}
	if _, err := os.Stat(hook); err == nil {
		t.Error("the hook ran")
	}
	p.outside("git push -q ./other HEAD:refs/heads/b && test -e hook-ran")
}

func TestBoxGitWorktree(t *testing.T) {
	p := newPlace(t)
	p.repository()
	p.outside("git worktree add -q ../second")
	p.root = filepath.Join(p.home, "second")
	if r := p.run(policy.ProfileWork, "git status && git log", Options{}); r.ExitCode != 0 {
		t.Errorf("exit code %d: %s", r.ExitCode, r.Stderr.Text)
	}
	if r := p.run(policy.ProfileGit, "echo x >> file && git commit -qam second", Options{}); r.ExitCode != 0 {
		t.Errorf("exit code %d: %s", r.ExitCode, r.Stderr.Text)
	}
	for _, attack := range []string{"git config core.fsmonitor x", "echo x > .git", "echo x > ../work/.git/worktrees/second/commondir", "echo x > ../work/.git/hooks/x"} {
		if r := p.run(policy.ProfileGit, attack, Options{}); r.ExitCode == 0 {
			t.Errorf("%s succeeds", attack)
		}
	}
	// A file that leads where no worktree of git's is shows nothing.
	p.write(".ssh/gitdir", filepath.Join(p.root, ".git"))
	p.write("second/.git", "gitdir: "+filepath.Join(p.home, ".ssh")+"\n")
	if r := p.run(policy.ProfileWork, "ls "+filepath.Join(p.home, ".ssh"), Options{}); r.ExitCode == 0 {
		t.Errorf("it shows %s", r.Stdout.Text)
	}
}

func TestBoxGitLinkIsRefused(t *testing.T) {
	p := newPlace(t)
	if err := os.Symlink("/tmp", filepath.Join(p.root, ".git")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.try(t.Context(), policy.ProfileWork, "true", Options{}); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
		t.Errorf("got %v", err)
	}
}

// Nothing that a repository puts in the way keeps a command from starting.
func TestBoxGitPipesDoNotHoldUp(t *testing.T) {
	p := newPlace(t)
	p.write("work/evil/worktrees/x/HEAD", "")
	p.write("work/.git", "gitdir: "+filepath.Join(p.root, "evil/worktrees/x")+"\n")
	p.outside("mkfifo evil/worktrees/x/gitdir")
	if r := p.run(policy.ProfileWork, "echo ok", Options{}); r.Stdout.Text != "ok\n" {
		t.Errorf("it says %q, %q", r.Stdout.Text, r.Stderr.Text)
	}
	p.outside("rm .git && mkfifo .git")
	if r := p.run(policy.ProfileWork, "echo ok", Options{}); r.Stdout.Text != "ok\n" {
		t.Errorf("it says %q, %q", r.Stdout.Text, r.Stderr.Text)
	}
}

func TestBoxGitReadsElsewhere(t *testing.T) {
	p := newPlace(t)
	p.identity()
	p.outside("git init -q ../main && cd ../main && git commit -q --allow-empty -m first && rmdir \"$OLDPWD\" && git worktree add -q \"$OLDPWD\"")
	for _, command := range []string{"git status --short", "git log --oneline", "git diff", "git branch --show-current"} {
		for _, profile := range []policy.Profile{policy.ProfileRO, policy.ProfileWork, policy.ProfileGit} {
			if r := p.run(profile, command, Options{}); r.ExitCode != 0 {
				t.Errorf("%s in %s: exit code %d\n%s", command, profile, r.ExitCode, r.Stderr.Text)
			}
		}
	}
	if r := p.run(policy.ProfileRO, "touch ../main/.git/x", Options{}); r.ExitCode == 0 {
		t.Error("a command that only reads wrote where the worktree's repository is")
	}
}

func TestBoxGitFindsNoProgramsByItself(t *testing.T) {
	p := newPlace(t)
	p.repository()
	p.outside("git init -q --bare sub && cd sub && printf '#!/bin/sh\\ntouch \"$0.ran\"\\n' >m && chmod +x m && " +
		"git config core.fsmonitor \"$PWD/m\" && git config core.bare false && git config core.worktree \"$PWD/..\" && git config sequence.editor \"$PWD/m\" && git config core.editor \"$PWD/m\" && " +
		"git config diff.external \"$PWD/m\" && git add ../file && echo more >>../file")
	ran := func() bool {
		left, _ := filepath.Glob(filepath.Join(p.root, "sub", "*.ran"))
		for _, path := range left {
			_ = os.Remove(path)
		}
		return len(left) > 0
	}
	if p.outside("cd sub && git diff"); !ran() {
		t.Fatal("git would not run a program anyway")
	}
	for _, command := range []string{"cd sub && git status", "git -C sub log", "cd sub && git diff", "git -c color.ui=never -C sub status", "cd sub && git rebase -i HEAD", "git fetch ext::./sub/m"} {
		p.run(policy.ProfileWork, command, Options{})
	}
	if ran() {
		t.Error("git ran a program that a directory named")
	}
}
