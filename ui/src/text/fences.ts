// A code block that holds Markdown can hold code blocks of its own, fenced with as many backticks as it is itself.
import type { Tokens } from "marked";

export const holdsMarkdown = (info: string): boolean => /^\s*(markdown|md|mdx)\b/i.test(info);

// markdownFence reads such a block: a fence that names a language opens one more, a bare one closes the innermost. Where
// that does not come out even, the first bare one closes, as everywhere; as long as the text grows, that is not known.
export function markdownFence(src: string, done: boolean): Tokens.Code | false {
  const first = /^ {0,3}(`{3,}|~{3,})([^\n`]*)\n/.exec(src);
  if (!first || !holdsMarkdown(first[2])) return false;
  const mark = first[1];
  const fence = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}[ \\t]*([^\\n\`]*?)[ \\t]*$`, "gm");
  fence.lastIndex = first[0].length;
  let depth = 1;
  let nested = false;
  const block = (text: string, raw: string): Tokens.Code => ({ type: "code", raw, lang: first[2].trim(), text });
  for (let m = fence.exec(src); m; m = fence.exec(src)) {
    depth += m[1] ? 1 : -1;
    nested ||= depth > 1;
    if (depth > 0) continue;
    const end = fence.lastIndex + (src[fence.lastIndex] === "\n" ? 1 : 0);
    return nested && block(src.slice(first[0].length, m.index), src.slice(0, end));
  }
  return !done && nested && block(src.slice(first[0].length), src);
}
