import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Chunk_Kind, EntrySchema, type Entry } from "../gen/api/v1/api_pb";
import { around, emptyJournal, withEntries, withLater, withoutNewest, withoutOldest, withPage, type Journal } from "./journal";
import { answerText, shown } from "./parts";

type Body = Entry["body"];

// A little host: it keeps the rows as the real one does and tells what each revision shows.
class Host {
  private rev = 0;
  private seq = 0;
  private readonly rows = new Map<number, Entry>();
  readonly history: Entry[][] = [[]];
  private open: { kind: Chunk_Kind; run: string; seqs: number[]; text: string; bytes: number } | undefined;

  add(run: string, body: Body): void {
    this.put(run, ++this.seq, this.seq, body);
  }

  chunk(run: string, kind: Chunk_Kind, text: string): void {
    this.open ??= { kind, run, seqs: [], text: "", bytes: 0 };
    const seq = ++this.seq;
    this.put(run, seq, seq, { case: "chunk", value: { $typeName: "openvibez.api.v1.Chunk", kind, offset: BigInt(this.open.bytes), text } });
    this.open.seqs.push(seq);
    this.open.text += text;
    this.open.bytes += new TextEncoder().encode(text).length;
  }

  seal(): void {
    const part = this.open;
    if (!part) return;
    this.open = undefined;
    for (const seq of part.seqs) this.rows.delete(seq);
    const kind = part.kind === Chunk_Kind.TEXT ? "text" : "thought";
    this.put(part.run, part.seqs[0], part.seqs[part.seqs.length - 1], { case: kind, value: { $typeName: "openvibez.api.v1.ModelText", text: part.text } });
  }

  private put(run: string, seq: number, lastSeq: number, body: Body): void {
    this.rev++;
    this.rows.set(seq, create(EntrySchema, { sessionId: "s", seq: BigInt(seq), lastSeq: BigInt(lastSeq), runId: run, createdMs: BigInt(this.rev), rev: BigInt(this.rev), body }));
    this.history.push([...this.rows.values()].sort((a, b) => Number(a.seq - b.seq)));
  }

  // What Watch sends to somebody who has seen everything up to `from` and asks at `to`.
  between(from: number, to: number): Entry[] {
    return this.history[to].filter((e) => e.rev > BigInt(from)).sort((a, b) => Number(a.rev - b.rev));
  }

  get now(): number {
    return this.rev;
  }
}

const user = (text: string): Body => ({ case: "user", value: { $typeName: "openvibez.api.v1.UserMessage", text, attachments: [] } });
const notice = (text: string): Body => ({ case: "notice", value: { $typeName: "openvibez.provider.v1.Notice", level: 1, text } });

function conversation(): Host {
  const h = new Host();
  h.add("a", user("first"));
  for (const word of ["Let ", "me ", "think"]) h.chunk("a", Chunk_Kind.THOUGHT, word);
  h.seal();
  for (const word of ["Hé", "llo ", "wörld ", "🎉", "!"]) h.chunk("a", Chunk_Kind.TEXT, word);
  h.seal();
  h.add("a", notice("half way"));
  h.chunk("a", Chunk_Kind.TEXT, "And ");
  h.chunk("a", Chunk_Kind.TEXT, "more.");
  h.seal();
  h.add("b", user("second"));
  h.chunk("b", Chunk_Kind.TEXT, "Still ");
  h.chunk("b", Chunk_Kind.TEXT, "writing");
  return h;
}

const texts = (j: Journal): unknown[] =>
  j.turns.map((t) => [t.runId, ...shown(t).parts.map((p) => ("text" in p ? `${p.kind}: ${p.text}` : p.kind === "user" ? `user: ${p.message.text}` : p.kind))]);

const whole = [
  ["a", "user: first", "thought: Let me think", "text: Héllo wörld 🎉!", "notice", "text: And more."],
  ["b", "user: second", "text: Still writing"],
];

