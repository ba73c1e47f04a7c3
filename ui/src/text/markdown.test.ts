import { describe, expect, test } from "vitest";
import { wholeHtml } from "./markdown";

describe("markdown", () => {
  test("shows raw HTML as text", () => {
    expect(wholeHtml("<script>alert(1)</script>")).not.toContain("<script");
    expect(wholeHtml("a <img src=x onerror=alert(1)> b")).not.toContain("<img");
    expect(wholeHtml("a <b onclick=alert(1)>b</b>")).not.toContain("<b onclick");
    expect(wholeHtml("H<sub>2</sub>O")).toContain("<sub>2</sub>");
  });

  test("turns images into links and loads nothing", () => {
    const out = wholeHtml("![a cat](https://example.org/cat.png)");
    expect(out).not.toContain("<img");
    expect(out).toContain('href="https://example.org/cat.png"');
    expect(wholeHtml("![x](data:image/png;base64,AA)")).not.toContain("href");
  });

  test("drops the address of links that may not be opened, and shows it", () => {
    const out = wholeHtml("[click](javascript:alert(1))");
    expect(out).not.toContain("<a");
    expect(out).toContain("click");
  });

  test("keeps quotes in titles and addresses from breaking out", () => {
    const out = wholeHtml(`[x](https://example.org/"onmouseover=alert(1) 'a"b')`);
    expect(out).not.toMatch(/<a[^>]*\sonmouseover/);
    expect(wholeHtml('```x"onload=alert(1)\ncode\n```')).not.toMatch(/<pre[^>]*\sonload/);
  });

  test("lets lists and quotes run as their first letter does", () => {
    expect(wholeHtml("- عنصر")).toContain('<ul dir="auto">');
    expect(wholeHtml("3. three")).toContain('<ol start="3" dir="auto">');
    expect(wholeHtml("> a\n> - b")).toMatch(/<blockquote dir="auto">\n<p>a<\/p>\n<ul dir="auto">/);
  });

  test("names the language of code and escapes it", () => {
    expect(wholeHtml("```go\na < b\n```")).toBe('<pre data-lang="go"><code>a &#60; b\n</code></pre>\n');
  });

  test("keeps code as it is, empty lines at its end too", () => {
    expect(wholeHtml("```py\na\n\n\n```\nb")).toContain("<code>a\n\n\n</code>");
    expect(wholeHtml("```py\na\n```")).toContain("<code>a\n</code>");
    expect(wholeHtml("```py\na\n\n```")).toContain("<code>a\n\n</code>");
  });

  test("sees what is bold beside Chinese, Japanese and Korean signs", () => {
    expect(wholeHtml("前**重点：**内容")).toContain("<strong>重点：</strong>");
    expect(wholeHtml("**太字（bold）。**この文")).toContain("<strong>太字（bold）。</strong>");
    expect(wholeHtml("~~删除（x）~~后面")).toContain("<del>");
    expect(wholeHtml("2 ** 3 ** 4 and a_b_c")).toBe("<p>2 ** 3 ** 4 and a_b_c</p>\n");
  });

  test("leaves formulas and prices as they are written", () => {
    const text = (source: string) => wholeHtml(source).replace(/<[^>]+>/g, "").replace(/&#39;/g, "'").trim();
    for (const formula of ["\\(a_1 + b_1 = c_1\\)", "\\[ \\frac{a_1}{b_2} \\\\ \\{x\\} \\]", "$$\\sum_{i=1}^n x_i \\\\ y_i * z * w$$"]) {
      expect(text(formula)).toBe(formula);
      expect(text(`See ${formula} here`)).toContain(formula.startsWith("\\[") ? "frac" : formula);
    }
    expect(text("It costs $5 and $10, $HOME/bin:$PATH.")).toBe("It costs $5 and $10, $HOME/bin:$PATH.");
    expect(text("\\[not a link\\](x)")).toBe("[not a link](x)");
  });
});
