// Connecting and disconnecting providers. Each returns what went wrong in words, or nothing.
import { api, words } from "../api";
import type { Provider } from "../gen/api/v1/api_pb";
import { loadStatus } from "./load";
import { modelKey, put } from "./rows";
import { plugins, setTables, status, tables } from "./store";

export interface NewProvider {
  plugin: string;
  name: string;
  baseUrl: string;
  // Name of the environment variable that holds the key.
  keyEnv: string;
}

function keep(provider: Provider | undefined): void {
  if (provider) setTables({ providers: put(tables.value.providers, [provider], (p) => p.id) });
}

// add connects a provider and looks at once whether it works.
export async function add(one: NewProvider): Promise<string> {
  try {
    const { provider } = await api.providers.addProvider({
      plugin: one.plugin,
      name: one.name.trim(),
      baseUrl: one.baseUrl.trim(),
      keySource: one.keyEnv.trim() ? `env:${one.keyEnv.trim()}` : "",
    });
    keep(provider);
    if (provider) void test(provider.id);
    return "";
  } catch (err) {
    return words(err);
  } finally {
    void loadStatus();
  }
}

// test gives what was found; what is wrong is then kept with the provider.
export async function test(id: string): Promise<string> {
  try {
    const answer = await api.providers.testProvider({ id });
    keep(answer.provider);
    setTables({ models: put(tables.value.models, answer.models, modelKey) });
    return answer.provider?.error ? "" : answer.summary || "It works.";
  } catch (err) {
    return words(err);
  }
}

export async function change(id: string, fields: { defaultModel?: string; isDefault?: boolean }): Promise<string> {
  try {
    const { provider } = await api.providers.updateProvider({ id, ...fields });
    keep(provider);
    return "";
  } catch (err) {
    return words(err);
  }
}

export async function forget(id: string): Promise<string> {
  try {
    await api.providers.removeProvider({ id });
    const rest = new Map(tables.value.providers);
    rest.delete(id);
    setTables({ providers: rest });
    return "";
  } catch (err) {
    return words(err);
  } finally {
    void loadStatus();
  }
}

export interface Hint {
  words: string;
  // The plugin that would serve it, if there is one; then it takes one click.
  plugin?: string;
  keyEnv?: string;
}

// hints is what the host found on this machine and nobody has connected.
export function hints(): Hint[] {
  return (status.value?.hints ?? []).map((text) => {
    for (const { id, description: d } of plugins.value) {
      if (!d || d.canned) continue;
      const env = d.key?.env ?? "";
      const meant = new RegExp(`\\b${escapeRegExp(d.name)}\\b`, "i").test(text) || (env !== "" && text.includes(env));
      const connected = [...tables.value.providers.values()].some((p) => p.plugin === id);
      if (meant && !connected) return { words: text, plugin: id, keyEnv: env };
    }
    return { words: text };
  });
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
