package policy

import (
	"slices"
	"strings"
)

// git handles git. Only subcommands that are known, with options that are known, are git's; what would make git start
// another program is not.
func (w *walk) git(c *call) {
	args := c.args
	st := c.st.clone()
	for len(args) > 0 && strings.HasPrefix(args[0].text, "-") && args[0].kind == literal && !args[0].loud {
		text := args[0].text
		switch {
		case text == "--no-pager" || text == "-P" || text == "--no-optional-locks" || text == "--literal-pathspecs" || text == "--no-advice":
		case text == "-C" && len(args) > 1:
			w.enterDir(args[1], st)
			args = args[1:]
		case text == "-c" && len(args) > 1:
			w.setting(args[1], st)
			args = args[1:]
		case text == "--version" || text == "-v" || (text == "--help" || text == "-h") && len(args) == 1:
			w.add(ClassRead, because(ClassRead))
			return
		case text == "--help" || text == "-h":
			w.add(ClassUnknown, "It shows a manual with a program that git's settings name")
			return
		default:
			w.add(ClassUnknown, "It gives git the option "+quote(text)+", which is not known to be harmless")
			if strings.HasPrefix(text, "-c") || strings.HasPrefix(text, "--config") {
				w.setting(arg{text: strings.TrimPrefix(text, "-c")}, st)
			}
			if (text == "--git-dir" || text == "--work-tree" || text == "--namespace" || text == "--exec-path" || text == "--config-env") && len(args) > 1 {
				args = args[1:]
			}
		}
		args = args[1:]
	}
	if len(args) == 0 {
		w.add(ClassRead, because(ClassRead))
		return
	}
	sub := args[0]
	if sub.kind != literal || sub.loud || sub.home || strings.HasPrefix(sub.text, "-") {
		w.add(ClassUnknown, "Which git command it runs is only known when it runs")
		return
	}
	c.offer = []string{"git", sub.text}
	c.git, w.asksGit = true, true
	g := &call{name: sub.text, args: args[1:], st: st}
	w.subcommand(g)
	if slices.ContainsFunc(st.dirs, func(dir string) bool {
		return !within(w.root, dir) && (temporary(dir) || dir == "/tmp" || dir == "/var/tmp")
	}) {
		// Nobody has looked at that repository's settings.
		w.add(ClassBuild, "It works in a repository among temporary files, whose settings can name programs")
	}
	st.input = c.st.input
	c.st.lists = st.lists
}

// setting is name=value behind -c. Settings can name programs; those that don't are few.
func (w *walk) setting(a arg, st *state) {
	name, value, _ := strings.Cut(a.text, "=")
	name = strings.ToLower(name)
	family, _, _ := strings.Cut(name, ".")
	switch {
	case a.kind != literal || a.loud:
		w.add(ClassUnknown, "It gives git a setting that is only known when it runs")
	case slices.Contains([]string{"color", "advice", "user", "column"}, family) && name != "user.signingkey",
		slices.Contains([]string{
			"core.quotepath", "core.abbrev", "core.autocrlf", "core.filemode", "core.ignorecase", "core.precomposeunicode", "core.safecrlf",
			"diff.renames", "diff.noprefix", "diff.algorithm", "diff.context", "log.date", "log.showsignature", "log.decorate",
			"init.defaultbranch", "merge.conflictstyle", "pull.rebase", "pull.ff", "push.default", "rebase.autostash", "rebase.autosquash",
			"rerere.enabled", "status.short", "status.branch", "fetch.prune", "commit.gpgsign", "tag.gpgsign", "http.version",
			"protocol.version", "gc.auto", "grep.linenumber", "blame.date", "submodule.recurse",
		}, name):
	default:
		w.add(ClassUnknown, "It gives git the setting "+quote(name)+", which can name a program to run")
		if value = strings.TrimPrefix(value, "!"); value != "" {
			w.script(value, false, st)
		}
	}
}

