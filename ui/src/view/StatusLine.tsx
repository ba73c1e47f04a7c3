import type { Run } from "../gen/api/v1/api_pb";
import { RunState } from "../gen/api/v1/api_pb";
import type { Part } from "../state/parts";
import { countdown, seconds } from "../text/words";
import { pause, resume } from "../state/runs";
import { useNow } from "./useNow";
import { Words } from "./Words";

// StatusLine says what a run is busy with.
export function StatusLine({ run, parts }: { run: Run; parts: readonly Part[] }) {
  const now = useNow(true);
  const text = words(run, parts);
  const left = run.state === RunState.WAITING_LIMIT && !run.cancelRequested && run.resumeMs > 0n ? Number(run.resumeMs) - now : undefined;
  const since = now - Number(run.startedMs || run.createdMs);
  return (
    <p class="status" data-testid="status">
      <span class="dot" aria-hidden="true" />
      <Words text={text} />
      {left !== undefined && (
        <span class="tag" data-tone="warn" role="timer">{left > 0 ? `goes on in ${countdown(left)}` : "goes on now"}</span>
      )}
      {run.state === RunState.RUNNING && since >= 3000 && <span class="faint">{seconds(Math.floor(since / 1000) * 1000)}</span>}
      {steps(run, parts) && !run.cancelRequested && <PauseButton run={run} />}
    </p>
  );
}

// steps: there is something between which it can pause.
const steps = (run: Run, parts: readonly Part[]): boolean =>
  run.state === RunState.PAUSED || run.pauseRequested || parts.some((p) => p.kind === "tool" || p.kind === "action" || p.kind === "plan");

function PauseButton({ run }: { run: Run }) {
  const halted = run.state === RunState.PAUSED || run.pauseRequested;
  return (
    <button class="text-button status-button" title={halted ? "Go on with the next step" : "Stop before the next step, until you let it go on"} onClick={() => void (halted ? resume(run.id) : pause(run.id))}>
      {halted ? "Go on" : "Pause"}
    </button>
  );
}

function words(run: Run, parts: readonly Part[]): string {
  if (run.cancelRequested) return "Stopping…";
  if (run.pauseRequested && run.state === RunState.RUNNING) return "Pausing when this step is done";
  switch (run.state) {
    case RunState.WAITING_APPROVAL:
      return "Waiting for your answer";
    case RunState.WAITING_LIMIT:
      return run.status || "Waiting for the provider's limit";
    case RunState.WAITING_BACKGROUND:
      return run.status || "The work goes on at the provider";
    case RunState.PAUSED:
      return "Paused";
  }
  const newest = parts[parts.length - 1];
  if (newest?.kind === "text" && newest.open) return "Writing";
  return run.status || (newest?.kind === "thought" && newest.open ? "Thinking" : "Working");
}
