package tool

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/openvibez/openvibez/host/policy"
)

// Bounds of search_files.
const (
	maxHits        = 200
	maxHitBytes    = 48 << 10
	maxHitLine     = 300
	maxSearched    = 100_000
	maxSearchFile  = 4 << 20
	maxSearchTime  = 30 * time.Second
	maxPatternSize = 1000
)

type searchArgs struct {
	Pattern    *string `json:"pattern"`
	Path       *string `json:"path"`
	Glob       *string `json:"glob"`
	IgnoreCase *bool   `json:"ignore_case"`

	find *regexp.Regexp
	glob string
}

func searchFiles() *Tool {
	return &Tool{
		Declaration: declare(SearchFiles),
		Question:    "May this be searched?",
		Prepare:     prepareSearch,
		Do:          func(ctx context.Context, c *Call, g policy.Grant) (Result, error) { return c.searchFiles(ctx, g), nil },
	}
}

func prepareSearch(c *Call, text string) error {
	a := &searchArgs{}
	if err := arguments(text, a); err != nil {
		return err
	}
	if a.Pattern != nil && *a.Pattern != "" {
		if len(*a.Pattern) > maxPatternSize {
			return fmt.Errorf("the pattern has %d bytes; %d are the most", len(*a.Pattern), maxPatternSize)
		}
		pattern := "(?m)" + *a.Pattern
		if a.IgnoreCase != nil && *a.IgnoreCase {
			pattern = "(?i)" + pattern
		}
		var err error
		if a.find, err = regexp.Compile(pattern); err != nil {
			return fmt.Errorf("the pattern can't be used (%w); the syntax is RE2, a backslash makes a character literal", err)
		}
	}
	if a.Glob != nil {
		if a.glob = *a.Glob; !doublestar.ValidatePattern(a.glob) {
			return fmt.Errorf("the glob %q can't be used", a.glob)
		}
	}
	where := "."
	if a.Path != nil && *a.Path != "" {
		where = *a.Path
	}
	place, shown, err := resolve(c.Root, where)
	if err != nil {
		return err
	}
	c.Args, c.Path, c.Wants = a, shown, policy.Request{Read: place}
	return nil
}

// searcher gathers what is found.
type searcher struct {
	*searchArgs
	ctx  context.Context
	base *os.Root
	// Where it begins, within base; and what people call base: empty for the workspace.
	start, prefix string

	out     strings.Builder
	hits    int
	files   int
	large   int
	unread  int
	stopped string
}

// searchFiles searches below what was granted.
func (c *Call) searchFiles(ctx context.Context, g policy.Grant) Result {
	ctx, cancel := context.WithTimeout(ctx, maxSearchTime)
	defer cancel()
	s := &searcher{searchArgs: c.Args.(*searchArgs), ctx: ctx}
	p, err := reach(c.Root, g.Identity(), g.Read(), false)
	if err != nil {
		return c.failed("searched", err)
	}
	defer p.close()
	f, info, err := p.open()
	if err != nil {
		return c.failed("searched", err)
	}
	defer f.Close()
	base := c.Root
	if s.start = c.Path; path.IsAbs(c.Path) {
		base, s.start, s.prefix = g.Read(), ".", c.Path
	}
	if info.IsDir() {
		if s.base, err = os.OpenRoot(base); err != nil {
			return c.failed("searched", err)
		}
		defer s.base.Close()
		s.walk(s.start, s.above(s.start))
	} else {
		s.file(c.Path, f, info)
	}
	if ctx.Err() != nil && s.stopped == "" {
		s.stopped = "it took too long"
	}
	return s.result(c.Path)
}

func (s *searcher) name(rel string) string { return path.Join(s.prefix, rel) }

// above is what the directories above a directory leave out.
func (s *searcher) above(dir string) *ignored {
	if dir == "." {
		return nil
	}
	up := path.Dir(dir)
	rules := s.above(up)
	if text, err := s.ignoreFile(up); err == nil {
		rules = rules.with(up, text)
	}
	return rules
}

