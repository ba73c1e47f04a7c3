import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Run, UserMessage as Message } from "../gen/api/v1/api_pb";
import { isImage } from "../state/attach";
import { isOver } from "../state/rows";
import { resend } from "../state/runs";
import { branch } from "../state/sessions";
import { copy } from "../text/copy";
import { bytes, clock } from "../text/words";
import { Icon } from "./icons";
import { memo } from "./memo";
import { Picture } from "./Picture";

// A longer message is folded to its beginning, and a huge one is never put into the page as a whole.
const FOLDED = 3000;
const BEGINNING = 1200;
const MOST_SHOWN = 300_000;

export const UserMessage = memo(function UserMessage({ seq, message, at, run }: { seq: number; message: Message; at: number; run: Run | undefined }) {
  const { text, attachments } = message;
  const [all, setAll] = useState(false);
  const [editing, setEditing] = useState(false);
  const [copied, setCopied] = useState(false);
  const long = text.length > FOLDED;
  const visible = long ? text.slice(0, all ? MOST_SHOWN : BEGINNING) : text;
  const copyIt = async () => {
    setCopied(await copy(text));
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <article data-kind="user" data-seq={seq} aria-label="You">
      {attachments.length > 0 && (
        <ul class="attachments" role="list" aria-label="Attached">
          {attachments.map((a, i) => (
            <li key={i}>{isImage(a.mediaType) ? <Picture blob={a} /> : <span class="file-chip"><Icon name="file" />{a.name} · {bytes(a.data.length)}</span>}</li>
          ))}
        </ul>
      )}
      {editing && run ? (
        <EditMessage label="Edit the message" text={text} yes="Send" save={(next) => resend(run, message, next)} close={() => setEditing(false)} />
      ) : (
        text !== "" && (
          <div class="bubble" title={at ? clock(at, Date.now()) : undefined}>
            {visible}
            {long && visible.length < text.length && "…"}
            {long && (
              <button class="text-button" aria-expanded={all} onClick={() => setAll(!all)}>
                {all ? "Show less" : `Show all of it (${bytes(text.length)})`}
              </button>
            )}
          </div>
        )
      )}
      {!editing && run && (
        <div class="user-foot">
          <button class="bare" aria-label="Copy the message" title="Copy the message" onClick={() => void copyIt()}><Icon name={copied ? "check" : "copy"} /></button>
          {isOver(run) && <button class="bare" aria-label="Edit and send again" title="Edit and send again" onClick={() => setEditing(true)}><Icon name="edit" /></button>}
          <button class="bare" aria-label="Branch from here" title="Branch from here: a new chat of all up to this message" onClick={() => void branch(run.sessionId, seq)}><Icon name="fork" /></button>
        </div>
      )}
    </article>
  );
});

interface EditProps {
  label: string;
  text: string;
  yes: string;
  save: (text: string) => Promise<boolean>;
  close: () => void;
}

// EditMessage is a message while it is changed.
export function EditMessage({ label, text: before, yes, save, close }: EditProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(before);
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(before.length, before.length);
  }, []);
  useLayoutEffect(() => {
    const el = area.current;
    if (!el) return;
    el.style.height = "auto";
    el.style.height = `${el.scrollHeight + 2}px`;
  }, [text]);
  const done = async () => {
    if (busy || text.trim() === "") return;
    setBusy(true);
    const ok = await save(text);
    setBusy(false);
    if (ok) close();
  };
  return (
    <form
      class="edit-message"
      onSubmit={(e) => {
        e.preventDefault();
        void done();
      }}
      onKeyDown={(e) => {
        if (e.isComposing) return;
        if (e.key === "Escape") close();
        else if (e.key === "Enter" && !e.shiftKey && !e.altKey && e.target === area.current) void done();
        else return;
        e.preventDefault();
        e.stopPropagation();
      }}
    >
      <textarea ref={area} class="field" rows={1} dir="auto" aria-label={label} value={text} onInput={(e) => setText(e.currentTarget.value)} />
      <div class="buttons">
        <button class="button primary" type="submit" disabled={busy || text.trim() === ""}>{yes}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}
