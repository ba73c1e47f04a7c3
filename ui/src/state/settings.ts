// Settings as the host keeps them: one JSON value a key.
import { api } from "../api";
import { table } from "./store";

// setting is a key's value; undefined where it is not set or not readable.
export function setting(key: string): unknown {
  const json = table.settings.value.get(key)?.valueJson;
  if (!json) return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

// saveWindow keeps how the window was left; undefined forgets it. Losing it is no harm.
export function saveWindow(name: string, value: unknown): void {
  const valueJson = value === undefined ? "" : JSON.stringify(value);
  void api.host.setSetting({ key: `window.${name}`, valueJson }).catch(() => undefined);
}