// fits tells whether a file is one of those wanted: the glob is about its path within what is searched, or within all.
func (s *searcher) fits(name string) bool {
	return fits(s.glob, name) || fits(s.glob, strings.TrimPrefix(name, s.start+"/"))
}

// walk searches a directory, named within the search.
func (s *searcher) walk(dir string, ignore *ignored) {
	entries, err := fs.ReadDir(s.base.FS(), dir)
	if err != nil {
		s.unread++
		return
	}
	if text, err := s.ignoreFile(dir); err == nil {
		ignore = ignore.with(dir, text)
	}
	for _, e := range entries {
		if s.stopped != "" || s.ctx.Err() != nil {
			return
		}
		name := path.Join(dir, e.Name())
		if e.Name() == ".git" || ignore.covers(name, e.IsDir()) {
			continue
		}
		switch {
		case e.IsDir():
			s.walk(name, ignore)
		case e.Type().IsRegular() && s.fits(name):
			if s.files++; s.files > maxSearched {
				s.stopped = fmt.Sprintf("there are more than %d files", maxSearched)
				return
			}
			s.visit(name)
		}
	}
}

func (s *searcher) ignoreFile(dir string) (string, error) {
	p := &place{dir: s.base, name: path.Join(dir, ".gitignore")}
	f, info, err := p.open() // a pipe would never end
	if err != nil {
		return "", err
	}
	defer f.Close()
	if !info.Mode().IsRegular() {
		return "", errors.New("no file")
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(text), err
}

func (s *searcher) visit(name string) {
	if s.find == nil {
		s.hit(s.name(name))
		return
	}
	p := &place{dir: s.base, name: name}
	f, info, err := p.open()
	if err != nil {
		s.unread++
		return
	}
	defer f.Close()
	s.file(name, f, info)
}

// file looks through one file, line by line.
func (s *searcher) file(name string, f *os.File, info fs.FileInfo) {
	if s.find == nil {
		s.hit(s.name(name))
		return
	}
	if info.Size() > maxSearchFile {
		s.large++
		return
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSearchFile))
	if err != nil {
		s.unread++
		return
	}
	if _, is := binary(data); is || !s.find.Match(data) && !bytes.ContainsAny(data, "\r") {
		return
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxSearchFile+1)
	for n := 1; lines.Scan() && s.stopped == ""; n++ {
		line := lines.Bytes()
		at := s.find.FindIndex(line)
		if at == nil {
			continue
		}
		s.hit(fmt.Sprintf("%s:%d: %s", s.name(name), n, around(line, at[0])))
	}
}

// around is a line, or the piece of a long one where something was found.
func around(line []byte, at int) string {
	if len(line) > maxHitLine {
		from := max(0, min(at-50, len(line)-maxHitLine))
		line = line[from : from+maxHitLine]
	}
	return strings.ToValidUTF8(string(line), "\uFFFD")
}

func (s *searcher) hit(line string) {
	if s.hits == maxHits || s.out.Len()+len(line) > maxHitBytes {
		s.stopped = "there is more"
		return
	}
	s.hits++
	s.out.WriteString(line)
	s.out.WriteByte('\n')
}

func (s *searcher) result(where string) Result {
	var notes []string
	if s.stopped != "" {
		notes = append(notes, "stopped here: "+s.stopped+"; search for something narrower")
	}
	if s.large > 0 {
		notes = append(notes, fmt.Sprintf("%d files larger than %s were left out", s.large, size(maxSearchFile)))
	}
	if s.unread > 0 {
		notes = append(notes, fmt.Sprintf("%d files could not be read", s.unread))
	}
	text := s.out.String()
	if s.hits == 0 {
		if where == "." {
			where = "the workspace"
		}
		text = fmt.Sprintf("Nothing found in %s.\n", where)
	}
	if len(notes) > 0 {
		text += "[" + strings.Join(notes, "; ") + "]"
	}
	return did(strings.TrimRight(text, "\n"))
}
