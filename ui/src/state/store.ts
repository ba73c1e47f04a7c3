// Everything the window knows, as signals. Views read it, actions write it.
import { batch, computed, signal } from "@preact/signals";
import type { Approval, Hint, Run } from "../gen/api/v1/api_pb";
import { emptyJournal, type Journal } from "./journal";
import { asks } from "./parts";
import { emptyTables, isActive, isOver, ordered, waiting, type Tables } from "./rows";

export type LinkState = "starting" | "live" | "reconnecting" | "down" | "signed-out";

export const link = signal<LinkState>("starting");

// The first load is through, and it is settled which session is shown.
export const started = signal(false);

export const tables = signal<Tables>(emptyTables);
// For the next page of sessions; empty: all are loaded.
export const nextSessions = signal("");
export const nextArchived = signal("");
// The list shows archived sessions.
export const archive = signal(false);

// The session shown; empty: a new chat.
export const openId = signal("");
export const journal = signal<Journal>(emptyJournal(""));
// The open session's first page is on its way.
export const opening = signal(false);
export const loadingOlder = signal(false);
export const loadingLater = signal(false);
// The entry to be shown in its place; the feed forgets it once it has been.
export const sought = signal<{ seq: number } | undefined>(undefined);
export const openProblem = signal("");

// What the host found on this machine and nobody has connected.
export const findings = signal<readonly Hint[]>([]);

export type Dialog = "" | "models" | "settings" | "workspaces" | "plugins" | "usage" | "help";
export const dialog = signal<Dialog>("");
// On a wide window the sidebar stays; on a narrow one it is a drawer over the chat.
export const sidebar = signal(true);
export const drawer = signal(false);

// What a failed action says, until it is dismissed or passes.
export const problem = signal("");
// What was just done and can be taken back, until it passes.
export interface Toast {
  text: string;
  action?: { text: string; act: () => void };
  // For how long it stays.
  ms: number;
}
export const toast = signal<Toast | undefined>(undefined);
// Read out by screen readers: finished answers only.
export const spoken = signal("");

// Each table on its own: what is made of one rests while others change, as they do many times a second.
export const table = {
  sessions: computed(() => tables.value.sessions),
  runs: computed(() => tables.value.runs),
  approvals: computed(() => tables.value.approvals),
  providers: computed(() => tables.value.providers),
  models: computed(() => tables.value.models),
  settings: computed(() => tables.value.settings),
  workspaces: computed(() => tables.value.workspaces),
  rules: computed(() => tables.value.rules),
  plugins: computed(() => tables.value.plugins),
  host: computed(() => tables.value.host),
  consents: computed(() => tables.value.consents),
};

export const plugins = computed(() => [...table.plugins.value.values()]);
// What the page asked for and a person has to confirm where no page can.
export const openConsent = computed(() => [...table.consents.value.values()].at(-1));
export const host = computed(() => table.host.value.get("host"));

export const sessions = computed(() => ordered(table.sessions.value));
export const archivedSessions = computed(() => ordered(table.sessions.value, true));
export const session = computed(() => table.sessions.value.get(openId.value));
export const workspaces = computed(() => [...table.workspaces.value.values()].sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1)));

export const sessionRuns = computed<readonly Run[]>(() => {
  const id = openId.value;
  return id ? [...table.runs.value.values()].filter((r) => r.sessionId === id) : [];
});
// The open session's run under way, if there is one.
export const activeRun = computed(() => sessionRuns.value.find(isActive));
export const busyRun = computed(() => activeRun.value ?? sessionRuns.value.find((r) => !isOver(r)));

// The open session's messages that wait until an earlier one is answered.
export const waitingRuns = computed(() => waiting(sessionRuns.value));

// How full the window of the open session's model was at its newest call, in tokens; nothing where that is not known.
export const latestContext = computed(() => {
  const known = sessionRuns.value.filter((r) => r.contextSize > 0n && r.contextUsed > 0n);
  const newest = known.reduce<Run | undefined>((best, r) => (best && best.createdMs > r.createdMs ? best : r), undefined);
  return newest && { used: Number(newest.contextUsed), size: Number(newest.contextSize) };
});

// Sessions in which something is under way or queued.
export const busySessions = computed(
  () => new Set([...table.runs.value.values()].filter((r) => !isOver(r)).map((r) => r.sessionId)),
);

// Questions that wait for a person, the oldest first.
export const pendingApprovals = computed<readonly Approval[]>(() =>
  [...table.approvals.value.values()].filter(asks).sort((a, b) => Number(a.createdMs - b.createdMs || a.rev - b.rev)),
);
// How many of them each session has.
export const asking = computed(() => {
  const out = new Map<string, number>();
  for (const { sessionId } of pendingApprovals.value) {
    if (!table.sessions.value.get(sessionId)?.deletedMs) out.set(sessionId, (out.get(sessionId) ?? 0) + 1);
  }
  return out;
});

// setTables changes some tables at once.
export function setTables(change: Partial<Tables>): void {
  batch(() => {
    tables.value = { ...tables.value, ...change };
  });
}
