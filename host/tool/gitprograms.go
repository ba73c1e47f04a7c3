package tool

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxSettings is how much of a repository's settings is looked at.
const maxSettings = 256 << 10

// GitPrograms tells which setting of the repository at dir would make git start a program that the sandbox does not keep
// it from starting, or that its settings can't be told; empty: none.
func GitPrograms(dir string) string {
	own := filepath.Join(dir, ".git")
	info, err := os.Lstat(own)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil || info.Mode()&fs.ModeSymlink != 0:
		return "a .git that can't be looked at"
	case !info.IsDir():
		text, err := readBounded(own)
		target, is := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
		if err != nil || !is {
			return "a .git that can't be looked at"
		}
		if own = target; !filepath.IsAbs(own) {
			own = filepath.Join(dir, own)
		}
	}
	dirs := []string{own}
	if text, err := readBounded(filepath.Join(own, "commondir")); err == nil {
		common := strings.TrimSpace(string(text))
		if !filepath.IsAbs(common) {
			common = filepath.Join(own, common)
		}
		dirs = append(dirs, common)
	}
	for _, d := range dirs {
		for _, name := range []string{"config", "config.worktree"} {
			text, err := readBounded(filepath.Join(d, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return "settings that can't be read"
			}
			if found := programIn(text); found != "" {
				return found
			}
		}
	}
	return ""
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSettings {
		return nil, errors.New("it is no small file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxSettings))
}

// programIn finds the first setting that names a program, or a file with more settings. What looks like a setting and is
// part of a value counts as well: it only leads to a question.
func programIn(text []byte) string {
	section, sub := "", ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxSettings+1)
	for lines.Scan() {
		line := strings.TrimLeft(lines.Text(), " \t\r\v\f\ufeff")
		if head, is := strings.CutPrefix(line, "["); is {
			end := strings.LastIndexByte(head, ']')
			if quote := strings.LastIndexByte(head, '"'); end < quote || end < 0 {
				return "settings that can't be read"
			}
			name, rest := head[:end], head[end+1:]
			section, sub, _ = strings.Cut(name, " ")
			if dotted, more, is := strings.Cut(section, "."); is && sub == "" {
				section, sub = dotted, more
			}
			section, sub = strings.ToLower(strings.TrimSpace(section)), strings.Trim(strings.TrimSpace(sub), `"`)
			line = strings.TrimLeft(rest, " \t")
		}
		key, value, _ := strings.Cut(line, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if startsProgram(section, key, strings.TrimSpace(value)) {
			return strings.Join(slices.DeleteFunc([]string{section, sub, key}, func(s string) bool { return s == "" }), ".")
		}
	}
	if lines.Err() != nil {
		return "settings that can't be read"
	}
	return ""
}

func startsProgram(section, key, value string) bool {
	keys := map[string][]string{
		"filter": {"clean", "smudge", "process"}, "diff": {"external", "command", "textconv"}, "merge": {"driver"}, "interactive": {"difffilter"},
		"core": {"alternaterefscommand", "gitproxy"}, "include": {"path"}, "includeif": {"path"}, "trailer": {"command", "cmd"}, "tar": {"command"},
		"remote": {"uploadpack", "receivepack", "vcs"}, "hook": {"command"}, "lfs": {"path"},
	}[section]
	return slices.Contains(keys, key) || section == "submodule" && key == "update" && strings.HasPrefix(strings.TrimLeft(value, `"`), "!")
}
