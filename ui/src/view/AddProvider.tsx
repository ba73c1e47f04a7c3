import { useState } from "preact/hooks";
import { add } from "../state/providers";
import { plugins } from "../state/store";
import { Icon } from "./icons";
import { Words } from "./Words";

export function AddProvider({ done }: { done: () => void }) {
  const usable = plugins.value.filter((p) => p.description);
  const broken = plugins.value.filter((p) => !p.description && p.problem);
  const [id, setId] = useState("");
  const chosen = usable.find((p) => p.id === id) ?? usable.find((p) => !p.description?.canned) ?? usable[0];
  const about = chosen?.description;
  const [name, setName] = useState("");
  const [baseUrl, setBaseUrl] = useState("");
  const [keyEnv, setKeyEnv] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  if (!chosen || !about) {
    return <p class="provider-state" data-bad><Icon name="warn" /><span>No provider plugin was found beside the openvibez program. Install it again, or build it with “make build”.</span></p>;
  }
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    const problem = await add({ plugin: chosen.id, name, baseUrl, keyEnv: keyEnv || (about.key && !about.key.optional ? about.key.env : "") });
    setBusy(false);
    setWrong(problem);
    if (!problem) done();
  };
  return (
    <form class="add-provider" onSubmit={(e) => void submit(e)}>
      <label>
        <span>Kind</span>
        <select class="field" value={chosen.id} onChange={(e) => setId(e.currentTarget.value)} autofocus>
          {usable.map((p) => <option key={p.id} value={p.id}>{p.description?.name ?? p.id}</option>)}
        </select>
      </label>
      {about.description && <p class="faint">{about.description}</p>}
      <label>
        <span>Name</span>
        <input class="field" placeholder={about.name} value={name} maxLength={80} onInput={(e) => setName(e.currentTarget.value)} />
      </label>
      {(about.defaultBaseUrl || about.key || !about.canned) && (
        <label>
          <span>Address</span>
          <input class="field" type="url" spellcheck={false} placeholder={about.defaultBaseUrl || "https://…"} value={baseUrl} onInput={(e) => setBaseUrl(e.currentTarget.value)} />
        </label>
      )}
      {about.key && (
        <label>
          <span>Key from the environment variable</span>
          <input class="field" spellcheck={false} placeholder={about.key.env || "NAME"} value={keyEnv} onInput={(e) => setKeyEnv(e.currentTarget.value)} />
        </label>
      )}
      {about.key && <p class="faint">The variable's name, not the key itself. OpenVibez reads it when it starts.{about.key.optional ? " A key is not required." : ""}</p>}
      {wrong && <p class="provider-state" data-bad role="alert"><Icon name="warn" /><Words text={wrong} /></p>}
      {broken.map((p) => <p key={p.id} class="provider-state" data-bad><Icon name="warn" /><span>{p.id}: {p.problem}</span></p>)}
      <div class="buttons">
        <button class="button primary" type="submit" disabled={busy}>{busy ? "Adding…" : "Add"}</button>
        <button class="button" type="button" onClick={done}>Cancel</button>
      </div>
    </form>
  );
}
