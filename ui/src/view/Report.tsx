import { useState } from "preact/hooks";
import { FileChange_Kind } from "../gen/api/v1/api_pb";
import type { Part } from "../state/parts";
import { undo } from "../state/runs";
import { reportOf, type Changed } from "../state/tools";
import { Icon } from "./icons";
import { changes, PlusMinus, why } from "./tools";

// More files are folded to these.
const FEW = 12;

// Report is what a run has left changed in files, by tools and commands alike.
export function Report({ runId, parts }: { runId: string; parts: readonly Part[] }) {
  const files = reportOf(parts);
  const [all, setAll] = useState(false);
  const [said, setSaid] = useState<{ undone: string[]; problems: string[] }>();
  const [busy, setBusy] = useState(false);
  if (files.length === 0) return null;
  const undoable = files.some((f) => f.undoable);
  const sensitive = files.filter((f) => f.change.sensitive && !f.change.undone).length;
  const back = async () => {
    setBusy(true);
    setSaid(await undo(runId, 0));
    setBusy(false);
  };
  return (
    <article data-kind="report" class="card report" aria-label="Changed files">
      <div class="report-head">
        <strong>{files.length === 1 ? "1 file changed" : `${files.length} files changed`}</strong>
        {sensitive > 0 && <span class="tag" data-tone="warn">{sensitive === 1 ? "1 may run later" : `${sensitive} may run later`}</span>}
        {undoable && <button class="button" disabled={busy} onClick={() => void back()}><Icon name="undo" />{busy ? "Undoing…" : "Undo edits"}</button>}
      </div>
      <ul role="list">
        {(all ? files : files.slice(0, FEW)).map((f) => <FileLine key={f.path} file={f} />)}
      </ul>
      {files.length > FEW && <button class="text-button" onClick={() => setAll(!all)}>{all ? "Show fewer" : `Show all ${files.length}`}</button>}
      <div role="status">
        {said && said.undone.length > 0 && <p class="provider-state"><Icon name="check" /><span>{said.undone.length === 1 ? "1 file was put back." : `${said.undone.length} files were put back.`}</span></p>}
        {said?.problems.map((p) => <p key={p} class="provider-state" data-bad><Icon name="warn" /><span>{p}</span></p>)}
      </div>
    </article>
  );
}

function FileLine({ file: f }: { file: Changed }) {
  return (
    <li data-sensitive={f.change.sensitive || undefined}>
      <span class="report-file">
        <span class="faint report-kind">{f.change.kind === FileChange_Kind.CHANGED ? "Changed" : changes[f.change.kind]}</span>
        <code title={f.path}>{f.path}</code>
        <PlusMinus counts={f} />
        {f.change.undone && <span class="tag">undone</span>}
      </span>
      {f.change.sensitive && !f.change.undone && <span class="report-why"><Icon name="warn" />{why(f.change)}</span>}
    </li>
  );
}
