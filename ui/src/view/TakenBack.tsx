import type { Run, UserMessage } from "../gen/api/v1/api_pb";
import { sendAfterAll } from "../state/runs";
import { oneLine } from "../text/words";

// TakenBack is a message that was taken out of the queue, or stopped before anything came of it: no model has seen it.
export function TakenBack({ run, message }: { run: Run; message: UserMessage }) {
  return (
    <article data-kind="taken-back" class="quiet-end" aria-label="Not sent">
      <span class="taken-back" title={message.text.slice(0, 2000)}>Not sent: {oneLine(message.text, 120) || "files only"}</span>
      <button class="text-button" onClick={() => void sendAfterAll(run, message)}>Send it</button>
    </article>
  );
}
