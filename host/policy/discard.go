package policy

import (
	"slices"
	"strings"
)

const (
	losesChanges = "It throws away changes that were not committed"
	losesHistory = "It removes what git keeps for getting work back"
	losesFiles   = "What it removes is only known when it runs"
	losesRemote  = "It overwrites or removes what others have at the remote"
)

// discard notes that something is thrown away for good: the first reason counts.
func (w *walk) discard(why string) {
	if w.found.discards == "" {
		w.found.discards = why
	}
}

// discards says what a git command throws away that git keeps nowhere else.
func discards(c *call) string {
	verb := ""
	if len(c.args) > 0 && c.args[0].kind == literal {
		verb = c.args[0].text
	}
	switch c.name {
	case "reset":
		if c.told(0, "--hard", "--merge", "--keep") {
			return losesChanges
		}
	case "checkout":
		if c.told('f', "--force") || c.told('p', "--patch", "--ours", "--theirs", "--pathspec-from-file") || takesPaths(c) {
			return losesChanges
		}
		if c.told('B') {
			return losesHistory
		}
	case "switch":
		if c.told('f', "--force", "--discard-changes") {
			return losesChanges
		}
		if c.told('C', "--force-create") {
			return losesHistory
		}
	case "restore":
		if !c.surely('S', "--staged", "sU", "--source", "--unified", "--inter-hunk-context", "--conflict", "--pathspec-from-file") || c.told('W', "--worktree") {
			return losesChanges
		}
	case "checkout-index":
		return losesChanges
	case "read-tree":
		if !c.dry() {
			return losesChanges
		}
	case "rm", "mv":
		if c.told('f', "--force") {
			return losesChanges
		}
	case "clean":
		if !c.dry() {
			return "It removes files that git does not keep"
		}
	case "merge", "rebase", "cherry-pick", "revert", "am":
		if c.told(0, "--abort", "--skip") {
			return "It throws away how conflicts were resolved"
		}
	case "stash":
		if verb == "drop" || verb == "clear" {
			return losesHistory
		}
	case "reflog":
		if verb == "expire" || verb == "delete" || verb == "drop" {
			return losesHistory
		}
	case "branch":
		if c.told('D') || c.told('M') || c.told('C') || c.told('f', "--force") {
			return losesHistory
		}
	case "tag":
		if c.told('d', "--delete") || c.told('f', "--force") {
			return losesHistory
		}
	case "worktree":
		switch verb {
		case "remove":
			if c.told('f', "--force") {
				return losesChanges
			}
		case "add":
			if c.told('B') || c.told('f', "--force") {
				return losesHistory
			}
		}
	case "update-ref":
		return losesHistory
	case "symbolic-ref":
		if c.told('d', "--delete") {
			return losesHistory
		}
	case "gc":
		if slices.ContainsFunc(c.args, func(a arg) bool { return strings.HasPrefix(a.text, "--p") && a.text != "--prune=2.weeks.ago" }) || c.told(0, "--cruft-expiration", "--expire-to") {
			return losesHistory
		}
	case "prune":
		if !c.dry() {
			return losesHistory
		}
	case "repack":
		if c.told('a') && c.told('d') || c.told(0, "--cruft-expiration", "--expire-to") {
			return losesHistory
		}
	case "rerere":
		if verb == "clear" || verb == "forget" || verb == "gc" {
			return losesHistory
		}
	case "filter-branch", "filter-repo", "fast-import", "replace":
		return losesHistory
	case "submodule":
		if (verb == "update" || verb == "deinit" || verb == "add") && c.told('f', "--force") {
			return losesChanges
		}
	case "lfs":
		if verb == "prune" {
			return losesHistory
		}
	case "fetch", "pull":
		if c.told('f', "--force") || c.told('u', "--update-head-ok") || c.refspec("+") {
			return losesHistory
		}
	case "push":
		if c.told('f', "--force", "--force-with-lease", "--force-if-includes") || c.told('d', "--delete") || c.told(0, "--mirror", "--prune") || c.refspec("+", ":") {
			return losesRemote
		}
	}
	return ""
}

// dry tells whether git is only asked what it would do. That holds whatever else is said, but for its opposite.
func (c *call) dry() bool {
	return c.surely('n', "--dry-run", "e", "--exclude", "--expire", "--prefix", "--index-output", "--exclude-per-directory") && !c.told(0, "--no-dry-run")
}

// surely finds an option that makes a command harmless: as told does, but not where it could be the value of another.
func (c *call) surely(letter byte, name, valued string, longValued ...string) bool {
	value := false
	for _, a := range c.args {
		was := value
		value = false
		switch {
		case was:
		case a.is("--"):
			return false
		case a.kind != literal || a.loud || len(a.text) < 2 || a.text[0] != '-':
		case a.text[1] == '-':
			if len(a.text) > 3 && strings.HasPrefix(name, a.text) {
				return true
			}
			value = slices.ContainsFunc(longValued, func(o string) bool { return strings.HasPrefix(o, a.text) })
		default:
			flags := a.text
			if i := strings.IndexAny(flags, valued); i > 0 {
				flags, value = flags[:i], i == len(flags)-1
			}
			if strings.IndexByte(flags, letter) > 0 {
				return true
			}
		}
	}
	return false
}

