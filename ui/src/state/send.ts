// Sends messages, stops runs, answers questions.
import { batch, signal } from "@preact/signals";
import { api, words } from "../api";
import type { Run, UserMessage } from "../gen/api/v1/api_pb";
import { attachments, attachProblem, sentAlong } from "./attachments";
import { choice, newChoice } from "./choice";
import { afterSent, attempt, tooBig, type Attempt } from "./compose";
import { draft, forgetNewDraft, settled, typed } from "./drafts";
import { adopt } from "./open";
import { put } from "./rows";
import { openId, problem, tables } from "./store";

export const sending = signal(false);
// Why the last Send did not go through; the text is still in the composer.
export const sendProblem = signal("");
// The message that failed, so that trying again is the same request.
const failed = signal<Attempt | undefined>(undefined);
// Counts accepted messages; the feed then shows its end.
export const sent = signal(0);

export async function send(): Promise<void> {
  const text = draft.value;
  const files = attachments.value;
  if (sending.value || (text.trim() === "" && files.length === 0)) return;
  const big = tooBig(text);
  if (big) {
    sendProblem.value = big;
    return;
  }
  const sessionId = openId.value;
  const picked = sessionId ? undefined : newChoice.value;
  const one = attempt(failed.value, {
    sessionId,
    text,
    model: `${choice.value.providerId}/${choice.value.model}`,
    files: files.map((f) => f.id).join(),
  });
  batch(() => {
    sending.value = true;
    sendProblem.value = "";
    attachProblem.value = "";
  });
  try {
    await settled();
    const answer = await api.runs.send({
      sessionId,
      clientRequestId: one.id,
      text,
      attachments: files.map((f) => f.blob),
      provider: picked?.providerId ?? "",
      model: picked?.model ?? "",
    });
    batch(() => {
      failed.value = undefined;
      accepted(answer.run);
      sentAlong(sessionId, files);
      const { session } = answer;
      if (session) tables.value = { ...tables.value, sessions: put(tables.value.sessions, [session], (s) => s.id) };
      if (openId.value === sessionId) {
        const rest = afterSent(draft.value, text);
        draft.value = rest;
        sent.value++;
        if (!sessionId && session) {
          newChoice.value = undefined;
          forgetNewDraft();
          adopt(session.id);
          draft.value = rest;
        }
        if (rest) typed(rest);
      }
    });
  } catch (err) {
    failed.value = one;
    if (openId.value === sessionId) {
      sendProblem.value = words(err);
      typed(draft.value);
    }
  } finally {
    sending.value = false;
  }
}

// again asks the same once more; the new run stands in for the old one.
export async function again(run: Run, message: UserMessage): Promise<void> {
  await dispatch(run.sessionId, message, run.id);
}

// goOn asks an interrupted answer to continue.
export async function goOn(run: Run): Promise<void> {
  await dispatch(run.sessionId, { text: "Please continue where you left off.", attachments: [] }, "");
}

async function dispatch(sessionId: string, { text, attachments: files }: Pick<UserMessage, "text" | "attachments">, replacesRunId: string): Promise<void> {
  try {
    const { run } = await api.runs.send({ sessionId, clientRequestId: crypto.randomUUID(), text, attachments: files, replacesRunId });
    accepted(run);
    sent.value++;
  } catch (err) {
    problem.value = `That was not sent. ${words(err)}`;
  }
}

function accepted(run: Run | undefined): void {
  if (run) tables.value = { ...tables.value, runs: put(tables.value.runs, [run], (r) => r.id) };
}

export async function cancel(runId: string): Promise<void> {
  try {
    const { run } = await api.runs.cancel({ runId });
    accepted(run);
  } catch (err) {
    problem.value = `It could not be stopped. ${words(err)}`;
  }
}

// decide answers a question; false: somebody else was first or the run has ended, and the words say so.
export async function decide(approvalId: string, choiceId: string, text: string): Promise<boolean> {
  try {
    const { approval } = await api.runs.decide({ approvalId, choiceId, text });
    if (approval) {
      tables.value = { ...tables.value, approvals: put(tables.value.approvals, [approval], (a) => a.id) };
    }
    return true;
  } catch (err) {
    problem.value = `The answer was not taken. ${words(err)}`;
    return false;
  }
}
