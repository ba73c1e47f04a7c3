import { useEffect, useState } from "preact/hooks";
import { api } from "../api";
import type { Run, UserMessage } from "../gen/api/v1/api_pb";
import { userMessage } from "../state/parts";
import { cancel, editQueued, moveQueued } from "../state/runs";
import { journal, sessionRuns, waitingRuns } from "../state/store";
import { oneLine } from "../text/words";
import { Icon } from "./icons";
import { EditMessage } from "./UserMessage";

// Queue is the messages that wait until the answer under way has ended, in the order they will go.
export function Queue() {
  const line = sessionRuns.value.filter((r) => waitingRuns.value.has(r.id)).sort((a, b) => Number(a.queueOrder - b.queueOrder));
  if (line.length === 0) return null;
  return (
    <section class="queue" aria-label="Messages that wait">
      <p class="faint">{line.length === 1 ? "Goes out when this answer has ended:" : `${line.length} messages go out one after the other when this answer has ended:`}</p>
      <ol>
        {line.map((run, i) => <Waiting key={run.id} run={run} above={line[i - 1]} below={line[i + 1]} afterNext={line[i + 2]} />)}
      </ol>
    </section>
  );
}

function Waiting({ run, above, below, afterNext }: { run: Run; above: Run | undefined; below: Run | undefined; afterNext: Run | undefined }) {
  const [editing, setEditing] = useState(false);
  const message = useMessage(run);
  const text = message?.text ?? "";
  const files = message?.attachments.length ?? 0;
  const name = oneLine(text, 40);
  const up = () => above && void moveQueued(run, above);
  const down = () => below && void moveQueued(run, afterNext);
  if (editing) {
    return <li><EditMessage label="Edit the waiting message" text={text} yes="Save" save={(next) => editQueued(run, message, next)} close={() => setEditing(false)} /></li>;
  }
  return (
    <li class="queued" data-testid="queued">
      <span class="queued-text" title={text.slice(0, 2000)}>{oneLine(text, 300) || "…"}</span>
      {files > 0 && <span class="tag">{files === 1 ? "1 file" : `${files} files`}</span>}
      <span class="queued-buttons">
        {(above || below) && (
          <>
            <button class="bare" aria-label={`Move “${name}” up`} title="Move up" disabled={!above} onClick={up}><Icon name="up" /></button>
            <button class="bare" aria-label={`Move “${name}” down`} title="Move down" disabled={!below} onClick={down}><Icon name="down" /></button>
          </>
        )}
        <button class="bare" aria-label={`Edit “${name}”`} title="Edit" onClick={() => setEditing(true)}><Icon name="edit" /></button>
        <button class="bare" aria-label={`Remove “${name}”`} title="Remove" onClick={() => void cancel(run.id)}><Icon name="close" /></button>
      </span>
    </li>
  );
}

// useMessage is what a waiting run will be asked, fetched where it is not on a loaded page.
function useMessage(run: Run): UserMessage | undefined {
  const turn = journal.value.turns.find((t) => t.runId === run.id);
  const here = turn && userMessage(turn);
  const [far, setFar] = useState<UserMessage>();
  useEffect(() => {
    if (here) return;
    api.runs.getRun({ id: run.id, withEntries: true }).then(
      ({ entries }) => setFar(userMessage({ runId: run.id, entries })),
      () => undefined,
    );
  }, [here === undefined, run.rev]);
  return here ?? far;
}
