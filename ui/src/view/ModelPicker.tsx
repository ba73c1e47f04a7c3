import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Model, Provider, Run } from "../gen/api/v1/api_pb";
import { choice, choose, label, modelsOf, providers } from "../state/choice";
import { retry } from "../state/runs";
import { dialog } from "../state/store";
import { bytes, count } from "../text/words";
import { Icon } from "./icons";
import { focusComposer, Modal } from "./parts";
import { Words } from "./Words";

interface Group {
  provider: Provider;
  models: Model[];
}

// found gives the models in whose or whose provider's name every word of the search occurs.
function found(search: string): Group[] {
  const parts = search.toLowerCase().split(/\s+/).filter(Boolean);
  return providers.value
    .map((provider) => ({
      provider,
      models: modelsOf(provider.id).filter((m) => {
        const text = `${provider.name} ${label(m)} ${m.model?.id ?? ""}`.toLowerCase();
        return parts.every((p) => text.includes(p));
      }),
    }))
    .filter((g) => g.models.length > 0 || parts.length === 0);
}

// Whose answer the chosen model is to give again; nothing: it is chosen for what comes next.
const retried = signal<Run | undefined>(undefined);

// retryWith asks for a model and has it answer what a run was asked.
export function retryWith(run: Run): void {
  retried.value = run;
  dialog.value = "models";
}

export function ModelPicker() {
  const again = retried.value;
  useEffect(() => () => void (retried.value = undefined), []);
  const [search, setSearch] = useState("");
  const groups = found(search);
  const flat = groups.flatMap((g) => g.models);
  const now = flat.findIndex((m) => m.providerId === choice.value.providerId && m.model?.id === choice.value.model);
  const [at, setAt] = useState(Math.max(0, now));
  const list = useRef<HTMLDivElement>(null);
  const cursor = Math.min(at, flat.length - 1);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [cursor, search]);

  const take = (m: Model | undefined) => {
    if (!m) return;
    dialog.value = "";
    const model = { providerId: m.providerId, model: m.model?.id ?? "" };
    if (again) void retry(again, model);
    else void choose(model);
    queueMicrotask(focusComposer);
  };
  const pressed = (e: KeyboardEvent) => {
    if (e.isComposing) return;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (e.key in steps) setAt(Math.max(0, Math.min(flat.length - 1, cursor + steps[e.key])));
    else if (e.key === "Enter") take(flat[cursor]);
    else return;
    e.preventDefault();
  };

  return (
    <Modal label={again ? "Answer again with another model" : "Choose a model"} class="picker">
      <div class="picker-search">
        <Icon name="search" />
        <input
          role="combobox"
          aria-label="Search models"
          aria-expanded="true"
          aria-controls="models"
          aria-activedescendant={flat[cursor] ? `model-${cursor}` : undefined}
          placeholder={again ? "Answer again with…" : "Search models"}
          autofocus
          value={search}
          onInput={(e) => {
            setSearch(e.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={pressed}
        />
      </div>
      <div ref={list} id="models" class="picker-list" role="listbox" aria-label="Models">
        {groups.map(({ provider, models }) => (
          <div key={provider.id} role="group" aria-label={provider.name}>
            <div class="picker-provider" role="presentation">
              <span>{provider.name}</span>
              {provider.canned && <span class="tag">canned</span>}
              {provider.isDefault && <span class="tag">default</span>}
            </div>
            {provider.error && <p class="picker-error" role="presentation"><Icon name="warn" /><Words text={provider.error.message} /></p>}
            {models.length === 0 && !provider.error && <p class="picker-none" role="presentation">No models are listed. Test it under Providers.</p>}
            {models.map((m) => {
              const i = flat.indexOf(m);
              return <Row key={m.model?.id} id={`model-${i}`} model={m} chosen={i === now} selected={i === cursor} onOver={() => setAt(i)} onTake={() => take(m)} />;
            })}
          </div>
        ))}
        {flat.length === 0 && search && <p class="picker-none">No model is called like that.</p>}
        {providers.value.length === 0 && <p class="picker-none">No provider is connected yet.</p>}
      </div>
      <div class="picker-foot">
        <button class="text-button" onClick={() => (dialog.value = "settings")}>Providers…</button>
        <span class="faint">↑↓ choose · Enter use · Esc close</span>
      </div>
    </Modal>
  );
}

interface RowProps {
  id: string;
  model: Model;
  chosen: boolean;
  selected: boolean;
  onOver: () => void;
  onTake: () => void;
}

function Row({ id, model, chosen, selected, onOver, onTake }: RowProps) {
  const m = model.model;
  const facts = [m?.details, m?.contextTokens ? `${count(Number(m.contextTokens))} tokens` : "", m?.sizeBytes ? bytes(Number(m.sizeBytes)) : ""];
  return (
    <div id={id} class="picker-model" role="option" aria-selected={selected} aria-current={chosen || undefined} onPointerMove={onOver} onClick={onTake}>
      <span class="picker-check">{chosen && <Icon name="check" />}</span>
      <span class="picker-name">{label(model)}</span>
      {m?.local && <span class="tag">on this machine</span>}
      {m?.recommended && <span class="tag" data-tone="good">recommended</span>}
      <span class="picker-facts">{facts.filter(Boolean).join(" · ")}</span>
    </div>
  );
}
