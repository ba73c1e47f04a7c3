import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Decision, Run } from "../gen/api/v1/api_pb";
import { Question_Kind, type Question, type Question_Choice } from "../gen/provider/v1/provider_pb";
import { draft } from "../state/drafts";
import { isOver } from "../state/rows";
import { decide } from "../state/send";
import { tables } from "../state/store";
import { Icon } from "./icons";

// A click or key meant for what was there before must not answer.
const DEAF_MS = 500;

export function QuestionCard({ question, decision, run }: { question: Question; decision: Decision | undefined; run: Run | undefined }) {
  const approval = [...tables.value.approvals.values()].find((a) => a.runId === run?.id && a.question?.id === question.id);
  const answered = decision ?? approval?.decision;
  const waiting = !answered && run !== undefined && !isOver(run);
  return (
    <article data-kind="question" class="card" data-tone={waiting ? "ask" : undefined} aria-label="Question">
      <p class="card-title"><Icon name="info" /><span>{question.text}</span></p>
      {approval?.reason && <p class="plain">{approval.reason}</p>}
      {question.subject && question.subject !== question.text && <pre tabIndex={0}>{question.subject}</pre>}
      {question.directory && <p class="faint">in {question.directory}</p>}
      {waiting && approval && <Choices question={question} approvalId={approval.id} />}
      {answered && <p class="answered"><span class="tag" data-tone={answered.allowed ? "good" : undefined}>{outcome(question, answered)}</span></p>}
      {!answered && !waiting && <p class="answered"><span class="tag">not answered</span></p>}
    </article>
  );
}

function outcome(question: Question, d: Decision): string {
  const chosen = question.choices.find((c) => c.id === d.choiceId)?.text || d.text || (d.allowed ? "allowed" : "denied");
  const by: Record<string, string> = { timeout: "nobody answered in time", restart: "OpenVibez was restarted", cancel: "the run was stopped" };
  return by[d.by] ? `${chosen}: ${by[d.by]}` : chosen;
}

function Choices({ question, approvalId }: { question: Question; approvalId: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [shownAt] = useState(() => performance.now());
  const [busy, setBusy] = useState(false);
  const [text, setText] = useState("");
  useLayoutEffect(() => {
    // Who is in the middle of writing keeps the focus.
    if (draft.peek() === "") box.current?.querySelector<HTMLElement>("[data-first]")?.focus();
  }, []);
  const answer = async (choiceId: string, words: string) => {
    if (busy || performance.now() - shownAt < DEAF_MS) return;
    setBusy(true);
    if (!(await decide(approvalId, choiceId, words))) setBusy(false);
  };
  if (question.kind === Question_Kind.TEXT) {
    return (
      <div ref={box} class="answer">
        <input class="field" data-first aria-label="Your answer" value={text} onInput={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === "Enter" && !e.isComposing && text.trim()) void answer("", text);
          }} />
        <button class="button" disabled={busy || text.trim() === ""} onClick={() => void answer("", text)}>Answer</button>
      </div>
    );
  }
  const approves = question.kind === Question_Kind.APPROVAL;
  const denial = approves ? question.choices.find((c) => !c.allows) : undefined;
  return (
    <div ref={box} class="buttons" role="group" aria-label="Answers">
      {ordered(question.choices, denial).map((c) => (
        <button key={c.id} class="button" data-first={c === denial || undefined} data-allows={(approves && c.allows) || undefined} disabled={busy} onClick={() => void answer(c.id, "")}>
          {c.text}
        </button>
      ))}
    </div>
  );
}

// The refusal comes first: it has the focus.
const ordered = (choices: Question_Choice[], denial: Question_Choice | undefined): Question_Choice[] =>
  denial ? [denial, ...choices.filter((c) => c !== denial)] : choices;
