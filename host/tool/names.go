package tool

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxSiblings is how many names of a directory are compared with one that is not there.
const maxSiblings = 20_000

// meant finds the one entry of a directory that a name can only mean that is not there: models write composed letters, plain
// spaces and straight quotes where the disk has others. Empty if there is none, or more than one.
func meant(dir, name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII || r == ' ' || r == '\'' || r == '"' }) {
		return ""
	}
	d, err := os.Open(dir)
	if err != nil {
		return ""
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxSiblings + 1)
	if len(names) > maxSiblings {
		return ""
	}
	found, want := "", plainName(name)
	for _, n := range names {
		if plainName(n) != want {
			continue
		}
		if found != "" {
			return ""
		}
		found = n
	}
	return found
}

// plainName is a name as most would type it.
func plainName(name string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		switch {
		case r == '‘' || r == '’' || r == 'ʼ':
			return '\''
		case r == '“' || r == '”':
			return '"'
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, name))
}

// follow follows a path as far as it exists: symbolic links are resolved, and names that can mean only one file are that
// file's. rest is what does not exist.
func follow(name string) (path string, rest []string, err error) {
	for at := name; ; {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			path = real
			break
		}
		up := filepath.Dir(at)
		if up == at {
			return "", nil, err
		}
		rest = append([]string{filepath.Base(at)}, rest...)
		at = up
	}
	for len(rest) > 0 {
		other := meant(path, rest[0])
		if other == "" {
			break
		}
		real, err := filepath.EvalSymlinks(filepath.Join(path, other))
		if err != nil {
			break
		}
		path, rest = real, rest[1:]
	}
	return path, rest, nil
}
