import { useState } from "preact/hooks";
import type { Plugin } from "../gen/api/v1/api_pb";
import { missing, newDraft, withKey, type Draft } from "../state/connection";
import { add } from "../state/providers";
import { formOf, settingsOf } from "../state/schema";
import { plugins } from "../state/store";
import { FormRow } from "./FormRow";
import { Icon } from "./icons";
import { ProviderForm } from "./ProviderForm";

// AddProvider connects one more. `done` is told its id where something is still to be mended.
export function AddProvider({ done }: { done: (mend?: string) => void }) {
  const usable = plugins.value.filter((p) => p.description);
  const [id, setId] = useState("");
  const chosen = usable.find((p) => p.id === id) ?? usable.find((p) => !p.description?.canned) ?? usable[0];
  if (!chosen) {
    return <p class="provider-state" data-bad><Icon name="warn" /><span>No provider plugin was found beside the openvibez program. Install it again, or build it with “make build”.</span></p>;
  }
  return <Entering key={chosen.id} plugin={chosen} usable={usable} choose={setId} done={done} />;
}

interface EnteringProps {
  plugin: Plugin;
  usable: Plugin[];
  choose: (id: string) => void;
  done: (mend?: string) => void;
}

function Entering({ plugin, usable, choose, done }: EnteringProps) {
  const about = plugin.description;
  const [draft, setDraft] = useState<Draft | undefined>(about && newDraft(about));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  if (!about || !draft) return null;
  const submit = async () => {
    const d = withKey(draft, about);
    const wrong = { ...missing(d), ...settingsOf(formOf(about.settingsSchema), d.values, "").problems };
    if (d.keyPlace === "keychain" && d.key.trim() === "") wrong.key = "Enter the key, or choose another place for it.";
    setProblems(wrong);
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    const { provider, blame } = await add(plugin.id, d);
    setBusy(false);
    if (provider) done(blame ? provider.id : undefined);
    else if (blame) setProblems({ [blame.field]: blame.words });
  };
  const broken = plugins.value.filter((p) => !p.description && p.problem);
  const head = (
    <FormRow id="add-kind" title="Kind" about={about.description}>
      {(tied) => (
        <select {...tied} class="field" data-short value={plugin.id} onChange={(e) => choose(e.currentTarget.value)} autofocus>
          {usable.map((p) => <option key={p.id} value={p.id}>{p.description?.name ?? p.id}</option>)}
        </select>
      )}
    </FormRow>
  );
  return (
    <ProviderForm id="add" label="Add a provider" about={about} draft={draft} models={[]} problems={problems} change={(f) => setDraft({ ...draft, ...f })} submit={submit} head={head}>
      <button class="button primary" type="submit" disabled={busy}>{busy ? "Adding…" : "Add"}</button>
      <button class="button" type="button" onClick={() => done()}>Cancel</button>
      {broken.map((p) => <p key={p.id} class="form-problem"><Icon name="warn" /><span>{p.id}: {p.problem}</span></p>)}
    </ProviderForm>
  );
}
