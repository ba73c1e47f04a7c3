import { useState } from "preact/hooks";
import { Trust, type Rule, type Workspace } from "../gen/api/v1/api_pb";
import { table } from "../state/store";
import { change, grantRegistries, remove, revoke, rulesOf } from "../state/workspaces";
import { ago, madeWords, trustWords } from "../text/words";
import { FormRow } from "./FormRow";
import { Icon } from "./icons";
import { Confirm } from "./parts";
import { Words } from "./Words";

const tones: Partial<Record<Trust, "good" | "warn">> = { [Trust.TRUSTED]: "good", [Trust.UNTRUSTED]: "warn", [Trust.UNSPECIFIED]: "warn" };

export function WorkspaceRow({ workspace: w, open, setOpen }: { workspace: Workspace; open: boolean; setOpen: (on: boolean) => void }) {
  const [removing, setRemoving] = useState(false);
  const [problem, setProblem] = useState("");
  const say = async (what: Promise<string>) => setProblem(await what);
  const rules = rulesOf(w.id);
  return (
    <li class="provider" data-testid="workspace">
      <div class="provider-head">
        <span class="row-icon"><Icon name="folder" /></span>
        <strong>{w.name}</strong>
        <span class="tag" data-tone={tones[w.trust]}>{trustWords[w.trust].name}</span>
        {rules.length > 0 && <span class="faint">{rules.length === 1 ? "1 rule" : `${rules.length} rules`}</span>}
        <span class="provider-buttons">
          <button class="text-button" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Close" : "Show"}</button>
          <button class="text-button" onClick={() => setRemoving(true)}>Remove</button>
        </span>
      </div>
      <p class="faint path"><code>{w.path}</code></p>
      {w.problem && <p class="provider-state" data-bad><Icon name="warn" /><Words text={w.problem} /></p>}
      {problem && <p class="provider-state" data-bad role="alert"><Icon name="warn" /><Words text={problem} /></p>}
      {open && (
        <div class="details">
          <Trusted workspace={w} say={say} />
          <Rules workspace={w} rules={rules} say={say} />
          <Prompt workspace={w} say={say} />
        </div>
      )}
      {removing && (
        <Confirm
          title={`Remove ${w.name}?`}
          words="OpenVibez forgets the folder and what was allowed in it. The folder itself and your chats stay as they are."
          yes="Remove"
          onYes={() => void say(remove(w.id))}
          close={() => setRemoving(false)}
        />
      )}
    </li>
  );
}

interface PartProps {
  workspace: Workspace;
  say: (what: Promise<string>) => Promise<void>;
}

const levels = [Trust.TRUSTED, Trust.READ_ONLY, Trust.UNTRUSTED] as const;

function Trusted({ workspace: w, say }: PartProps) {
  return (
    <>
      <FormRow id={`trust-${w.id}`} title="Trust" about={trustWords[w.trust].about}>
        {(tied) => (
          <select {...tied} class="field" data-short value={String(w.trust)} onChange={(e) => {
            // Shows what holds until the host has agreed.
            const to = Number(e.currentTarget.value) as Trust;
            e.currentTarget.value = String(w.trust);
            void say(change(w.id, { trust: to }));
          }}>
            {levels.map((t) => <option key={t} value={String(t)}>{trustWords[t].name}</option>)}
          </select>
        )}
      </FormRow>
      <label class="check">
        <input type="checkbox" checked={w.runUnknown} onChange={(e) => {
          const on = e.currentTarget.checked;
          e.currentTarget.checked = w.runUnknown;
          void say(change(w.id, { runUnknown: on }));
        }} />
        <span>Run commands that nothing is known of in the sandbox without asking</span>
      </label>
    </>
  );
}

// More rules are folded to these.
const FEW = 8;

function Rules({ workspace: w, rules, say }: PartProps & { rules: Rule[] }) {
  const [all, setAll] = useState(false);
  return (
    <section aria-label="Allowed without asking" class="rules">
      <h3>Allowed without asking</h3>
      {rules.length === 0 && <p class="faint">Nothing yet. Answering “Always” to a question adds it here.</p>}
      <ul role="list">
        {(all ? rules : rules.slice(0, FEW)).map((r) => (
          <li key={r.id} data-testid="rule">
            <span class="rule">
              <code>{r.domain ? `reach ${r.domain}` : `${r.prefix.join(" ")} …`}</code>
              <span class="faint">{facts(r)}</span>
            </span>
            <button class="text-button" aria-label={`Revoke ${r.domain || r.prefix.join(" ")}`} onClick={() => void say(revoke(r.id))}>Revoke</button>
          </li>
        ))}
      </ul>
      {rules.length > FEW && <button class="text-button rules-more" onClick={() => setAll(!all)}>{all ? "Show fewer" : `Show all ${rules.length}`}</button>}
      <button class="button" onClick={() => void say(grantRegistries(w.id))}>Allow the package registries</button>
      <p class="faint">Other hosts are allowed when a command asks, or in a terminal: <code>openvibez workspace allow {w.path} HOST</code></p>
      <p class="faint">A host that may be reached is a way out for what commands can read here.</p>
    </section>
  );
}

function facts(r: Rule): string {
  const now = Date.now();
  const title = r.sessionId ? table.sessions.value.get(r.sessionId)?.title : "";
  const where = r.sessionId ? (title ? `in “${title}”` : "in one chat") : "";
  const by = madeWords[r.madeBy] ?? "";
  const used = r.usedMs > 0n ? `used ${Number(r.uses) > 1 ? `${r.uses} times, last ` : ""}${ago(Number(r.usedMs), now)}` : "never used";
  return [where, `added ${ago(Number(r.createdMs), now)} ${by}`.trim(), used].filter(Boolean).join(" · ");
}

function Prompt({ workspace: w, say }: PartProps) {
  const [text, setText] = useState(w.systemPrompt);
  return (
    <form onSubmit={(e) => {
      e.preventDefault();
      void say(change(w.id, { systemPrompt: text.trim() }));
    }}>
      <FormRow id={`prompt-${w.id}`} title="Instructions for every chat here">
        {(tied) => <textarea {...tied} class="field" rows={3} value={text} placeholder="Use the project's code style." onInput={(e) => setText(e.currentTarget.value)} />}
      </FormRow>
      {text.trim() !== w.systemPrompt && <button class="button" type="submit">Save instructions</button>}
    </form>
  );
}
