import { useState } from "preact/hooks";
import type { Provider } from "../gen/api/v1/api_pb";
import { label, modelsOf } from "../state/choice";
import { change, forget, test } from "../state/providers";
import { plugins } from "../state/store";
import { ago } from "../text/words";
import { Icon } from "./icons";
import { Confirm } from "./parts";
import { Words } from "./Words";

export function ProviderRow({ provider: p }: { provider: Provider }) {
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const [removing, setRemoving] = useState(false);
  const models = modelsOf(p.id);
  const plugin = plugins.value.find((x) => x.id === p.plugin);
  const kind = plugin?.description?.name ?? p.plugin;
  const run = async (what: Promise<string>) => {
    setBusy(true);
    setSaid(await what);
    setBusy(false);
  };
  return (
    <li class="provider" data-testid="provider">
      <div class="provider-head">
        <button
          class="bare star"
          aria-pressed={p.isDefault}
          aria-label={p.isDefault ? `${p.name} is the default` : `Make ${p.name} the default`}
          title={p.isDefault ? "New chats go here" : "Make it the default"}
          onClick={() => {
            if (!p.isDefault) void run(change(p.id, { isDefault: true }));
          }}
        >
          <Icon name="star" filled={p.isDefault} />
        </button>
        <strong>{p.name}</strong>
        {p.canned && <span class="tag">canned</span>}
        {p.name.toLowerCase() !== kind.toLowerCase() && <span class="faint">{kind}</span>}
        <span class="provider-buttons">
          <button class="text-button" disabled={busy} onClick={() => void run(test(p.id))}>{busy ? "Testing…" : "Test"}</button>
          <button class="text-button" disabled={busy} onClick={() => setRemoving(true)}>Remove</button>
        </span>
      </div>
      {p.error ? (
        <p class="provider-state" data-bad><Icon name="warn" /><Words text={p.error.message} /></p>
      ) : (
        <p class="provider-state">
          {p.checkedMs > 0n && <Icon name="check" />}
          <span>{said || (p.checkedMs > 0n ? `Works, ${models.length} ${models.length === 1 ? "model" : "models"}, checked ${ago(Number(p.checkedMs), Date.now())}` : "Not tested yet")}</span>
        </p>
      )}
      {plugin?.problem && <p class="provider-state" data-bad><Icon name="warn" /><Words text={plugin.problem} /></p>}
      {(p.baseUrl || p.keySource) && (
        <p class="faint provider-facts">
          {p.baseUrl && <code>{p.baseUrl}</code>}
          {p.keySource.startsWith("env:") && <span>key from <code>{p.keySource.slice(4)}</code></span>}
        </p>
      )}
      {models.length > 1 && (
        <label class="provider-model">
          <span>Default model</span>
          <select class="field" value={p.defaultModel} onChange={(e) => void run(change(p.id, { defaultModel: e.currentTarget.value }))}>
            <option value="">Automatic ({label(models[0])})</option>
            {models.map((m) => <option key={m.model?.id} value={m.model?.id}>{label(m)}</option>)}
          </select>
        </label>
      )}
      {removing && (
        <Confirm
          title={`Remove ${p.name}?`}
          words="Your chats stay as they are. To write on in one of them, choose another model there."
          yes="Remove"
          onYes={() => void run(forget(p.id))}
          close={() => setRemoving(false)}
        />
      )}
    </li>
  );
}
