// The quiet rows between the texts: what was planned, done, called, changed and noticed.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { FileChange_Kind, type FileChange, type Summary, type ToolOutput } from "../gen/api/v1/api_pb";
import { Action_Kind, Action_State, Notice_Level, Plan_Step_State, type Action, type Notice, type Plan, type ToolCall } from "../gen/provider/v1/provider_pb";
import { oneLine } from "../text/words";
import { Icon, type IconName } from "./icons";

interface FoldProps {
  kind: string;
  icon: IconName;
  verb: string;
  subject: string;
  tag?: { words: string; tone?: "good" | "bad" | "warn" };
  children: () => ComponentChildren;
}

// Fold is one line that opens; what is inside is made only then.
function Fold({ kind, icon, verb, subject, tag, children }: FoldProps) {
  const [open, setOpen] = useState(false);
  return (
    <article data-kind={kind}>
      <details class="fold" onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <Icon name="chevron" />
          <Icon name={icon} />
          <span class="fold-verb">{verb}</span>
          <code class="fold-subject" title={subject}>{oneLine(subject, 160)}</code>
          {tag && <span class="tag" data-tone={tag.tone}>{tag.words}</span>}
        </summary>
        {open && <div class="fold-body">{children()}</div>}
      </details>
    </article>
  );
}

const kinds: Record<Action_Kind, [IconName, string]> = {
  [Action_Kind.UNSPECIFIED]: ["tool", "Did"],
  [Action_Kind.COMMAND]: ["command", "Ran"],
  [Action_Kind.FILE_READ]: ["file", "Read"],
  [Action_Kind.FILE_EDIT]: ["file", "Edited"],
  [Action_Kind.FILE_CREATE]: ["file", "Created"],
  [Action_Kind.FILE_DELETE]: ["file", "Deleted"],
  [Action_Kind.SEARCH]: ["search", "Searched"],
  [Action_Kind.WEB]: ["globe", "Looked up"],
  [Action_Kind.TOOL]: ["tool", "Used"],
};

export function ActionRow({ action, live }: { action: Action; live: boolean }) {
  const [icon, verb] = kinds[action.kind] ?? kinds[Action_Kind.UNSPECIFIED];
  return (
    <Fold kind="action" icon={icon} verb={verb} subject={action.title} tag={actionTag(action, live)}>
      {() => <Output text={action.detail} command={action.kind === Action_Kind.COMMAND ? action.title : ""} />}
    </Fold>
  );
}

function actionTag(a: Action, live: boolean): FoldProps["tag"] {
  if (a.state === Action_State.DECLINED) return { words: "declined", tone: "warn" };
  if (a.exitCode !== undefined) return { words: `exit ${a.exitCode}`, tone: a.exitCode === 0 ? "good" : "bad" };
  if (a.state === Action_State.FAILED) return { words: "failed", tone: "bad" };
  if (a.state === Action_State.RUNNING) return { words: live ? "running" : "not finished", tone: live ? undefined : "warn" };
  return undefined;
}

export function ToolRow({ call, output, live }: { call: ToolCall; output: ToolOutput | undefined; live: boolean }) {
  let tag: FoldProps["tag"];
  if (output?.outcomeUnknown) tag = { words: "outcome unknown", tone: "warn" };
  else if (output?.result?.failed) tag = { words: "failed", tone: "bad" };
  else if (!output) tag = { words: live ? "running" : "no result", tone: live ? undefined : "warn" };
  return (
    <Fold kind="tool" icon="tool" verb={call.name} subject={oneLine(call.argumentsJson, 200)} tag={tag}>
      {() => (
        <>
          <Output text={pretty(call.argumentsJson)} command="" />
          {output?.outcomeUnknown && <p>OpenVibez ended between the call and its result. It may or may not have happened.</p>}
          {output?.result && <Output text={output.result.content} command="" />}
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

const changes: Record<FileChange_Kind, string> = {
  [FileChange_Kind.UNSPECIFIED]: "Changed",
  [FileChange_Kind.CREATED]: "Created",
  [FileChange_Kind.CHANGED]: "Changed",
  [FileChange_Kind.DELETED]: "Deleted",
};

export function ChangeRow({ change }: { change: FileChange }) {
  const tag = change.sensitive ? ({ words: "may run later", tone: "warn" } as const) : undefined;
  return (
    <Fold kind="change" icon="file" verb={changes[change.kind]} subject={change.path} tag={tag}>
      {() => (
        <>
          {change.sensitive && <p class="plain">This file may be run later by other programs, outside of what OpenVibez watches over.</p>}
          <Diff text={change.diff} />
        </>
      )}
    </Fold>
  );
}

const MOST_LINES = 5000;

function Diff({ text }: { text: string }) {
  if (!text) return <p class="faint">No difference was recorded.</p>;
  const lines = text.trimEnd().split("\n");
  return (
    <pre class="diff" tabIndex={0}>
      {lines.slice(0, MOST_LINES).map((line, i) => (
        <span key={i} data-sign={/^[+-](?![+-]{2} )/.test(line) ? line[0] : undefined}>{`${line}\n`}</span>
      ))}
      {lines.length > MOST_LINES && `… ${lines.length - MOST_LINES} more lines`}
    </pre>
  );
}

function Output({ text, command }: { text: string; command: string }) {
  return (
    <>
      {command && <pre class="command" tabIndex={0}>{command}</pre>}
      {text ? <pre tabIndex={0}>{text.slice(0, 200_000)}</pre> : <p class="faint">No output.</p>}
    </>
  );
}

const steps: Record<Plan_Step_State, string> = {
  [Plan_Step_State.UNSPECIFIED]: "open",
  [Plan_Step_State.OPEN]: "open",
  [Plan_Step_State.ACTIVE]: "in progress",
  [Plan_Step_State.DONE]: "done",
};

export function PlanList({ plan }: { plan: Plan }) {
  return (
    <article data-kind="plan" class="card" aria-label="Plan">
      <ol class="plan">
        {plan.steps.map((s, i) => (
          <li key={i} data-state={steps[s.state]}>
            <span class="plan-box" role="img" aria-label={steps[s.state]}>{s.state === Plan_Step_State.DONE && <Icon name="check" />}</span>
            <span>{s.text}</span>
          </li>
        ))}
      </ol>
    </article>
  );
}

export function NoticeRow({ notice }: { notice: Notice }) {
  const warns = notice.level === Notice_Level.WARNING;
  return (
    <article data-kind="notice" class="notice" data-warn={warns || undefined}>
      <Icon name={warns ? "warn" : "info"} />
      <span>{notice.text}</span>
    </article>
  );
}

export function SummaryRow({ summary }: { summary: Summary }) {
  return (
    <Fold kind="summary" icon="info" verb="The model now sees a summary of the earlier messages" subject="">
      {() => <p class="plain">{summary.text}</p>}
    </Fold>
  );
}
