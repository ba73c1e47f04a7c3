import { Lexer } from "marked";
import { describe, expect, test } from "vitest";
import { cut, definesLinks, normal } from "./blocks";
import { html, wholeHtml } from "./markdown";

const sample = `# Title

A paragraph with **bold** and \`code\`, which goes on
over two lines.

- one
- two

  with a second paragraph

- three
  1. inner

1. first

2. second

| a | b |
|---|--:|
| 1 | 2 |

> quoted
> text

\`\`\`go
func main() {

	println("hi")
}
\`\`\`

    indented code

    more of it

Setext
------

~~~
tildes \`\`\` inside
~~~

<div>raw</div>

- [x] done
- [ ] open

The end`;

// streamed renders a text as the window does while it grows.
function streamed(text: string, step: number): string {
  let at = 0;
  let out = "";
  for (let end = step; ; end += step) {
    const done = end >= text.length;
    const { closed, length } = cut(text.slice(at, end), done);
    out += html(closed);
    at += length;
    if (done) return out;
  }
}

describe("blocks", () => {
  test.each([1, 2, 3, 5, 17, 64])("streamed in steps of %i are the same as at once", (step) => {
    expect(streamed(sample, step)).toBe(wholeHtml(sample));
  });

  test("closed ones are given out while the text grows", () => {
    const { closed, length } = cut("One.\n\nTwo.\n\nThr", false);
    expect(closed.filter((t) => t.type === "paragraph").map((t) => t.raw)).toEqual(["One.", "Two."]);
    expect("One.\n\nTwo.\n\nThr".slice(length)).toBe("Thr");
  });

  test("a list stays open over blank lines", () => {
    expect(cut("- one\n\n", false).length).toBe(0);
    expect(cut("- one\n\n- two", false).length).toBe(0);
  });

  test("cover the text exactly", () => {
    const tokens = new Lexer().lex(sample);
    expect(tokens.map((t) => t.raw).join("")).toBe(sample);
  });
});

describe("an open code block", () => {
  test("is known with its language and where its code begins", () => {
    const text = "Look:\n\n```go title=x\npackage main\n";
    const { fence } = cut(text, false);
    expect(fence?.language).toBe("go");
    expect(text.slice(fence?.start)).toBe("package main\n");
  });

  test("is closed by its own kind of fence only", () => {
    const { fence } = cut("````\nx\n", false);
    const closes = (text: string) => {
      if (fence) fence.closing.lastIndex = 0;
      return fence?.closing.test(text);
    };
    expect(closes("````\nx\n```\n")).toBe(false);
    expect(closes("````\nx\n~~~~\n")).toBe(false);
    expect(closes("````\nx\n````x\n")).toBe(false);
    expect(closes("````\nx\n`````")).toBe(true);
  });

  test("that is closed is none", () => {
    expect(cut("```\nx\n```\n", false).fence).toBeUndefined();
    expect(cut("```\nx\n```", false).fence).toBeUndefined();
    expect(cut("text", false).fence).toBeUndefined();
  });
});

test("line ends are made one kind, and half of one waits", () => {
  expect(normal("a\r\nb\r", false)).toBe("a\nb");
  expect(normal("a\r\nb\r", true)).toBe("a\nb\n");
});

test("links defined later are noticed", () => {
  expect(definesLinks("See [it][1].\n\n[1]: https://example.org")).toBe(true);
  expect(definesLinks("See [it](https://example.org).")).toBe(false);
});
