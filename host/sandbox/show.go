package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// systemView is what every command sees of the system: its programs, libraries and settings, none of its state.
type systemView struct {
	binds []box.Bind
	// What is shown of the home directory: the tools that the person keeps there.
	home  []box.Bind
	links map[string]string
	path  []string
	env   []string
}

// systemDirs are the places of programs, libraries and settings. What is not listed does not exist in a box: homes,
// sockets, removable media, other disks.
func systemDirs() []string {
	return []string{
		"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/etc", "/opt", "/nix", "/gnu", "/snap",
		"/var/lib/dpkg", "/var/lib/rpm", "/var/cache/fontconfig", "/sys/devices/system",
	}
}

// look finds out once what there is to show.
func (s *Sandbox) look() *systemView {
	s.shown.Do(func() {
		v := &s.system
		v.links = map[string]string{}
		for _, dir := range systemDirs() {
			info, err := os.Lstat(dir)
			switch {
			case err != nil:
			case info.Mode()&fs.ModeSymlink != 0:
				if target, err := os.Readlink(dir); err == nil {
					v.links[dir] = target
				}
			case info.IsDir():
				v.binds = append(v.binds, box.Bind{Path: dir, Optional: true})
			}
		}
		if os.Getuid() == 0 {
			v.binds = append(v.binds, secretSettings("/etc")...)
		}
		s.toolchains(v)
	})
	return &s.system
}

// without is what there is to show of the system, where some places have to be seen that may lie in what is hidden.
func (v *systemView) without(places ...string) []box.Bind {
	return slices.DeleteFunc(slices.Clone(v.binds), func(b box.Bind) bool {
		return b.Empty && slices.ContainsFunc(places, func(p string) bool { return within(b.Path, p) })
	})
}

// secretSettings are files that only root may read. A command of root's would read them too.
func secretSettings(dir string) []box.Bind {
	var found []box.Bind
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		if !d.IsDir() && !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if d.IsDir() && info.Mode().Perm()&0o005 != 0o005 || !d.IsDir() && info.Mode().Perm()&0o004 == 0 {
			found = append(found, box.Bind{Path: name, Empty: true, Optional: true})
			if d.IsDir() {
				return fs.SkipDir
			}
		}
		return nil
	})
	return found
}

// toolchains finds the programs that the person has installed at home and shows them, with what they need beside them.
func (s *Sandbox) toolchains(v *systemView) {
	show := func(dir string) {
		if resolved, err := filepath.EvalSymlinks(dir); err == nil && s.showable(resolved) &&
			!slices.ContainsFunc(slices.Concat(v.binds, v.home), func(b box.Bind) bool { return within(b.Path, resolved) }) {
			v.home = append(v.home, box.Bind{Path: resolved, Optional: true})
		}
	}
	for _, dir := range filepath.SplitList(s.config.Getenv("PATH")) {
		resolved, err := filepath.EvalSymlinks(dir)
		if err != nil || !filepath.IsAbs(dir) {
			continue
		}
		if !s.atHome(resolved) {
			if slices.ContainsFunc(systemDirs(), func(system string) bool { return within(system, resolved) }) {
				v.path = append(v.path, dir)
			}
			continue
		}
		if !s.showable(resolved) {
			continue
		}
		v.path = append(v.path, resolved)
		for _, needed := range s.prefix(resolved) {
			show(needed)
		}
	}
	home := func(name string, otherwise ...string) string {
		if dir := s.config.Getenv(name); filepath.IsAbs(dir) {
			return dir
		}
		return filepath.Join(append([]string{s.home}, otherwise...)...)
	}
	if slices.ContainsFunc(v.path, func(dir string) bool { return strings.HasSuffix(dir, "/.cargo/bin") }) {
		rustup := home("RUSTUP_HOME", ".rustup")
		show(rustup)
		v.env = append(v.env, "RUSTUP_HOME="+rustup)
	}
	for name, sub := range map[string]string{"PYENV_ROOT": ".pyenv", "RBENV_ROOT": ".rbenv", "VOLTA_HOME": ".volta", "BUN_INSTALL": ".bun"} {
		if root := home(name, sub); slices.ContainsFunc(v.path, func(dir string) bool { return within(root, dir) }) {
			v.env = append(v.env, name+"="+root)
		}
	}
	if java := s.config.Getenv("JAVA_HOME"); filepath.IsAbs(java) {
		show(java)
		v.env = append(v.env, "JAVA_HOME="+java)
	}
	slices.Sort(v.env)
	// Modules that were downloaded before are taken from where they are; what is unpacked of them is private.
	modules := filepath.Join(firstOf(s.config.Getenv("GOMODCACHE"), filepath.Join(firstOf(firstPath(s.config.Getenv("GOPATH")), filepath.Join(s.home, "go")), "pkg/mod")), "cache/download")
	if info, err := os.Stat(modules); err == nil && info.IsDir() {
		show(modules)
		v.env = append(v.env, "GOPROXY=file://"+modules+",https://proxy.golang.org")
	}
}

// prefix gives the directories that programs in dir need: dir itself, and where it is the bin of an installation,
// all of that. Directories that many share are never shown as a whole.
func (s *Sandbox) prefix(dir string) []string {
	rel, err := filepath.Rel(s.home, dir)
	if err != nil {
		return nil
	}
	parts := strings.Split(filepath.ToSlash(rel), "/")
	at := func(names ...string) string { return filepath.Join(append([]string{s.home}, names...)...) }
	switch parts[0] {
	case ".pyenv", ".rbenv", ".nodenv", ".asdf", ".sdkman", ".volta", ".bun", ".deno", ".nvm", ".fnm", ".dotnet", ".ghcup", ".opam", ".juliaup":
		return []string{at(parts[0])}
	case ".cargo", "go", ".gem":
		return []string{dir}
	case ".local":
		// ~/.local/share holds key rings too.
		needed := []string{dir}
		for _, tool := range []string{"pipx/venvs", "uv/tools", "uv/python", "mise/installs", "pnpm", "fnm"} {
			needed = append(needed, at(".local/share", tool))
		}
		return needed
	}
	if len(parts) > 1 && (parts[len(parts)-1] == "bin" || parts[len(parts)-1] == "sbin") {
		if root := filepath.Dir(dir); isDir(filepath.Join(root, "lib")) || isDir(filepath.Join(root, "pkg")) {
			return []string{root}
		}
	}
	return []string{dir}
}

func (s *Sandbox) atHome(path string) bool { return within(s.home, path) }

// showable tells of directories whose name does not say that they hold secrets, and that are not the home itself.
func (s *Sandbox) showable(path string) bool {
	if within(path, s.home) {
		return false
	}
	if !s.atHome(path) {
		return slices.ContainsFunc(systemDirs(), func(system string) bool { return within(system, path) })
	}
	rel, _ := filepath.Rel(s.home, path)
	first, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	return !slices.Contains([]string{
		".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".config", ".mozilla", ".thunderbird", ".password-store",
		".netrc", ".pki", ".cache", ".local", ".npm",
	}, first) || strings.HasPrefix(rel, ".local/bin") || strings.HasPrefix(rel, ".local/share/") && strings.Count(rel, "/") > 2 ||
		strings.HasPrefix(rel, ".local/share/pnpm") || strings.HasPrefix(rel, ".local/share/fnm")
}

// within tells whether path is dir or below it.
func within(dir, path string) bool {
	return dir == "/" || path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func firstPath(list string) string {
	for _, path := range filepath.SplitList(list) {
		if filepath.IsAbs(path) {
			return path
		}
	}
	return ""
}