// What many of git's commands take.
const (
	diffOptions = " -pusawbWzRBMCD0123456789 -U?:t -M?:t -C?:t -B?:t -S:t -G:t -l:t -X?:t -O:r --stat?:t --numstat --shortstat --dirstat?:t --summary --patch --no-patch " +
		"--patch-with-stat --patch-with-raw --raw --name-only --name-status --color?:t --no-color --color-words?:t --word-diff?:t --word-diff-regex:t " +
		"--color-moved?:t --no-color-moved --unified:t --function-context --minimal --patience --histogram --diff-algorithm:t --no-renames " +
		"--find-renames?:t --find-copies?:t --find-copies-harder --full-index --binary --abbrev?:t --no-abbrev --diff-filter:t --pickaxe-all " +
		"--pickaxe-regex --relative?:t --no-relative --text --ignore-all-space --ignore-space-change --ignore-space-at-eol --ignore-blank-lines " +
		"--ignore-cr-at-eol --inter-hunk-context:t --exit-code --quiet --check --no-prefix --src-prefix:t --dst-prefix:t --line-prefix:t " +
		"--default-prefix --submodule?:t --ignore-submodules?:t --no-ext-diff --no-textconv --no-indent-heuristic --indent-heuristic --compact-summary " +
		"--cc --combined-all-paths --output:w --ext-diff:x --textconv:x --ws-error-highlight:t --merge-base --skip-to:t --rotate-to:t"
	logOptions = " -nqicgEFP123456789 -n:t -L:t -NUM --oneline --graph --decorate?:t --no-decorate --decorate-refs:t --decorate-refs-exclude:t --all --branches?:t --tags?:t " +
		"--remotes?:t --glob:t --exclude:t --since:t --after:t --until:t --before:t --author:t --committer:t --grep:t --all-match --invert-grep " +
		"--regexp-ignore-case --extended-regexp --fixed-strings --basic-regexp --perl-regexp --max-count:t --skip:t --merges --no-merges " +
		"--min-parents:t --max-parents:t --first-parent --not --reverse --topo-order --date-order --author-date-order --date:t --pretty?:t " +
		"--format:t --abbrev-commit --no-abbrev-commit --follow --full-diff --log-size --source --use-mailmap --no-mailmap --mailmap --notes?:t --no-notes --show-notes?:t " +
		"--left-right --cherry --cherry-pick --cherry-mark --left-only --right-only --walk-reflogs --boundary --simplify-by-decoration --full-history --dense " +
		"--sparse --simplify-merges --ancestry-path?:t --show-pulls --parents --children --count --objects --no-walk?:t --do-walk --timestamp --stdin " +
		"--relative-date --show-signature:x --expand-tabs?:t --no-expand-tabs --encoding:t --diff-merges:t --no-diff-merges --remove-empty --show-linear-break?:t --bisect"
	paths = "--pathspec-from-file:r --pathspec-file-nul"
)

