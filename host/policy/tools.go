package policy

import (
	"slices"
	"strings"
)

// tool handles compilers, package managers and what else developers run all day, and tells whether it did. Most of them
// run code of the workspace, so their options hardly matter: the sandbox holds them.
func (w *walk) tool(c *call) bool {
	verb := c.verb()
	if verb != "" {
		c.offer = []string{c.name, verb}
	}
	switch name := base(c.name); name {
	case "go":
		w.golang(c, verb)
	case "npm", "pnpm", "yarn":
		w.npm(c)
	case "npx", "bunx", "pnpx", "uvx", "pipx":
		w.fetchedTool(c)
	case "cargo":
		w.cargo(c, verb)
	case "pip", "uv", "poetry", "pipenv", "pdm", "hatch", "rye", "conda", "mamba":
		w.pip(c, verb)
	case "bundle", "gem", "composer", "dotnet", "mix", "rustup", "nvm", "pyenv", "rbenv", "asdf", "volta", "corepack", "pub", "dart", "flutter", "pod", "swift", "cabal", "stack", "opam", "luarocks", "cpan", "cpanm":
		w.packages(c, verb)
	case "make", "gmake", "ninja", "cmake", "ctest", "cpack", "meson", "bazel", "bazelisk", "buck", "buck2", "pants", "just", "task", "mage", "scons", "ant", "mvn", "gradle", "sbt", "lein", "rake",
		"gcc", "g++", "cc", "c++", "clang", "clang++", "ld", "as", "rustc", "javac", "java", "jar", "kotlinc", "kotlin", "scalac", "scala", "ghc", "zig", "nim", "nimble", "elixir", "iex", "erlc", "ocamlc", "dune", "fpc", "gfortran", "nasm",
		"autoreconf", "autoconf", "automake", "aclocal", "libtoolize", "pkg-config", "m4", "bison", "flex", "yacc", "lex", "protoc", "buf", "swiftc", "tcc", "dmd", "crystal", "v",
		"pytest", "py.test", "tox", "nox", "mypy", "pyright", "pylint", "flake8", "black", "isort", "ruff", "autopep8", "yapf", "bandit", "coverage", "sphinx-build", "mkdocs", "django-admin", "flask", "uvicorn", "gunicorn", "alembic", "pre-commit", "cython", "nosetests", "jupyter", "ipython",
		"tsc", "eslint", "prettier", "jest", "vitest", "mocha", "vite", "webpack", "rollup", "esbuild", "next", "nuxt", "astro", "svelte-check", "vue-tsc", "ng", "nx", "turbo", "lerna", "biome", "oxlint", "stylelint", "standard", "xo", "ava", "tap", "nyc", "c8", "cypress", "playwright", "storybook", "tsup", "swc", "babel", "parcel", "gulp", "grunt", "rimraf", "nodemon", "concurrently", "husky", "lint-staged", "serve", "http-server", "knip", "depcheck", "madge", "typedoc", "wireit",
		"golangci-lint", "staticcheck", "goimports", "errcheck", "gotestsum", "govulncheck", "mockgen", "wire", "stringer", "gosec", "revive", "sqlc", "templ", "air", "dlv", "gopls", "benchstat",
		"rustfmt", "clippy-driver", "cargo-clippy", "wasm-pack", "trunk", "clang-format", "clang-tidy", "cppcheck", "valgrind", "gdb", "lldb", "strace", "ltrace", "perf", "gcov", "lcov",
		"rspec", "rubocop", "rails", "jekyll", "phpunit", "phpstan", "artisan", "psalm", "pint", "ktlint", "detekt", "checkstyle", "credo", "terraform-fmt", "hadolint", "yamllint", "ansible-lint", "markdownlint", "vale", "codespell", "editorconfig-checker", "actionlint", "act-nothing", "tofu-fmt", "pandoc", "dot", "pdflatex", "latexmk", "xelatex", "sqlite3", "ctags", "cscope", "hyperfine", "time-nothing", "entr", "convert", "magick", "ffmpeg", "inkscape", "rsvg-convert", "optipng", "svgo", "prisma", "drizzle-kit", "changeset", "ldd":
		w.runsCode(c)
		w.outputs(c)
		w.insideLines(c)
		w.inline(c)
	case "ssh", "scp", "sftp", "nc", "ncat", "netcat", "socat", "telnet", "ftp", "lftp", "ping", "ping6", "traceroute", "tracepath", "mtr", "dig", "nslookup", "host", "whois", "nmap", "arp", "openssl", "http", "https", "xh",
		"gh", "glab", "hub", "aws", "gcloud", "az", "kubectl", "helm", "terraform", "tofu", "pulumi", "ansible", "ansible-playbook", "heroku", "vercel", "netlify", "fly", "flyctl", "wrangler", "firebase", "doctl", "rclone", "restic", "psql", "mysql", "redis-cli", "mongosh", "mongo", "twine", "docker-credential", "youtube-dl", "yt-dlp", "aria2c", "axel", "lynx", "w3m", "links", "elinks", "mail", "sendmail", "mutt", "autossh", "mosh", "rdate", "ntpdate", "codex", "claude", "gemini", "ollama", "openvibez":
		w.online(c, verb)
	default:
		return false
	}
	return true
}