describe("the journal", () => {
  test("is the same whatever revision it was joined at and however it was cut", () => {
    const h = conversation();
    for (let joined = 0; joined <= h.now; joined++) {
      for (const step of [1, 2, 3, 7, 100]) {
        let j = withPage(emptyJournal("s"), h.history[joined], false);
        for (let from = joined; from < h.now; from += step) {
          j = withEntries(j, h.between(from, Math.min(from + step, h.now)));
        }
        expect(texts(j), `joined at ${joined}, step ${step}`).toEqual(whole);
      }
    }
  });

  test("takes rows twice without harm", () => {
    const h = conversation();
    for (let back = 0; back <= h.now; back++) {
      let j = withPage(emptyJournal("s"), h.history[h.now], false);
      j = withEntries(j, h.between(back, h.now));
      expect(texts(j)).toEqual(whole);
    }
  });

  test("lets a late chunk not bring back what its text has replaced", () => {
    const h = conversation();
    let j = withPage(emptyJournal("s"), h.history[h.now], false);
    for (const old of h.history) j = withEntries(j, old);
    expect(texts(j)).toEqual(whole);
  });

  test("is the same when pages come from the end", () => {
    const h = conversation();
    const all = h.history[h.now];
    for (const size of [1, 2, 3, 5]) {
      let j = emptyJournal("s");
      for (let end = all.length; end > 0; end -= size) j = withPage(j, all.slice(Math.max(0, end - size), end), end > size);
      expect(texts(j)).toEqual(whole);
      expect(j.more).toBe(false);
      expect(j.oldest).toBe(1);
    }
  });

  test("keeps a queued message out of the answer it waits for", () => {
    const h = new Host();
    h.add("a", user("one"));
    h.chunk("a", Chunk_Kind.TEXT, "An ");
    h.seal();
    h.add("b", user("two"));
    h.chunk("a", Chunk_Kind.TEXT, "answer");
    const j = withPage(emptyJournal("s"), h.history[h.now], false);
    expect(texts(j)).toEqual([["a", "user: one", "text: An answer"], ["b", "user: two"]]);
  });

  test("ignores other sessions and what is below the loaded pages", () => {
    const h = conversation();
    const all = h.history[h.now];
    const j = withPage(emptyJournal("s"), all.slice(-2), true);
    expect(withEntries(j, all.slice(0, 2))).toBe(j);
    expect(withEntries(emptyJournal("other"), all).turns).toEqual([]);
  });

  test("leaves untouched turns as they are, so that they are not drawn again", () => {
    const h = conversation();
    const before = withPage(emptyJournal("s"), h.history[h.now], false);
    h.chunk("b", Chunk_Kind.TEXT, "…");
    const after = withEntries(before, h.between(h.now - 1, h.now));
    expect(after.turns[0]).toBe(before.turns[0]);
    expect(after.turns[1]).not.toBe(before.turns[1]);
  });

  test("holds a long text in one piece while it grows", () => {
    const h = new Host();
    h.add("a", user("go"));
    for (let i = 0; i < 500; i++) h.chunk("a", Chunk_Kind.TEXT, "wörd ");
    let j = emptyJournal("s");
    for (let rev = 0; rev < h.now; rev++) j = withEntries(j, h.between(rev, rev + 1));
    expect(j.turns[0].entries.length).toBe(2);
    h.seal();
    h.chunk("a", Chunk_Kind.TEXT, "next");
    j = withEntries(j, h.between(h.now - 2, h.now));
    expect(texts(j)).toEqual([["a", "user: go", `text: ${"wörd ".repeat(500)}next`]]);
    expect(j.turns[0].entries.map((e) => e.body.case)).toEqual(["user", "text", "chunk"]);
  });

  test("lets the oldest go and can fetch them again", () => {
    const h = conversation();
    const all = h.history[h.now];
    const small = withoutOldest(withPage(emptyJournal("s"), all, false), 2);
    expect(texts(small)).toEqual(whole.slice(1));
    expect(small.more).toBe(true);
    const again = withPage(small, all.filter((e) => Number(e.seq) < small.oldest), false);
    expect(texts(again)).toEqual(whole);
    expect(answerText(shown(again.turns[0]).parts)).toBe("Héllo wörld 🎉!\n\nAnd more.");
  });
});

describe("a journal in the middle", () => {
  const h = new Host();
  for (let i = 1; i <= 40; i++) h.add(`r${i}`, user(`message ${i}`));
  const all = h.history[h.now];
  const page = (until: number, limit: number) => all.filter((e) => Number(e.seq) <= until).slice(-limit);

  test("leaves out what is newer until it is loaded", () => {
    let j = around("s", page(20, 10), true, false);
    expect(j.turns.length).toBe(10);
    expect(j.newest).toBe(20);
    j = withEntries(j, h.between(0, h.now));
    expect(j.turns.map((t) => t.runId)).toEqual(Array.from({ length: 10 }, (_, i) => `r${i + 11}`));
  });

  test("ends with the same as one that began at the end", () => {
    let j = around("s", page(20, 10), true, false);
    j = withLater(j, page(30, 10), false);
    expect(j.newest).toBe(30);
    j = withLater(j, page(40, 10), true);
    j = withPage(j, page(10, 10), false);
    expect(texts(j)).toEqual(texts(withPage(emptyJournal("s"), all, false)));
    expect(j.newest).toBe(Infinity);
  });

  test("lets the newest go and finds them again", () => {
    const whole = withPage(emptyJournal("s"), all, false);
    let j = withoutNewest(whole, 15);
    expect(j.turns.length).toBe(15);
    expect(j.newest).toBe(15);
    expect(withoutNewest(whole, 40)).toBe(whole);
    j = withLater(j, page(40, 25), true);
    expect(texts(j)).toEqual(texts(whole));
  });
});
