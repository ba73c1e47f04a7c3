package policy

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Protected lists what lies in a workspace and decides what later runs by itself: git's own files, and those of editors
// and tools. Commands see them read-only; a name counts at the workspace's top and, for .git, anywhere.
func Protected() []string {
	return []string{
		".git", ".hg", ".vscode", ".idea", ".husky", ".devcontainer", ".envrc", ".claude", ".cursor", ".codex", ".openvibez",
	}
}

// within tells whether a path is root or below it. Both are absolute and clean, and compared as they are written.
func within(root, path string) bool {
	if !strings.HasPrefix(path, root) {
		return false
	}
	rest := path[len(root):]
	return rest == "" || strings.HasSuffix(root, "/") || rest[0] == '/' || rest[0] == filepath.Separator
}

// protected names the part of a path below root that is not to be changed, or "". Names are compared as file systems
// that ignore case, trailing dots and short names would.
func protected(root, full string) string {
	rel, err := filepath.Rel(root, full)
	if err != nil {
		return ""
	}
	for i, part := range strings.Split(filepath.ToSlash(rel), "/") {
		plain := strings.ToLower(strings.TrimRight(part, ". "))
		if plain == ".git" || plain == "git~1" {
			return ".git"
		}
		if i == 0 && slices.Contains(Protected(), plain) {
			return plain
		}
		if strings.HasPrefix(plain, ".") && strings.ContainsAny(plain, "*?[") { // a glob that may mean one
			for _, name := range Protected() {
				if mayMean(plain, name) && (i == 0 || name == ".git") {
					return name
				}
			}
		}
	}
	return ""
}

// mayMean tells whether a glob can be expanded to a name. What stands in brackets is taken for any character: Go reads
// less in them than shells do.
func mayMean(glob, name string) bool {
	hit, err := path.Match(anyBracket(glob, func(string) bool { return true }), name)
	return hit || err != nil
}

// anyBracket puts a question mark for each pair of brackets, of those that are chosen by what stands in them.
func anyBracket(glob string, choose func(inside string) bool) string {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		end := -1
		if glob[i] == '[' {
			end = bracketEnd(glob[i+1:])
		}
		if end < 0 || !choose(glob[i+1:i+1+end]) {
			b.WriteByte(glob[i])
			continue
		}
		b.WriteByte('?')
		i += 1 + end
	}
	return b.String()
}

// bracketEnd is where the bracket closes that opened before this text; -1: it does not.
func bracketEnd(text string) int {
	i := 0
	if i < len(text) && (text[i] == '!' || text[i] == '^') {
		i++
	}
	for first := i; i < len(text); i++ {
		switch {
		case text[i] == ']' && i > first:
			return i
		case text[i] == '[' && i+1 < len(text) && strings.IndexByte(":=.", text[i+1]) >= 0:
			if n := strings.Index(text[i+2:], text[i+1:i+2]+"]"); n >= 0 {
				i += n + 3
			}
		}
	}
	return -1
}

// reading is what a file tool's wish to read comes to.
func reading(r Request) finding {
	if within(filepath.Clean(r.Place.Root), filepath.Clean(r.Read)) {
		return finding{why: reasons{ClassRead: "It reads a file of the workspace"}}
	}
	return finding{why: reasons{ClassUnknown: "It reads " + quote(r.Read) + ", which lies outside the workspace"}}
}

// writing is what a file tool's wish to change a file comes to.
func writing(r Request) finding {
	root := filepath.Clean(r.Place.Root)
	r.Write = filepath.Clean(r.Write)
	if !within(root, r.Write) || r.Write == root {
		return finding{why: reasons{ClassDangerous: "It changes " + quote(r.Write) + ", which lies outside the workspace"}}
	}
	name := protected(root, r.Write)
	switch {
	case name == ".git" && r.Place.Access != AccessRoot:
		return finding{
			why:        reasons{ClassDangerous: "It changes git's own files, which only git commands may"},
			impossible: true,
		}
	case name != "":
		return finding{why: reasons{ClassDangerous: "It changes " + name + ", which decides what runs by itself later"}}
	}
	return finding{why: reasons{ClassBuild: "It changes a file of the workspace"}}
}

