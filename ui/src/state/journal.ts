// The journal of the open session: entries in, turns out. Pure, so that it ends with the same text whatever revision
// it joined at.
import type { Entry } from "../gen/api/v1/api_pb";

// Turn is all that one run has written, oldest first.
export interface Turn {
  readonly runId: string;
  readonly entries: readonly Entry[];
}

export interface Journal {
  readonly sessionId: string;
  // In the order of their first entry, which for a queued message is when it was sent.
  readonly turns: readonly Turn[];
  // The lowest sequence number loaded; entries below it are left to their page.
  readonly oldest: number;
  // There are older entries on disk.
  readonly more: boolean;
  // The highest sequence number loaded where newer entries are left out; Infinity: everything up to the end is there.
  readonly newest: number;
}

export const first = (e: Entry): number => Number(e.seq);
export const last = (e: Entry): number => Math.max(Number(e.seq), Number(e.lastSeq));

export function emptyJournal(sessionId: string): Journal {
  return { sessionId, turns: [], oldest: Infinity, more: false, newest: Infinity };
}

// withPage adds a page of older entries, or the first page.
export function withPage(journal: Journal, entries: readonly Entry[], more: boolean): Journal {
  const oldest = entries.reduce((low, e) => Math.min(low, first(e)), journal.oldest);
  return merge({ ...journal, oldest, more }, entries);
}

// withEntries applies rows that Watch sent, in any order and as often as it likes.
export function withEntries(journal: Journal, entries: readonly Entry[]): Journal {
  const wanted = entries.filter(
    (e) => e.sessionId === journal.sessionId && (!journal.more || last(e) >= journal.oldest) && first(e) <= journal.newest,
  );
  return wanted.length ? merge(journal, wanted) : journal;
}

// around begins a journal in the middle: with a page of entries that have newer ones after them, unless `end` is true.
export function around(sessionId: string, entries: readonly Entry[], more: boolean, end: boolean): Journal {
  return { ...withPage(emptyJournal(sessionId), entries, more), newest: end ? Infinity : newestOf(entries) };
}

// withLater adds a page of newer entries.
export function withLater(journal: Journal, entries: readonly Entry[], end: boolean): Journal {
  const newest = end ? Infinity : Math.max(journal.newest, newestOf(entries));
  return merge({ ...journal, newest }, entries.filter((e) => last(e) >= journal.oldest));
}

const newestOf = (entries: readonly Entry[]): number => entries.reduce((high, e) => Math.max(high, last(e)), 0);

// withoutOldest drops turns from the beginning until about `keep` entries are left.
export function withoutOldest(journal: Journal, keep: number): Journal {
  let count = journal.turns.reduce((n, t) => n + t.entries.length, 0);
  let cut = 0;
  while (cut < journal.turns.length - 1 && count - journal.turns[cut].entries.length >= keep) {
    count -= journal.turns[cut].entries.length;
    cut++;
  }
  if (cut === 0) return journal;
  const turns = journal.turns.slice(cut);
  return { ...journal, turns, oldest: Math.min(...turns.map((t) => first(t.entries[0]))), more: true };
}

// withoutNewest drops turns from the end until about `keep` entries are left; what comes later is left to its page.
export function withoutNewest(journal: Journal, keep: number): Journal {
  let count = 0;
  let end = 0;
  while (end < journal.turns.length && count < keep) count += journal.turns[end++].entries.length;
  if (end === journal.turns.length) return journal;
  const turns = journal.turns.slice(0, end);
  // Before the first entry that is dropped: a queued message may have entries of others between its own.
  const newest = Math.min(...journal.turns.slice(end).map((t) => first(t.entries[0]))) - 1;
  return { ...journal, turns: turns.map((t) => ({ ...t, entries: t.entries.filter((e) => first(e) <= newest) })), newest };
}

function merge(journal: Journal, entries: readonly Entry[]): Journal {
  const turns = [...journal.turns];
  const open = new Map<string, { at: number; entries: Entry[] }>();
  for (const e of entries) {
    let turn = open.get(e.runId);
    if (!turn) {
      let at = turns.findLastIndex((t) => t.runId === e.runId);
      if (at < 0) at = turns.push({ runId: e.runId, entries: [] }) - 1;
      turn = { at, entries: [...turns[at].entries] };
      open.set(e.runId, turn);
    }
    place(turn.entries, e);
  }
  for (const [runId, t] of open) turns[t.at] = { runId, entries: t.entries };
  const kept = turns.filter((t) => t.entries.length > 0);
  kept.sort((a, b) => first(a.entries[0]) - first(b.entries[0]));
  return { ...journal, turns: kept };
}

// place puts an entry where it belongs among those of its run. What stands for a range replaces the chunks in it.
function place(list: Entry[], e: Entry): void {
  const lo = first(e);
  const hi = last(e);
  let at = list.length;
  while (at > 0 && first(list[at - 1]) >= lo) at--;
  const before = list[at - 1];
  if (before && last(before) >= lo && e.body.case === "chunk") return;
  let end = at;
  while (end < list.length && first(list[end]) <= hi) {
    const old = list[end];
    if (old.rev > e.rev || (e.body.case === "chunk" && old.body.case !== "chunk")) return;
    end++;
  }
  const longer = end === list.length ? joined(before, e) : undefined;
  if (longer) list.splice(at - 1, end - at + 1, longer);
  else list.splice(at, end - at, e);
}

// joined is a chunk with the one that follows right after it, so that a long answer is not thousands of pieces.
function joined(before: Entry | undefined, e: Entry): Entry | undefined {
  if (before?.body.case !== "chunk" || e.body.case !== "chunk" || last(before) + 1 !== first(e)) return undefined;
  const { kind, offset, text } = e.body.value;
  // A chunk at 0 begins another text.
  if (kind !== before.body.value.kind || offset === 0n) return undefined;
  const value = { ...before.body.value, text: before.body.value.text + text };
  return { ...before, lastSeq: BigInt(last(e)), rev: e.rev > before.rev ? e.rev : before.rev, body: { case: "chunk", value } };
}
