import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EntrySchema, RunSchema, RunState, type Run } from "../gen/api/v1/api_pb";
import type { Turn } from "./journal";
import { arranged } from "./versions";

const turn = (runId: string, seq: number): Turn => ({ runId, entries: [create(EntrySchema, { runId, seq: BigInt(seq), lastSeq: BigInt(seq) })] });
const run = (id: string, at: number, more: Omit<Partial<Run>, "$typeName"> = {}): Run =>
  create(RunSchema, { id, createdMs: BigInt(at), startedMs: BigInt(at), state: RunState.COMPLETED, ...more });
const table = (...runs: Run[]) => new Map(runs.map((r) => [r.id, r]));
const ids = (places: ReturnType<typeof arranged>) => places.map((p) => p.turn.runId);

test("what replaces nothing is shown as it comes", () => {
  const places = arranged([turn("a", 1), turn("b", 5)], table(run("a", 1), run("b", 2)), new Map());
  expect(ids(places)).toEqual(["a", "b"]);
  expect(places.every((p) => p.versions === undefined && !p.continued)).toBe(true);
});

const again = table(run("a", 1), run("b", 2), run("a2", 3, { replacesRunId: "a" }), run("a3", 4, { replacesRunId: "a2" }));
const turns = [turn("a", 1), turn("b", 5), turn("a2", 9), turn("a3", 13)];

test("the newest of a chain stands in the first one's place", () => {
  const places = arranged(turns, again, new Map());
  expect(ids(places)).toEqual(["a3", "b"]);
  expect(places[0].versions).toEqual({ chain: "a", ids: ["a", "a2", "a3"], at: 2 });
});

test("an earlier one can be looked at", () => {
  const places = arranged(turns, again, new Map([["a", "a2"]]));
  expect(ids(places)).toEqual(["a2", "b"]);
  expect(places[0].versions?.at).toBe(1);
});

test("a choice that does not exist any more is the newest", () => {
  expect(ids(arranged(turns, again, new Map([["a", "gone"]])))).toEqual(["a3", "b"]);
});

test("what is known only by name counts as a version", () => {
  const places = arranged([turn("a3", 13)], table(run("a3", 4, { replacesRunId: "a2" })), new Map());
  expect(ids(places)).toEqual(["a3"]);
  expect(places[0].versions).toEqual({ chain: "a2", ids: ["a2", "a3"], at: 1 });
});

test("what goes on from an answer follows it, and is replaced with it", () => {
  const runs = [run("a", 1), run("on", 2, { continuesRunId: "a" }), run("b", 3)];
  const all = [turn("a", 1), turn("b", 5), turn("on", 7)];
  const places = arranged(all, table(...runs), new Map());
  expect(ids(places)).toEqual(["a", "on", "b"]);
  expect(places.map((p) => p.continued)).toEqual([true, false, false]);
  const replaced = arranged([...all, turn("a2", 9)], table(...runs, run("a2", 4, { replacesRunId: "a" })), new Map());
  expect(ids(replaced)).toEqual(["a2", "b"]);
});

test("a message taken out of the queue replaces nothing", () => {
  const taken = run("a2", 2, { replacesRunId: "a", state: RunState.CANCELLED, startedMs: 0n });
  expect(ids(arranged([turn("a", 1), turn("a2", 4)], table(run("a", 1), taken), new Map()))).toContain("a");
});

test("a circle does not hang", () => {
  const runs = table(run("a", 1, { continuesRunId: "b" }), run("b", 2, { continuesRunId: "a" }));
  expect(arranged([turn("a", 1), turn("b", 2)], runs, new Map()).length).toBe(2);
});
