import type { KeyScheme } from "../gen/provider/v1/provider_pb";
import { keyPlaceOf, type Draft, type KeyPlace } from "../state/connection";
import { followLink } from "./follow";
import { FormRow } from "./FormRow";

interface Props {
  id: string;
  scheme: KeyScheme;
  draft: Draft;
  // Where the host has a key now; "" for none.
  kept: string;
  // The key that is kept will be forgotten.
  drops: boolean;
  problem?: string;
  change: (fields: Partial<Draft>) => void;
}

const places: Record<KeyPlace, string> = {
  keychain: "Kept in this computer's keychain",
  env: "From an environment variable",
  command: "Printed by a command",
  "": "None",
};

// KeyFields says where the key is. A key that is kept is never shown, only replaced.
export function KeyFields({ id, scheme, draft: d, kept, drops, problem, change }: Props) {
  const offered: KeyPlace[] = ["keychain", "env"];
  if (keyPlaceOf(kept) === "command") offered.push("command");
  offered.push("");
  return (
    <>
      <FormRow id={`${id}-place`} title="Key" about={d.keyPlace === "" ? (scheme.optional ? "It works without a key where the server asks for none." : "Without a key it will hardly answer.") : ""} problem={d.keyPlace === "" || d.keyPlace === "command" ? problem : undefined}>
        {(tied) => (
          <select {...tied} class="field" data-short value={d.keyPlace} onChange={(e) => change({ keyPlace: e.currentTarget.value as KeyPlace })}>
            {offered.map((p) => <option key={p} value={p}>{places[p]}</option>)}
          </select>
        )}
      </FormRow>
      {d.keyPlace === "keychain" && (
        <FormRow id={`${id}-key`} title={kept === "keychain" ? "New key" : "The key"} problem={problem} about={kept === "keychain" && !drops ? "A key is kept. It stays unless you enter another." : "It goes to the keychain and to nothing else: no file of OpenVibez holds it, and no plugin sees it." + (scheme.optional && kept === "" ? " Leave it empty where the server asks for none." : "")}>
          {(tied) => (
            <input {...tied} class="field" type="password" autocomplete="off" spellcheck={false} placeholder={kept === "keychain" && !drops ? "••••••••" : ""} value={d.key} onInput={(e) => change({ key: e.currentTarget.value })} />
          )}
        </FormRow>
      )}
      {d.keyPlace === "command" && <p class="faint">It can be changed in a terminal only: <code>{d.keyCommand}</code></p>}
      {d.keyPlace === "env" && (
        <FormRow id={`${id}-env`} title="Key from the environment variable" problem={problem} about="The variable's name, not the key itself. OpenVibez reads it when it starts.">
          {(tied) => (
            <input {...tied} class="field" data-short spellcheck={false} autocomplete="off" placeholder={scheme.env || "NAME"} value={d.keyEnv} onInput={(e) => change({ keyEnv: e.currentTarget.value })} />
          )}
        </FormRow>
      )}
      {scheme.url && d.keyPlace !== "command" && (
        <p class="faint" onClick={followLink}>Where to get a key: <a href={scheme.url}>{scheme.url.replace(/^https?:\/\//, "")}</a></p>
      )}
    </>
  );
}
