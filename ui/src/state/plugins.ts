// Installed plugins, and installing more.
import { signal } from "@preact/signals";
import { api, words } from "../api";
import { Tier, type PackageFacts, type Plugin } from "../gen/api/v1/api_pb";
import { bytes } from "../text/words";
import { loadStatus } from "./load";
import { plugins } from "./store";

// A package that was looked at and is not installed yet.
export const inspected = signal<{ facts: PackageFacts; token: string } | undefined>(undefined);
export const packageProblem = signal("");
export const inspecting = signal(false);

const MAX_PACKAGE_BYTES = 64 * 1024 * 1024;

export const tierWords: Record<Tier, { name: string; about: string; tone?: "good" | "warn" | "bad" }> = {
  [Tier.UNSPECIFIED]: { name: "unknown", about: "", tone: "warn" },
  [Tier.BUILT_IN]: { name: "built in", about: "It came with OpenVibez.", tone: "good" },
  [Tier.VERIFIED]: { name: "verified", about: "Signed with the key that its earlier versions, or one you trust, were signed with.", tone: "good" },
  [Tier.KEY_CHANGED]: { name: "key changed", about: "Signed with another key than the version you have. Unless its author has told you of a new key, somebody else made it.", tone: "bad" },
  [Tier.NEW_KEY]: { name: "new key", about: "Signed, with a key that has not been seen here before.", tone: "warn" },
  [Tier.UNSIGNED]: { name: "unsigned", about: "Nobody vouches for it: it can't be told who made it.", tone: "warn" },
  [Tier.DEVELOPMENT]: { name: "development", about: "Built and run from its author's own directory.", tone: "warn" },
};

// inspect looks at a package and installs nothing.
export async function inspect(file: File): Promise<void> {
  packageProblem.value = "";
  inspected.value = undefined;
  if (file.size > MAX_PACKAGE_BYTES) {
    packageProblem.value = `${file.name} has ${bytes(file.size)} and 64 MB is the most a package can have.`;
    return;
  }
  inspecting.value = true;
  try {
    const data = new Uint8Array(await file.arrayBuffer());
    const { facts, token } = await api.plugins.inspectPackage({ package: { case: "data", value: data } });
    if (facts) inspected.value = { facts, token };
  } catch (err) {
    packageProblem.value = `${file.name} can't be installed. ${words(err)}`;
  } finally {
    inspecting.value = false;
  }
}

// install installs what was looked at; it returns what went wrong in words, or nothing.
export const install = (token: string, confirmation: string): Promise<string> =>
  done(async () => {
    await api.plugins.installPlugin({ token, confirmation });
    inspected.value = undefined;
  });

async function done(what: () => Promise<unknown>): Promise<string> {
  try {
    await what();
    return "";
  } catch (err) {
    return words(err);
  } finally {
    void loadStatus();
  }
}

export const enable = (id: string, enabled: boolean): Promise<string> => done(() => api.plugins.setPluginEnabled({ id, enabled }));
export const removePlugin = (id: string): Promise<string> => done(() => api.plugins.removePlugin({ id }));
export const rollback = (id: string): Promise<string> => done(() => api.plugins.rollbackPlugin({ id }));

// verify compares what is on the disk with what was installed, and says what it found.
export async function verify(id: string): Promise<{ ok: boolean; words: string }> {
  try {
    const { problems } = await api.plugins.verifyPlugin({ id });
    return problems.length === 0 ? { ok: true, words: "What is on the disk is what was installed." } : { ok: false, words: problems.join("\n") };
  } catch (err) {
    return { ok: false, words: words(err) };
  }
}

export async function logs(id: string): Promise<string> {
  try {
    return (await api.plugins.pluginLogs({ id, limit: 300 })).lines.join("\n") || "It has written nothing.";
  } catch (err) {
    return words(err);
  }
}

export const pluginName = (p: Plugin): string => p.description?.name || p.id;
export const listed = (): Plugin[] => [...plugins.value].sort((a, b) => pluginName(a).localeCompare(pluginName(b)));
