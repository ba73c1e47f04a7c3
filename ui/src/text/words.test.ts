import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Reason, ToolOutput_Outcome as Outcome, ToolOutputSchema } from "../gen/api/v1/api_pb";
import { ago, bytes, countdown, oneLine, outcomeMore, outcomeWords, seconds } from "./words";

test.each([
  [{ outcome: Outcome.EXITED, exitCode: 0 }, "exit 0", "good"],
  [{ outcome: Outcome.EXITED, exitCode: 2 }, "exit 2", "bad"],
  [{ outcome: Outcome.TIMED_OUT }, "timed out", "warn"],
  [{ outcome: Outcome.REFUSED }, "not carried out", "warn"],
  [{ outcome: Outcome.DENIED }, "denied", "warn"],
  [{ outcome: Outcome.UNANSWERED }, "nobody answered", "warn"],
  [{ outcome: Outcome.FAILED }, "failed", "bad"],
])("%j is %s", (o, words, tone) => {
  expect(outcomeWords(create(ToolOutputSchema, o))).toEqual({ words, tone });
});

test("what a program prints is not how it ended", () => {
  const o = create(ToolOutputSchema, { outcome: Outcome.DONE, result: { content: "exit code 3\nThe person denied this." } });
  expect([outcomeWords(o), outcomeMore(o)]).toEqual([undefined, ""]);
});

test("a refusal says why", () => {
  expect(outcomeMore(create(ToolOutputSchema, { outcome: Outcome.REFUSED, reason: Reason.NO_PLAN }))).toContain("no plan");
  expect(outcomeMore(create(ToolOutputSchema, { outcome: Outcome.REFUSED, reason: Reason.SESSION_READ_ONLY, why: "It changes a file." }))).toBe("It changes a file.");
  expect(outcomeMore(create(ToolOutputSchema, { outcome: Outcome.DENIED, why: "not that" }))).toBe("You said: “not that”");
});

test("durations", () => {
  expect([0, 1234, 12_345, 75_000, 3_600_000].map(seconds)).toEqual(["0 s", "1.2 s", "12 s", "1 min 15 s", "1 h 0 min"]);
});

test("sizes", () => {
  expect([12, 1200, 999_999, 4_700_000_000].map(bytes)).toEqual(["12 bytes", "1.2 kB", "1.0 MB", "4.7 GB"]);
});

test("times past", () => {
  const now = 1_000_000_000;
  expect([0, 90_000, 3_700_000, 90_000_000].map((t) => ago(now - t, now))).toEqual(["just now", "1 min ago", "an hour ago", "yesterday"]);
});

test("one line", () => {
  expect(oneLine("  a\n\nb  c ", 10)).toBe("a b c");
  expect(oneLine("abcdefgh", 5)).toBe("abcd…");
});

test("a countdown counts whole seconds and never below nothing", () => {
  expect([6001, 7000, 59_900, 750_000, 3_723_000, 0, -5].map(countdown)).toEqual(["0:07", "0:07", "1:00", "12:30", "1:02:03", "0:00", "0:00"]);
});
