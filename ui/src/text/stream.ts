// Shows a growing Markdown text: closed blocks are rendered once, only the last one again and again.
import { cut, definesLinks, normal, type OpenFence } from "./blocks";
import { decorate, liveCode } from "./code";
import { html, wholeHtml } from "./markdown";
import { fragment } from "./sanitize";
import { count } from "./words";

// A tail that takes long to render is rendered less often, so that a huge list or table can't eat the processor.
const PATIENCE = 4;
// A single block longer than this is shown as it is written: Markdown engines give up or crawl on it.
const MOST_PARSED = 300_000;
// And no more of it than this, since one huge text holds up everything else on the page.
const MOST_PLAIN = 300_000;

export class BlockStream {
  private text = "";
  // Where the rest begins: everything before it is closed and in the page.
  private at = 0;
  private readonly tail = document.createElement("div");
  private live?: { fence: OpenFence; code: Text; shown: number };
  private frame = 0;
  private notBefore = 0;
  private done = false;

  constructor(private readonly root: HTMLElement) {
    this.tail.className = "tail";
    root.replaceChildren(this.tail);
  }

  // update takes the whole text as it stands. With `done` it is final and shown at once.
  update(text: string, done: boolean): void {
    const next = normal(text, done);
    if (this.done && done && next === this.text) return;
    // What was final has its last block closed, and can't be gone on with.
    if (!next.startsWith(this.text) || (this.done && next !== this.text)) this.reset();
    const fresh = this.at === 0 && this.text === "";
    this.text = next;
    this.done = done;
    if (done || fresh) this.render();
    else if (this.frame === 0) this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  private tick(now: number): void {
    this.frame = 0;
    if (now < this.notBefore) {
      this.frame = requestAnimationFrame((later) => this.tick(later));
      return;
    }
    this.render();
    this.notBefore = now + PATIENCE * (performance.now() - now);
  }

  private reset(): void {
    this.text = "";
    this.at = 0;
    this.live = undefined;
    this.tail.replaceChildren();
    this.root.replaceChildren(this.tail);
  }

  private render(): void {
    if (this.done) this.stop();
    else if (!this.tail.isConnected) this.root.append(this.tail);
    if (this.done && definesLinks(this.text)) {
      this.whole();
      return;
    }
    if (this.live && !this.done && this.codeGoesOn(this.live)) return;
    this.live = undefined;
    const rest = this.text.slice(this.at);
    try {
      if (rest.length > MOST_PARSED && !/\n\n/.test(rest.slice(0, MOST_PARSED))) this.plain(rest);
      else this.blocks(rest);
    } catch {
      // A RangeError of the parser's regular expressions; the text is worth more than its form.
      this.plain(this.text.slice(this.at));
    }
  }

  private plain(rest: string): void {
    const hidden = rest.length - MOST_PLAIN;
    const text = document.createElement("p");
    text.className = "plain";
    text.textContent = rest.slice(0, MOST_PLAIN);
    if (hidden > 0) text.append(`… and ${count(hidden)} more characters, which “Copy answer” includes.`);
    if (!this.tail.isConnected) this.root.append(this.tail);
    this.tail.replaceChildren(text);
  }

  private blocks(rest: string): void {
    const { closed, open, length, fence } = cut(rest, this.done);
    if (closed.length > 0) this.tail.before(this.finished(html(closed)));
    this.at += length;
    if (this.done) this.tail.remove();
    else if (fence) this.beginCode({ ...fence, start: this.at + fence.start - length });
    else this.tail.replaceChildren(fragment(html(open)));
  }

  private whole(): void {
    this.root.replaceChildren(this.finished(wholeHtml(this.text)));
    this.at = this.text.length;
  }

  private finished(markup: string): DocumentFragment {
    const nodes = fragment(markup);
    nodes.querySelectorAll("pre").forEach((pre) => decorate(pre));
    return nodes;
  }

  private beginCode(fence: OpenFence): void {
    const code = document.createTextNode(this.text.slice(fence.start));
    this.tail.replaceChildren(liveCode(fence.language, code));
    this.live = { fence, code, shown: this.text.length };
  }

  // codeGoesOn appends to an open code block without looking at what it already holds.
  private codeGoesOn(live: { fence: OpenFence; code: Text; shown: number }): boolean {
    const line = this.text.lastIndexOf("\n", live.shown - 1);
    live.fence.closing.lastIndex = Math.max(line, live.fence.start - 1);
    if (live.fence.closing.test(this.text)) return false;
    live.code.appendData(this.text.slice(live.shown));
    live.shown = this.text.length;
    return true;
  }
}
