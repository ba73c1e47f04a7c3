import { useEffect, useState } from "preact/hooks";
import { providers } from "../state/choice";
import { loadStatus } from "../state/load";
import { hints } from "../state/providers";
import { status } from "../state/store";
import { AddProvider } from "./AddProvider";
import { HintLine } from "./HintLine";
import { Icon } from "./icons";
import { CloseButton, Modal } from "./parts";
import { ProviderRow } from "./ProviderRow";

export function Settings() {
  const [adding, setAdding] = useState(false);
  // Of the provider being edited; one at a time.
  const [editing, setEditing] = useState("");
  useEffect(() => void loadStatus(), []);
  const found = hints();
  const about = status.value;
  return (
    <Modal label="Providers" class="settings">
      <div class="sheet">
        <header class="sheet-head">
          <h2>Providers</h2>
          <CloseButton />
        </header>
        <p class="faint">A provider is where models answer: on this machine or at a service. New chats go to the one with the star.</p>
        {found.map((h) => <HintLine key={h.words} hint={h} />)}
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
      </div>
    </Modal>
  );
}
