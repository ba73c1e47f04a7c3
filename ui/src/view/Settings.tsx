import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { providers } from "../state/choice";
import { loadStatus } from "../state/load";
import { hints } from "../state/providers";
import { dialog, host, type Dialog } from "../state/store";
import { AddProvider } from "./AddProvider";
import { HintLine } from "./HintLine";
import { Icon } from "./icons";
import { CloseButton, Modal } from "./parts";
import { Plugins } from "./Plugins";
import { ProviderRow } from "./ProviderRow";
import { Usage } from "./Usage";
import { Workspaces } from "./Workspaces";

const tabs: readonly { id: Dialog; name: string }[] = [
  { id: "settings", name: "Providers" },
  { id: "workspaces", name: "Workspaces" },
  { id: "plugins", name: "Plugins" },
  { id: "usage", name: "Usage" },
];

export const isSettings = (d: Dialog): boolean => tabs.some((t) => t.id === d);

export function Settings() {
  const at = tabs.findIndex((t) => t.id === dialog.value);
  useEffect(() => void loadStatus(), []);
  const moved = (e: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (by === undefined) return;
    e.preventDefault();
    const next = tabs[(at + by + tabs.length) % tabs.length].id;
    dialog.value = next;
    requestAnimationFrame(() => document.getElementById(`tab-${next}`)?.focus());
  };
  const pages: Partial<Record<Dialog, ComponentChildren>> = { settings: <Providers />, workspaces: <Workspaces />, plugins: <Plugins />, usage: <Usage /> };
  return (
    <Modal label="Settings" class="settings">
      <div class="sheet">
        <header class="sheet-head">
          <div class="tabs" role="tablist" aria-label="Settings" onKeyDown={moved}>
            {tabs.map((t, i) => (
              <button key={t.id} id={`tab-${t.id}`} role="tab" autofocus={i === at} aria-selected={i === at} aria-controls="settings-page" tabIndex={i === at ? 0 : -1} onClick={() => (dialog.value = t.id)}>
                {t.name}
              </button>
            ))}
          </div>
          <CloseButton />
        </header>
        <div id="settings-page" class="page" role="tabpanel" aria-labelledby={`tab-${tabs[at]?.id}`}>{pages[dialog.value]}</div>
      </div>
    </Modal>
  );
}

function Providers() {
  const [adding, setAdding] = useState(false);
  // Of the provider being edited; one at a time.
  const [editing, setEditing] = useState("");
  const found = hints();
  const about = host.value;
  return (
    <>
      <p class="faint">A provider is where models answer: on this machine or at a service. New chats go to the one with the star.</p>
      {found.map((h) => <HintLine key={`${h.kind} ${h.name} ${h.env} ${h.problem}`} hint={h} />)}
      <ul class="providers" role="list" aria-label="Providers">
        {providers.value.map((p) => <ProviderRow key={p.id} provider={p} editing={editing === p.id} setEditing={(on) => setEditing(on ? p.id : "")} />)}
      </ul>
      {adding ? (
        <AddProvider
          done={(mend) => {
            setAdding(false);
            if (mend) setEditing(mend);
          }}
        />
      ) : (
        <button class="button" onClick={() => setAdding(true)}><Icon name="plus" />Add provider</button>
      )}
      {about && (
        <footer class="about faint">
          <span>OpenVibez {about.version}</span>
          <span>Everything is kept in <code>{about.dataDir}</code></span>
          {about.trayProblem && <span>No tray icon: {about.trayProblem}</span>}
        </footer>
      )}
    </>
  );
}