// subcommand gives each its options. Paths are only text to git, which stays in the repository.
func (w *walk) subcommand(c *call) {
	w.discard(discards(c))
	read := func(options string) { w.check(spec{ClassRead, "", "p*", options, false}, c) }
	write := func(options string) { w.check(spec{ClassGit, "", "p*", options, false}, c) }
	switch c.name {
	case "log", "show", "whatchanged", "shortlog", "rev-list":
		read(diffOptions + logOptions + " -e --summary --numbered --email --group:t --textconv:x")
	case "diff", "diff-tree", "diff-index", "diff-files", "range-diff":
		read(diffOptions + " -rtmcvq --cached --staged --no-index --stdin --root --left-only --right-only --creation-factor:t --dual-color --diff-merges:t --base --ours --theirs --pretty?:t --format:t --no-commit-id --always")
		c.st.lists = named(c, "--name-only")
	case "status":
		read("-sbvuz -u?:t --short --branch --porcelain?:t --long --verbose --untracked-files?:t --ignored?:t --ignore-submodules?:t --column?:t --no-column --show-stash --ahead-behind --no-ahead-behind --renames --no-renames --find-renames?:t --null")
	case "blame", "annotate":
		read("-lbtfnswepkcCM -L:t -S:r -C?:t -M?:t --root --show-name --show-number --show-email --porcelain --line-porcelain --incremental --date:t --since:t --ignore-rev:t --ignore-revs-file:r --color-lines --color-by-age --abbrev:t --contents:r --first-parent --reverse --progress --no-progress")
	case "ls-files":
		read("-cdmosuiktvfzx -x:t -X:r --cached --deleted --modified --others --stage --unmerged --killed --directory --no-empty-directory --ignored --exclude:t --exclude-from:r --exclude-per-directory:t --exclude-standard --error-unmatch --full-name --recurse-submodules --abbrev?:t --eol --deduplicate --format:t --with-tree:t")
		c.st.lists = !named(c, "-s") && !named(c, "--stage") && !named(c, "--format") && !named(c, "--eol")
	case "ls-tree":
		read("-drtlz --long --name-only --name-status --object-only --full-name --full-tree --abbrev?:t --format:t")
		c.st.lists = named(c, "--name-only")
	case "grep":
		read("-invwhHEGPFclLzopWqarI -e:t -f:r -A:t -B:t -C:t -m:t -O?:x --open-files-in-pager?:x --textconv:x --cached --untracked --no-index --no-exclude-standard --exclude-standard --recurse-submodules --text --ignore-case --word-regexp --invert-match --full-name --extended-regexp --basic-regexp --perl-regexp --fixed-strings --line-number --column --files-with-matches --name-only --files-without-match --null --only-matching --count --color?:t --no-color --break --heading --show-function --function-context --context:t --after-context:t --before-context:t --max-count:t --max-depth:t --recursive --no-recursive --threads:t --and --or --not --all-match --quiet --no-textconv -NUM")
		c.st.lists = named(c, "-l") || named(c, "--files-with-matches") || named(c, "--name-only")
	case "rev-parse":
		read("-hq --verify --quiet --short?:t --abbrev-ref?:t --symbolic --symbolic-full-name --show-toplevel --show-prefix --show-cdup --git-dir --absolute-git-dir --git-common-dir --git-path:t --is-inside-work-tree --is-inside-git-dir --is-bare-repository --is-shallow-repository --all --branches?:t --tags?:t --remotes?:t --not --since:t --until:t --show-object-format?:t --show-ref-format --show-superproject-working-tree --path-format:t --revs-only --no-revs --flags --no-flags --default:t --prefix:t --glob:t --exclude:t --sq --parseopt:x")
	case "cat-file":
		read("-tspez -t --textconv:x --filters:x --batch?:t --batch-check?:t --batch-all-objects --buffer --unordered --follow-symlinks --allow-unknown-type --use-mailmap --path:t")
	case "describe":
		read("--all --tags --contains --abbrev:t --candidates:t --exact-match --debug --long --match:t --exclude:t --always --first-parent --dirty?:t --broken?:t")
	case "for-each-ref", "show-ref", "show-branch", "merge-base", "name-rev", "cherry", "count-objects", "check-ignore", "check-attr", "check-mailmap",
		"check-ref-format", "var", "version", "diff-pairs", "ls-remote-heads", "get-tar-commit-id", "patch-id", "stripspace", "verify-pack", "fmt-merge-msg":
		if c.name == "var" && len(c.args) > 0 && !strings.HasPrefix(c.args[0].text, "GIT_") && !c.args[0].is("-l") {
			w.add(ClassUnknown, because(ClassUnknown))
		}
		read("-avqzHndslrscp --count:t --sort:t --format:t --points-at:t --merged?:t --no-merged?:t --contains?:t --no-contains?:t --heads --tags --branches --verify --quiet --hash?:t --abbrev?:t --dereference --head --exists --exclude-existing?:t --all --remotes --list --more:t --topo-order --independent --is-ancestor --fork-point --octopus --name-only --refs:t --always --stdin --human-readable --verbose --non-matching --no-index --cached --stdin --is-a --python --shell --perl --tcl --ignore-case --allow-onelevel --refspec-pattern --normalize --exclude:t --omit-empty --color?:t --strip-comments --stable --unstable --verbatim")
	case "branch":
		w.refs(c, "-arvqil --list --all --remotes --verbose --show-current --contains?:t --no-contains?:t --merged?:t --no-merged?:t --points-at:t --sort:t --format:t --color?:t --no-color --column?:t --no-column --abbrev?:t --no-abbrev --ignore-case --omit-empty",
			"-dDmMcCftu -t?:t -u:t --delete --move --copy --force --track?:t --no-track --set-upstream-to:t --unset-upstream --create-reflog --quiet --recurse-submodules",
			"-a", "-r", "-l", "--list", "--all", "--remotes", "--contains", "--no-contains", "--merged", "--no-merged", "--points-at", "--show-current")
	case "tag":
		w.refs(c, "-li -n?:t --list --contains?:t --no-contains?:t --merged?:t --no-merged?:t --points-at:t --sort:t --format:t --color?:t --column?:t --no-column --ignore-case --omit-empty",
			"-adfsF -m:t -F:r --annotate --delete --force --message:t --file:r --cleanup:t --create-reflog --no-sign --trailer:t",
			"-l", "-n", "--list", "--contains", "--no-contains", "--merged", "--no-merged", "--points-at")
	case "stash", "worktree", "notes", "remote", "submodule", "reflog", "bisect", "config", "symbolic-ref", "sparse-checkout", "maintenance":
		w.nested(c)
	case "add", "stage":
		write("-Aunvfp --all --update --dry-run --verbose --force --patch --no-all --ignore-removal --no-ignore-removal --intent-to-add -N --refresh --ignore-errors --ignore-missing --renormalize --chmod:t --sparse --no-warn-embedded-repo " + paths)
	case "commit":
		write("-aqsvnopi -m:t -F:r -C:t -c:t -S?:x -u?:t -z --all --quiet --signoff --no-signoff --verbose --no-verify --only --include --amend --no-edit --edit -e --message:t --file:r --reuse-message:t --reedit-message:t --fixup:t --squash:t --author:t --date:t --reset-author --allow-empty --allow-empty-message --cleanup:t --dry-run --short --porcelain --branch --status --no-status --no-gpg-sign --gpg-sign?:x --trailer:t --template:r --patch --no-post-rewrite " + paths)
	case "checkout", "switch", "restore", "reset":
		write("-qfpbBdmctlNSW -b:t -B:t -c:t -C:t -s:t -U:t --quiet --force --patch --detach --merge --create:t --force-create:t --orphan:t --track?:t --no-track --guess --no-guess --discard-changes --ours --theirs --conflict:t --ignore-skip-worktree-bits --overlay --no-overlay --progress --no-progress --recurse-submodules?:t --no-recurse-submodules --ignore-other-worktrees --staged --worktree --source:t --unified:t --inter-hunk-context:t --soft --mixed --hard --keep --intent-to-add --refresh --no-refresh --overwrite-ignore " + paths)
	case "merge", "cherry-pick", "revert":
		signoff := "-s:s"
		if c.name != "merge" {
			signoff = "-s"
		}
		write(signoff + " -nqvex -m:t -X:t -F:r -S?:x --commit --no-commit --edit --no-edit --ff --no-ff --ff-only --log?:t --no-log --signoff --stat --no-stat --squash --no-squash --verify --no-verify --strategy:s --strategy-option:t --allow-unrelated-histories --rerere-autoupdate --abort --quit --continue --skip --autostash --no-autostash --into-name:t --message:t --file:r --mainline:t --allow-empty --allow-empty-message --keep-redundant-commits --empty:t --reference --cleanup:t --quiet --verbose --progress --no-progress --no-gpg-sign --verify-signatures:x --gpg-sign?:x")
	case "rebase":
		write("-qvfnkim -X:t -s:s -x:E -S?:x -r?:t -C:t --onto:t --keep-base --apply --merge --interactive --continue --abort --skip --quit --edit-todo --show-current-patch --autosquash --no-autosquash --autostash --no-autostash --root --fork-point --no-fork-point --exec:E --strategy:s --strategy-option:t --rebase-merges?:t --no-rebase-merges --update-refs --no-update-refs --force-rebase --no-ff --keep-empty --empty:t --no-keep-empty --reset-author-date --committer-date-is-author-date --ignore-date --signoff --quiet --verbose --stat --no-stat --verify --no-verify --whitespace:t --ignore-whitespace --reschedule-failed-exec --no-reschedule-failed-exec --no-gpg-sign --gpg-sign?:x --reapply-cherry-picks --no-reapply-cherry-picks --allow-empty-message")
	case "mv", "rm", "clean":
		write("-fknvrqdxXi -e:t --force --verbose --dry-run --cached --recursive --quiet --ignore-unmatch --sparse --exclude:t " + paths)
	case "apply", "am":
		write("-R3pqvzNcksuim -p:t -C:t -S?:x --check --stat --numstat --summary --index --cached --intent-to-add --3way --reverse --reject --unidiff-zero --apply --no-add --allow-overlap --recount --inaccurate-eof --verbose --quiet --directory:t --exclude:t --include:t --ignore-space-change --ignore-whitespace --whitespace:t --unsafe-paths:x --build-fake-ancestor:x --abort --continue --skip --quit --signoff --keep --keep-cr --no-keep-cr --message-id --scissors --no-scissors --show-current-patch?:t --committer-date-is-author-date --ignore-date --patch-format:t --allow-empty --gpg-sign?:x --no-gpg-sign --ours --theirs --union")
		for _, a := range c.args {
			if !strings.HasPrefix(a.text, "-") {
				w.use(a, 'r', c.st)
			}
		}
	case "merge-tree":
		write("-z --write-tree --messages --no-messages --name-only --allow-unrelated-histories --merge-base:t -X:t --strategy-option:t --quiet")
	case "gc", "prune", "repack", "pack-refs", "update-ref", "update-index", "hash-object", "mktree", "write-tree", "commit-tree", "read-tree", "rerere", "update-server-info", "fsck", "pack-objects-nothing":
		write("-qdafwm -m:t -p:t -t:t --aggressive --auto --prune?:t --no-prune --quiet --force --all --stdin --add --remove --refresh --really-refresh --assume-unchanged --no-assume-unchanged --skip-worktree --no-skip-worktree --chmod:t --full --strict --connectivity-only --no-dangling --dangling --unreachable --no-reflogs --verbose --progress --no-progress --lost-found --name-objects --again --unmerged --cacheinfo:t --index-info --delete -u -z --create-reflog --no-deref --missing --reset --empty --expire:t --dry-run -n -v -l -A -k")
	case "init":
		write("-qb -b:t --initial-branch:t --quiet --bare --object-format:t --shared?:t --template:x --separate-git-dir:x")
		w.placed(c)
	case "format-patch":
		w.check(spec{ClassBuild, "", "p*", "-nNkspo123456789 -o:w -v:t --stdout --output-directory:w --numbered --no-numbered --start-number:t --suffix:t --signature:t --no-signature --subject-prefix:t --cover-letter --root --thread?:t --signoff --zero-commit --base?:t -NUM" + diffOptions, false}, c)
	case "archive":
		for i, a := range c.args { // other formats are made by programs that the configuration names
			format, is := strings.CutPrefix(a.text, "--format=")
			if !is && i > 0 && strings.HasPrefix(c.args[i-1].text, "--fo") && !strings.Contains(c.args[i-1].text, "=") {
				format, is = a.text, true
			}
			if is && format != "tar" && format != "zip" || strings.HasPrefix(a.text, "--fo") && strings.Contains(a.text, "=") && !is {
				w.add(ClassUnknown, "It makes an archive with a program that is not known")
			}
		}
		w.check(spec{ClassRead, "", "p*", "-lv0123456789 -o:w --output:w --format:t --list --prefix:t --verbose --add-file:r --worktree-attributes --remote:x --exec:x", false}, c)
	case "fetch", "pull", "push", "clone", "ls-remote":
		w.remote(c)
	case "filter-branch", "filter-repo", "difftool", "mergetool", "send-email", "daemon", "instaweb", "credential", "credential-cache", "credential-store", "credential-manager", "upload-pack", "receive-pack", "shell", "http-backend", "fast-import", "svn", "p4", "cvsserver", "gui", "citool", "lfs":
		w.add(ClassUnknown, "It runs other programs through git")
		for _, a := range c.args { // many of these take a command line
			if a.kind == literal && strings.Contains(a.text, " ") {
				w.script(a.text, false, c.st)
			}
		}
	default:
		w.add(ClassUnknown, "There is no git command "+quote(c.name)+" that is known: it may be an alias for anything")
	}
}

