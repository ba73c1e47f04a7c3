import { useMemo, useState } from "preact/hooks";
import type { Run } from "../gen/api/v1/api_pb";
import { RunState } from "../gen/api/v1/api_pb";
import type { Turn } from "../state/journal";
import { answerText, shown, userMessage, type Part } from "../state/parts";
import { isActive } from "../state/rows";
import { oneLine } from "../text/words";
import { Foot } from "./Foot";
import { memo } from "./memo";
import { ActionRow, ChangeRow, NoticeRow, PlanList, SummaryRow, ToolRow } from "./rows";
import { QuestionCard } from "./QuestionCard";
import { RunEnd } from "./RunEnd";
import { StatusLine } from "./StatusLine";
import { TextMessage, Thought } from "./TextMessage";
import { UserMessage } from "./UserMessage";

interface Props {
  turn: Turn;
  run: Run | undefined;
  // A newer run stands in for this one.
  replaced: boolean;
  // An earlier run has to end first.
  waits: boolean;
  last: boolean;
}

// TurnView shows one message and all that came of it.
export const TurnView = memo(function TurnView(props: Props) {
  const [open, setOpen] = useState(false);
  if (!props.replaced) return <Whole {...props} />;
  return (
    <details class="replaced" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Earlier try: “{oneLine(userMessage(props.turn)?.text ?? "", 60)}”</summary>
      {open && <Whole {...props} />}
    </details>
  );
});

function Whole({ turn, run, replaced, waits, last }: Props) {
  const { parts, meta } = useMemo(() => shown(turn), [turn]);
  const active = run !== undefined && isActive(run);
  const ended = run === undefined || run.state >= RunState.COMPLETED;
  const answer = answerText(parts);
  return (
    <section class="turn" data-run={turn.runId}>
      {parts.map((part, i) => (
        <PartView key={part.seq} part={part} run={run} waits={waits} live={active && i === parts.length - 1} />
      ))}
      {active && <StatusLine run={run} parts={parts} />}
      {run && !replaced && <RunEnd run={run} message={userMessage(turn)} answered={answer !== ""} />}
      {ended && answer !== "" && <Foot run={run} meta={meta} answer={answer} question={userMessage(turn)} last={last && !replaced} />}
    </section>
  );
}

function PartView({ part, run, waits, live }: { part: Part; run: Run | undefined; waits: boolean; live: boolean }) {
  switch (part.kind) {
    case "user":
      return <UserMessage text={part.text} attachments={part.attachments} at={part.at} run={run} waits={waits} />;
    case "text":
      return <TextMessage seq={part.seq} text={part.text} done={!live} />;
    case "thought":
      return <Thought part={part} live={live} />;
    case "plan":
      return <PlanList plan={part.plan} />;
    case "action":
      return <ActionRow action={part.action} live={live} />;
    case "tool":
      return <ToolRow call={part.call} output={part.output} live={run !== undefined && isActive(run)} />;
    case "question":
      return <QuestionCard question={part.question} decision={part.decision} run={run} />;
    case "change":
      return <ChangeRow change={part.change} />;
    case "notice":
      return <NoticeRow notice={part.notice} />;
    case "summary":
      return <SummaryRow summary={part.summary} />;
  }
}
