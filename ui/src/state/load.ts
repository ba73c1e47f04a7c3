// Reads what the window needs to begin with, and takes in what changes.
import { batch } from "@preact/signals";
import { api } from "../api";
import type { Run, WatchResponse } from "../gen/api/v1/api_pb";
import { RunState } from "../gen/api/v1/api_pb";
import { oneLine } from "../text/words";
import { withEntries } from "./journal";
import { answerText, shown } from "./parts";
import { added, applied, emptyTables, modelKey, put } from "./rows";
import { findings, journal, nextArchived, nextSessions, openId, spoken, tables } from "./store";

// loadTables replaces all tables; the rev is one from which nothing is missed.
export async function loadTables(): Promise<bigint> {
  const [sessions, providers, models, runs, settings, workspaces, rules, approvals] = await Promise.all([
    api.sessions.listSessions({ limit: 100 }),
    api.providers.listProviders({}),
    api.providers.listModels({}),
    api.runs.listRuns({}),
    api.host.getSettings({}),
    api.workspaces.listWorkspaces({}),
    api.workspaces.listRules({}),
    api.runs.listApprovals({}),
  ]);
  batch(() => {
    nextSessions.value = sessions.nextPageToken;
    tables.value = {
      ...emptyTables,
      sessions: put(new Map(), sessions.sessions, (s) => s.id),
      providers: put(new Map(), providers.providers, (p) => p.id),
      models: put(new Map(), models.models, modelKey),
      runs: put(new Map(), runs.runs, (r) => r.id),
      settings: put(new Map(), settings.settings, (s) => s.key),
      workspaces: put(new Map(), workspaces.workspaces, (w) => w.id),
      rules: put(new Map(), rules.rules, (r) => r.id),
      approvals: put(new Map(), approvals.approvals, (a) => a.id),
    };
  });
  void loadStatus();
  return [sessions, providers, models, runs, workspaces, rules, approvals].map((answer) => answer.rev).reduce((low, rev) => (rev < low ? rev : low));
}

// loadStatus asks what the host has found on this machine, and plugins what they are. It can take a moment and nothing
// waits for it.
export async function loadStatus(): Promise<void> {
  try {
    const [now, known] = await Promise.all([api.host.getStatus({}), api.plugins.listPlugins({})]);
    batch(() => {
      findings.value = now.hints;
      tables.value = added(added(tables.value, "plugins", known.plugins), "host", now.host ? [now.host] : []);
    });
  } catch {
    // Without it the window merely has no hints to give.
  }
}

// moreSessions loads the next page of the list, or of the archived sessions.
export async function moreSessions(archived = false): Promise<void> {
  const next = archived ? nextArchived : nextSessions;
  const page = await api.sessions.listSessions({ limit: 100, pageToken: next.value, archived });
  batch(() => {
    next.value = page.nextPageToken;
    tables.value = { ...tables.value, sessions: put(tables.value.sessions, page.sessions, (s) => s.id) };
  });
}

export function take(answer: WatchResponse): void {
  if (answer.changes.length === 0) return;
  batch(() => {
    const before = tables.value.runs;
    const after = applied(tables.value, answer.changes);
    tables.value = after.tables;
    if (after.entries.length > 0) journal.value = withEntries(journal.value, after.entries);
    if (before === after.tables.runs) return;
    for (const run of after.tables.runs.values()) speakEnd(before.get(run.id), run);
  });
}

// speakEnd has a finished answer read out to those who can't see it.
function speakEnd(before: Run | undefined, run: Run): void {
  if (run === before || run.sessionId !== openId.value || !before || before.state === run.state) return;
  if (run.state === RunState.FAILED) spoken.value = run.error?.message ?? "The answer failed.";
  if (run.state !== RunState.COMPLETED) return;
  const turn = journal.value.turns.find((t) => t.runId === run.id);
  if (turn) spoken.value = oneLine(answerText(shown(turn).parts), 4000);
}