// named tells whether an option is among the arguments.
func named(c *call, option string) bool {
	return slices.ContainsFunc(c.args, func(a arg) bool { return a.is(option) })
}

// refs is branch and tag: without a name to make or change they only list.
func (w *walk) refs(c *call, read, write string, listing ...string) {
	lists := len(c.args) == 0
	changes := false
	names := 0
	s := spec{options: write}
	r := spec{options: read}
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		name, _, attached := strings.Cut(a.text, "=")
		if strings.HasPrefix(name, "--") && len(name) > 2 && !attached {
			if o, ok := r.find(name); ok && o.role != 0 && !o.optional {
				i++ // its value
			}
		}
		switch {
		case a.kind != literal || len(name) < 2 || name[0] != '-':
			names++
		case slices.Contains(listing, name) || strings.HasPrefix(name, "-n"):
			lists = true
		case strings.HasPrefix(name, "--"):
			_, ok := r.find(name)
			_, also := s.find(name)
			changes = changes || also && !ok
		default:
			for j := 1; j < len(name); j++ {
				_, ok := r.find("-" + name[j:j+1])
				changes = changes || !ok
				lists = lists || slices.Contains(listing, "-"+name[j:j+1])
			}
		}
	}
	if !changes && (lists || names == 0) {
		w.check(spec{ClassRead, "", "p*", read, false}, c)
		return
	}
	w.check(spec{ClassGit, "", "p*", read + " " + write, false}, c)
}

