import { expect, test } from "vitest";
import { openable } from "./links";

test.each([
  ["https://example.org/a?b=c#d", "https://example.org/a?b=c#d"],
  ["http://localhost:8080", "http://localhost:8080/"],
  ["mailto:someone@example.org", "mailto:someone@example.org"],
  ["  https://example.org ", "https://example.org/"],
  ["HTTPS://EXAMPLE.ORG", "https://example.org/"],
])("%s opens", (href, url) => {
  expect(openable(href)).toBe(url);
});

test.each([
  "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "\u0001javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "blob:https://example.org/1", "about:blank",
  "/relative", "relative.html", "#anchor", "//example.org", "", "http://", "https://user:password@example.org", "tel:123", "openvibez:x",
])("%s does not", (href) => {
  expect(openable(href)).toBe("");
});

test("nothing does not open", () => {
  expect(openable(null)).toBe("");
  expect(openable(undefined)).toBe("");
});
