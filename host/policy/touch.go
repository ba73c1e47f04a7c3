package policy

import (
	"path"
	"slices"
	"strings"
)

// maxTouched is how many places of one command line are told.
const maxTouched = 256

// Touches tells which places of the workspace a command line works in or names, as far as it says so: absolute paths,
// links not resolved. Each may belong to a repository of its own, which Decide can't see. Patterns stand as they are
// written, with /** at the end for all that is below; where a command only reads, those are left out.
func Touches(r Request) []string {
	if r.Command == "" || malformed(r) != "" || r.Place.Root == "" {
		return nil
	}
	var all []string
	if f := look(r, &all); f.why.only(ClassRead) && !f.git {
		all = slices.DeleteFunc(all, func(p string) bool { return strings.ContainsAny(p, "*?[") })
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// touch notes where a command runs, and what its words may name there. What git is given are names in its own repository.
func (w *walk) touch(args []arg, name string, st *state) {
	if w.touched == nil || len(*w.touched) >= maxTouched {
		return
	}
	add := func(paths []string) {
		for _, p := range paths {
			if within(w.root, p) && p != w.root {
				*w.touched = append(*w.touched, p)
			}
		}
	}
	add(st.dirs)
	switch name {
	case "git":
		return
	case "find": // what it finds is named by itself
		add([]string{path.Join(w.root, "**")})
	}
	for _, a := range args {
		if a.kind == listed {
			add([]string{path.Join(w.root, "**")})
		}
		if a.kind > pattern || a.home || a.text == "" || len(a.text) > 4096 {
			continue
		}
		text := a.text
		add(resolve(st.dirs, text))
		if _, value, is := strings.Cut(text, "="); is {
			add(resolve(st.dirs, value))
		}
		if len(text) > 2 && text[0] == '-' {
			add(resolve(st.dirs, text[2:]))
		}
	}
}
