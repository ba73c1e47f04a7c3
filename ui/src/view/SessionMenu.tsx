import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { ExportFormat, type Session } from "../gen/api/v1/api_pb";
import { newPrompt } from "../state/choice";
import { duplicate, instruct, pin, remove, save, setArchived } from "../state/sessions";
import { session, table } from "../state/store";
import { FormRow } from "./FormRow";
import { showMenu } from "./Menu";
import { CloseButton, Modal } from "./parts";

// Where the name of a session is being changed: in the list, or in the bar at the top.
export const renaming = signal<{ id: string; where: "list" | "top" } | undefined>(undefined);

// Whose instructions are shown; "" for the new chat.
const instructing = signal<string | undefined>(undefined);

export const openInstructions = (id: string): void => {
  instructing.value = id;
};

// openMenu shows what can be done with a session.
export function openMenu(s: Session, where: "list" | "top", at: HTMLElement): void {
  showMenu({
    label: `“${s.title || "Untitled chat"}”`,
    place: { at },
    items: [
      { text: "Rename", keys: "F2", act: () => (renaming.value = { id: s.id, where }) },
      { text: s.pinned ? "Unpin" : "Pin", act: () => void pin(s.id, !s.pinned) },
      { text: "Instructions…", act: () => openInstructions(s.id) },
      { text: "Duplicate", act: () => void duplicate(s) },
      { text: "Export as Markdown", act: () => void save(s, ExportFormat.MARKDOWN) },
      { text: "Export as JSON Lines", act: () => void save(s, ExportFormat.JSONL) },
      { text: s.archivedMs > 0n ? "Bring back" : "Archive", act: () => void setArchived(s.id, s.archivedMs === 0n) },
      { text: "Delete", danger: true, act: () => void remove(s.id) },
    ],
  });
}

export const InstructionsPlace = () => instructing.value !== undefined && <Instructions id={instructing.value} close={() => (instructing.value = undefined)} />;

function Instructions({ id, close }: { id: string; close: () => void }) {
  const s = id ? table.sessions.value.get(id) : session.value;
  const [text, setText] = useState(id ? (s?.systemPrompt ?? "") : newPrompt.value);
  const [busy, setBusy] = useState(false);
  const workspace = table.workspaces.value.get(s?.workspaceId ?? "");
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