// told finds an option, by its letter in any cluster or by its name, cut short or with something added. What could be
// any option counts.
func (c *call) told(letter byte, names ...string) bool {
	for _, a := range c.args {
		switch {
		case a.is("--"):
			return false
		case a.kind >= computed:
			return true
		case a.kind != literal || len(a.text) < 2 || a.text[0] != '-':
		case a.text[1] != '-':
			if letter != 0 && strings.IndexByte(a.text, letter) > 0 {
				return true
			}
		default:
			word, _, _ := strings.Cut(a.text, "=")
			for _, name := range names {
				if len(word) > 2 && strings.HasPrefix(name, word) || strings.HasPrefix(a.text, name) {
					return true
				}
			}
		}
	}
	return false
}

// refspec tells whether what is given to a remote begins like this, or might.
func (c *call) refspec(begins ...string) bool {
	return slices.ContainsFunc(c.args, func(a arg) bool {
		if a.kind != literal || a.loud || a.home {
			return true
		}
		return slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(a.text, b) })
	})
}

// takesPaths tells whether checkout is given files, which it then overwrites. A single word is a branch only where it
// looks like nothing else.
func takesPaths(c *call) bool {
	var names []arg
	makes := c.told('b', "--orphan", "--detach", "--track", "--no-track") || c.told('B') || c.told('t') || c.told('d') || c.told('l')
	for i, a := range c.args {
		switch {
		case a.is("--"):
			return i+1 < len(c.args)
		case a.is("-"), a.kind != literal || !strings.HasPrefix(a.text, "-"):
			names = append(names, a)
		}
	}
	if makes && len(names) <= 2 || len(names) == 0 {
		return false
	}
	return len(names) > 1 || !namesCommit(names[0])
}

// namesCommit tells whether a word can hardly be anything but a branch, tag or commit.
func namesCommit(a arg) bool {
	if a.kind != literal || a.loud || a.home {
		return false
	}
	name, _, _ := strings.Cut(a.text, "~")
	name, _, _ = strings.Cut(name, "^")
	name, _, _ = strings.Cut(name, "@{")
	switch name {
	case "", "-", "@", "HEAD", "FETCH_HEAD", "ORIG_HEAD", "main", "master", "trunk", "develop", "dev", "staging", "production", "gh-pages", "next":
		return true
	}
	if len(name) >= 7 && strings.Trim(name, "0123456789abcdef") == "" && strings.ContainsAny(name, "0123456789") {
		return true
	}
	if version, is := strings.CutPrefix(name, "v"); is && version != "" && strings.Trim(version, "0123456789.") == "" {
		return true
	}
	kind, rest, is := strings.Cut(name, "/")
	return is && rest != "" && !strings.HasSuffix(rest, "/") && !strings.ContainsAny(rest, ".*?[") && slices.Contains([]string{
		"feature", "feat", "fix", "bugfix", "hotfix", "release", "releases", "chore", "refactor", "origin", "upstream", "remotes", "heads", "dependabot",
	}, kind)
}

// wipe finds the removal of what nobody named.
func (w *walk) wipe(c *call) {
	w.removals++
	for _, a := range c.args {
		if a.kind > listed {
			w.add(ClassUnknown, losesFiles)
		}
		if a.kind > pattern || a.kind == pattern && wide(a) {
			w.discard(losesFiles)
		}
	}
}

// wide tells of a glob that takes a whole directory, and not one that is made anew.
func wide(a arg) bool {
	if strings.Contains(a.text, "**") {
		return true
	}
	text := anyBracket(a.text, func(in string) bool {
		return strings.HasPrefix(in, "!") || strings.HasPrefix(in, "^") || strings.HasPrefix(in, "[") || strings.Contains(in, "-")
	})
	for i, part := range strings.Split(strings.TrimPrefix(text, "./"), "/") {
		if i == 0 && rebuilt(part) {
			return false
		}
		if strings.ContainsAny(part, "*?[") && strings.Trim(part, "*?.[]!") == "" {
			return true
		}
	}
	return false
}

// rebuilt tells of names that only tools give to what they make, and make again.
func rebuilt(name string) bool {
	switch name {
	case "node_modules", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".cache", ".parcel-cache", ".turbo", ".next", ".nuxt",
		"dist", "build", "target", "coverage", "htmlcov", ".coverage", ".nyc_output", "tmp", ".DS_Store", "Thumbs.db",
		"*.pyc", "*.pyo", "*.py[co]", "*.o", "*.obj", "*.class", "*.tmp", "*.swp", "*.egg-info", "*.tsbuildinfo":
		return true
	}
	return false
}
