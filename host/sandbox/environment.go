package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

// passedOn are the only variables that a command gets as the host has them.
func passedOn() []string {
	return []string{"LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME", "TZ"}
}

// cache is the private directory with what toolchains keep between the commands of one workspace.
func (s *Sandbox) cache(root string) (string, error) {
	dir := s.cachePath(root)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make cache directory: %w", err)
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("find cache directory: %w", err)
	}
	return resolved, nil
}

func (s *Sandbox) cachePath(root string) string {
	return filepath.Join(s.config.CacheDir, fmt.Sprintf("%x", sha256.Sum256([]byte(root)))[:16])
}

// Cold tells whether a workspace has yet to be built for the first time: much is compiled then that is kept afterwards, a
// standard library among it.
func (s *Sandbox) Cold(root string) bool {
	cache := s.cachePath(root)
	for file, kept := range map[string]string{
		"go.mod": "go-build", "go.work": "go-build", "Cargo.toml": "cargo", "build.gradle": "gradle", "build.gradle.kts": "gradle",
	} {
		if exists(filepath.Join(root, file)) && !isDir(filepath.Join(cache, kept)) {
			return true
		}
	}
	return false
}

// environment is the whole environment of a command.
func (s *Sandbox) environment(v *systemView, g policy.Grant, spec *box.Spec, cache, git string) []string {
	path := slices.Clone(v.path)
	for _, dir := range []string{"/usr/local/bin", "/usr/bin", "/bin"} {
		if !slices.Contains(path, dir) {
			path = append(path, dir)
		}
	}
	in := func(name string) string { return filepath.Join(cache, name) }
	user := firstOf(s.config.Getenv("USER"), s.config.Getenv("LOGNAME"))
	env := []string{
		"PATH=" + strings.Join(path, ":"), "HOME=" + spec.Home, "TMPDIR=" + spec.Temp, "PWD=" + g.Dir(), "SHELL=/bin/sh",
		"USER=" + user, "LOGNAME=" + user, "TERM=dumb", "NO_COLOR=1", "PAGER=cat", "GIT_PAGER=cat", "MANPAGER=cat",
		"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL=" + git, "GIT_EDITOR=true", "GIT_SEQUENCE_EDITOR=true", "GIT_ASKPASS=false",
		"GIT_ALLOW_PROTOCOL=file:git:http:https:ssh", "EDITOR=true", "VISUAL=true", "DEBIAN_FRONTEND=noninteractive", "OPENVIBEZ_SANDBOX=" + string(g.Profile()),
		"XDG_CACHE_HOME=" + in("xdg"), "GOPATH=" + in("go"), "GOCACHE=" + in("go-build"), "GOFLAGS=" + goFlags(g.Root()), "GOTELEMETRY=off",
		"CARGO_HOME=" + in("cargo"), "npm_config_cache=" + in("npm"), "npm_config_update_notifier=false", "npm_config_fund=false", "npm_config_audit=false",
		"YARN_CACHE_FOLDER=" + in("yarn"), "PIP_CACHE_DIR=" + in("pip"), "UV_CACHE_DIR=" + in("uv"), "GRADLE_USER_HOME=" + in("gradle"),
		"NUGET_PACKAGES=" + in("nuget"), "DENO_DIR=" + in("deno"), "COMPOSER_CACHE_DIR=" + in("composer"),
	}
	env = append(env, v.env...)
	for _, name := range passedOn() {
		if value := s.config.Getenv(name); value != "" && plainLetters(name, value) {
			env = append(env, name+"="+value)
		}
	}
	if !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "LANG=") || strings.HasPrefix(kv, "LC_ALL=") }) {
		env = append(env, "LANG=C.UTF-8")
	}
	// Whatever a repository's settings say, git runs no program of its own accord.
	env = append(env, gitSettings("core.hooksPath", "/dev/null", "core.fsmonitor", "false", "commit.gpgSign", "false", "tag.gpgSign", "false",
		"log.showSignature", "false", "gpg.program", "false", "gpg.openpgp.program", "false", "gpg.x509.program", "false", "gpg.ssh.program", "false",
		"core.sshCommand", "false", "credential.helper", "", "gc.auto", "0", "maintenance.auto", "false", "safe.bareRepository", "explicit",
		"protocol.ext.allow", "never")...)
	if g.Profile() == policy.ProfileNet {
		proxy := "http://" + box.ProxyAddr
		env = append(env, "HTTP_PROXY="+proxy, "HTTPS_PROXY="+proxy, "http_proxy="+proxy, "https_proxy="+proxy, "ALL_PROXY="+proxy, "all_proxy="+proxy,
			"NO_PROXY=localhost,127.0.0.1,::1", "no_proxy=localhost,127.0.0.1,::1", "NODE_USE_ENV_PROXY=1")
	} else {
		env = append(env, "npm_config_offline=true", "CARGO_NET_OFFLINE=true", "PIP_NO_INDEX=1", "GOSUMDB=off")
	}
	return env
}

// plainLetters tells whether a language leaves to the shell the letters that policy read: in some, half a letter means
// something to it.
func plainLetters(name, value string) bool {
	value = strings.ToLower(value)
	return name == "TZ" || name == "LANGUAGE" || value == "c" || value == "posix" || strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
}

// goFlags keep go from asking git about a directory that only looks like a repository: see placeholders.
func goFlags(root string) string {
	if exists(filepath.Join(root, ".git", "HEAD")) || exists(filepath.Join(root, ".git")) {
		return "-modcacherw"
	}
	return "-modcacherw -buildvcs=false"
}

// gitSettings are settings for git that outweigh those of files.
func gitSettings(pairs ...string) []string {
	env := []string{fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(pairs)/2)}
	for i := range len(pairs) / 2 {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, pairs[2*i]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, pairs[2*i+1]))
	}
	return env
}

// identity is the person's name and address for git, which are at home otherwise. It is asked for once.
func (s *Sandbox) identity() string {
	s.git.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		ask := func(key string) string {
			// Not in a repository: only the person's own settings count.
			cmd := exec.CommandContext(ctx, "git", "config", "--global", "--get", key)
			cmd.Dir = "/"
			cmd.Env = []string{"HOME=" + s.home, "PATH=" + s.config.Getenv("PATH"), "XDG_CONFIG_HOME=" + s.config.Getenv("XDG_CONFIG_HOME")}
			out, err := cmd.Output()
			if err != nil {
				return ""
			}
			return strings.TrimSpace(string(out))
		}
		quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ")
		var b strings.Builder
		for _, key := range []string{"name", "email"} {
			if v := ask("user." + key); v != "" {
				fmt.Fprintf(&b, "\t%s = \"%s\"\n", key, quote.Replace(v))
			}
		}
		if b.Len() > 0 {
			s.author = "[user]\n" + b.String()
		}
		s.author += "[init]\n\tdefaultBranch = " + firstOf(ask("init.defaultBranch"), "main") + "\n"
		// Git takes the settings of the environment away from the repository that it pushes to.
		s.author += "[core]\n\thooksPath = /dev/null\n"
	})
	return s.author
}
