import { useEffect, useState } from "preact/hooks";
import type { Provider } from "../gen/api/v1/api_pb";
import { modelsOf } from "../state/choice";
import { changed, changesOf, draftOf, fieldOf } from "../state/connection";
import { aboutPlugin, edit, edits, save, testing } from "../state/providers";
import { formOf, valuesOf, withoutTyped, type Form } from "../state/schema";
import { ProviderForm } from "./ProviderForm";

// EditProvider changes a connection. What is not saved is kept while the window is open.
export function EditProvider({ provider: p, close }: { provider: Provider; close: () => void }) {
  const about = aboutPlugin(p.plugin);
  const draft = edits.value.get(p.id) ?? draftOf(p, about);
  const [problems, setProblems] = useState<Record<string, string>>(() => kept(p));
  const busy = testing.value.has(p.id);
  const unsaved = changed(draft, p, about);
  useEffect(() => () => forgetTyped(p, formOf(about?.settingsSchema ?? "")), []);
  const submit = async () => {
    const { changes, problems: wrong } = changesOf(draft, p, about);
    setProblems(wrong);
    if (Object.keys(wrong).length > 0) return;
    const { provider, blame } = await save(p, changes);
    if (provider) edit(p.id, undefined);
    if (blame) setProblems({ [blame.field]: blame.words });
    else close();
  };
  return (
    <ProviderForm
      id={`edit-${p.id}`}
      label={`Edit ${p.name}`}
      about={about}
      draft={draft}
      provider={p}
      models={modelsOf(p.id)}
      problems={problems}
      change={(fields) => edit(p.id, { ...draft, ...fields })}
      submit={submit}
    >
      <button class="button primary" type="submit" disabled={busy}>{busy ? "Testing…" : "Save and test"}</button>
      {unsaved ? (
        <button
          class="button"
          type="button"
          disabled={busy}
          onClick={() => {
            edit(p.id, undefined);
            close();
          }}
        >
          Discard changes
        </button>
      ) : (
        <button class="button" type="button" onClick={close}>Close</button>
      )}
    </ProviderForm>
  );
}

// Typed keys and secrets are not left lying about.
function forgetTyped(p: Provider, form: Form): void {
  const draft = edits.peek().get(p.id);
  if (draft) edit(p.id, { ...draft, key: "", values: withoutTyped(form, draft.values, valuesOf(form, p.settingsJson)) });
}

// kept is what the last test found wrong, where it can be mended here.
function kept(p: Provider): Record<string, string> {
  if (!p.error) return {};
  const known = new Set(formOf(aboutPlugin(p.plugin)?.settingsSchema ?? "").fields.map((f) => f.name));
  return { [fieldOf(p.error, known)]: p.error.message };
}