// nested is the commands that have commands of their own.
func (w *walk) nested(c *call) {
	verb := ""
	if len(c.args) > 0 && c.args[0].kind == literal && !c.args[0].loud {
		verb = c.args[0].text
	}
	inner := &call{name: c.name, st: c.st}
	if len(c.args) > 0 {
		inner.args = c.args[1:]
	}
	read := func(options string) { w.check(spec{ClassRead, "", "p*", options, false}, inner) }
	write := func(options string) { w.check(spec{ClassGit, "", "p*", options, false}, inner) }
	if c.name == "remote" && (verb == "-v" || verb == "--verbose") && len(inner.args) > 0 {
		w.nested(inner) // the verb stands behind it
		return
	}
	switch c.name + " " + verb {
	case "stash list", "stash show":
		read(diffOptions + logOptions + " --include-untracked --only-untracked")
	case "stash ", "stash push", "stash save", "stash pop", "stash apply", "stash drop", "stash clear", "stash branch", "stash create", "stash store":
		write("-kqupaSm -m:t --keep-index --no-keep-index --quiet --include-untracked --all --patch --staged --index --message:t " + paths)
	case "stash -u", "stash -k", "stash -a", "stash -q", "stash --include-untracked", "stash --keep-index", "stash --all", "stash -m", "stash --message":
		inner.args = c.args
		write("-kqua -m:t --keep-index --quiet --include-untracked --all --message:t")
	case "reflog ", "reflog show":
		read("-v --verbose -z" + logOptions)
	case "worktree list", "notes list", "notes show", "notes ", "reflog exists", "reflog list", "remote ", "remote -v", "remote --verbose", "remote get-url",
		"submodule ", "submodule status", "submodule summary", "bisect log", "sparse-checkout list":
		read("-v --verbose --porcelain -z --push --all --cached --recursive --files -n:t")
	case "worktree add", "worktree move", "worktree remove", "worktree prune", "worktree lock", "worktree unlock", "worktree repair":
		write("-fbBdnqv -b:t -B:t --force --detach --checkout --no-checkout --lock --reason:t --orphan --quiet --track --no-track --guess-remote --dry-run --verbose --expire:t")
		if verb == "add" || verb == "move" {
			w.placed(inner)
		}
	case "notes add", "notes append", "notes copy", "notes edit", "notes remove", "notes prune":
		write("-f -m:t -F:r -C:t --force --message:t --file:r --allow-empty")
	case "reflog expire", "reflog delete":
		write("-n -v --expire:t --expire-unreachable:t --all --dry-run --verbose --rewrite --updateref --stale-fix")
	case "bisect start", "bisect good", "bisect bad", "bisect new", "bisect old", "bisect skip", "bisect reset", "bisect terms":
		write("--term-new:t --term-old:t --term-good:t --term-bad:t --no-checkout --first-parent --")
	case "bisect run":
		w.add(ClassGit, because(ClassGit))
		w.add(ClassBuild, "It runs a command at each step")
		if len(inner.args) > 0 {
			w.start(inner.args, nil, c.st)
		}
	case "remote add", "remote remove", "remote rm", "remote rename", "remote set-url", "remote set-branches", "remote set-head", "sparse-checkout set",
		"sparse-checkout add", "sparse-checkout init", "sparse-checkout disable", "sparse-checkout reapply", "submodule deinit", "submodule init", "submodule sync",
		"submodule set-url", "submodule set-branch", "submodule absorbgitdirs":
		w.add(ClassDangerous, "It changes git's configuration, which decides what git runs")
	case "remote show", "remote update", "remote prune":
		w.add(ClassNetwork, "It reaches the repository's remote")
		w.found.others = true
		if slices.ContainsFunc(inner.args, func(a arg) bool { return a.kind != literal || strings.Contains(a.text, "::") }) {
			w.add(ClassUnknown, because(ClassUnknown))
		}
	case "submodule update", "submodule add":
		w.add(ClassNetwork, "It reaches the submodules' remotes")
		w.found.others = true
		if slices.ContainsFunc(inner.args, func(a arg) bool { return a.kind != literal || strings.Contains(a.text, "::") }) || verb == "add" {
			w.add(ClassUnknown, because(ClassUnknown))
		}
	case "submodule foreach":
		w.add(ClassUnknown, "It runs a command in each submodule")
		var parts []string
		for _, a := range inner.args {
			if !strings.HasPrefix(a.text, "-") || len(parts) > 0 {
				parts = append(parts, a.text)
			}
		}
		w.script(strings.Join(parts, " "), false, c.st)
	case "maintenance run":
		write("--auto --schedule?:t --quiet --task:t")
	default:
		switch {
		case c.name == "config":
			w.config(c)
		case c.name == "symbolic-ref" && len(c.args) > 0 && !named(c, "-d") && !named(c, "--delete"):
			s := spec{ClassGit, "", "p*", "-qm -m:t --quiet --short --recurse --no-recurse", false}
			if count := slices.DeleteFunc(slices.Clone(c.args), func(a arg) bool { return strings.HasPrefix(a.text, "-") }); len(count) == 1 {
				s.class = ClassRead
			}
			w.check(s, c)
		default:
			w.add(ClassUnknown, "There is no "+quote("git "+c.name+" "+verb)+" that is known")
		}
	}
}

