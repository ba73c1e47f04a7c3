// Text typed and not sent, kept by the host so that it survives the window.
import { signal } from "@preact/signals";
import { api } from "../api";
import { setting } from "./settings";
import { oneLine } from "../text/words";
import { openId, tables, toast } from "./store";

const NEW_CHAT = "draft.new";
const PAUSE_MS = 500;
// What is longer stays in the window only, and what was saved before it is kept: sending megabytes at each pause would
// hold up the typing.
const MOST_KEPT = 1_000_000;

// What is in the composer now.
export const draft = signal("");

interface Pending {
  timer: number;
  id: string;
  saving: Promise<unknown>;
}

// What the host was last known to keep for a session: where it has something else, another window wrote that.
const known = new Map<string, string>();

const pending: Pending = { timer: 0, id: "", saving: Promise.resolve() };

// typed takes what is in the composer and saves it after a pause.
export function typed(text: string): void {
  draft.value = text;
  clearTimeout(pending.timer);
  pending.id = openId.value;
  pending.timer = window.setTimeout(saveDraftNow, PAUSE_MS);
}

// saveDraftNow saves what waits to be saved, if anything does.
export function saveDraftNow(): void {
  if (pending.timer === 0) return;
  clearTimeout(pending.timer);
  pending.timer = 0;
  const { id } = pending;
  const text = draft.value;
  if (text.length > MOST_KEPT) return;
  pending.saving = pending.saving.then(() => save(id, text)).catch(() => undefined);
}

// settled waits until no draft is on its way: one arriving after its message was sent would bring the text back.
export async function settled(): Promise<void> {
  clearTimeout(pending.timer);
  pending.timer = 0;
  await pending.saving;
}

async function save(id: string, text: string): Promise<unknown> {
  if (id) {
    const { otherDraft } = await api.sessions.updateSession({ id, draft: text, draftBefore: known.get(id) ?? "" });
    known.set(id, text);
    if (otherDraft && id === openId.value) offer(id, otherDraft);
    return;
  }
  return api.host.setSetting({ key: NEW_CHAT, valueJson: text ? JSON.stringify(text) : "" });
}

// forgetNewDraft: the new chat's text has become the first message of a session.
export function forgetNewDraft(): void {
  void save("", "").catch(() => undefined);
}

// loadDraft puts back what was typed in a session, or in the new chat.
export function loadDraft(id: string): void {
  if (id) known.set(id, tables.value.sessions.get(id)?.draft ?? "");
  const other = id && setting(`draft.other.${id}`);
  if (typeof other === "string") offer(id, other);
  draft.value = id ? (tables.value.sessions.get(id)?.draft ?? "") : newDraft();
}

function newDraft(): string {
  const text = setting(NEW_CHAT);
  return typeof text === "string" ? text : "";
}

// offer shows what another window had typed here, which the text of this one has replaced.
function offer(id: string, other: string): void {
  const forget = () => void api.host.setSetting({ key: `draft.other.${id}`, valueJson: "" }).catch(() => undefined);
  toast.value = {
    text: `Another window had written: ${oneLine(other, 80)}`,
    action: {
      text: "Add it here",
      act: () => {
        if (id === openId.value) typed(draft.value ? `${draft.value}\n\n${other}` : other);
        forget();
      },
    },
    ms: 20_000,
  };
}
