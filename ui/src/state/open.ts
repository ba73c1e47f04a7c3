// Which session is shown, and how much of it is loaded.
import { batch } from "@preact/signals";
import { api, missing, words } from "../api";
import { hashOf, place } from "../boot";
import type { ListEntriesResponse } from "../gen/api/v1/api_pb";
import { loadDraft, saveDraftNow } from "./drafts";
import { around, emptyJournal, withLater, withoutNewest, withoutOldest, withPage, type Journal } from "./journal";
import { put } from "./rows";
import { picked } from "./runs";
import { saveWindow, setting } from "./settings";
import { archive, archivedSessions, drawer, journal, loadingLater, loadingOlder, openId, openProblem, opening, sessions, setTables, sought, tables } from "./store";
import { chainOf, headOf } from "./versions";
import { watch } from "./watch";

// Entries at a time: few, since to lay them out holds up the window.
const PAGE = 30;
// Beyond this many entries the oldest are let go while the newest are looked at.
const MOST_LOADED = 600;
// Beyond this many the newest are let go while the oldest are looked at.
const MOST_READ = 900;
// How many sequence numbers after the one that is looked for are loaded with it.
const AFTER_SOUGHT = 15;

// go shows a session, or a new chat for "". The address is where the choice is kept.
export function go(id: string): void {
  drawer.value = false;
  if (location.hash === hashOf(id)) void show(id);
  else location.hash = hashOf(id);
}

// followAddress shows what the address says.
export function followAddress(): void {
  const { session } = place(location.hash);
  if (session) void show(session === "new" ? "" : session);
}

// adopt shows a session as if it had been the one all along: at the start, and when the new chat has become one.
export function adopt(id: string): void {
  history.replaceState(null, "", hashOf(id));
  void show(id);
}

export async function show(id: string): Promise<void> {
  if (id === openId.value && (id === "" || journal.value.sessionId === id) && !openProblem.value) return;
  saveDraftNow();
  batch(() => {
    openId.value = id;
    openProblem.value = "";
    journal.value = emptyJournal(id);
    opening.value = id !== "";
  });
  remember(id);
  loadDraft(id);
  if (id === "") {
    watch.reopen();
    return;
  }
  await reload(id);
}

// showAt shows a session where it says something, in the middle of it if need be.
export async function showAt(id: string, seq: number, runId: string): Promise<void> {
  sought.value = undefined;
  if (openId.value !== id) {
    history.pushState(null, "", hashOf(id));
    await show(id);
  }
  drawer.value = false;
  const there = journal.value;
  if (openId.value !== id || openProblem.value) return;
  if (!(seq >= there.oldest && seq <= there.newest)) {
    try {
      const page = await read(id, seq + AFTER_SOUGHT);
      if (openId.value !== id) return;
      const end = page.entries.length === 0 || seq + AFTER_SOUGHT > Number(tables.value.sessions.get(id)?.lastSeq ?? 0n);
      take(page, around(id, page.entries, page.more, end));
      if (end) watch.reopen(page.rev);
    } catch (err) {
      openProblem.value = words(err);
      return;
    }
  }
  // It may be said in an answer that another stands in for.
  const { runs } = tables.value;
  picked.value = new Map([...picked.value, [chainOf(runs, runId), headOf(runs, runId)]]);
  sought.value = { seq };
}

// toLatest leaves the middle of a session for its end.
export async function toLatest(): Promise<void> {
  if (journal.value.newest !== Infinity) await reload(openId.value);
}

// loadLater adds a page after what is loaded, where newer entries are left out.
export async function loadLater(): Promise<void> {
  const before = journal.value;
  if (loadingLater.value || before.newest === Infinity) return;
  loadingLater.value = true;
  try {
    const until = before.newest + PAGE;
    const page = await read(before.sessionId, until + 1);
    if (journal.value.sessionId !== before.sessionId || journal.value.newest !== before.newest) return;
    const end = until >= Number(tables.value.sessions.get(before.sessionId)?.lastSeq ?? 0n);
    const next = withLater(journal.value, page.entries, end);
    take(page, sizeOf(next) > MOST_READ ? withoutOldest(next, MOST_LOADED) : next);
    // What has been added since the page was read.
    if (end) watch.reopen(page.rev);
  } catch {
    // As above: scrolling on tries again.
  } finally {
    loadingLater.value = false;
  }
}

// reload fetches the open session's last page and watches on from there.
export async function reload(id: string): Promise<void> {
  try {
    if (!tables.value.sessions.has(id)) {
      const { session } = await api.sessions.getSession({ id });
      if (session) setTables({ sessions: put(tables.value.sessions, [session], (s) => s.id) });
      if (session && session.id !== id) return go(session.id);
      if (session && openId.value === id) loadDraft(id);
    }
    const page = await read(id, 0);
    if (openId.value !== id) return;
    batch(() => {
      take(page, withPage(emptyJournal(id), page.entries, page.more));
      opening.value = false;
    });
    watch.reopen(page.rev);
  } catch (err) {
    if (openId.value !== id) return;
    batch(() => {
      opening.value = false;
      openProblem.value = missing(err) ? "This chat does not exist any more." : words(err);
    });
    watch.reopen();
  }
}

// read fetches the page of entries before a sequence number, or the last one for 0, with the runs that wrote them.
const read = (sessionId: string, before: number): Promise<ListEntriesResponse> =>
  api.sessions.listEntries({ sessionId, beforeSeq: BigInt(before), limit: PAGE, withRuns: true });

function take(page: ListEntriesResponse, next: Journal): void {
  batch(() => {
    setTables({ runs: put(tables.value.runs, page.runs, (r) => r.id) });
    journal.value = next;
  });
}

// loadOlder adds a page before what is loaded; false: there was nothing to do.
export async function loadOlder(): Promise<boolean> {
  const before = journal.value;
  if (loadingOlder.value || !before.more) return false;
  loadingOlder.value = true;
  try {
    const page = await read(before.sessionId, before.oldest);
    if (journal.value.sessionId !== before.sessionId || journal.value.oldest !== before.oldest) return false;
    const next = withPage(journal.value, page.entries, page.more && page.entries.length > 0);
    take(page, sizeOf(next) > MOST_READ ? withoutNewest(next, MOST_LOADED) : next);
    return true;
  } catch {
    // The banner tells about a lost host; scrolling up again tries again.
    return false;
  } finally {
    loadingOlder.value = false;
  }
}

const sizeOf = (j: Journal): number => j.turns.reduce((n, t) => n + t.entries.length, 0);

// letGo keeps a long reading session small; to be called while the newest messages are in view.
export function letGo(): void {
  if (journal.value.newest !== Infinity) return;
  if (sizeOf(journal.value) > MOST_LOADED) journal.value = withoutOldest(journal.value, PAGE * 4);
}

// step shows the session `by` places further down the list.
export function step(by: number): void {
  const list = archive.value ? archivedSessions.value : sessions.value;
  const at = list.findIndex((s) => s.id === openId.value);
  const next = list[at < 0 ? (by > 0 ? 0 : -1) : at + by];
  if (next) go(next.id);
  else if (at === 0 && by < 0) go("");
}

function remember(id: string): void {
  if (lastSession() !== id) saveWindow("session", id || undefined);
}

// lastSession is where the person left off.
export function lastSession(): string {
  const id = setting("window.session");
  return typeof id === "string" ? id : "";
}