// config reads settings. Changing them decides what git will run.
func (w *walk) config(c *call) {
	operands := 0
	reads := false
	for i, a := range c.args {
		switch {
		case a.kind != literal || a.loud:
			w.add(ClassUnknown, "Part of it is only known when it runs")
		case slices.Contains([]string{"--get", "--get-all", "--get-regexp", "--list", "-l", "--get-urlmatch", "--get-color"}, a.text),
			i == 0 && (a.text == "get" || a.text == "list"): // anywhere else these are names and values
			reads = true
		case slices.Contains([]string{"--global", "--local", "--system", "--worktree", "--show-origin", "--show-scope", "--name-only", "-z", "--null", "--bool", "--int", "--type=bool", "--all", "--includes"}, a.text):
		case strings.HasPrefix(a.text, "-"):
			w.add(ClassDangerous, "It changes git's configuration, which decides what git runs")
		case slices.Contains([]string{"edit", "set", "unset", "rename-section", "remove-section"}, a.text):
			w.add(ClassDangerous, "It changes git's configuration, which decides what git runs")
		default:
			operands++
		}
	}
	w.add(ClassRead, because(ClassRead))
	if !reads && operands != 1 {
		w.add(ClassDangerous, "It changes git's configuration, which decides what git runs")
	}
}

