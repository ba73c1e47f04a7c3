// Reads what the window needs to begin with, and takes in what changes.
import { batch } from "@preact/signals";
import { api } from "../api";
import type { Run, WatchResponse } from "../gen/api/v1/api_pb";
import { RunState, Topic } from "../gen/api/v1/api_pb";
import { oneLine } from "../text/words";
import { withEntries } from "./journal";
import { answerText, shown } from "./parts";
import { applied, emptyTables, modelKey, put } from "./rows";
import { journal, nextSessions, openId, plugins, spoken, status, tables } from "./store";

// loadTables replaces all tables; the rev is one from which nothing is missed.
export async function loadTables(): Promise<bigint> {
  const [sessions, providers, models, runs, settings] = await Promise.all([
    api.sessions.listSessions({ limit: 100 }),
    api.providers.listProviders({}),
    api.providers.listModels({}),
    api.runs.listRuns({}),
    api.host.getSettings({}),
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
    };
  });
  void loadStatus();
  return [sessions.rev, providers.rev, models.rev, runs.rev].reduce((low, rev) => (rev < low ? rev : low));
}

// loadStatus asks what the host has found on this machine. It can take a moment and nothing waits for it.
export async function loadStatus(): Promise<void> {
  try {
    const [now, known] = await Promise.all([api.host.getStatus({}), api.plugins.listPlugins({})]);
    batch(() => {
      status.value = now;
      plugins.value = known.plugins;
    });
  } catch {
    // Without it the window merely has no hints to give.
  }
}

export async function moreSessions(): Promise<void> {
  const page = await api.sessions.listSessions({ limit: 100, pageToken: nextSessions.value });
  batch(() => {
    nextSessions.value = page.nextPageToken;
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

// loadApproval finds the approval of a run that waits for one: there is no list of them, but Watch begins with all.
export async function loadApproval(runId: string): Promise<void> {
  const control = new AbortController();
  try {
    for await (const answer of api.host.watch({ topics: [Topic.APPROVALS] }, { signal: control.signal })) {
      take(answer);
      const known = [...tables.value.approvals.values()].some((a) => a.runId === runId);
      if (known || answer.changes.length === 0) return;
    }
  } catch {
    // The main stream tells about a lost host.
  } finally {
    control.abort();
  }
}
