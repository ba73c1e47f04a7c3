import { useRef } from "preact/hooks";
import { isImage } from "../state/attach";
import { attach, attachments, attachProblem, blindModel, detach } from "../state/attachments";
import { dialog } from "../state/store";
import { bytes } from "../text/words";
import { Icon } from "./icons";
import { focusComposer } from "./parts";
import { Thumbnail } from "./Picture";

// Attached is what goes with the message being written, and what is wrong with it.
export function Attached() {
  const blind = blindModel.value;
  return (
    <>
      {attachments.value.length > 0 && (
        <ul class="chips" role="list" aria-label="Attached files">
          {attachments.value.map((a) => (
            <li key={a.id} class="chip">
              {isImage(a.blob.mediaType) ? <Thumbnail blob={a.blob} /> : <Icon name="file" />}
              <span class="chip-name" title={a.name}>{a.name}</span>
              <span class="faint">{bytes(a.size)}</span>
              <button
                type="button"
                class="bare"
                aria-label={`Remove ${a.name}`}
                onClick={() => {
                  detach(a.id);
                  focusComposer();
                }}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div role="status">
        {attachProblem.value && <p class="attach-words" data-bad><Icon name="warn" /><span>{attachProblem.value}</span></p>}
        {blind && (
          <p class="attach-words">
            <Icon name="warn" />
            <span>
              {blind} can't see images; other files are fine. Remove the image or{" "}
              <button type="button" class="text-button" onClick={() => (dialog.value = "models")}>choose another model</button>.
            </span>
          </p>
        )}
      </div>
    </>
  );
}

export function AttachButton({ disabled }: { disabled: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="bare" aria-label="Attach files" title="Attach files (or drop or paste them)" disabled={disabled} onClick={() => input.current?.click()}>
        <Icon name="clip" />
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        data-testid="files"
        onChange={(e) => {
          void attach(e.currentTarget.files ?? []);
          // So that the same file can be chosen again.
          e.currentTarget.value = "";
          focusComposer();
        }}
      />
    </>
  );
}

// pasted takes files from the clipboard. Where there is text as well, as from a word processor, the text is meant.
export function pasted(e: ClipboardEvent): void {
  const files = [...(e.clipboardData?.files ?? [])];
  if (files.length === 0 || e.clipboardData?.types.includes("text/plain")) return;
  e.preventDefault();
  void attach(files, true);
}
