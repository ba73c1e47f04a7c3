// Text typed and not sent, kept by the host so that it survives the window.
import { signal } from "@preact/signals";
import { api } from "../api";
import { setting } from "./settings";
import { openId, tables } from "./store";

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

function save(id: string, text: string): Promise<unknown> {
  if (id) return api.sessions.updateSession({ id, draft: text });
  return api.host.setSetting({ key: NEW_CHAT, valueJson: text ? JSON.stringify(text) : "" });
}

// forgetNewDraft: the new chat's text has become the first message of a session.
export function forgetNewDraft(): void {
  void save("", "").catch(() => undefined);
}

// loadDraft puts back what was typed in a session, or in the new chat.
export function loadDraft(id: string): void {
  draft.value = id ? (tables.value.sessions.get(id)?.draft ?? "") : newDraft();
}

function newDraft(): string {
  const text = setting(NEW_CHAT);
  return typeof text === "string" ? text : "";
}
