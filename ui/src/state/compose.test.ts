import { describe, expect, test } from "vitest";
import { afterSent, attempt, keyAction, MAX_MESSAGE_BYTES, tooBig } from "./compose";

const key = (key: string, more: object = {}) => ({ key, shiftKey: false, altKey: false, isComposing: false, keyCode: 0, ...more });

describe("keys in the composer", () => {
  test("Enter sends, Shift+Enter does not", () => {
    expect(keyAction(key("Enter"), false)).toBe("send");
    expect(keyAction(key("Enter", { shiftKey: true }), false)).toBe("none");
  });
  test("Enter that ends a composition only ends it", () => {
    expect(keyAction(key("Enter", { isComposing: true }), false)).toBe("none");
    expect(keyAction(key("Enter", { keyCode: 229 }), false)).toBe("none");
    expect(keyAction(key("Escape", { isComposing: true }), true)).toBe("none");
  });
  test("Escape stops, if there is something to stop", () => {
    expect(keyAction(key("Escape"), true)).toBe("stop");
    expect(keyAction(key("Escape"), false)).toBe("none");
  });
});

describe("the 10 MB guard", () => {
  test("counts bytes, not letters", () => {
    expect(tooBig("a".repeat(MAX_MESSAGE_BYTES))).toBe("");
    expect(tooBig("a".repeat(MAX_MESSAGE_BYTES + 1))).toContain("10.1 MB");
    expect(tooBig("é".repeat(MAX_MESSAGE_BYTES / 2))).toBe("");
    expect(tooBig("é".repeat(MAX_MESSAGE_BYTES / 2 + 1))).not.toBe("");
  });
});

describe("attempts", () => {
  const now = { sessionId: "s", text: "hello", model: "p/m", place: "", files: "" };
  test("the same message is the same request", () => {
    const first = attempt(undefined, now);
    expect(attempt(first, { ...now }).id).toBe(first.id);
  });
  test("anything else is another request", () => {
    const first = attempt(undefined, now);
    for (const other of [{ text: "hello!" }, { sessionId: "t" }, { model: "p/n" }, { place: "w/2" }, { files: "f" }]) {
      expect(attempt(first, { ...now, ...other }).id).not.toBe(first.id);
    }
  });
});

describe("after sending", () => {
  test("the composer is empty, or holds what was typed meanwhile", () => {
    expect(afterSent("hello", "hello")).toBe("");
    expect(afterSent("hello\nand more", "hello")).toBe("and more");
    expect(afterSent("something else", "hello")).toBe("something else");
  });
});
