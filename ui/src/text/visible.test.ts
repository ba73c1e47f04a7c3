import { expect, test } from "vitest";
import { visible, visibleText } from "./visible";

test("what can be read stays as it is", () => {
  const text = "grep -n 'é 日本 🎉' a.txt |\n\tsort";
  expect(visible(text)).toEqual([{ text, odd: false }]);
});

test.each([
  ["a\rb", "a\\rb"],
  ["a\u001b[2Kb", "a\\e[2Kb"],
  ["rm \u202e fr-", "rm \\u202e fr-"],
  ["a\u200bb", "a\\u200bb"],
  ["a\u00a0b", "a\\xa0b"],
  ["a\ufeffb", "a\\ufeffb"],
  ["a\u{e0041}b", "a\\u{e0041}b"],
  ["a\u3164b", "a\\u3164b"],
  ["a\u2028b", "a\\u2028b"],
  ["a\u2066b\u2069", "a\\u2066b\\u2069"],
  ["a\ud800b", "a\\ud800b"],
  ["a\ufe0fb", "a\\ufe0fb"],
])("%j is shown as %j", (text, shown) => {
  expect(visibleText(text)).toBe(shown);
  expect(visible(text).some((p) => p.odd)).toBe(true);
});
