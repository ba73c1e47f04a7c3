import { describe, expect, test } from "vitest";
import { cut } from "./blocks";
import { wholeHtml } from "./markdown";

describe("code blocks of Markdown", () => {
  test("hold code blocks of their own", () => {
    const out = wholeHtml("```md\n# Title\n\n```sh\nmake\n```\n\nEnd\n```\n\nAfter");
    expect(out.match(/<pre/g)).toHaveLength(1);
    expect(out).toContain("```sh\nmake\n```");
    expect(out).toMatch(/<p>After<\/p>/);
  });
  test("end at the first bare fence where it does not come out even", () => {
    const out = wholeHtml("```md\nsee\n```sh\nmake\n```\n\nAfter");
    expect(out.match(/<pre/g)).toHaveLength(1);
    expect(out).toMatch(/<p>After<\/p>/);
  });
  test("are open while they grow", () => {
    const text = "```md\n# Title\n\n```sh\nmake\n```\n\n## More\n";
    for (let n = 1; n <= text.length; n++) expect(cut(text.slice(0, n), false).closed).toHaveLength(0);
  });
  test("others end as always", () => {
    expect(wholeHtml("```sh\ncat <<E\n```go\n```\n\nAfter")).toMatch(/<p>After<\/p>/);
  });
});
