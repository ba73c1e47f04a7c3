// Cuts a growing Markdown text into blocks that are closed, never to change again, and the rest.
import type { Token } from "marked";
import { holdsMarkdown } from "./fences";
import { lex } from "./markdown";

export interface Cut {
  // Top-level blocks that no further text can change.
  closed: Token[];
  // The rest as it looks now.
  open: Token[];
  // How many characters of the text the closed ones stand for.
  length: number;
  // The fence of a code block that is still open at the end, if that is what the rest is.
  fence?: OpenFence;
}

export interface OpenFence {
  // Matches the line that will close it.
  closing: RegExp;
  language: string;
  // Characters of the text before the code's first line.
  start: number;
}

const perhapsBullet = /^ {0,3}(\d{1,9}[.)]?|[-*+])$/;

// cut looks at text that begins at a block's start. With `done`, all of it is closed.
export function cut(text: string, done: boolean): Cut {
  const tokens = lex(text, done);
  let keep = tokens.length;
  const openBlock = () => {
    while (keep > 0 && tokens[keep - 1].type === "space") keep--;
    keep = Math.max(0, keep - 1);
  };
  if (!done) {
    openBlock();
    // "2" under a list may be the beginning of "2. second".
    if (keep > 0 && perhapsBullet.test(tokens[keep].raw)) openBlock();
  }
  const closed = tokens.slice(0, keep);
  const length = closed.reduce((n, t) => n + t.raw.length, 0);
  return { closed, open: tokens.slice(keep), length, fence: done ? undefined : openFence(text.slice(length), length) };
}

// normal is a text as the lexer sees it; a carriage return at the very end waits for what follows.
export function normal(text: string, done: boolean): string {
  if (!text.includes("\r")) return text;
  if (!done && text.endsWith("\r")) text = text.slice(0, -1);
  return text.replace(/\r\n?/g, "\n");
}

function openFence(rest: string, before: number): OpenFence | undefined {
  const open = /^ {0,3}(`{3,}|~{3,})([^\n]*)\n/.exec(rest);
  if (!open || (open[1][0] === "`" && open[2].includes("`")) || holdsMarkdown(open[2])) return undefined;
  const closing = new RegExp(`\\n {0,3}${open[1][0]}{${open[1].length},}[ \\t]*(?=\\n|$)`, "g");
  closing.lastIndex = open[0].length - 1;
  if (closing.test(rest)) return undefined;
  return { closing, language: open[2].trim().split(/\s/)[0] ?? "", start: before + open[0].length };
}

// definesLinks: a link may be defined below where it is used, so only the whole text tells what it means.
export const definesLinks = (text: string): boolean => /^ {0,3}\[[^\]\n]+\]:\s/m.test(text);
