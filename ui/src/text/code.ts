// Code blocks: a header with the language and a Copy button, colours once the block is closed.
import { copy } from "./copy";

// Longer blocks stay plain: colouring them would hold up the window.
const MAX_COLOURED = 100_000;

// decorate turns a finished <pre data-lang> into a code block.
export function decorate(pre: HTMLPreElement): void {
  const language = pre.dataset.lang ?? "";
  const code = pre.querySelector("code");
  const box = frame(language, () => (code ?? pre).textContent ?? "");
  pre.replaceWith(box);
  pre.removeAttribute("data-lang");
  pre.tabIndex = 0;
  pre.setAttribute("aria-label", language ? `Code, ${language}` : "Code");
  box.append(pre);
  const text = code?.textContent ?? "";
  if (!code || !language || text.length > MAX_COLOURED) return;
  void import("./highlight").then(({ highlighted }) => {
    soon(() => {
      const coloured = highlighted(text, language.toLowerCase());
      if (coloured) code.innerHTML = coloured;
    });
  });
}

// Colouring takes a while and can wait: so long at a time, between frames.
const BUDGET_MS = 6;
const waiting: (() => void)[] = [];

function soon(work: () => void): void {
  if (waiting.push(work) === 1) setTimeout(colour);
}

function colour(): void {
  const until = performance.now() + BUDGET_MS;
  while (waiting.length > 0 && performance.now() < until) {
    waiting.shift()?.();
  }
  if (waiting.length > 0) setTimeout(colour);
}

// liveCode is a code block that is still being written.
export function liveCode(language: string, text: Text): HTMLElement {
  const box = frame(language, () => text.data);
  const pre = document.createElement("pre");
  const code = document.createElement("code");
  code.append(text);
  pre.append(code);
  box.append(pre);
  return box;
}

function frame(language: string, text: () => string): HTMLElement {
  const box = document.createElement("div");
  box.className = "code";
  const head = document.createElement("div");
  head.className = "code-head";
  const name = document.createElement("span");
  name.textContent = language || "text";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy code");
  button.addEventListener("click", () => {
    void copy(text().replace(/\n$/, "")).then((ok) => {
      button.textContent = ok ? "Copied" : "Can't copy";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
  });
  head.append(name, button);
  box.append(head);
  return box;
}
