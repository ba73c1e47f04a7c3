import { useState } from "preact/hooks";
import type { PackageFacts } from "../gen/api/v1/api_pb";
import { Tier } from "../gen/api/v1/api_pb";
import { inspected, install, tierWords } from "../state/plugins";
import { bytes } from "../text/words";
import { FormRow } from "./FormRow";
import { Icon } from "./icons";
import { Words } from "./Words";

// InstallScreen is all a person should know before a plugin is installed.
export function InstallScreen({ facts: f, token }: { facts: PackageFacts; token: string }) {
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const tier = tierWords[f.tier];
  const update = f.installedVersion !== "";
  const close = () => (inspected.value = undefined);
  const go = async () => {
    setBusy(true);
    const wrong = await install(token, f.confirmation ? typed.trim() : "");
    setBusy(false);
    setProblem(wrong);
  };
  return (
    <form
      class="page install"
      aria-label={`Install ${f.name || f.id}`}
      onSubmit={(e) => {
        e.preventDefault();
        void go();
      }}
    >
      <h3>{update ? `Update ${f.name || f.id} from ${f.installedVersion} to ${f.version}?` : `Install ${f.name || f.id} ${f.version}?`}</h3>
      {f.description && <p>{f.description}</p>}
      <p class="tier" data-tone={tier.tone}>
        <Icon name={tier.tone === "good" ? "check" : "warn"} />
        <span><strong>{tier.name[0].toUpperCase() + tier.name.slice(1)}.</strong> {tier.about}</span>
      </p>
      {f.differences.length > 0 && (
        <section class="form-warning" aria-label="What is different from the version you have">
          <Icon name="warn" />
          <div>
            <strong>Different from the version you have:</strong>
            <ul>{f.differences.map((d) => <li key={d}>{d}</li>)}</ul>
          </div>
        </section>
      )}
      <ul class="abilities" aria-label="What it can do">{f.abilities.map((a) => <li key={a}>{a}</li>)}</ul>
      <dl class="facts">
        {[["From", f.source], ["Name", f.id], ["SHA-256", `${f.sha256.slice(0, 16)}…`], ["Size", bytes(Number(f.size))], ["Licence", f.licence], ["Key", f.key ? `${f.key.slice(0, 24)}…` : f.tier === Tier.BUILT_IN ? "" : "none"]]
          .filter(([, v]) => v)
          .map(([k, v]) => <div key={k}><dt>{k}</dt><dd title={k === "SHA-256" ? f.sha256 : k === "Key" ? f.key : undefined}>{v}</dd></div>)}
      </dl>
      {f.confirmation && (
        <FormRow id="confirm-plugin" title={`Type ${f.confirmation} to install it`} about="Nobody vouches for it, so this takes more than a click.">
          {(tied) => <input {...tied} class="field mono" data-short autocomplete="off" spellcheck={false} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />}
        </FormRow>
      )}
      {problem && <p class="form-problem" role="alert"><Icon name="warn" /><Words text={problem} /></p>}
      <div class="buttons">
        <button class="button" type="button" onClick={close}>Don't install</button>
        <button class={tier.tone === "bad" ? "button danger" : "button primary"} type="submit" disabled={busy || (f.confirmation !== "" && typed.trim() !== f.confirmation)}>{busy ? "Installing…" : update ? "Update" : "Install"}</button>
      </div>
    </form>
  );
}
