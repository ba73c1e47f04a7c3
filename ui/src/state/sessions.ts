// What can be done with a session from the list.
import { api, words } from "../api";
import { go } from "./open";
import { put } from "./rows";
import { openId, problem, sessions, setTables, tables } from "./store";

async function update(change: { id: string; title?: string; pinned?: boolean }, what: string): Promise<void> {
  try {
    const { session } = await api.sessions.updateSession(change);
    if (session) setTables({ sessions: put(tables.value.sessions, [session], (s) => s.id) });
  } catch (err) {
    problem.value = `The chat was not ${what}. ${words(err)}`;
  }
}

export async function rename(id: string, title: string): Promise<void> {
  const name = title.trim();
  if (!name || name === tables.value.sessions.get(id)?.title) return;
  await update({ id, title: name }, "renamed");
}

export const pin = (id: string, pinned: boolean): Promise<void> => update({ id, pinned }, pinned ? "pinned" : "unpinned");

// remove deletes a session with all that is in it, and shows the next one if it was open.
export async function remove(id: string): Promise<void> {
  const list = sessions.value;
  const at = list.findIndex((s) => s.id === id);
  const next = list[at + 1] ?? list[at - 1];
  if (openId.value === id) go(next?.id ?? "");
  try {
    await api.sessions.deleteSession({ id });
    const rest = new Map(tables.value.sessions);
    rest.delete(id);
    setTables({ sessions: rest });
  } catch (err) {
    problem.value = `The chat was not deleted. ${words(err)}`;
  }
}
