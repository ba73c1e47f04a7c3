// Sends messages.
import { batch, signal } from "@preact/signals";
import { api, words } from "../api";
import { AccessMode } from "../gen/api/v1/api_pb";
import { attachments, attachProblem, sentAlong } from "./attachments";
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
  const sessionId = openId.value;
  // What the window shows is what answers.
  const shown = choice.value;
  const workspace = sessionId ? "" : newWorkspace.value;
  const one = attempt(failed.value, {
    sessionId,
    text,
    model: `${shown.providerId}/${shown.model}`,
    place: workspace && `${workspace}/${newAccess.value}`,
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
      provider: shown.providerId,
      model: shown.model,
      systemPrompt: sessionId ? "" : newPrompt.value,
      workspace,
      accessMode: workspace ? newAccess.value : AccessMode.UNSPECIFIED,
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
          newWorkspace.value = "";
          newAccess.value = AccessMode.SCOPED;
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
