import { useEffect, useState } from "preact/hooks";
import { AccessMode, Trust, type Workspace } from "../gen/api/v1/api_pb";
import { accessWords, trustWords } from "../text/words";
import { dialog, host, openId, workspaces } from "../state/store";
import { access, place, setAccess, setPlace } from "../state/workspaces";
import { copy } from "../text/copy";
import { Icon, type IconName } from "./icons";
import { Menu, type Item, type MenuPlace } from "./Menu";
import { Modal } from "./parts";

const icons: Record<AccessMode, IconName> = { [AccessMode.UNSPECIFIED]: "folder", [AccessMode.READ_ONLY]: "eye", [AccessMode.SCOPED]: "shield", [AccessMode.ROOT]: "bolt" };

// AccessBar says, and sets, where this chat's commands run and how far they may reach.
export function AccessBar() {
  const [menu, setMenu] = useState<{ which: "place" | "access"; at: MenuPlace }>();
  const [asksRoot, setAsksRoot] = useState(false);
  const here = place.value;
  const mode = access.value;
  const choose = (to: AccessMode) => {
    if (to === AccessMode.ROOT && mode !== to) setAsksRoot(true);
    else void setAccess(to);
  };
  const items: Item[] =
    menu?.which === "access"
      ? [AccessMode.READ_ONLY, AccessMode.SCOPED, AccessMode.ROOT].map((m) => ({ ...item(accessWords[m]), chosen: m === mode, danger: m === AccessMode.ROOT, ...notRoot(m, here), act: () => choose(m) }))
      : [
          { text: "No workspace", about: "Commands run in a private scratch folder", chosen: !here, act: () => void setPlace("") },
          ...workspaces.value.map((w) => ({ text: w.name, about: w.problem || `${trustWords[w.trust].name} · ${w.path}`, chosen: w.id === here?.id, act: () => void setPlace(w.id) })),
          { text: "Workspaces…", about: "Add a folder, or see what is allowed where", act: () => (dialog.value = "workspaces") },
        ];
  return (
    <>
      <button type="button" class="model-button place-button" aria-haspopup="menu" aria-label={`Workspace: ${here?.name ?? "none"}`} title={here ? `${here.path} (${trustWords[here.trust].name})` : "Choose a workspace"} onClick={(e) => setMenu({ which: "place", at: { at: e.currentTarget } })}>
        <Icon name="folder" />
        <span class="model-name">{here?.name ?? "No workspace"}</span>
        {here?.problem && <Icon name="warn" />}
      </button>
      {here && (
        <button type="button" class="model-button access-button" data-root={mode === AccessMode.ROOT || undefined} aria-haspopup="menu" aria-label={`Access: ${accessWords[mode].name}`} title={accessWords[mode].about} onClick={(e) => setMenu({ which: "access", at: { at: e.currentTarget } })}>
          <Icon name={icons[mode]} />
          <span class="model-name">{accessWords[mode].name}</span>
        </button>
      )}
      {menu && <Menu label={menu.which === "place" ? "Workspace" : "Access"} place={menu.at} close={() => setMenu(undefined)} items={items} />}
      {asksRoot && here && <AskRoot workspace={here} close={() => setAsksRoot(false)} />}
    </>
  );
}

const item = ({ name, about }: { name: string; about: string }) => ({ text: name, about });

// notRoot says why root access is not to be had.
function notRoot(mode: AccessMode, here: Workspace | undefined): Partial<Item> {
  if (mode !== AccessMode.ROOT) return {};
  if (here?.trust !== Trust.TRUSTED) return { disabled: true, about: "Only in a workspace that is trusted" };
  return openId.value ? {} : { disabled: true, about: "Once the chat has begun" };
}

// AskRoot says how root access is given: where nothing that a chat shows can press a button.
function AskRoot({ workspace, close }: { workspace: Workspace; close: () => void }) {
  const [copied, setCopied] = useState(false);
  const command = `openvibez session access ${openId.value} root --confirm-root`;
  const given = access.value === AccessMode.ROOT;
  useEffect(() => {
    if (given) close();
  }, [given]);
  return (
    <Modal label="Give this chat root access?" class="confirm" close={close}>
      <div class="confirm-body">
        <h2>Give this chat root access?</h2>
        <p>Commands that the sandbox would stop may then run outside of it, with all the rights you have: they can read and change any file of yours, use your keys and the network. Each such command asks you first; what you allow can't be taken back. This holds for this chat in {workspace.name} only, until you change it.</p>
        <p>Root access is given in a terminal, never by this window. If you mean it, type there:</p>
        <pre class="type-this"><code>{command}</code></pre>
        <div class="buttons">
          <button class="button" autofocus onClick={close}>Stay in the sandbox</button>
          <button class="button danger" onClick={() => void copy(command).then(setCopied)}>{copied ? "Copied" : "Copy the command"}</button>
        </div>
      </div>
    </Modal>
  );
}

// RootMark is seen wherever root access is in force.
export function RootMark() {
  if (access.value !== AccessMode.ROOT || !place.value) return null;
  return (
    <span class="root-mark" title="Commands of this chat may run outside the sandbox, with all the rights you have, asking each time.">
      <Icon name="bolt" />Root
    </span>
  );
}

// SandboxMark tells that the kernel does not confine commands here as it should.
export function SandboxMark() {
  const level = host.value?.sandboxLevel ?? "";
  if (level === "" || level === "full" || (openId.value === "" && !place.value)) return null;
  return (
    <button class="sandbox-mark" aria-label={level === "none" ? "No sandbox" : "Sandbox reduced"} title={host.value?.sandboxProblem || undefined} onClick={() => (dialog.value = "workspaces")}>
      <Icon name="warn" /><span class="mark-words">{level === "none" ? "No sandbox" : "Sandbox reduced"}</span>
    </button>
  );
}
