import { useEffect, useState } from "preact/hooks";
import { api, words } from "../api";
import { Class, Profile, type Approval, type PreviewRuleResponse } from "../gen/api/v1/api_pb";
import type { Question } from "../gen/provider/v1/provider_pb";
import { classWords, countdown, oneLine, profileWords, reasonWords } from "../text/words";
import { Visible } from "./Fold";
import { Icon } from "./icons";
import { Diff } from "./tools";
import { useAnswer } from "./useAnswer";
import { useNow } from "./useNow";
import { Words } from "./Words";

const names: Record<string, string> = { once: "Allow once", session: "Allow in this chat", always: "Always allow…", deny: "Deny" };

// ApprovalCard asks whether one call of a tool may be done, and says all that bears on the answer.
export function ApprovalCard({ approval: a, question }: { approval: Approval; question: Question }) {
  const { box, busy, deaf, answer, first, others } = useAnswer(a);
  const [opened, setOpened] = useState(false);
  const [step, setStep] = useState<"" | "word" | "always">("");
  const [word, setWord] = useState("");
  const outside = a.profile === Profile.HOST;
  const why = reasonWords(a);
  const denial = question.choices.find((c) => !c.allows);
  const lines = question.subject.split("\n").length;
  const open = (to: "word" | "always") => {
    if (!deaf()) setStep(to);
  };
  // Of several, the oldest is asked; the others wait in line, but can be answered before it.
  if (!first && !opened) {
    return (
      <article data-kind="approval" class="card approval" data-waits aria-label="Permission asked">
        <p class="card-title">
          <Icon name="shield" />
          <code class="fold-subject"><Visible text={oneLine(question.subject || question.text, 160)} /></code>
          <button class="text-button" onClick={() => setOpened(true)}>Look</button>
        </p>
      </article>
    );
  }
  return (
    <article data-kind="approval" data-asks class="card approval" data-tone={outside || a.class === Class.DANGEROUS ? "bad" : "ask"} aria-label="Permission asked">
      <p class="card-title"><Icon name={outside || a.class === Class.DANGEROUS ? "warn" : "shield"} /><strong>{question.text || "May this be done?"}</strong>{first && others > 0 && <span class="tag">and {others} more</span>}<Expires at={Number(a.expiresMs)} /></p>
      {question.subject && (
        <>
          <pre class="command" tabIndex={0} aria-label="The whole command"><Visible text={question.subject} /></pre>
          {lines > 15 && <p class="faint">{lines} lines: scroll to see all of them.</p>}
        </>
      )}
      {a.diff && <Diff text={a.diff} />}
      <dl class="facts">
        {question.directory && <div><dt>In</dt><dd><Visible text={question.directory} /></dd></div>}
        {a.profile !== Profile.UNSPECIFIED && <div><dt>How</dt><dd data-words data-bad={outside || undefined}>{profileWords[a.profile]}</dd></div>}
        {a.domains.length > 0 && <div><dt>Reaches</dt><dd>{a.domains.join(", ")}</dd></div>}
        {a.class !== Class.UNSPECIFIED && <div><dt>Kind</dt><dd data-words>{classWords[a.class]}</dd></div>}
        {why && <div><dt>Why it asks</dt><dd data-words><Words text={why} /></dd></div>}
        {a.instead && <div><dt>To not be asked</dt><dd data-words><Words text={a.instead} /></dd></div>}
      </dl>
      <div ref={box}>
        {step === "" && (
          <div class="buttons" role="group" aria-label="Answers">
            <button class="button" data-first disabled={busy} onClick={() => void answer(denial?.id ?? "deny", "")}>Deny</button>
            <button class="button" disabled={busy} onClick={() => open("word")}>Deny and say why…</button>
            {question.choices.filter((c) => c.allows).map((c) => (
              <button key={c.id} class="button" data-allows disabled={busy} title={scope(c.id, a)} onClick={() => (c.id === "always" ? open("always") : void answer(c.id, ""))}>
                {names[c.id] ?? c.text}
              </button>
            ))}
          </div>
        )}
        {step === "word" && (
          <form
            class="answer"
            onSubmit={(e) => {
              e.preventDefault();
              void answer(denial?.id ?? "deny", word.trim());
            }}
            onKeyDown={(e) => {
              if (e.key !== "Escape") return;
              e.stopPropagation();
              setStep("");
            }}
          >
            <input class="field" autofocus aria-label="A word to the model" placeholder="What it should do instead" value={word} onInput={(e) => setWord(e.currentTarget.value)} ref={(el) => el?.focus()} />
            <button class="button" type="submit" disabled={busy}>Deny</button>
            <button class="button" type="button" onClick={() => setStep("")}>Back</button>
          </form>
        )}
        {step === "always" && <Always approval={a} busy={busy} yes={() => void answer("always", "")} back={() => setStep("")} />}
      </div>
    </article>
  );
}

function scope(choice: string, a: Approval): string | undefined {
  const what = a.prefix.length > 0 ? `commands that begin with “${a.prefix.join(" ")}”` : a.domains.length > 0 ? `reaching ${a.domains.join(", ")}` : "";
  if (choice === "once") return "Only this command, now";
  return what && (choice === "session" ? `In this chat: ${what}` : choice === "always" ? `In this workspace: ${what}` : undefined);
}

function Expires({ at }: { at: number }) {
  const now = useNow(at > 0);
  if (at === 0) return null;
  return <span class="faint expires" role="timer">denied in {countdown(at - now)}</span>;
}

// Always shows what a rule would cover before it is made.
function Always({ approval: a, busy, yes, back }: { approval: Approval; busy: boolean; yes: () => void; back: () => void }) {
  const [seen, setSeen] = useState<PreviewRuleResponse>();
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    api.runs.previewRule({ approvalId: a.id }).then(setSeen, (err: unknown) => setWrong(words(err)));
  }, [a.id]);
  const prefix = seen?.prefix.length ? seen.prefix : a.prefix;
  return (
    <div class="always" role="group" aria-label="What would be allowed">
      {prefix.length > 0 && <p class="plain">From now on, every command in this workspace that begins with <code><Visible text={prefix.join(" ")} /></code> runs without asking, in the sandbox.</p>}
      {a.domains.length > 0 && <p class="plain">From now on, commands in this workspace may reach <code>{a.domains.join(", ")}</code> without asking. What a command can read, it can send there.</p>}
      {wrong && <p class="form-problem"><Icon name="warn" /><span>{wrong}</span></p>}
      {!seen && !wrong && <p class="faint">Looking at what it would have covered…</p>}
      {seen && prefix.length > 0 && (
        <>
          <p class="faint">
            {seen.lookedAt === 0
              ? "No commands have been run here yet to compare with."
              : `Of the last ${seen.lookedAt} commands here it would have covered ${seen.covered.length === 0 ? "none" : seen.covered.length}${seen.covered.length > 0 ? ":" : "."}`}
          </p>
          {seen.covered.length > 0 && <pre tabIndex={0} aria-label="Commands it would have covered"><Visible text={seen.covered.join("\n")} /></pre>}
        </>
      )}
      <div class="buttons">
        <button class="button" ref={(el) => el?.focus()} onClick={back}>Back</button>
        <button class="button" data-allows disabled={busy || (!seen && !wrong)} onClick={yes}>Always allow</button>
      </div>
      <p class="faint">It can be taken back under Settings, Workspaces.</p>
    </div>
  );
}
