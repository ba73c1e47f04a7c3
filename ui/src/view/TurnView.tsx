import { useMemo } from "preact/hooks";
import type { Run } from "../gen/api/v1/api_pb";
import { RunState } from "../gen/api/v1/api_pb";
import type { Turn } from "../state/journal";
import { answerText, shown, userMessage, type Part } from "../state/parts";
import { isActive, neverBegan } from "../state/rows";
import { toldByChange } from "../state/tools";
import type { Versions } from "../state/versions";
import { Foot } from "./Foot";
import { memo } from "./memo";
import { QuestionCard } from "./QuestionCard";
import { Report } from "./Report";
import { RunEnd } from "./RunEnd";
import { ActionRow, NoticeRow, PlanList, SummaryRow } from "./rows";
import { StatusLine } from "./StatusLine";
import { TakenBack } from "./TakenBack";
import { TextMessage, Thought } from "./TextMessage";
import { ChangeRow, ToolRow } from "./tools";
import { UserMessage } from "./UserMessage";
import { Pager } from "./Pager";

interface Props {
  turn: Turn;
  run: Run | undefined;
  versions: Versions | undefined;
  // Another run goes on from this one.
  continued: boolean;
  last: boolean;
}

// TurnView shows one message and all that came of it.
export const TurnView = memo(function TurnView({ turn, run, versions, continued, last }: Props) {
  const { parts, meta } = useMemo(() => shown(turn), [turn]);
  const active = run !== undefined && isActive(run);
  const ended = run === undefined || run.state >= RunState.COMPLETED;
  const answer = answerText(parts);
  const message = userMessage(turn);
  if (run && message && neverBegan(run)) return <section class="turn" data-run={turn.runId}><TakenBack run={run} message={message} /></section>;
  return (
    <section class="turn" data-run={turn.runId}>
      {parts.map((part, i) => toldByChange(part, parts) ? null : (
        <PartView key={part.seq} part={part} run={run} live={active && i === parts.length - 1} />
      ))}
      {active && <StatusLine run={run} parts={parts} />}
      {ended && <Report runId={turn.runId} parts={parts} />}
      {run && <RunEnd run={run} answered={answer !== "" || parts.some((p) => p.kind === "tool")} continued={continued} />}
      {ended && answer !== "" && <Foot run={run} meta={meta} answer={answer} retry={!continued && message !== undefined} until={Number(turn.entries[turn.entries.length - 1].lastSeq || turn.entries[turn.entries.length - 1].seq)} last={last} />}
      {versions && <Pager versions={versions} />}
    </section>
  );
});

function PartView({ part, run, live }: { part: Part; run: Run | undefined; live: boolean }) {
  switch (part.kind) {
    case "user":
      // What goes on from another run was asked by nobody.
      if (part.message.text === "" && part.message.attachments.length === 0) return null;
      return <UserMessage seq={part.seq} message={part.message} at={part.at} run={run} />;
    case "text":
      return <TextMessage seq={part.seq} text={part.text} done={!live} />;
    case "thought":
      return <Thought part={part} live={live} />;
    case "plan":
      return <PlanList plan={part.plan} />;
    case "action":
      return <ActionRow action={part.action} live={live} />;
    case "tool":
      return <ToolRow part={part} live={run !== undefined && isActive(run)} waits={run?.state === RunState.WAITING_APPROVAL} />;
    case "question":
      return <QuestionCard question={part.question} decision={part.decision} run={run} />;
    case "change":
      return <ChangeRow change={part.change} seq={part.seq} />;
    case "notice":
      return <NoticeRow notice={part.notice} />;
    case "summary":
      return <SummaryRow summary={part.summary} />;
  }
}
