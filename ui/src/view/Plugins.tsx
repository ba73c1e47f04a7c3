import { useRef, useState } from "preact/hooks";
import { Plugin_State, Tier, type Plugin } from "../gen/api/v1/api_pb";
import { loadStatus } from "../state/load";
import { enable, inspect, inspected, inspecting, listed, logs, packageProblem, pluginName, removePlugin, rollback, tierWords, verify } from "../state/plugins";
import { bytes, count } from "../text/words";
import { Icon } from "./icons";
import { InstallScreen } from "./InstallScreen";
import { Confirm } from "./parts";
import { Words } from "./Words";

// Plugins is the page of the programs that reach providers.
export function Plugins() {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  if (inspected.value) return <InstallScreen facts={inspected.value.facts} token={inspected.value.token} />;
  return (
    <div
      class="page"
      data-over={over || undefined}
      onDragOver={(e) => {
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        e.stopPropagation();
        setOver(false);
        const file = e.dataTransfer?.files[0];
        if (file) void inspect(file);
      }}
    >
      <p class="faint">A plugin is a program that speaks to one kind of provider. It runs confined: no files, no programs, no keys, and no network but the hosts it names.</p>
      <div class="install-place">
        <button class="button" disabled={inspecting.value} onClick={() => input.current?.click()}><Icon name="plus" />{inspecting.value ? "Looking at it…" : "Install from a file…"}</button>
        <span class="faint">or drop an .ovp file here</span>
        <input ref={input} type="file" accept=".ovp" hidden data-testid="package" onChange={(e) => {
          const file = e.currentTarget.files?.[0];
          if (file) void inspect(file);
          e.currentTarget.value = "";
        }} />
      </div>
      {packageProblem.value && <p class="form-problem" role="alert"><Icon name="warn" /><Words text={packageProblem.value} /></p>}
      <ul class="providers" role="list" aria-label="Plugins">
        {listed().map((p) => <PluginRow key={p.id} plugin={p} />)}
      </ul>
      {listed().length === 0 && <p class="empty">No plugin was found.</p>}
    </div>
  );
}

const states: Record<Plugin_State, string> = {
  [Plugin_State.UNSPECIFIED]: "",
  [Plugin_State.STOPPED]: "starts when it is needed",
  [Plugin_State.RUNNING]: "running",
  [Plugin_State.BACKING_OFF]: "failed, starts again shortly",
  [Plugin_State.DISABLED]: "switched off, since it failed too often",
};

function PluginRow({ plugin: p }: { plugin: Plugin }) {
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState<{ ok: boolean; words: string }>();
  const [removing, setRemoving] = useState(false);
  const off = p.off || p.state === Plugin_State.DISABLED;
  const tier = tierWords[p.tier];
  const ours = p.tier === Tier.BUILT_IN || p.tier === Tier.UNSPECIFIED;
  const say = async (what: Promise<string>) => {
    const wrong = await what;
    setSaid(wrong ? { ok: false, words: wrong } : undefined);
  };
  return (
    <li class="provider" data-testid="plugin" data-off={off || undefined}>
      <div class="provider-head">
        <span class="row-icon"><Icon name="plug" /></span>
        <strong>{pluginName(p)}</strong>
        {p.version && <span class="faint">{p.version}</span>}
        {p.tier !== Tier.UNSPECIFIED && <span class="tag" data-tone={tier.tone} title={tier.about}>{tier.name}</span>}
        <span class="faint">{p.off ? "switched off" : states[p.state]}</span>
        <span class="provider-buttons">
          {off ? (
            <button class="text-button" onClick={() => void say(enable(p.id, true))}>Enable again</button>
          ) : (
            <button class="text-button" onClick={() => void say(enable(p.id, false))}>Disable</button>
          )}
          <button class="text-button" aria-expanded={open} onClick={() => {
            setOpen(!open);
            // How often it has asked for something is not told of at each time.
            if (!open) void loadStatus();
          }}>{open ? "Close" : "Details"}</button>
        </span>
      </div>
      {p.problem && !p.off && <p class="provider-state" data-bad><Icon name="warn" /><Words text={p.problem} /></p>}
      {said && <p class="provider-state" data-bad={!said.ok || undefined} role="status"><Icon name={said.ok ? "check" : "warn"} /><Words text={said.words} /></p>}
      {open && (
        <div class="details">
          <Facts plugin={p} />
          <div class="buttons">
            {!ours && <button class="button" onClick={() => void verify(p.id).then(setSaid)}>Verify</button>}
            {p.previousVersion && <button class="button" onClick={() => void say(rollback(p.id))}>Back to {p.previousVersion}</button>}
            {!ours && <button class="button danger" onClick={() => setRemoving(true)}>Remove</button>}
          </div>
          <Logs id={p.id} />
        </div>
      )}
      {removing && (
        <Confirm
          title={`Remove ${pluginName(p)}?`}
          words="Providers that use it stay in the list, and say what is missing. Your chats stay as they are."
          yes="Remove"
          onYes={() => void say(removePlugin(p.id))}
          close={() => setRemoving(false)}
        />
      )}
    </li>
  );
}

function Facts({ plugin: p }: { plugin: Plugin }) {
  const confined: Record<string, string> = { full: "by the kernel, in full", reduced: "in part only", none: "not at all" };
  const rows: [string, string][] = [
    ["Description", p.description?.description ?? ""],
    ["Trust", tierWords[p.tier].about],
    ["Source", p.source],
    ["SHA-256", p.sha256 ? `${p.sha256.slice(0, 16)}…` : ""],
    ["Size", p.size > 0n ? bytes(Number(p.size)) : ""],
    ["Confined", p.unconfinedAllowed && p.confinement !== "full" ? `${confined[p.confinement] ?? p.confinement}; you allowed it to run so` : (confined[p.confinement] ?? "")],
    ["Requests", p.requests + p.refused > 0n ? `${count(Number(p.requests))}, ${count(Number(p.refused))} refused` : ""],
  ];
  return (
    <>
      {p.abilities.length > 0 && <ul class="abilities" aria-label="What it can do">{p.abilities.map((a) => <li key={a}>{a}</li>)}</ul>}
      <dl class="facts">
        {rows.filter(([, v]) => v).map(([k, v]) => <div key={k}><dt>{k}</dt><dd data-words={k !== "SHA-256" || undefined} title={k === "SHA-256" ? p.sha256 : undefined}>{v}</dd></div>)}
      </dl>
    </>
  );
}

function Logs({ id }: { id: string }) {
  const [text, setText] = useState("");
  return (
    <details class="fold" onToggle={(e) => {
      if (e.currentTarget.open) void logs(id).then(setText);
    }}>
      <summary><Icon name="chevron" /><span>What it wrote to its log</span></summary>
      <div class="fold-body"><pre tabIndex={0}>{text || "…"}</pre></div>
    </details>
  );
}
