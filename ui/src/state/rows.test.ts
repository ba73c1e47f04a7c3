import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ChangeSchema, ModelSchema, ProviderSchema, RunSchema, RunState, SessionSchema, TombstoneSchema, Topic, type Change } from "../gen/api/v1/api_pb";
import { applied, emptyTables, isActive, isOver, isQueued, ordered, waiting } from "./rows";

const session = (id: string, rev: number, more: object = {}): Change =>
  create(ChangeSchema, { row: { case: "session", value: create(SessionSchema, { id, rev: BigInt(rev), title: `${id}${rev}`, ...more }) } });
const run = (id: string, sessionId: string, rev: number): Change =>
  create(ChangeSchema, { row: { case: "run", value: create(RunSchema, { id, sessionId, rev: BigInt(rev) }) } });
const stone = (topic: Topic, id: string, rev: number): Change =>
  create(ChangeSchema, { row: { case: "tombstone", value: create(TombstoneSchema, { topic, id, rev: BigInt(rev) }) } });

test("the newest row wins in whatever order they come", () => {
  const { tables } = applied(emptyTables, [session("a", 5), session("a", 3)]);
  expect(tables.sessions.get("a")?.title).toBe("a5");
});

test("a deleted session takes its runs with it", () => {
  let { tables } = applied(emptyTables, [session("a", 1), run("r", "a", 2), session("b", 3), run("q", "b", 4)]);
  ({ tables } = applied(tables, [stone(Topic.SESSIONS, "a", 5)]));
  expect([...tables.sessions.keys()]).toEqual(["b"]);
  expect([...tables.runs.keys()]).toEqual(["q"]);
});

test("a tombstone does not bury what was made after it", () => {
  let { tables } = applied(emptyTables, [session("a", 9)]);
  ({ tables } = applied(tables, [stone(Topic.SESSIONS, "a", 5)]));
  expect(tables.sessions.has("a")).toBe(true);
});

test("a removed provider takes its models with it", () => {
  const provider = create(ChangeSchema, { row: { case: "provider", value: create(ProviderSchema, { id: "p", rev: 1n }) } });
  const model = create(ChangeSchema, { row: { case: "model", value: create(ModelSchema, { providerId: "p", rev: 2n, model: { id: "m" } }) } });
  let { tables } = applied(emptyTables, [provider, model]);
  expect(tables.models.size).toBe(1);
  ({ tables } = applied(tables, [stone(Topic.PROVIDERS, "p", 3)]));
  expect(tables.models.size).toBe(0);
});

test("sessions are listed pinned first, then newest first, without archived ones", () => {
  const { tables } = applied(emptyTables, [
    session("old", 1, { activeMs: 10n }),
    session("new", 2, { activeMs: 30n }),
    session("pinned", 3, { activeMs: 5n, pinned: true }),
    session("archived", 4, { activeMs: 40n, archivedMs: 1n }),
  ]);
  expect(ordered(tables.sessions).map((s) => s.id)).toEqual(["pinned", "new", "old"]);
});

test("every run state is queued, active or over, and only one of them", () => {
  for (const state of Object.values(RunState).filter((s) => typeof s === "number" && s > 0)) {
    const r = create(RunSchema, { state: state as RunState });
    expect([isQueued(r), isActive(r), isOver(r)].filter(Boolean), RunState[state as RunState]).toHaveLength(1);
  }
});

test("only a message behind an open run of its own session waits", () => {
  const one = (id: string, sessionId: string, state: RunState, order: number) => create(RunSchema, { id, sessionId, state, queueOrder: BigInt(order) });
  const sent = one("sent", "a", RunState.QUEUED, 2);
  expect([...waiting([sent])]).toEqual([]);
  expect([...waiting([one("done", "a", RunState.COMPLETED, 1), sent])]).toEqual([]);
  expect([...waiting([one("other", "b", RunState.RUNNING, 1), sent])]).toEqual([]);
  expect([...waiting([one("running", "a", RunState.RUNNING, 1), sent])]).toEqual(["sent"]);
  expect([...waiting([sent, one("next", "a", RunState.QUEUED, 3)])]).toEqual(["next"]);
});
