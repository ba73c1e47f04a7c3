// What models called and changed.
import { useState } from "preact/hooks";
import { FileChange_Kind, ToolOutput_Outcome, type FileChange } from "../gen/api/v1/api_pb";
import type { Part } from "../state/parts";
import { aboutCall, countsOf, type Counts, type ToolKind } from "../state/tools";
import { outcomeMore, outcomeWords, seconds, type Tag } from "../text/words";
import { Fold, Output } from "./Fold";
import type { IconName } from "./icons";
import { useNow } from "./useNow";

const icons: Record<ToolKind, IconName> = { command: "command", read: "file", edit: "file", search: "search", plan: "check", other: "tool" };

const notDone: ReadonlySet<ToolOutput_Outcome> = new Set([
  ToolOutput_Outcome.FAILED,
  ToolOutput_Outcome.REFUSED,
  ToolOutput_Outcome.DENIED,
  ToolOutput_Outcome.UNANSWERED,
  ToolOutput_Outcome.UNAVAILABLE,
]);

export function ToolRow({ part: { call, output, seq, from }, live, waits }: { part: Extract<Part, { kind: "tool" }>; live: boolean; waits: boolean }) {
  const { kind, verb, subject } = aboutCall(call);
  const more = output ? outcomeMore(output) : "";
  const running = live && !output && !waits;
  const now = useNow(running);
  if (kind === "plan" && output && !output.result?.failed) return null;
  let tag: Tag | undefined;
  if (kind === "plan" && output?.result?.failed) tag = { words: "not as asked", tone: "warn" };
  else if (!output) tag = waits ? { words: "waits" } : { words: live ? "running" : "no result", tone: live ? undefined : "warn" };
  else tag = outcomeWords(output);
  const took = output ? Number(output.workedMs) : running ? now - from : 0;
  const undone = (waits && !output) || (output !== undefined && notDone.has(output.outcome));
  const said = undone ? { command: "Run", read: "Read", edit: "Edit", search: "Search", plan: verb, other: verb }[kind] : running ? { command: "Running", read: "Reading", edit: "Editing", search: "Searching", plan: verb, other: verb }[kind] : verb;
  return (
    <Fold kind="tool" seq={seq} icon={icons[kind]} verb={said} subject={subject} tag={tag} more={took >= 1000 && <span class="faint">{seconds(running ? Math.floor(took / 1000) * 1000 : took)}</span>}>
      {() => (
        <>
          {kind === "command" ? <Output text={output ? output.result?.content ?? "" : "…"} command={subject} /> : (
            <>
              {kind !== "read" && <Output text={pretty(call.argumentsJson)} command="" label="What it was called with" />}
              {output?.result && <Output text={output.result.content} command="" />}
            </>
          )}
          {more && <p class="plain">{more}</p>}
        </>
      )}
    </Fold>
  );
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

export const changes: Record<FileChange_Kind, string> = {
  [FileChange_Kind.UNSPECIFIED]: "Changed",
  [FileChange_Kind.CREATED]: "Created",
  [FileChange_Kind.CHANGED]: "Edited",
  [FileChange_Kind.DELETED]: "Deleted",
};

export function ChangeRow({ change, seq }: { change: FileChange; seq: number }) {
  // What has no difference is told by the report at the end.
  if (!change.diff) return null;
  const tag: Tag | undefined = change.undone ? { words: "undone" } : change.sensitive ? { words: "may run later", tone: "warn" } : undefined;
  return (
    <Fold kind="change" seq={seq} icon="file" verb={changes[change.kind]} subject={change.path} tag={tag} more={<PlusMinus counts={countsOf(change.diff)} />}>
      {() => (
        <>
          {change.sensitive && <p class="plain">{why(change)}</p>}
          <Diff text={change.diff} />
        </>
      )}
    </Fold>
  );
}

export const why = (c: FileChange): string => (c.why ? `${c.why[0].toUpperCase()}${c.why.slice(1)}, outside of the sandbox.` : "Other programs may run this later, outside of the sandbox.");

export function PlusMinus({ counts: { added, removed } }: { counts: Counts }) {
  if (added + removed === 0) return null;
  return (
    <span class="counts" role="img" aria-label={`${added} lines added, ${removed} removed`}>
      <span data-sign="+">+{added}</span> <span data-sign="-">−{removed}</span>
    </span>
  );
}

const MOST_LINES = 5000;
const FIRST_LINES = 400;

export function Diff({ text }: { text: string }) {
  const [most, setMost] = useState(FIRST_LINES);
  if (!text) return <p class="faint">No difference was recorded.</p>;
  const lines = text.trimEnd().split("\n");
  return (
    <>
      <pre class="diff" tabIndex={0} aria-label="Difference">
        {lines.slice(0, most).map((line, i) => (
          <span key={i} data-sign={sign(line)}>{`${line}\n`}</span>
        ))}
        {most >= MOST_LINES && lines.length > most && `… ${lines.length - most} more lines`}
      </pre>
      {most < MOST_LINES && lines.length > most && <button class="text-button" onClick={() => setMost(MOST_LINES)}>Show all {lines.length} lines</button>}
    </>
  );
}

function sign(line: string): string | undefined {
  if (line.startsWith("@@")) return "@";
  return /^[+-](?![+-]{2} )/.test(line) ? line[0] : undefined;
}
