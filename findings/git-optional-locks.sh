#!/usr/bin/env bash
# git 2.39.5 (Debian 12): GIT_OPTIONAL_LOCKS=0 keeps `git status` from writing the index, but neither `git diff` nor
# `git describe --dirty`, which replace .git/index although they only show something. Seen: "status: same index",
# "diff: another index", "describe --dirty: another index". Who watches .git, or shares it read-only, meets this.
set -eu
command -v git >/dev/null || { echo "needs git: apt-get install git"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export HOME=$dir GIT_CONFIG_NOSYSTEM=1 GIT_OPTIONAL_LOCKS=0
git --version
cd "$dir" && git init -q repo 2>/dev/null && cd repo
echo a >f && git add f && git -c user.name=a -c user.email=a@example.invalid commit -q -m one && git tag v1

tell() { # whether a command replaces the index
    touch -d "now + $1 hours" f
    shift
    local before
    before=$(stat -c %i:%y .git/index)
    git "$@" >/dev/null
    [ "$before" = "$(stat -c %i:%y .git/index)" ] && echo "same index" || echo "another index"
}

status=$(tell 1 status --short)
diff=$(tell 2 diff --stat)
describe=$(tell 3 describe --tags --dirty)
printf 'status: %s\ndiff: %s\ndescribe --dirty: %s\n' "$status" "$diff" "$describe"
[ "$status" = "same index" ] && [ "$diff" = "another index" ] && [ "$describe" = "another index" ]
