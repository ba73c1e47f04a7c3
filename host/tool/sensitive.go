package tool

import (
	"path"
	"slices"
	"strings"
)

// Sensitive tells why a changed file deserves a look, in a few words: it may make something run later, outside the
// sandbox. Empty: it does not.
func Sensitive(name string) string {
	parts := strings.Split(strings.ToLower(strings.ReplaceAll(name, "\\", "/")), "/")
	base := parts[len(parts)-1]
	has := func(dir string) bool { return slices.Contains(parts, dir) }
	if i := slices.Index(parts, ".git"); i >= 0 {
		switch {
		case i == len(parts)-1:
			return "a repository inside the workspace"
		case strings.HasSuffix(name, rebaseTodo):
			return "runs when the rebase goes on"
		case slices.Contains(parts[i:], "hooks"):
			return "runs on git commands"
		}
		return "git's own configuration"
	}
	for _, k := range []struct {
		why   string
		dirs  []string
		names []string
	}{
		{"runs on git commands", []string{".husky", ".githooks"}, []string{".pre-commit-config.yaml", "lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".gitattributes", ".gitmodules"}},
		{"runs in CI", []string{".circleci", ".buildkite", ".teamcity", ".woodpecker"}, []string{".gitlab-ci.yml", ".travis.yml", "jenkinsfile", "azure-pipelines.yml", ".drone.yml", "appveyor.yml", "bitbucket-pipelines.yml", ".woodpecker.yml"}},
		{"an editor runs it", []string{".vscode", ".idea", ".zed", ".fleet", ".nova", ".devcontainer"}, []string{".exrc", ".nvim.lua", ".nvimrc", ".vimrc", ".dir-locals.el", ".devcontainer.json", ".code-workspace"}},
		{"the shell runs it on entering the directory", nil, []string{".envrc", ".mise.toml", "mise.toml", ".tool-versions", ".rtx.toml"}},
		{"AI tools obey it", []string{".claude", ".cursor", ".codex", ".gemini", ".windsurf", ".openvibez"}, []string{"claude.md", "agents.md", "gemini.md", ".cursorrules", ".windsurfrules", ".mcp.json", ".aider.conf.yml"}},
		{"runs when the project is built or tested", []string{".cargo", ".mvn"}, []string{
			"makefile", "gnumakefile", "cmakelists.txt", "meson.build", "build.ninja", "justfile", "taskfile.yml", "taskfile.yaml", "rakefile", "gemfile",
			"package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "bunfig.toml", "deno.json", "gulpfile.js", "gruntfile.js",
			"setup.py", "setup.cfg", "pyproject.toml", "conftest.py", "tox.ini", "noxfile.py", "sitecustomize.py", "pip.conf",
			"cargo.toml", "build.rs", "pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "gradlew", "mvnw", "gradle.properties",
			"dockerfile", "containerfile", "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml", "vagrantfile",
			"build.bazel", "workspace", "flake.nix", "default.nix", "shell.nix", "mix.exs", "package.swift", "build.sbt", "configure", "build.zig", "go.work", ".bazelrc",
		}},
	} {
		if slices.ContainsFunc(k.dirs, has) || slices.Contains(k.names, base) {
			return k.why
		}
	}
	switch ext := path.Ext(base); {
	case strings.HasPrefix(name, ".github/workflows/") || has("workflows") && (has(".github") || has(".gitea") || has(".forgejo")) || has("actions") && has(".github"):
		return "runs in CI"
	case ext == ".code-workspace":
		return "an editor runs it"
	case ext == ".mk" || ext == ".cmake" || ext == ".csproj" || ext == ".vbproj" || ext == ".fsproj" || ext == ".targets" || ext == ".props":
		return "runs when the project is built or tested"
	case strings.HasPrefix(base, "vite.config.") || strings.HasPrefix(base, "webpack.config.") || strings.HasPrefix(base, "rollup.config.") ||
		strings.HasPrefix(base, "jest.config.") || strings.HasPrefix(base, "vitest.config.") || strings.HasPrefix(base, "eslint.config.") ||
		strings.HasPrefix(base, ".eslintrc") || strings.HasPrefix(base, "babel.config.") || strings.HasPrefix(base, "dockerfile."):
		return "runs when the project is built or tested"
	}
	return ""
}
