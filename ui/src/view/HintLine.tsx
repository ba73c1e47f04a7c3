import { useState } from "preact/hooks";
import { add, type Hint } from "../state/providers";
import { problem } from "../state/store";
import { Icon } from "./icons";
import { Words } from "./Words";

// HintLine is something found on this machine, with one click to use it where one is enough.
export function HintLine({ hint }: { hint: Hint }) {
  const [busy, setBusy] = useState(false);
  const connect = async (plugin: string) => {
    setBusy(true);
    const wrong = await add({ plugin, name: "", baseUrl: "", keyEnv: hint.keyEnv ?? "" });
    if (wrong) problem.value = wrong;
    setBusy(false);
  };
  return (
    <div class="hint">
      <Icon name="info" />
      <Words text={hint.words} />
      {hint.plugin && (
        <button class="button" disabled={busy} onClick={() => void connect(hint.plugin ?? "")}>
          {busy ? "Adding…" : "Add"}
        </button>
      )}
    </div>
  );
}
