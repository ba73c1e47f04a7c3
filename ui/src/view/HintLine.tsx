import { useState } from "preact/hooks";
import { newDraft } from "../state/connection";
import type { Hint } from "../gen/api/v1/api_pb";
import { aboutPlugin, add } from "../state/providers";
import { problem } from "../state/store";
import { Icon } from "./icons";
import { hintWords } from "../text/words";
import { Words } from "./Words";

// HintLine is something found on this machine, with one click to use it where one is enough.
export function HintLine({ hint }: { hint: Hint }) {
  const [busy, setBusy] = useState(false);
  const connect = async (plugin: string) => {
    const about = aboutPlugin(plugin);
    if (!about) return;
    setBusy(true);
    const { blame } = await add(plugin, { ...newDraft(about), keyPlace: hint.env ? "env" : "", keyEnv: hint.env });
    if (blame) problem.value = blame.words;
    setBusy(false);
  };
  return (
    <div class="hint">
      <Icon name="info" />
      <Words text={hintWords(hint)} />
      {hint.plugin && (
        <button class="button" disabled={busy} onClick={() => void connect(hint.plugin)}>
          {busy ? "Adding…" : "Add"}
        </button>
      )}
    </div>
  );
}
