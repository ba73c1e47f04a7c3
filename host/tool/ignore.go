package tool

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// ignored is what the .gitignore of one directory says, and those above it.
type ignored struct {
	above *ignored
	dir   string
	lines []ignoreLine
}

type ignoreLine struct {
	glob          string
	not, dirsOnly bool
}

// with adds the .gitignore of a directory, named by its slash path within the search.
func (g *ignored) with(dir, text string) *ignored {
	next := &ignored{above: g, dir: dir}
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if !strings.HasSuffix(line, `\ `) {
			line = strings.TrimRight(line, " \t")
		}
		if line == "" || line[0] == '#' {
			continue
		}
		l := ignoreLine{}
		if line[0] == '!' {
			l.not, line = true, line[1:]
		}
		if strings.HasSuffix(line, "/") {
			l.dirsOnly, line = true, strings.TrimSuffix(line, "/")
		}
		if anchored := strings.Contains(line, "/"); anchored {
			line = strings.TrimPrefix(line, "/")
		} else {
			line = "**/" + line
		}
		// Braces mean something to the matcher and nothing to git.
		l.glob = strings.NewReplacer("{", `\{`, "}", `\}`).Replace(line)
		if doublestar.ValidatePattern(l.glob) {
			next.lines = append(next.lines, l)
		}
	}
	return next
}

// covers tells whether a path is to be left out. The last line that fits decides, and those of deeper directories come
// after those above. What lies in a directory that is left out is never asked about.
func (g *ignored) covers(name string, isDir bool) bool {
	for ; g != nil; g = g.above {
		rel := name
		if g.dir != "." {
			rel = strings.TrimPrefix(name, g.dir+"/")
		}
		for i := len(g.lines) - 1; i >= 0; i-- {
			l := g.lines[i]
			if l.dirsOnly && !isDir {
				continue
			}
			if doublestar.MatchUnvalidated(l.glob, rel) {
				return !l.not
			}
		}
	}
	return false
}

// fits tells whether a file has the name that a glob asks for: without a slash it is about the last part only.
func fits(glob, name string) bool {
	if glob == "" {
		return true
	}
	if !strings.Contains(glob, "/") {
		return doublestar.MatchUnvalidated(glob, path.Base(name))
	}
	return doublestar.MatchUnvalidated(strings.TrimPrefix(glob, "/"), name)
}
