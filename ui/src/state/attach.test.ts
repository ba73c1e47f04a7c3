import { describe, expect, test } from "vitest";
import { MAX_FILE_BYTES, mediaTypeOf, pastedName, refusal, unseen } from "./attach";

const file = (size: number, name = "a.txt") => ({ name, size });
const text = (s: string) => new TextEncoder().encode(s);
const MB = 1024 * 1024;

describe("what a message takes", () => {
  test("five files of 20 MB, 50 MB together", () => {
    expect(refusal([], file(MAX_FILE_BYTES))).toBe("");
    expect(refusal([], file(MAX_FILE_BYTES + 1, "big.bin"))).toBe("big.bin has 20.1 MB and 20 MB is the most a file can have.");
    expect(refusal([file(1), file(1), file(1), file(1)], file(1))).toBe("");
    expect(refusal([file(1), file(1), file(1), file(1), file(1)], file(1, "six"))).toContain("six was left out");
    expect(refusal([file(20 * MB), file(20 * MB)], file(10 * MB))).toBe("");
    expect(refusal([file(20 * MB), file(20 * MB)], file(10 * MB + 1))).toContain("50.1 MB together");
    expect(refusal([], file(0, "folder"))).toContain("folder");
  });
});

describe("what a file is sent as", () => {
  test("pictures and PDFs are what they say", () => {
    expect(mediaTypeOf("x", "image/png", text(""))).toBe("image/png");
    expect(mediaTypeOf("photo.JPG", "", new Uint8Array([255, 216]))).toBe("image/jpeg");
    expect(mediaTypeOf("a.pdf", "application/pdf", text("%PDF"))).toBe("application/pdf");
  });
  test("a text is a text, whatever it is called", () => {
    expect(mediaTypeOf("a.ts", "video/mp2t", text("let a = 1;"))).toBe("text/plain");
    expect(mediaTypeOf("Makefile", "", text("all:\n"))).toBe("text/plain");
    expect(mediaTypeOf("a.md", "text/markdown; charset=utf-8", text("# é"))).toBe("text/markdown");
    expect(mediaTypeOf("a.json", "application/json", text("{}"))).toBe("application/json");
    expect(mediaTypeOf("a.svg", "image/svg+xml", text("<svg/>"))).toBe("text/plain");
    expect(mediaTypeOf("a.txt", "text/plain", text("ä".repeat(40_000)))).toBe("text/plain");
  });
  test("anything else is what the system says", () => {
    expect(mediaTypeOf("a.bin", "", new Uint8Array([0, 1]))).toBe("application/octet-stream");
    expect(mediaTypeOf("a.zip", "application/zip", new Uint8Array([80, 75, 0]))).toBe("application/zip");
    expect(mediaTypeOf("a.txt", "", new Uint8Array([0xff, 0x41]))).toBe("application/octet-stream");
  });
  test("pictures no model reads are told at once", () => {
    expect(unseen("a.heic", "image/heic")).toContain("a.heic");
    expect(unseen("a.png", "image/png")).toBe("");
    expect(unseen("a.zip", "application/zip")).toBe("");
  });
});

test("pasted pictures get names of their own", () => {
  expect(pastedName("image.png", "image/png", [])).toBe("pasted-1.png");
  expect(pastedName("image.png", "image/jpeg", [file(1, "pasted-1.jpg")])).toBe("pasted-2.jpg");
  expect(pastedName("holiday.png", "image/png", [])).toBe("holiday.png");
});
