// Sends messages.
import { batch, signal } from "@preact/signals";
import { api, words } from "../api";
import { AccessMode } from "../gen/api/v1/api_pb";
import { attachments, attachProblem, moveAttachments, sentAlong } from "./attachments";
import { choice, newAccess, newChoice, newPrompt, newWorkspace } from "./choice";
import { afterSent, attempt, tooBig, type Attempt } from "./compose";
import { draft, forgetNewDraft, settled, typed } from "./drafts";
import { adopt } from "./open";
import { accepted, acceptedSession } from "./runs";
import { openId } from "./store";

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
  if (!openId.value && newWorkspace.value && !(await begin())) return;
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
      systemPrompt: sessionId ? "" : newPrompt.value,
    });
    batch(() => {
      failed.value = undefined;
      accepted(answer.run);
      sentAlong(sessionId, files);
      const { session } = answer;
      acceptedSession(session);
      if (openId.value === sessionId) {
        const rest = afterSent(draft.value, text);
        draft.value = rest;
        sent.value++;
        if (!sessionId && session) {
          newChoice.value = undefined;
          newPrompt.value = "";
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

// begin makes the session for a new chat that has a workspace, so that the message is the first in it. False: it could
// not be made, and the text stays.
async function begin(): Promise<boolean> {
  const { providerId, model } = choice.value;
  const text = draft.value;
  sending.value = true;
  sendProblem.value = "";
  try {
    const { session } = await api.sessions.createSession({ providerId, model, workspaceId: newWorkspace.value, systemPrompt: newPrompt.value, accessMode: newAccess.value });
    if (!session) return false;
    batch(() => {
      acceptedSession(session);
      newChoice.value = undefined;
      newPrompt.value = "";
      newWorkspace.value = "";
      newAccess.value = AccessMode.SCOPED;
      moveAttachments("", session.id);
      forgetNewDraft();
      adopt(session.id);
      typed(text);
    });
    return true;
  } catch (err) {
    sendProblem.value = words(err);
    return false;
  } finally {
    sending.value = false;
  }
}
