// Markdown to HTML that is safe to show: no raw HTML beyond a few harmless tags, no images, only links that open.
import { Marked, type MarkedExtension, type Token, type TokensList } from "marked";
import markedCjkFriendly from "marked-cjk-friendly";
import { markdownFence } from "./fences";
import { openable } from "./links";

const harmless = /^<\/?(br|sub|sup|kbd|b|i|em|strong|u|s|mark|small|hr)\s*\/?>\s*$/i;

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

// Formulas stand as the model wrote them: to Markdown, half of their backslashes are escapes.
const formula = (level: "block" | "inline", begins: string, whole: RegExp) => ({
  name: `${level}Formula`,
  level,
  start: (src: string) => {
    const at = src.search(begins);
    return at < 0 ? undefined : at;
  },
  tokenizer: (src: string) => {
    const raw = whole.exec(src)?.[0];
    return raw ? { type: `${level}Formula`, raw } : undefined;
  },
  renderer: ({ raw }: { raw: string }) => (level === "block" ? `<p>${escaped(raw.trim())}</p>\n` : escaped(raw)),
});

const rules: MarkedExtension = {
  gfm: true,
  extensions: [
    formula("block", "(?:^|\n) {0,3}(?:\\\\\\[|\\$\\$)", /^ {0,3}(?:\\\[(?:[^\n]|\n(?![ \t]*\n))+?\\\]|\$\$(?:[^\n]|\n(?![ \t]*\n))+?\$\$)[ \t]*(?:\n|$)/),
    formula("inline", "\\\\\\(|\\$\\$", /^(?:\\\([^\n]+?\\\)|\$\$[^\n]+?\$\$)/),
  ],
  renderer: {
    html({ text }) {
      if (harmless.test(text)) return text;
      return escaped(text);
    },
    code({ text, lang }) {
      const language = (lang ?? "").trim().split(/\s/)[0];
      // The lexer leaves the last line its end only where empty lines come before the closing fence.
      const ended = text.endsWith("\n") ? text : `${text}\n`;
      return `<pre data-lang="${escaped(language)}"><code>${escaped(ended)}</code></pre>\n`;
    },
    checkbox({ checked }) {
      return checked ? "☑ " : "☐ ";
    },
    // These run as their first letter does, bullets and bars included.
    list({ ordered, start, items }) {
      const tag = ordered ? "ol" : "ul";
      const from = ordered && start !== 1 ? ` start="${start}"` : "";
      return `<${tag}${from} dir="auto">\n${items.map((item) => this.listitem(item)).join("")}</${tag}>\n`;
    },
    blockquote({ tokens }) {
      return `<blockquote dir="auto">\n${this.parser.parse(tokens)}</blockquote>\n`;
    },
    listitem({ task, tokens }) {
      return `<li${task ? " data-task" : ""}>${this.parser.parse(tokens)}</li>\n`;
    },
    link({ href, title, tokens }) {
      const words = this.parser.parseInline(tokens);
      const url = openable(href);
      if (!url) return href && !href.startsWith("#") ? `${words} (${escaped(href)})` : words;
      return `<a href="${escaped(url)}" title="${escaped(title ? `${title} — ${url}` : url)}">${words}</a>`;
    },
    image({ href, text }) {
      const url = openable(href);
      const words = escaped(text || "Image");
      return url ? `<a href="${escaped(url)}" title="${escaped(url)}">${words} (image)</a>` : `${words} (image)`;
    },
    table({ header, rows }) {
      const cells = (row: typeof header, tag: string) =>
        row
          .map((c) => `<${tag}${c.align ? ` align="${c.align}"` : ""}>${this.parser.parseInline(c.tokens)}</${tag}>`)
          .join("");
      const body = rows.map((r) => `<tr>${cells(r, "td")}</tr>`).join("");
      return `<div data-scroll><table><thead><tr>${cells(header, "th")}</tr></thead><tbody>${body}</tbody></table></div>\n`;
    },
  },
};

const engine = (done: boolean) => new Marked(markedCjkFriendly(), rules, { tokenizer: { fences: (src) => markdownFence(src, done) } });
const finished = engine(true);
const growing = engine(false);

// lex takes a text apart; with `done` no more of it comes.
export const lex = (text: string, done: boolean): Token[] => (done ? finished : growing).lexer(text);

// html renders blocks; it still has to pass the sanitizer before it is shown.
export function html(tokens: Token[]): string {
  return finished.parser(tokens as TokensList);
}

// wholeHtml renders a text in which links are defined after their use.
export function wholeHtml(text: string): string {
  return finished.parse(text, { async: false });
}
