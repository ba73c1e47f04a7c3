// Downloading models to where a provider runs, and removing them.
import { signal } from "@preact/signals";
import { ConnectError, Code } from "@connectrpc/connect";
import { api, words } from "../api";
import { Feature } from "../gen/provider/v1/provider_pb";
import { after, type Pull } from "./progress";
import { aboutPlugin, test } from "./providers";

// By the provider's id: one download at a time. They go on while the dialog is closed, but not without the window.
export const pulls = signal<ReadonlyMap<string, Pull>>(new Map());

const controls = new Map<string, AbortController>();

const put = (id: string, pull: Pull): void => {
  pulls.value = new Map([...pulls.value, [id, pull]]);
};

export const canPull = (plugin: string): boolean => aboutPlugin(plugin)?.features.includes(Feature.PULL) ?? false;
export const canDelete = (plugin: string): boolean => aboutPlugin(plugin)?.features.includes(Feature.DELETE) ?? false;

// pull downloads a model; true once it is there.
export async function pull(id: string, model: string): Promise<boolean> {
  if (controls.has(id)) return false;
  const control = new AbortController();
  controls.set(id, control);
  let now: Pull = { model, status: "", completed: 0, total: 0, wrong: "", finished: false };
  put(id, now);
  try {
    for await (const { progress } of api.providers.pullModel({ providerId: id, model }, { signal: control.signal })) {
      if (!progress) continue;
      now = after(now, progress);
      put(id, now);
    }
    now = { ...now, finished: true };
  } catch (err) {
    const stopped = control.signal.aborted || ConnectError.from(err).code === Code.Canceled;
    now = { ...now, wrong: stopped ? "Stopped." : words(err) };
  } finally {
    controls.delete(id);
    put(id, now);
  }
  if (now.finished) void test(id);
  return now.finished;
}

export const stopPull = (id: string): void => controls.get(id)?.abort();

// removeModel deletes a downloaded model; it returns what went wrong in words, or nothing.
export async function removeModel(id: string, model: string): Promise<string> {
  try {
    await api.providers.deleteModel({ providerId: id, model });
    return "";
  } catch (err) {
    return words(err);
  }
}
