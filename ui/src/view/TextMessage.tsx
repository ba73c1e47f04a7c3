import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { TextPart } from "../state/parts";
import { BlockStream } from "../text/stream";
import { seconds } from "../text/words";
import { Icon } from "./icons";
import { memo } from "./memo";
import { useNow } from "./useNow";

// Markdown shows a text that may still be growing.
const Markdown = memo(function Markdown({ text, done }: { text: string; done: boolean }) {
  const root = useRef<HTMLDivElement>(null);
  const blocks = useRef<BlockStream | undefined>(undefined);
  useLayoutEffect(() => {
    if (!root.current) return;
    blocks.current ??= new BlockStream(root.current);
    blocks.current.update(text, done);
  }, [text, done]);
  useEffect(() => () => blocks.current?.stop(), []);
  return <div ref={root} class="prose" />;
});

export function TextMessage({ seq, text, done }: { seq: number; text: string; done: boolean }) {
  return (
    <article data-kind="text" data-seq={seq} aria-label="Answer" aria-busy={!done}>
      <Markdown text={text} done={done} />
    </article>
  );
}

// Thought is what the model thought before it answered, folded unless somebody wants to see it.
export function Thought({ part, live }: { part: TextPart; live: boolean }) {
  const [open, setOpen] = useState(false);
  const thinking = live && part.open;
  const now = useNow(thinking);
  const took = (thinking ? now : part.until) - part.from;
  const words = thinking ? `Thinking… ${took >= 1000 ? seconds(Math.floor(took / 1000) * 1000) : ""}` : took >= 500 ? `Thought for ${seconds(took)}` : "Thought";
  return (
    <article data-kind="thought" data-seq={part.seq} aria-label="Thought">
      <details class="fold" onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <Icon name="chevron" />
          <span>{words}</span>
        </summary>
        {open && <div class="fold-body thought"><Markdown text={part.text} done={!live} /></div>}
      </details>
    </article>
  );
}
