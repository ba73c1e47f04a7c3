// What can be done with a session.
import { api, words } from "../api";
import { ExportFormat, type Right, type Session } from "../gen/api/v1/api_pb";
import { fileName, oneLine, rightWords } from "../text/words";
import { go, show } from "./open";
import { put } from "./rows";
import { archive, openId, problem, sessions, setTables, tables, toast } from "./store";

function keep(session: Session | undefined): void {
  if (session) setTables({ sessions: put(tables.value.sessions, [session], (s) => s.id) });
}

interface Change {
  id: string;
  title?: string;
  pinned?: boolean;
  archived?: boolean;
  systemPrompt?: string;
}

async function update(change: Change, what: string): Promise<boolean> {
  try {
    keep((await api.sessions.updateSession(change)).session);
    return true;
  } catch (err) {
    problem.value = `The chat was not ${what}. ${words(err)}`;
    return false;
  }
}

export async function rename(id: string, title: string): Promise<void> {
  const name = title.trim();
  if (!name || name === tables.value.sessions.get(id)?.title) return;
  await update({ id, title: name }, "renamed");
}

export const pin = (id: string, pinned: boolean): Promise<boolean> => update({ id, pinned }, pinned ? "pinned" : "unpinned");

// instruct sets a session's system prompt; false: it was not taken.
export const instruct = (id: string, systemPrompt: string): Promise<boolean> => update({ id, systemPrompt }, "given its instructions");

// leave shows the next session of the list if this one is open.
function leave(id: string): void {
  if (openId.value !== id) return;
  const list = sessions.value;
  const at = list.findIndex((s) => s.id === id);
  go((list[at + 1] ?? list[at - 1])?.id ?? "");
}

const UNDO_MS = 20_000;

// setArchived takes a session out of the list or puts it back. What is archived is kept and found as before.
export async function setArchived(id: string, archived: boolean): Promise<void> {
  const title = tables.value.sessions.get(id)?.title ?? "";
  if (!(await update({ id, archived }, archived ? "archived" : "brought back"))) return;
  if (!archived) return;
  toast.value = { text: `Archived “${oneLine(title, 40)}”.`, action: { text: "Undo", act: () => void setArchived(id, false) }, ms: UNDO_MS };
}

// remove deletes a session with all that is in it. The host keeps it for a little while, so that it can be taken back.
export async function remove(id: string): Promise<void> {
  const session = tables.value.sessions.get(id);
  const wasOpen = openId.value === id;
  leave(id);
  try {
    const { restorableUntilMs } = await api.sessions.deleteSession({ id });
    const rest = new Map(tables.value.sessions);
    rest.delete(id);
    setTables({ sessions: rest });
    const left = Number(restorableUntilMs) - Date.now();
    const undo = left > 0 ? { text: "Undo", act: () => void restore(id, wasOpen) } : undefined;
    toast.value = { text: `Deleted “${oneLine(session?.title || "Untitled chat", 40)}”.`, action: undo, ms: undo ? Math.min(left, 55_000) : 5_000 };
  } catch (err) {
    problem.value = `The chat was not deleted. ${words(err)}`;
    if (wasOpen) go(id);
  }
}

async function restore(id: string, open: boolean): Promise<void> {
  try {
    const { session, takenAway } = await api.sessions.restoreSession({ id });
    keep(session);
    sayTaken("It is back", takenAway);
    if (open) go(id);
  } catch (err) {
    problem.value = `The chat did not come back. ${words(err)}`;
  }
}

// branch makes a new session of all entries up to untilSeq, or of all there are for 0, and shows it.
export async function branch(id: string, untilSeq: number, title = ""): Promise<void> {
  try {
    const { session, takenAway } = await api.sessions.branchSession({ sessionId: id, untilSeq: BigInt(untilSeq), title });
    keep(session);
    sayTaken("Copied", takenAway);
    if (session) go(session.id);
  } catch (err) {
    problem.value = `The chat was not copied. ${words(err)}`;
  }
}

export const duplicate = (s: Session): Promise<void> => branch(s.id, 0, `${s.title || "Untitled chat"} (copy)`.slice(0, 200));

const endings = { [ExportFormat.JSONL]: "jsonl", [ExportFormat.MARKDOWN]: "md", [ExportFormat.UNSPECIFIED]: "txt" } as const;

// save hands a session out as a file.
export async function save(s: Session, format: ExportFormat): Promise<void> {
  try {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const { data } of api.sessions.exportSession({ sessionId: s.id, format })) pieces.push(new Uint8Array(data));
    const url = URL.createObjectURL(new Blob(pieces, { type: format === ExportFormat.MARKDOWN ? "text/markdown" : "application/jsonl" }));
    const name = `${fileName(s.title)}.${endings[format]}`;
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    toast.value = { text: `Saved as ${name} where your downloads go.`, ms: 8_000 };
  } catch (err) {
    problem.value = `The chat was not exported. ${words(err)}`;
  }
}

// take reads a file that an export wrote, and shows the session in it.
export async function take(file: File): Promise<void> {
  try {
    const { session, created, takenAway } = await api.sessions.importSession({ data: new Uint8Array(await file.arrayBuffer()) });
    keep(session);
    if (!session) return;
    archive.value = false;
    sayTaken("Imported", takenAway);
    if (!created) toast.value = { text: "This chat was here already.", ms: 6_000 };
    if (openId.value === session.id) await show(session.id);
    else go(session.id);
  } catch (err) {
    problem.value = `${file.name} was not imported. ${words(err)}`;
  }
}

// sayTaken tells what a copy of a chat did not get.
function sayTaken(done: string, taken: readonly Right[]): void {
  if (taken.length === 0) return;
  toast.value = { text: `${done} without ${taken.map((r) => rightWords[r]).join(", ")}: only you can give that.`, ms: 12_000 };
}
