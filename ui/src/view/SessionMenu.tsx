import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { ExportFormat } from "../gen/api/v1/api_pb";
import { newPrompt } from "../state/choice";
import { duplicate, instruct, pin, remove, save, setArchived } from "../state/sessions";
import { session, tables } from "../state/store";
import { FormRow } from "./FormRow";
import { Menu, type Item, type MenuPlace } from "./Menu";
import { CloseButton, Modal } from "./parts";

// Where the name of a session is being changed: in the list, or in the bar at the top.
export const renaming = signal<{ id: string; where: "list" | "top" } | undefined>(undefined);

const menu = signal<{ id: string; where: "list" | "top"; place: MenuPlace } | undefined>(undefined);
// Whose instructions are shown; "" for the new chat.
const instructing = signal<string | undefined>(undefined);

export const openMenu = (id: string, where: "list" | "top", place: MenuPlace): void => {
  menu.value = { id, where, place };
};
export const openInstructions = (id: string): void => {
  instructing.value = id;
};

// SessionMenus is the menu of a session and what its items open.
export function SessionMenus() {
  const now = menu.value;
  const s = now && tables.value.sessions.get(now.id);
  const items: Item[] = [];
  if (now && s) {
    items.push({ text: "Rename", keys: "F2", act: () => (renaming.value = { id: s.id, where: now.where }) });
    items.push({ text: s.pinned ? "Unpin" : "Pin", act: () => void pin(s.id, !s.pinned) });
    items.push({ text: "Instructions…", act: () => openInstructions(s.id) });
    items.push({ text: "Duplicate", act: () => void duplicate(s) });
    items.push({ text: "Export as Markdown", act: () => void save(s, ExportFormat.MARKDOWN) });
    items.push({ text: "Export as JSON Lines", act: () => void save(s, ExportFormat.JSONL) });
    items.push({ text: s.archivedMs > 0n ? "Bring back" : "Archive", act: () => void setArchived(s.id, s.archivedMs === 0n) });
    items.push({ text: "Delete", danger: true, act: () => void remove(s.id) });
  }
  return (
    <>
      {now && s && <Menu label={`“${s.title || "Untitled chat"}”`} place={now.place} close={() => (menu.value = undefined)} items={items} />}
      {instructing.value !== undefined && <Instructions id={instructing.value} close={() => (instructing.value = undefined)} />}
    </>
  );
}

function Instructions({ id, close }: { id: string; close: () => void }) {
  const s = id ? tables.value.sessions.get(id) : session.value;
  const [text, setText] = useState(id ? (s?.systemPrompt ?? "") : newPrompt.value);
  const [busy, setBusy] = useState(false);
  const workspace = tables.value.workspaces.get(s?.workspaceId ?? "");
  const done = async () => {
    if (id) {
      setBusy(true);
      const ok = await instruct(id, text.trim());
      setBusy(false);
      if (!ok) return;
    } else newPrompt.value = text.trim();
    close();
  };
  return (
    <Modal label="Instructions" class="instructions" close={close}>
      <form
        class="sheet"
        onSubmit={(e) => {
          e.preventDefault();
          void done();
        }}
      >
        <header class="sheet-head">
          <h2>Instructions for this chat</h2>
          <CloseButton onClick={close} />
        </header>
        <FormRow id="instructions" title="What the model should keep to in every answer" about={workspace?.systemPrompt ? `Those of the workspace ${workspace.name} come before them.` : "They go to the model before the first message (its system prompt)."}>
          {(tied) => <textarea {...tied} class="field" rows={9} autofocus value={text} placeholder="Answer in short sentences. Use metric units." onInput={(e) => setText(e.currentTarget.value)} />}
        </FormRow>
        <div class="buttons">
          <button class="button primary" type="submit" disabled={busy}>Save</button>
          <button class="button" type="button" onClick={close}>Cancel</button>
        </div>
      </form>
    </Modal>
  );
}
