import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SessionSchema } from "../gen/api/v1/api_pb";
import { grouped } from "./groups";

const chat = (id: string, at: Date, pinned = false) => create(SessionSchema, { id, pinned, activeMs: BigInt(at.getTime()) });

test("chats are grouped by the days of the calendar", () => {
  const now = new Date(2026, 2, 29, 0, 30);
  const list = [
    chat("pinned", new Date(2020, 0, 1), true),
    chat("ahead", new Date(2026, 2, 29, 8)),
    chat("midnight", new Date(2026, 2, 29)),
    chat("an hour ago", new Date(2026, 2, 28, 23, 30)),
    chat("yesterday", new Date(2026, 2, 28)),
    chat("a week", new Date(2026, 2, 22)),
    chat("more", new Date(2026, 2, 21, 23, 59)),
    chat("a month", new Date(2026, 1, 27)),
    chat("old", new Date(2026, 1, 26, 23, 59)),
  ];
  expect(grouped(list, now).map((g) => [g.name, g.sessions.map((s) => s.id)])).toEqual([
    ["Pinned", ["pinned"]],
    ["Today", ["ahead", "midnight"]],
    ["Yesterday", ["an hour ago", "yesterday"]],
    ["Last 7 days", ["a week"]],
    ["Last 30 days", ["more", "a month"]],
    ["Older", ["old"]],
  ]);
  expect(grouped([], now)).toEqual([]);
});
