// What can be done with a run once its message has been accepted.
import { signal } from "@preact/signals";
import { api, words } from "../api";
import type { Approval, Run, Session, UserMessage } from "../gen/api/v1/api_pb";
import { emptyJournal, withPage, type Turn } from "./journal";
import { put } from "./rows";
import { journal, openId, problem, setTables, tables } from "./store";
import { chainOf } from "./versions";

export function accepted(run: Run | undefined): void {
  if (run) setTables({ runs: put(tables.value.runs, [run], (r) => r.id) });
}

export function acceptedSession(session: Session | undefined): void {
  if (session) setTables({ sessions: put(tables.value.sessions, [session], (s) => s.id) });
}

// Trying again after a lost answer is the same request: one id for each thing asked, until it was accepted.
const ids = new Map<string, string>();

function requestId(what: string): string {
  const id = ids.get(what) ?? crypto.randomUUID();
  ids.set(what, id);
  return id;
}

// act does one thing to a run, and says in words why it was not done; false then.
async function act(what: string, call: () => Promise<{ run?: Run; session?: Session }>): Promise<boolean> {
  try {
    const { run, session } = await call();
    acceptedSession(session);
    accepted(run);
    return true;
  } catch (err) {
    problem.value = `${what} ${words(err)}`;
    return false;
  }
}

export const cancel = (runId: string): Promise<boolean> => act("It could not be stopped.", () => api.runs.cancel({ runId }));
export const pause = (runId: string): Promise<boolean> => act("It was not paused.", () => api.runs.pause({ runId }));
export const resume = (runId: string): Promise<boolean> => act("It does not go on.", () => api.runs.resume({ runId }));

// retry asks the same again, of another model where one is given. The new answer is shown in the old one's place.
export async function retry(run: Run, model?: { providerId: string; model: string }): Promise<boolean> {
  const what = `retry ${run.id} ${model?.providerId ?? ""} ${model?.model ?? ""}`;
  const ok = await act("It was not asked again.", () =>
    api.runs.retry({ runId: run.id, clientRequestId: requestId(what), provider: model?.providerId ?? "", model: model?.model ?? "" }),
  );
  if (ok) {
    ids.delete(what);
    toNewest(run);
  }
  return ok;
}

// goOn has an answer that ended before its time continued.
export async function goOn(run: Run): Promise<boolean> {
  const what = `continue ${run.id}`;
  const ok = await act("It does not go on.", () => api.runs.continue({ runId: run.id, clientRequestId: requestId(what) }));
  if (ok) ids.delete(what);
  return ok;
}

// resend sends a message in another form; what is answered then stands in for what was answered before.
export async function resend(run: Run, message: UserMessage, text: string): Promise<boolean> {
  const what = `resend ${run.id} ${text}`;
  const ok = await act("That was not sent.", () =>
    api.runs.send({ sessionId: run.sessionId, clientRequestId: requestId(what), text, attachments: message.attachments, provider: run.providerId, model: run.model, replacesRunId: run.id }),
  );
  if (ok) {
    ids.delete(what);
    toNewest(run);
  }
  return ok;
}

// sendAfterAll sends a message anew that was taken back.
export async function sendAfterAll(run: Run, { text, attachments }: UserMessage): Promise<boolean> {
  const what = `after all ${run.id}`;
  const ok = await act("That was not sent.", () =>
    api.runs.send({ sessionId: run.sessionId, clientRequestId: requestId(what), text, attachments, provider: run.providerId, model: run.model }),
  );
  if (ok) ids.delete(what);
  return ok;
}

export const editQueued = (run: Run, message: UserMessage | undefined, text: string): Promise<boolean> =>
  act("The message was not changed.", () => api.runs.editQueued({ runId: run.id, text, attachments: message?.attachments ?? [] }));

// moveQueued puts a queued message before another one; undefined: to the end.
export const moveQueued = (run: Run, before: Run | undefined): Promise<boolean> =>
  act("The message was not moved.", () => api.runs.moveQueued({ runId: run.id, beforeRunId: before?.id ?? "" }));

// Answers that are not on the loaded pages and were asked for, by run.
export const fetched = signal<ReadonlyMap<string, Turn>>(new Map());
// toNewest looks at what came last in the place of a run.
function toNewest(run: Run): void {
  const rest = new Map(picked.value);
  rest.delete(chainOf(tables.value.runs, run.id));
  picked.value = rest;
}

// Which of several versions is looked at, by the first of them; the newest where nothing is said.
export const picked = signal<ReadonlyMap<string, string>>(new Map());

// pick shows one version of an answer.
export async function pick(chain: string, id: string): Promise<void> {
  const session = openId.value;
  try {
    if (!journal.value.turns.some((t) => t.runId === id) && !fetched.value.has(id)) {
      const { run, entries } = await api.runs.getRun({ id, withEntries: true });
      if (openId.value !== session || !run) return;
      const { turns } = withPage(emptyJournal(run.sessionId), entries, false);
      accepted(run);
      fetched.value = new Map([...fetched.value, ...turns.map((t) => [t.runId, t] as const)]);
    }
    picked.value = new Map([...picked.value, [chain, id]]);
  } catch (err) {
    problem.value = `The other answer can't be shown. ${words(err)}`;
  }
}

// undo puts files back that tools changed: those of one entry, or of the whole run for 0. It says what became of it.
export async function undo(runId: string, seq: number): Promise<{ undone: string[]; problems: string[] }> {
  try {
    return await api.runs.undoChanges({ runId, seq: BigInt(seq) });
  } catch (err) {
    return { undone: [], problems: [words(err)] };
  }
}

// decide answers a question; false: somebody else was first or the run has ended, and the words say so.
export async function decide(approvalId: string, choiceId: string, text: string): Promise<boolean> {
  try {
    keepApproval((await api.runs.decide({ approvalId, choiceId, text })).approval);
    return true;
  } catch (err) {
    problem.value = `The answer was not taken. ${words(err)}`;
    return false;
  }
}

function keepApproval(approval: Approval | undefined): void {
  if (approval) setTables({ approvals: put(tables.value.approvals, [approval], (a) => a.id) });
}