// verb is the first argument that is not an option.
func (c *call) verb() string {
	for _, a := range c.args {
		if a.kind != literal || a.loud || a.home {
			return ""
		}
		if !strings.HasPrefix(a.text, "-") && !strings.HasPrefix(a.text, "+") {
			return a.text
		}
	}
	return ""
}

// noVerb is a tool that is given options at most: it says how it is used.
func (w *walk) noVerb(c *call) {
	w.add(ClassRead, because(ClassRead))
	if slices.ContainsFunc(c.args, func(a arg) bool { return a.kind != literal || a.loud || a.home }) {
		w.add(ClassUnknown, "What it is to do is only known when it runs")
	}
}

func (c *call) has(options ...string) bool {
	return slices.ContainsFunc(c.args, func(a arg) bool { return a.kind == literal && slices.Contains(options, a.text) })
}

// outputs checks where a build is told to put its result.
func (w *walk) outputs(c *call) {
	for i, a := range c.args {
		if a.kind != literal {
			continue
		}
		name, value, attached := strings.Cut(a.text, "=")
		switch {
		case slices.Contains([]string{"-o", "-coverprofile", "--coverprofile", "-cpuprofile", "-memprofile", "--output", "--out", "--outfile", "--outDir", "--outdir", "-d", "--out-dir", "--target-dir", "--prefix", "-outputdir", "--root", "--install-dir"}, name):
			if !attached && i+1 < len(c.args) {
				w.use(c.args[i+1], 'w', c.st)
			} else if attached {
				w.use(arg{text: value}, 'w', c.st)
			}
		case strings.HasPrefix(a.text, "-o/"):
			w.use(arg{text: a.text[2:]}, 'w', c.st)
		case strings.HasPrefix(name, "DESTDIR") || strings.EqualFold(name, "prefix") || strings.HasPrefix(name, "-DCMAKE_INSTALL_PREFIX"):
			w.use(arg{text: value}, 'w', c.st)
		}
	}
}

// insideLines looks at arguments that are command lines themselves, as strace, entr and hyperfine take.
func (w *walk) insideLines(c *call) {
	switch c.name {
	case "strace", "ltrace", "valgrind", "gdb", "perf", "entr", "dlv", "lldb", "hyperfine", "concurrently", "nodemon":
	default:
		return
	}
	w.add(ClassUnknown, "It starts other commands")
	for i, a := range c.args {
		if a.kind == literal && strings.Contains(a.text, " ") {
			w.script(a.text, false, c.st)
		}
		if is, _ := a.dashed(); !is {
			w.start(c.args[i:], nil, c.st.clone())
			return
		}
	}
}

// inline finds options in which tools take commands that are then not the workspace's.
func (w *walk) inline(c *call) {
	for i, a := range c.args {
		if a.kind != literal {
			continue
		}
		name, value, attached := strings.Cut(a.text, "=")
		if !attached && i+1 < len(c.args) {
			value = c.args[i+1].text
		}
		gives := false
		switch base(c.name) {
		case "make", "gmake":
			gives = name == "--eval" || name == "-E" || attached && (name == "SHELL" || name == ".SHELLFLAGS")
			if text, ok := strings.CutPrefix(a.text, "-E"); ok && text != "" {
				gives, value = true, text
			}
			if gives && name != "SHELL" {
				_, value, _ = strings.Cut(value, ":")
				value = strings.TrimLeft(value, "; \t\n")
			}
		case "go":
			gives = slices.Contains([]string{"toolexec", "exec", "vettool"}, strings.TrimLeft(name, "-")) && name != strings.TrimLeft(name, "-")
		case "gcc", "g++", "cc", "c++", "clang", "clang++":
			gives = name == "-wrapper"
		case "cargo":
			gives = name == "--config"
		case "npm", "pnpm", "yarn":
			gives = name == "--script-shell"
		case "sqlite3":
			gives, value = sqliteRuns(a.text)
		}
		if gives {
			w.add(ClassUnknown, "It runs a program that stands in the command itself")
			w.script(value, false, c.st)
		}
	}
}

