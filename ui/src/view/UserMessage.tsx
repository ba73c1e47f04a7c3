import { useState } from "preact/hooks";
import type { Run } from "../gen/api/v1/api_pb";
import { RunState } from "../gen/api/v1/api_pb";
import type { Blob } from "../gen/provider/v1/provider_pb";
import { isImage } from "../state/attach";
import { cancel } from "../state/send";
import { bytes, clock } from "../text/words";
import { Icon } from "./icons";
import { memo } from "./memo";
import { Picture } from "./Picture";

// A longer message is folded to its beginning, and a huge one is never put into the page as a whole.
const FOLDED = 3000;
const BEGINNING = 1200;
const MOST_SHOWN = 300_000;

export const UserMessage = memo(function UserMessage(props: { text: string; attachments: Blob[]; at: number; run: Run | undefined; waits: boolean }) {
  const { text, attachments, at, run, waits } = props;
  const [all, setAll] = useState(false);
  const long = text.length > FOLDED;
  const visible = long ? text.slice(0, all ? MOST_SHOWN : BEGINNING) : text;
  return (
    <article data-kind="user" aria-label="You">
      {attachments.length > 0 && (
        <ul class="attachments" role="list" aria-label="Attached">
          {attachments.map((a, i) => (
            <li key={i}>{isImage(a.mediaType) ? <Picture blob={a} /> : <span class="file-chip"><Icon name="file" />{a.name} · {bytes(a.data.length)}</span>}</li>
          ))}
        </ul>
      )}
      {text !== "" && (
        <div class="bubble" title={at ? clock(at, Date.now()) : undefined} data-queued={waits || undefined}>
          {visible}
          {long && visible.length < text.length && "…"}
          {long && (
            <button class="text-button" aria-expanded={all} onClick={() => setAll(!all)}>
              {all ? "Show less" : `Show all of it (${bytes(text.length)})`}
            </button>
          )}
        </div>
      )}
      {waits && run && (
        <p class="bubble-foot">
          <span class="tag">queued</span>
          <button class="text-button" onClick={() => void cancel(run.id)}>Remove</button>
        </p>
      )}
      {run?.state === RunState.CANCELLED && run.startedMs === 0n && <p class="bubble-foot"><span class="tag">removed before it was sent</span></p>}
    </article>
  );
});
