// Connecting and disconnecting providers.
import { signal } from "@preact/signals";
import { api, words } from "../api";
import type { Hint, Provider } from "../gen/api/v1/api_pb";
import type { DescribeResponse } from "../gen/provider/v1/provider_pb";
import { blamed, fieldOf, keySource, type Blame, type Changes, type Draft } from "./connection";
import { loadStatus } from "./load";
import { modelKey, put } from "./rows";
import { formOf, settingsOf } from "./schema";
import { findings, plugins, setTables, tables } from "./store";

// What is being entered for a provider and not saved, by its id. It outlives the dialog, but not the window.
export const edits = signal<ReadonlyMap<string, Draft>>(new Map());
// Providers whose connection is being checked.
export const testing = signal<ReadonlySet<string>>(new Set());
// What the last successful check of each has found.
export const found = signal<ReadonlyMap<string, string>>(new Map());

export const aboutPlugin = (id: string): DescribeResponse | undefined => plugins.value.find((p) => p.id === id)?.description;

export function edit(id: string, draft: Draft | undefined): void {
  const next = new Map(edits.value);
  if (draft) next.set(id, draft);
  else next.delete(id);
  edits.value = next;
}

function keep(provider: Provider | undefined): void {
  if (provider) setTables({ providers: put(tables.value.providers, [provider], (p) => p.id) });
}

export interface Outcome {
  provider?: Provider;
  // What went wrong, and where; nothing if all is well.
  blame?: Blame;
}

// add connects a provider and looks at once whether it works.
export async function add(plugin: string, d: Draft): Promise<Outcome> {
  const about = aboutPlugin(plugin);
  try {
    const key = d.keyPlace === "keychain" ? d.key.trim() : "";
    const { provider } = await api.providers.addProvider({
      plugin,
      name: d.name.trim(),
      baseUrl: d.baseUrl.trim(),
      settingsJson: settingsOf(formOf(about?.settingsSchema ?? ""), d.values, "").settingsJson,
      ...(key ? { key } : { keySource: keySource(d) }),
    });
    keep(provider);
    return provider ? await test(provider.id) : {};
  } catch (err) {
    return { blame: blamed(err, words(err), about) };
  } finally {
    void loadStatus();
  }
}

// save takes over what was changed and looks at once whether it works.
export async function save(p: Provider, changes: Changes): Promise<Outcome> {
  try {
    if (Object.keys(changes).length > 0) {
      const { provider } = await api.providers.updateProvider({ id: p.id, ...changes });
      keep(provider);
    }
  } catch (err) {
    return { blame: blamed(err, words(err), aboutPlugin(p.plugin)) };
  }
  return test(p.id);
}

// test checks a connection and syncs its models; what is wrong is then kept with the provider.
export async function test(id: string): Promise<Outcome> {
  testing.value = new Set([...testing.value, id]);
  try {
    const { provider, models, summary } = await api.providers.testProvider({ id });
    keep(provider);
    setTables({ models: put(tables.value.models, models, modelKey) });
    found.value = new Map([...found.value, [id, summary]]);
    if (!provider?.error) return { provider };
    const known = new Set(formOf(aboutPlugin(provider.plugin)?.settingsSchema ?? "").fields.map((f) => f.name));
    return { provider, blame: { field: fieldOf(provider.error, known), words: provider.error.message } };
  } catch (err) {
    return { blame: { field: "", words: words(err) } };
  } finally {
    testing.value = new Set([...testing.value].filter((other) => other !== id));
  }
}

// makeDefault sends new chats to a provider; it returns what went wrong in words, or nothing.
export async function makeDefault(id: string): Promise<string> {
  try {
    const { provider } = await api.providers.updateProvider({ id, isDefault: true });
    keep(provider);
    return "";
  } catch (err) {
    return words(err);
  }
}

// forget removes a provider; it returns what went wrong in words, or nothing.
export async function forget(id: string): Promise<string> {
  try {
    const { warning } = await api.providers.removeProvider({ id });
    const rest = new Map(tables.value.providers);
    rest.delete(id);
    setTables({ providers: rest });
    edit(id, undefined);
    return warning;
  } catch (err) {
    return words(err);
  } finally {
    void loadStatus();
  }
}

// hints is what the host found on this machine and nobody has connected.
export const hints = (): readonly Hint[] => findings.value;