// sqliteRuns tells whether an argument is a command of sqlite3's own that does more than look, and what it runs.
func sqliteRuns(text string) (bool, string) {
	lower := strings.ToLower(text)
	for _, line := range strings.Split(text, "\n") {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(verb, ".") || len(verb) < 2 {
			continue
		}
		switch verb {
		case ".tables", ".schema", ".indexes", ".indices", ".databases", ".dbinfo", ".headers", ".mode", ".dump", ".width", ".show", ".timer", ".help", ".quit", ".exit", ".nullvalue", ".separator", ".stats", ".fullschema":
		default:
			return true, strings.Trim(rest, "'\"| ")
		}
	}
	return strings.Contains(lower, "load_extension(") || strings.Contains(lower, "edit("), ""
}

func (w *walk) golang(c *call, verb string) {
	switch verb {
	case "version", "help", "doc":
		w.check(spec{ClassRead, "", "t*", "--m --v --u --all --c --cmd --short --src", false}, c)
	case "list":
		w.goList(c)
	case "env":
		w.add(ClassRead, because(ClassRead))
		// Whatever could be an option that is not known to look, such as -w=true and --w.
		if slices.ContainsFunc(c.args, func(a arg) bool {
			_, may := a.dashed()
			return a.kind != literal || may && !a.is("-json") && !a.is("-changed")
		}) {
			w.add(ClassDangerous, "It changes Go's settings for all")
		}
	case "build", "test", "vet", "run", "generate", "fmt", "fix", "tool", "clean", "install", "work":
		w.runsCode(c)
		w.outputs(c)
		w.inline(c)
		for _, a := range c.args {
			if strings.Contains(a.text, "@") && !strings.HasPrefix(a.text, "-") && (verb == "run" || verb == "install") {
				w.registry(c, "proxy.golang.org", "sum.golang.org")
				break
			}
		}
	case "mod":
		sub := ""
		for i, a := range c.args {
			if a.is("mod") && i+1 < len(c.args) {
				sub = c.args[i+1].text
			}
		}
		c.offer = []string{"go", "mod", sub}
		switch sub {
		case "graph", "why", "verify":
			w.add(ClassRead, because(ClassRead))
		case "init", "edit", "vendor":
			w.runsCode(c)
		default:
			w.registry(c, "proxy.golang.org", "sum.golang.org")
			w.add(ClassBuild, because(ClassBuild))
		}
	case "get":
		w.registry(c, "proxy.golang.org", "sum.golang.org")
		w.add(ClassBuild, because(ClassBuild))
	case "":
		w.noVerb(c)
	default:
		w.add(ClassUnknown, "There is no "+quote("go "+verb)+" that is known")
	}
}

// goList reads what packages say of themselves, unless it is told how to build them. Go's options have no clusters.
func (w *walk) goList(c *call) {
	w.add(ClassRead, because(ClassRead))
	modules := false
	// Of programs that are versioned it says which version they are, and asks git.
	defer func() { w.asksGit = w.asksGit || !modules }()
	past := false // the verb
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		if is, may := a.dashed(); !may {
			if past {
				w.use(a, 'p', c.st)
			}
			past = true
			continue
		} else if !is || a.kind != literal || a.loud {
			w.add(ClassUnknown, "Part of it is only known when it runs")
			continue
		}
		switch name, _, attached := strings.Cut(a.text, "="); name {
		case "-m":
			modules = true
		case "-json", "-test", "-e", "-find", "-deps", "-retracted":
		case "-f", "-tags":
			if !attached {
				i++
			}
		case "-u", "-versions", "-export", "-compiled":
			w.elsewhere()
		default:
			w.add(ClassUnknown, "It gives go list the option "+quote(name)+", which is not known to be harmless")
		}
	}
}

