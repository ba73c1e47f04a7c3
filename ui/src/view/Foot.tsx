import { useState } from "preact/hooks";
import type { Run, UserMessage } from "../gen/api/v1/api_pb";
import { RunState } from "../gen/api/v1/api_pb";
import type { Meta } from "../state/parts";
import { again } from "../state/send";
import { tables } from "../state/store";
import { copy } from "../text/copy";
import { clock, count, seconds } from "../text/words";
import { Icon } from "./icons";

interface Props {
  run: Run | undefined;
  meta: Meta;
  answer: string;
  question: UserMessage | undefined;
  last: boolean;
}

// Foot is the small line under an answer: what to do with it, and what it took. It shows on hover and focus.
export function Foot({ run, meta, answer, question, last }: Props) {
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
      {last && run && question && run.state === RunState.COMPLETED && (
        <button class="bare" aria-label="Try again" title="Ask the same again" onClick={() => void again(run, question)}>
          <Icon name="again" />
        </button>
      )}
      <span class="faint" tabIndex={0}>{facts(run, meta).join(" · ")}</span>
    </footer>
  );
}

function facts(run: Run | undefined, meta: Meta): string[] {
  const out: string[] = [];
  const provider = run && tables.value.providers.get(run.providerId);
  const model = meta.model || run?.model;
  if (provider) out.push(provider.name);
  if (model && model !== provider?.name) out.push(model);
  if (provider?.canned) out.push("canned");
  if (meta.output > 0) out.push(`${meta.estimated ? "about " : ""}${count(meta.input)} tokens in, ${count(meta.output)} out`);
  if (run && run.endedMs > 0n && run.startedMs > 0n) out.push(seconds(Number(run.endedMs - run.startedMs)));
  if (run && run.endedMs > 0n) out.push(clock(Number(run.endedMs), Date.now()));
  return out;
}
