import { useState } from "preact/hooks";
import { Profile, type Approval, type Decision, type Run } from "../gen/api/v1/api_pb";
import { Question_Kind, type Question, type Question_Choice } from "../gen/provider/v1/provider_pb";
import { isOver } from "../state/rows";
import { table } from "../state/store";
import { authorWords, oneLine, reasonWords } from "../text/words";
import { ApprovalCard } from "./ApprovalCard";
import { Fold, Visible } from "./Fold";
import { Icon } from "./icons";
import { useAnswer } from "./useAnswer";

// QuestionCard is a question of the host or of a provider: open until somebody answers, then one line.
export function QuestionCard({ question, decision, run }: { question: Question; decision: Decision | undefined; run: Run | undefined }) {
  const approval = [...table.approvals.value.values()].find((a) => a.runId === run?.id && a.question?.id === question.id);
  const answered = decision ?? approval?.decision;
  const waiting = !answered && run !== undefined && !isOver(run);
  if (!waiting) return <Decided question={question} decision={answered} approval={approval} />;
  if (approval && isOurs(approval)) return <ApprovalCard approval={approval} question={question} />;
  return (
    <article data-kind="question" data-asks class="card" data-tone="ask" aria-label="Question">
      <p class="card-title"><Icon name="info" /><span><Visible text={question.text} /></span></p>
      {approval?.why && <p class="plain">{reasonWords(approval)}</p>}
      {question.subject && question.subject !== question.text && <pre tabIndex={0}><Visible text={question.subject} /></pre>}
      {question.directory && <p class="faint">in <Visible text={question.directory} /></p>}
      {approval && <Choices question={question} approval={approval} />}
    </article>
  );
}

// isOurs: the host asks about a call of one of its tools, and says what it would mean.
const isOurs = (a: Approval): boolean => a.profile !== Profile.UNSPECIFIED || a.callId !== "" || a.diff !== "";

const outcomes: Record<string, string> = { once: "Allowed once", session: "Allowed for this session", always: "Allowed always" };

function Decided({ question, decision: d, approval }: { question: Question; decision: Decision | undefined; approval: Approval | undefined }) {
  const approves = question.kind === Question_Kind.APPROVAL;
  const chosen = question.choices.find((c) => c.id === d?.choiceId)?.text;
  let verb = "Not answered";
  if (d) verb = approves ? ((d.allowed ? outcomes[d.choiceId] : undefined) ?? (d.allowed ? "Allowed" : "Denied")) : "Answered";
  const who = d ? [authorWords(d), d.text && `“${oneLine(d.text, 60)}”`].filter(Boolean).join(", ") : "";
  return (
    <Fold kind="question" icon={d?.allowed ? "check" : approves ? "lock" : "info"} verb={verb} subject={question.subject || question.text} more={who && <span class="faint decided-by">{who}</span>}>
      {() => (
        <>
          <p class="plain">{question.text}</p>
          {question.subject && <pre tabIndex={0}><Visible text={question.subject} /></pre>}
          {question.directory && <p class="faint">in <Visible text={question.directory} /></p>}
          {approval?.why && <p class="plain">{reasonWords(approval)}</p>}
          {d && (chosen || d.text) && <p class="plain">{[chosen, d.text && `“${d.text}”`].filter(Boolean).join(": ")}</p>}
        </>
      )}
    </Fold>
  );
}

function Choices({ question, approval }: { question: Question; approval: Approval }) {
  const { box, busy, answer } = useAnswer(approval);
  const [text, setText] = useState("");
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
      {ordered(question.choices, denial).map((c, i) => (
        <button key={c.id} class="button" data-first={i === 0 || undefined} data-allows={(approves && c.allows) || undefined} disabled={busy} onClick={() => void answer(c.id, "")}>
          {c.text}
        </button>
      ))}
    </div>
  );
}

// The refusal comes first: it has the focus.
const ordered = (choices: Question_Choice[], denial: Question_Choice | undefined): Question_Choice[] =>
  denial ? [denial, ...choices.filter((c) => c !== denial)] : choices;