// packageVerb is what npm and its like are to do: the first word that is no value of an option.
func packageVerb(c *call) (verb string, known bool) {
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		switch {
		case a.kind != literal || a.loud || a.home:
			return "", true
		case !strings.HasPrefix(a.text, "-"):
			return a.text, true
		case strings.Contains(a.text, "="):
		case slices.Contains([]string{"-w", "--workspace", "-C", "--prefix", "--loglevel", "--omit", "--include", "--depth", "--registry", "-F", "--filter", "--cwd"}, a.text):
			i++
		case !slices.Contains([]string{
			"-v", "--version", "-h", "--help", "-s", "--silent", "-g", "--global", "-l", "--long", "--json", "--all", "--parseable", "--production",
			"-y", "--yes", "-D", "-P", "-r", "--recursive", "-ws", "--workspaces", "--if-present", "--offline", "--frozen-lockfile", "--verbose", "-q",
		}, a.text):
			return "", false
		}
	}
	return "", true
}

func (w *walk) npm(c *call) {
	hosts := []string{"registry.npmjs.org"}
	if c.name == "yarn" {
		hosts = append(hosts, "registry.yarnpkg.com")
	}
	looks := c.has("-v", "--version", "-h", "--help")
	verb, known := packageVerb(c)
	if c.offer = nil; known && verb != "" {
		c.offer = []string{c.name, verb}
	}
	if !known {
		w.runsCode(c)
		w.add(ClassUnknown, "Which of its words says what to do depends on the options before it")
		return
	}
	if c.name != "npm" { // a file of the workspace says which yarn or pnpm runs, and what it loads
		w.runsCode(c)
	}
	switch verb {
	case "ls", "list", "root", "prefix", "bin", "explain", "why", "ll", "la", "licenses":
		w.looks(c, "-g", "--global", "--all", "--json", "--long", "--parseable", "--depth", "--omit", "--include", "--prod", "--production", "--only", "--dev",
			"-D", "-P", "-r", "--recursive", "--workspaces", "-ws", "--workspace", "-w", "--silent", "-s")
	case "test", "t", "tst", "run", "run-script", "start", "stop", "restart", "build", "pack", "rebuild", "version", "pkg", "init", "prune", "dedupe", "exec", "x", "workspace", "workspaces", "fund", "shrinkwrap", "recursive", "node", "lint", "dev", "format", "typecheck", "check", "e2e", "help":
		w.runsCode(c)
		w.inline(c)
		if c.name == "npm" && (verb == "exec" || verb == "x") {
			at := slices.IndexFunc(c.args, func(a arg) bool { return a.is(verb) })
			w.fetchedTool(&call{name: "npx", args: c.args[at+1:], st: c.st})
			return
		}
		w.rest(c, "exec", "x", "node")
		if verb == "init" && len(c.args) > 1 && !c.args[1].is("-y") && !c.args[1].is("--yes") {
			w.registry(c, hosts...)
		}
	case "ci", "install", "i", "add", "update", "up", "upgrade", "remove", "rm", "uninstall", "un", "install-test", "it", "outdated", "audit", "view", "info", "show", "search", "ping", "dlx", "create", "clean-install", "install-ci-test", "cit", "docs", "dist-tag", "import", "fetch", "store":
		w.registry(c, hosts...)
		w.add(ClassBuild, because(ClassBuild))
		c.code = true
		if c.has("-g", "--global", "global") {
			w.add(ClassDangerous, "It installs for the whole system")
		}
	case "publish", "unpublish", "login", "logout", "adduser", "token", "owner", "access", "deprecate", "team", "org", "profile", "star", "hook", "config", "set", "get", "cache", "link", "unlink", "global", "self-update", "env", "setup", "completion", "doctor", "whoami", "patch", "patch-commit", "deploy", "edit", "plugin", "policies":
		w.add(ClassUnknown, "It changes more than the workspace, or publishes")
		w.registry(c, hosts...)
	case "":
		if looks || c.name != "yarn" {
			w.noVerb(c)
			return
		}
		w.registry(c, hosts...)
		w.add(ClassBuild, because(ClassBuild))
	default:
		if c.name == "npm" {
			w.add(ClassUnknown, "There is no "+quote("npm "+verb)+" that is known")
			return
		}
		w.runsCode(c) // yarn and pnpm run scripts by their names
	}
}

// rest looks at a command behind a verb: it runs as the workspace's code, but what it is known to do counts.
func (w *walk) rest(c *call, verbs ...string) {
	for i, a := range c.args {
		if a.kind == literal && slices.Contains(verbs, a.text) {
			w.behind(c.args[i+1:], c.st)
			return
		}
	}
}

