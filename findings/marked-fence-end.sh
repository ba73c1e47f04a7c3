#!/usr/bin/env bash
# marked 18.2.1: a fenced code block's `text` has no line end after its last line, unless empty lines stand before the
# closing fence: then it has one more. CommonMark's own rendering ends each line of the code alike. Whoever adds the line
# end that is missing, as most renderers do, shows and copies one line too many.
#
# Seen: "a" for a block of one line; "a\n\n" for a block of a line and an empty one, whose code is "a\n\n" with all line ends.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund marked@18.2.1
cat >look.mjs <<'JS'
import { Lexer } from "marked";
const text = (source) => JSON.stringify(new Lexer().lex(source)[0].text);
console.log(text("```\na\n```\n"), text("```\na\nb\n```\n"), text("```\na\n\n```\n"), text("```\na\n\n\n```\n"));
JS
seen=$(node look.mjs)
echo "marked 18.2.1: $seen"
[ "$seen" = '"a" "a\nb" "a\n\n" "a\n\n\n"' ] || { echo "this has changed"; exit 1; }
