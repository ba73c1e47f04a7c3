import { useState } from "preact/hooks";
import type { Run } from "../gen/api/v1/api_pb";
import { RunState } from "../gen/api/v1/api_pb";
import type { Meta } from "../state/parts";
import { retry as again } from "../state/runs";
import { branch } from "../state/sessions";
import { setting } from "../state/settings";
import { table } from "../state/store";
import { copy } from "../text/copy";
import { clock, count, seconds } from "../text/words";
import { Icon } from "./icons";
import { showMenu } from "./Menu";
import { retryWith } from "./ModelPicker";

interface Props {
  run: Run | undefined;
  meta: Meta;
  answer: string;
  retry: boolean;
  // The last entry of the answer.
  until: number;
  last: boolean;
}

// Foot is the small line under an answer: what to do with it, and what it took. It shows on hover and focus.
export function Foot({ run, meta, answer, retry, until, last }: Props) {
  const [copied, setCopied] = useState(false);
  const copyAll = async () => {
    setCopied(await copy(answer));
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <footer class="foot">
      <button class="bare" aria-label="Copy answer" title="Copy answer" onClick={() => void copyAll()}>
        <Icon name={copied ? "check" : "copy"} />
      </button>
      {run && retry && run.state === RunState.COMPLETED && (
        <button class="bare" aria-label="Answer again" title="Answer again" aria-haspopup="menu" onClick={(e) => askAgain(run, last, e.currentTarget)}>
          <Icon name="again" />
        </button>
      )}
      {run && (
        <button class="bare" aria-label="Branch from here" title="Branch from here: a new chat of all up to this answer" onClick={() => void branch(run.sessionId, until)}>
          <Icon name="fork" />
        </button>
      )}
      <span class="faint" tabIndex={0}>{facts(run, meta).join(" · ")}</span>
    </footer>
  );
}

function askAgain(run: Run, last: boolean, at: HTMLElement): void {
  showMenu({
    label: "Answer again",
    place: { at },
    items: [
      { text: "Answer again", about: last ? undefined : "In the same place; what follows stays", act: () => void again(run) },
      { text: "With another model…", act: () => retryWith(run) },
    ],
  });
}

function facts(run: Run | undefined, meta: Meta): string[] {
  const out: string[] = [];
  const provider = run && table.providers.value.get(run.providerId);
  const model = meta.model || run?.model;
  // One that was removed keeps its name in what it answered.
  const name = provider?.name ?? (run && setting(`removed.${run.providerId}`));
  if (typeof name === "string") out.push(name);
  if (model && model !== name) out.push(model);
  if (provider?.canned) out.push("canned");
  if (meta.output > 0) out.push(`${meta.estimated ? "about " : ""}${count(meta.input)} tokens in, ${count(meta.output)} out`);
  if (run && run.endedMs > 0n && run.startedMs > 0n) out.push(seconds(Number(run.endedMs - run.startedMs)));
  if (run && run.endedMs > 0n) out.push(clock(Number(run.endedMs), Date.now()));
  return out;
}