// resolve is where a path leads, from each directory that the command may be in. Links are not followed: the sandbox
// holds where they lead.
func resolve(dirs []string, text string) []string {
	if strings.HasPrefix(text, "/") {
		return []string{path.Clean(text)}
	}
	full := make([]string, len(dirs))
	for i, dir := range dirs {
		full[i] = path.Join(dir, text)
	}
	return full
}

// readPath allows what lies in the workspace, private temporary files, and what every system has in common.
func (w *walk) readPath(text string, st *state) {
	if !strings.HasPrefix(text, "/") && !strings.Contains(text, "..") && !slices.ContainsFunc(st.dirs, func(d string) bool { return !within(w.root, d) }) {
		return
	}
	for _, full := range resolve(st.dirs, text) {
		if !within(w.root, full) && !common(full) && !temporary(full) && full != "/tmp" && full != "/var/tmp" {
			if host, is := socketPath(full); is {
				w.reach(host)
				return
			}
			w.add(ClassUnknown, "It reads "+quote(text)+", which lies outside the workspace")
			return
		}
	}
}

// writePath allows what lies in the workspace and is not protected, and private temporary files.
func (w *walk) writePath(a arg, remove bool, st *state) {
	for _, full := range resolve(st.dirs, a.text) {
		if host, is := socketPath(full); is {
			w.reach(host)
			return
		}
		switch full {
		case "/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/fd/1", "/dev/fd/2":
			continue
		}
		switch name := protected(w.root, full); {
		case !within(w.root, full) && temporary(full):
			w.add(ClassBuild, "It changes temporary files")
		case !within(w.root, full):
			w.add(ClassDangerous, "It changes "+quote(a.text)+", which lies outside the workspace")
		case remove && (full == w.root || a.kind == pattern && path.Dir(full) == w.root && strings.Trim(path.Base(full), "*?.[]!{}") == ""):
			w.add(ClassDangerous, "It removes the whole workspace")
		case within(full, w.root) && full != w.root:
			w.add(ClassDangerous, "It changes "+quote(a.text)+", which holds the workspace")
		case name == ".git":
			w.add(ClassDangerous, "It changes git's own files, which only git commands may")
		case name != "":
			w.add(ClassDangerous, "It changes "+name+", which decides what runs by itself later")
		default:
			w.add(ClassBuild, because(ClassBuild))
		}
	}
}

// common tells of places that are the same on every system and hold nobody's secrets.
func common(full string) bool {
	for _, dir := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/dev/fd"} {
		if within(dir, full) {
			return true
		}
	}
	switch full {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty",
		"/etc/os-release", "/etc/debian_version", "/etc/lsb-release", "/etc/alpine-release", "/etc/redhat-release", "/etc/timezone",
		"/etc/localtime", "/etc/mime.types", "/etc/shells", "/etc/services", "/etc/protocols",
		"/proc/cpuinfo", "/proc/meminfo", "/proc/version", "/proc/loadavg", "/proc/uptime", "/proc/stat", "/proc/filesystems",
		"/proc/self/status", "/proc/self/limits", "/proc/self/cgroup":
		return true
	}
	return false
}

// temporary tells of directories that the sandbox gives each command afresh.
func temporary(full string) bool {
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
		if within(dir, full) && full != dir {
			return true
		}
	}
	return false
}

// socketPath finds the paths that bash makes connections of.
func socketPath(full string) (host string, is bool) {
	parts := strings.Split(full, "/")
	if len(parts) >= 4 && parts[1] == "dev" && (parts[2] == "tcp" || parts[2] == "udp") {
		return parts[3], true
	}
	return "", false
}