// behind is a command started through a tool that looks for it in the workspace first.
func (w *walk) behind(args []arg, st *state) {
	for len(args) > 0 && args[0].kind == literal && strings.HasPrefix(args[0].text, "-") {
		if (args[0].is("-c") || args[0].is("--call") || args[0].is("-p") || args[0].is("--package") || args[0].is("--with") || args[0].is("--extra") || args[0].is("--python") || args[0].is("--group")) && len(args) > 1 {
			if args[0].is("-c") || args[0].is("--call") {
				w.script(args[1].text, false, st)
			}
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return
	}
	unknown := w.has(ClassUnknown)
	w.start(args, nil, st.clone())
	if name, _ := program(args[0]); !unknown && name != "" {
		// A program that is not known is one of the workspace's, or of what it installed.
		if _, listed := specOf(name); !listed && strings.HasSuffix(w.found.why[ClassUnknown], " is not a program that is known") {
			w.found.why[ClassUnknown] = ""
			w.runsCode(&call{name: name, args: args[1:], st: st})
		}
	}
}

// fetchedTool is npx and its like: a tool of the workspace, or one fetched first.
func (w *walk) fetchedTool(c *call) {
	w.runsCode(c)
	w.behind(c.args, c.st)
	verb := c.verb()
	name, _, versioned := strings.Cut(strings.TrimPrefix(verb, "@"), "@")
	if probe := (&call{name: name, st: c.st}); !versioned && (c.has("--no-install", "--no", "--offline") || isTool(probe)) {
		return
	}
	w.registry(c, map[string]string{"uvx": "pypi.org", "pipx": "pypi.org"}[c.name]+map[bool]string{true: "registry.npmjs.org"}[c.name != "uvx" && c.name != "pipx"])
}

// isTool tells whether a name is one of the tools that developers have in their workspace.
func isTool(c *call) bool {
	w := &walk{root: "/"}
	w.tool(c)
	if c.name == "tsx" || c.name == "ts-node" {
		return true
	}
	return w.has(ClassBuild) && w.found.why.only(ClassBuild)
}

// looks is a package manager's look at what there is. Other options could name programs.
func (w *walk) looks(c *call, options ...string) {
	w.add(ClassRead, because(ClassRead))
	for _, a := range c.args {
		name, _, _ := strings.Cut(a.text, "=")
		if _, may := a.dashed(); may && (a.kind != literal || !slices.Contains(options, name)) {
			w.add(ClassUnknown, "It uses the option "+quote(name)+", which is not known to be harmless")
		}
		w.anyPath(a, c.st)
	}
}

func (w *walk) cargo(c *call, verb string) {
	w.runsCode(c) // a file of the workspace says which cargo runs
	if strings.HasPrefix(verb, "+") {
		verb = ""
	}
	switch verb {
	case "build", "b", "test", "t", "run", "r", "check", "c", "clippy", "fmt", "doc", "d", "bench", "clean", "fix", "nextest", "rustc", "rustdoc", "new", "init", "package", "expand", "llvm-cov", "tarpaulin", "watch", "miri", "machete", "udeps", "deny", "hack", "insta", "make", "xtask":
		w.runsCode(c)
		w.outputs(c)
		w.inline(c)
		w.rest(c, "-x", "-s")
	case "tree", "metadata", "version", "help", "locate-project", "verify-project", "pkgid", "read-manifest":
		w.runsCode(c)
	case "add", "remove", "rm", "update", "fetch", "install", "search", "info", "generate-lockfile", "vendor", "audit", "outdated":
		w.registry(c, "index.crates.io", "static.crates.io")
		w.add(ClassBuild, because(ClassBuild))
	case "":
		w.noVerb(c)
	default:
		w.add(ClassUnknown, "There is no "+quote("cargo "+verb)+" that is known")
	}
}

func (w *walk) pip(c *call, verb string) {
	hosts := []string{"pypi.org", "files.pythonhosted.org"}
	switch verb {
	case "list", "show", "freeze", "check", "inspect", "help", "debug", "tree", "":
		w.looks(c, "-V", "--version", "-h", "--help", "-v", "--verbose", "-q", "--quiet", "--format", "--user", "--local", "-l", "-f", "--files", "--all",
			"--not-required", "--exclude", "--exclude-editable", "--editable", "-e", "--disable-pip-version-check", "--no-index", "--tree", "--depth")
		if c.has("-o", "--outdated", "-u", "--uptodate") {
			w.elsewhere()
		}
		if c.name != "pip" && c.name != "conda" && c.name != "mamba" && verb != "" {
			w.runsCode(c)
		}
		if c.name == "uv" && verb != "" && verb != "help" {
			w.runsCode(c)
		}
	case "run":
		w.runsCode(c)
		w.rest(c, "run")
	case "build", "venv", "version", "init", "new", "env", "shell", "format":
		w.runsCode(c)
	case "install", "sync", "add", "remove", "lock", "update", "download", "wheel", "uninstall", "create", "export", "pip", "tool", "python", "search", "index", "upgrade", "compile":
		w.registry(c, hosts...)
		w.add(ClassBuild, because(ClassBuild))
		c.code = true
	default:
		w.add(ClassUnknown, "There is no "+quote(c.name+" "+verb)+" that is known")
	}
}

// packages is the managers of other languages.
func (w *walk) packages(c *call, verb string) {
	host := map[string]string{
		"bundle": "rubygems.org", "gem": "rubygems.org", "composer": "repo.packagist.org", "dotnet": "api.nuget.org", "mix": "hex.pm", "dart": "pub.dev",
		"flutter": "pub.dev", "pub": "pub.dev", "cabal": "hackage.haskell.org", "stack": "hackage.haskell.org", "luarocks": "luarocks.org", "pod": "cdn.cocoapods.org",
	}[c.name]
	switch verb {
	case "exec", "run", "test", "build", "compile", "format", "analyze", "check", "clean", "validate", "dump-autoload", "bench", "repl", "haddock", "credo", "ecto.migrate", "phx.server", "publish-nothing", "watch", "pack", "msbuild", "vstest", "fmt":
		w.runsCode(c)
		w.rest(c, "exec")
	case "list", "show", "info", "version", "help", "which", "path", "":
		switch c.name {
		case "gem", "opam", "rbenv", "nvm", "cabal", "dart", "flutter":
			w.looks(c, "-v", "--version", "-h", "--help", "--local", "-a", "--all")
		default: // a file of the workspace says what runs, or is a program itself
			w.runsCode(c)
			if c.name == "swift" && verb == "" {
				w.feed(c, false)
			}
		}
	case "install", "add", "update", "restore", "require", "remove", "deps.get", "get", "upgrade", "outdated", "lock", "resolve", "new", "create", "create-project", "pub", "package":
		w.add(ClassBuild, because(ClassBuild))
		if host == "" {
			w.elsewhere()
			return
		}
		w.registry(c, host)
	default:
		w.add(ClassUnknown, "There is no "+quote(c.name+" "+verb)+" that is known")
	}
}

// online is what is about other machines. Which hosts these reach is known for a few.
func (w *walk) online(c *call, verb string) {
	w.found.others = true
	switch c.name {
	case "gh":
		w.found.others = false
		w.reach("api.github.com")
	case "openssl":
		w.add(ClassUnknown, "It works with keys")
		if c.has("s_client", "s_server") || verb == "s_client" {
			w.elsewhere()
		}
	case "psql", "mysql", "redis-cli", "mongosh", "mongo":
		w.add(ClassNetwork, "It reaches a database")
	case "codex", "claude", "gemini", "ollama", "openvibez":
		w.add(ClassUnknown, "It starts another assistant, which does what it likes")
		w.elsewhere()
	default:
		w.add(ClassNetwork, "It reaches other machines")
	}
	switch c.name {
	case "ssh", "mosh", "autossh", "socat", "nc", "ncat", "netcat", "ansible", "ansible-playbook", "kubectl", "terraform", "tofu", "pulumi", "helm", "lftp", "scp", "sftp", "rclone", "restic":
		w.add(ClassUnknown, "It can run programs, here or on other machines")
	}
	for i, a := range c.args {
		name, value, attached := strings.Cut(a.text, "=")
		if (name == "-o" || name == "-e" || name == "-c" || name == "--exec" || name == "--sh-exec") && i+1 < len(c.args) && !attached {
			value = c.args[i+1].text
		}
		lower := strings.ToLower(a.text + " " + value)
		if strings.Contains(lower, "proxycommand") || strings.Contains(lower, "exec:") || strings.Contains(lower, "localcommand") || name == "--sh-exec" {
			w.add(ClassUnknown, "It starts other commands")
		}
		if a.kind == literal && strings.Contains(a.text, "://") {
			w.address(a)
		}
		w.anyPath(a, c.st)
	}
}
