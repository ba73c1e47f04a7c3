import { useState } from "preact/hooks";
import type { Provider } from "../gen/api/v1/api_pb";
import { label, modelsOf } from "../state/choice";
import { changed } from "../state/connection";
import { aboutPlugin, edits, forget, found, makeDefault, test, testing } from "../state/providers";
import { plugins, problem } from "../state/store";
import { ago } from "../text/words";
import { EditProvider } from "./EditProvider";
import { Icon } from "./icons";
import { Models } from "./Models";
import { Confirm } from "./parts";
import { Words } from "./Words";

interface Props {
  provider: Provider;
  editing: boolean;
  setEditing: (on: boolean) => void;
}

export function ProviderRow({ provider: p, editing, setEditing }: Props) {
  const [removing, setRemoving] = useState(false);
  const about = aboutPlugin(p.plugin);
  const kind = about?.name ?? p.plugin;
  const broken = plugins.value.find((x) => x.id === p.plugin)?.problem;
  const draft = edits.value.get(p.id);
  const busy = testing.value.has(p.id);
  const say = async (what: Promise<string>) => {
    const wrong = await what;
    if (wrong) problem.value = wrong;
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
            if (!p.isDefault) void say(makeDefault(p.id));
          }}
        >
          <Icon name="star" filled={p.isDefault} />
        </button>
        <strong>{p.name}</strong>
        {p.canned && <span class="tag">canned</span>}
        {p.name.toLowerCase() !== kind.toLowerCase() && <span class="faint">{kind}</span>}
        {draft && changed(draft, p, about) && <span class="tag" data-tone="warn">not saved</span>}
        {!editing && (
          <span class="provider-buttons">
            <button class="text-button" disabled={busy} onClick={() => void test(p.id)}>{busy ? "Testing…" : "Test"}</button>
            <button class="text-button" aria-expanded={false} onClick={() => setEditing(true)}>Edit</button>
            <button class="text-button" disabled={busy} onClick={() => setRemoving(true)}>Remove</button>
          </span>
        )}
      </div>
      {broken && <p class="provider-state" data-bad><Icon name="warn" /><Words text={broken} /></p>}
      {editing ? (
        <EditProvider provider={p} close={() => setEditing(false)} />
      ) : (
        <>
          <State provider={p} />
          <Facts provider={p} />
          <Models provider={p} />
        </>
      )}
      {removing && (
        <Confirm
          title={`Remove ${p.name}?`}
          words="Your chats stay as they are. To write on in one of them, choose another model there."
          yes="Remove"
          onYes={() => void say(forget(p.id))}
          close={() => setRemoving(false)}
        />
      )}
    </li>
  );
}

function State({ provider: p }: { provider: Provider }) {
  if (p.error) return <p class="provider-state" data-bad><Icon name="warn" /><Words text={p.error.message} /></p>;
  const models = modelsOf(p.id).length;
  const works = `Works, ${models} ${models === 1 ? "model" : "models"}, checked ${ago(Number(p.checkedMs), Date.now())}`;
  return (
    <p class="provider-state">
      {p.checkedMs > 0n && <Icon name="check" />}
      <span>{found.value.get(p.id) || (p.checkedMs > 0n ? works : "Not tested yet")}</span>
    </p>
  );
}

function Facts({ provider: p }: { provider: Provider }) {
  const model = p.defaultModel && modelsOf(p.id).find((m) => m.model?.id === p.defaultModel);
  if (!p.baseUrl && !p.keySource && !p.defaultModel) return null;
  return (
    <p class="faint provider-facts">
      {p.baseUrl && <code>{p.baseUrl}</code>}
      {p.keySource.startsWith("env:") && <span>key from <code>{p.keySource.slice(4)}</code></span>}
      {p.keySource === "keychain" && <span>key in the keychain</span>}
      {p.keySource.startsWith("command:") && <span>key printed by a command</span>}
      {p.defaultModel && <span>default model {model ? label(model) : p.defaultModel}</span>}
    </p>
  );
}
