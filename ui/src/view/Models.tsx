import { useState } from "preact/hooks";
import type { Model, Provider } from "../gen/api/v1/api_pb";
import { label, modelsOf } from "../state/choice";
import type { Pull } from "../state/progress";
import { canDelete, canPull, pull, pulls, removeModel, stopPull } from "../state/pulls";
import { problem } from "../state/store";
import { bytes, percent } from "../text/words";
import { Icon } from "./icons";
import { Confirm } from "./parts";
import { Words } from "./Words";

// Models lists what is downloaded where a provider runs, to add to it and take from it.
export function Models({ provider: p }: { provider: Provider }) {
  const running = pulls.value.get(p.id);
  const [open, setOpen] = useState(running !== undefined && !running.finished);
  if (!canPull(p.plugin) && !canDelete(p.plugin)) return null;
  const models = modelsOf(p.id);
  return (
    <details class="fold models" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary><Icon name="chevron" /><span>Models</span></summary>
      {open && (
        <div class="fold-body">
          {models.length > 0 && (
            <ul role="list" aria-label={`Models of ${p.name}`}>
              {models.map((m) => <ModelRow key={m.model?.id} provider={p} model={m} />)}
            </ul>
          )}
          {canPull(p.plugin) && <Download provider={p} running={running} />}
        </div>
      )}
    </details>
  );
}

function ModelRow({ provider: p, model: m }: { provider: Provider; model: Model }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const id = m.model?.id ?? "";
  const size = m.model?.sizeBytes ? bytes(Number(m.model.sizeBytes)) : "";
  const remove = async () => {
    setBusy(true);
    const wrong = await removeModel(p.id, id);
    if (wrong) problem.value = wrong;
    setBusy(false);
  };
  return (
    <li>
      <span class="models-name">{label(m)}</span>
      <span class="faint">{[m.model?.details, size].filter(Boolean).join(" · ")}</span>
      {canDelete(p.plugin) && (
        <button class="text-button" aria-label={`Delete ${label(m)}`} disabled={busy} onClick={() => setAsking(true)}>{busy ? "Deleting…" : "Delete"}</button>
      )}
      {asking && (
        <Confirm
          title={`Delete ${label(m)}?`}
          words={`It is removed from the disk where ${p.name} runs${size ? `, which frees ${size}` : ""}. To use it again it has to be downloaded again.`}
          yes="Delete"
          onYes={() => void remove()}
          close={() => setAsking(false)}
        />
      )}
    </li>
  );
}

function Download({ provider: p, running }: { provider: Provider; running: Pull | undefined }) {
  const [name, setName] = useState("");
  const busy = running !== undefined && !running.finished && !running.wrong;
  const start = async (e: Event) => {
    e.preventDefault();
    if (await pull(p.id, name.trim())) setName("");
  };
  return (
    <>
      <form class="download" onSubmit={(e) => void start(e)}>
        <input class="field" aria-label="Model to download" placeholder="Name of a model to download" spellcheck={false} autocomplete="off" autocapitalize="off" value={name} disabled={busy} onInput={(e) => setName(e.currentTarget.value)} />
        {/* The keys make them two: a click on one that turns into the other would submit the form. */}
        {busy ? (
          <button key="stop" class="button" type="button" onClick={() => stopPull(p.id)}>Cancel download</button>
        ) : (
          <button key="start" class="button" type="submit" disabled={name.trim() === ""}>Download</button>
        )}
      </form>
      {busy && <Progress pull={running} />}
      <div role="status">
        {running?.wrong && <p class="form-problem"><Icon name="warn" /><Words text={running.wrong} /></p>}
        {running?.finished && <p class="provider-state"><Icon name="check" /><span>{running.model} is there.</span></p>}
      </div>
    </>
  );
}

function Progress({ pull: d }: { pull: Pull }) {
  const much = d.total > 0 ? `${bytes(d.completed)} of ${bytes(d.total)} · ${percent(d.completed, d.total)}` : "";
  return (
    <div class="progress">
      <progress aria-label={`Download of ${d.model}`} max={d.total || 1} value={d.total > 0 ? d.completed : undefined} />
      <span class="faint">{[d.status || "starting", much].filter(Boolean).join(" · ")}</span>
    </div>
  );
}