// placed checks where a repository or worktree is put.
func (w *walk) placed(c *call) {
	for _, a := range c.args {
		if !strings.HasPrefix(a.text, "-") && (strings.Contains(a.text, "..") || strings.HasPrefix(a.text, "/") || a.home || a.kind != literal) {
			w.use(a, 'w', c.st)
		}
	}
}

// remote is what reaches other repositories.
func (w *walk) remote(c *call) {
	w.check(spec{ClassNetwork, "It reaches the repository's remote", "p*", "-vqfapntumkjsNdSl46 -b:t -o:t -j:t -u:t --all --append --atomic --depth:t --deepen:t --shallow-since:t --shallow-exclude:t --unshallow " +
		"--update-shallow --dry-run --force --force-with-lease?:t --force-if-includes --keep --multiple --prune --prune-tags --no-tags --tags --refmap:t --jobs:t --no-recurse-submodules " +
		"--recurse-submodules?:t --set-upstream --quiet --verbose --progress --no-progress --ipv4 --ipv6 --rebase?:t --no-rebase --ff --ff-only --no-ff --commit --no-commit --edit --no-edit " +
		"--squash --autostash --no-autostash --stat --no-stat --no-verify --verify --delete --mirror --follow-tags --no-follow-tags --branch:t --single-branch --no-single-branch --bare --origin:t --filter:t " +
		"--no-checkout --sparse --shallow-submodules --also-filter-submodules --heads --branches --refs --symref --exit-code --get-url --sort:t --porcelain --thin --no-thin --signed:x --push-option:t " +
		"--upload-pack:x --receive-pack:x --exec:x --server-option:t --config:x -c:x --template:x --reference:x --separate-git-dir:x --strategy:s --strategy-option:t -X:t --allow-unrelated-histories --write-fetch-head --no-write-fetch-head", false}, c)
	operands := 0
	known := false
	for i, a := range c.args {
		if strings.HasPrefix(a.text, "-") && a.kind == literal {
			for _, o := range []string{"--upload-pack", "--receive-pack", "--exec", "-u", "--config", "-c"} {
				if name, value, _ := strings.Cut(a.text, "="); strings.HasPrefix(o, name) && len(name) > 1 && (o != "-u" || c.name == "clone" || c.name == "ls-remote") {
					w.add(ClassUnknown, "It tells git which program to run")
					if value == "" && i+1 < len(c.args) {
						value = c.args[i+1].text
					}
					w.script(value, false, c.st)
				}
			}
			continue
		}
		operands++
		host, scp, isSCP := strings.Cut(a.text, ":")
		_, bare, at := strings.Cut(host, "@")
		switch {
		case strings.Contains(a.text, "::") || a.kind != literal && operands == 1:
			w.add(ClassUnknown, "It reaches a repository in a way that can run other programs")
		case strings.Contains(a.text, "://"):
			known = true
			w.address(a)
		case operands == 1 && isSCP && at && !strings.Contains(host, "/") && scp != "":
			known = true
			w.reach(bare)
		case operands == 1 && c.name == "push" && (strings.ContainsAny(a.text, "/.") || a.home):
			w.add(ClassUnknown, "It runs the hooks of the repository that it pushes to")
		case operands == 1 && c.name == "clone":
			w.use(a, 'r', c.st)
		case operands == 2 && c.name == "clone":
			w.use(a, 'w', c.st)
		}
	}
	w.found.others = w.found.others || !known
}
