import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { visible } from "../text/visible";
import { oneLine } from "../text/words";
import { Icon, type IconName } from "./icons";

export interface Tag {
  words: string;
  tone?: "good" | "bad" | "warn";
}

interface FoldProps {
  kind: string;
  seq?: number;
  icon: IconName;
  verb: string;
  subject: string;
  tag?: Tag;
  // What stands at the end of the line.
  more?: ComponentChildren;
  children: () => ComponentChildren;
}

// Fold is one line that opens; what is inside is made only then.
export function Fold({ kind, seq, icon, verb, subject, tag, more, children }: FoldProps) {
  const [open, setOpen] = useState(false);
  return (
    <article data-kind={kind} data-seq={seq}>
      <details class="fold" onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <Icon name="chevron" />
          <Icon name={icon} />
          <span class="fold-verb">{verb}</span>
          <code class="fold-subject" title={subject.slice(0, 2000)}><Visible text={oneLine(subject, 160)} /></code>
          {tag && <span class="tag" data-tone={tag.tone}>{tag.words}</span>}
          {more}
        </summary>
        {open && <div class="fold-body">{children()}</div>}
      </details>
    </article>
  );
}

const MOST_SHOWN = 200_000;

export function Output({ text, command, label }: { text: string; command: string; label?: string }) {
  return (
    <>
      {command && <pre class="command" tabIndex={0} aria-label="Command"><Visible text={command} /></pre>}
      {text ? <pre tabIndex={0} aria-label={label ?? "Output"}>{text.slice(0, MOST_SHOWN)}</pre> : <p class="faint">No output.</p>}
    </>
  );
}

// Visible is a text in which nothing hides: control, direction and invisible characters are spelled out and marked.
export function Visible({ text }: { text: string }) {
  return <>{visible(text).map((p, i) => (p.odd ? <span key={i} class="odd" title="A character that can't be seen">{p.text}</span> : p.text))}</>;
}
