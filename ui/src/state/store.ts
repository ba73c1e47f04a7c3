// Everything the window knows, as signals. Views read it, actions write it.
import { batch, computed, signal } from "@preact/signals";
import type { GetStatusResponse, Plugin, Run } from "../gen/api/v1/api_pb";
import { emptyJournal, type Journal } from "./journal";
import { emptyTables, isActive, isOver, ordered, waiting, type Tables } from "./rows";

export type LinkState = "starting" | "live" | "reconnecting" | "down" | "signed-out";

export const link = signal<LinkState>("starting");

// The first load is through, and it is settled which session is shown.
export const started = signal(false);

export const tables = signal<Tables>(emptyTables);
// For the next page of sessions; empty: all are loaded.
export const nextSessions = signal("");

// The session shown; empty: a new chat.
export const openId = signal("");
export const journal = signal<Journal>(emptyJournal(""));
// The open session's first page is on its way.
export const opening = signal(false);
export const loadingOlder = signal(false);
export const openProblem = signal("");

export const status = signal<GetStatusResponse | undefined>(undefined);
export const plugins = signal<readonly Plugin[]>([]);

export type Dialog = "" | "models" | "settings" | "help";
export const dialog = signal<Dialog>("");
// On a wide window the sidebar stays; on a narrow one it is a drawer over the chat.
export const sidebar = signal(true);
export const drawer = signal(false);

// What a failed action says, until it is dismissed or passes.
export const problem = signal("");
// Read out by screen readers: finished answers only.
export const spoken = signal("");

export const sessions = computed(() => ordered(tables.value.sessions));
export const session = computed(() => tables.value.sessions.get(openId.value));

const sessionRuns = computed<readonly Run[]>(() => {
  const id = openId.value;
  return id ? [...tables.value.runs.values()].filter((r) => r.sessionId === id) : [];
});
// The open session's run under way, if there is one.
export const activeRun = computed(() => sessionRuns.value.find(isActive));
export const busyRun = computed(() => activeRun.value ?? sessionRuns.value.find((r) => !isOver(r)));

// The open session's messages that wait until an earlier one is answered.
export const waitingRuns = computed(() => waiting(sessionRuns.value));

// Sessions in which something is under way or queued.
export const busySessions = computed(
  () => new Set([...tables.value.runs.values()].filter((r) => !isOver(r)).map((r) => r.sessionId)),
);

// Runs that a newer one stands in for.
export const replacedRuns = computed(
  () => new Set(sessionRuns.value.flatMap((r) => (r.replacesRunId ? [r.replacesRunId] : []))),
);

// setTables changes some tables at once.
export function setTables(change: Partial<Tables>): void {
  batch(() => {
    tables.value = { ...tables.value, ...change };
  });
}
