import { useState } from "preact/hooks";
import { levelWords } from "../text/words";
import { host, workspaces } from "../state/store";
import { add } from "../state/workspaces";
import { FormRow } from "./FormRow";
import { Icon } from "./icons";
import { WorkspaceRow } from "./WorkspaceRow";
import { Words } from "./Words";

// Workspaces is the page of the folders that models may work in.
export function Workspaces() {
  const [open, setOpen] = useState("");
  return (
    <>
      <p class="faint">A workspace is a folder that models may work in. Choose one for a chat beside its message field. What is trusted belongs to the folder itself and is kept by OpenVibez; files in it can't change it.</p>
      <Level />
      {workspaces.value.length === 0 && <p class="empty">No folder has been added. Without one, commands run in a private scratch folder of the chat.</p>}
      <ul class="providers" role="list" aria-label="Workspaces">
        {workspaces.value.map((w) => <WorkspaceRow key={w.id} workspace={w} open={open === w.id} setOpen={(on) => setOpen(on ? w.id : "")} />)}
      </ul>
      <AddWorkspace />
    </>
  );
}

function Level() {
  const level = host.value?.sandboxLevel ?? "";
  const problem = host.value?.sandboxProblem ?? "";
  if (level === "") return null;
  if (level === "full") return <p class="provider-state"><Icon name="check" /><span>The sandbox works in full on this machine: the kernel holds commands to their folder.</span></p>;
  return (
    <div class="form-warning">
      <Icon name="warn" />
      <span>
        {levelWords[level] ?? level} {problem && <Words text={problem} />}
      </span>
    </div>
  );
}

function AddWorkspace() {
  const [path, setPath] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    if (path.trim() === "") {
      setProblem("Write the folder's whole path.");
      return;
    }
    setBusy(true);
    const wrong = await add(path.trim());
    setBusy(false);
    setProblem(wrong);
    if (!wrong) setPath("");
  };
  return (
    <form
      class="provider-form"
      aria-label="Add a workspace"
      onSubmit={(e) => {
        e.preventDefault();
        void submit();
      }}
    >
      <FormRow id="workspace-path" title="Add a folder" about="It is not trusted at first: models may read there and ask before anything else. To trust it, a terminal is needed, so that no page can do it." problem={problem}>
        {(tied) => (
          <div class="download">
            <input {...tied} class="field mono" placeholder="/home/you/project" spellcheck={false} autocomplete="off" value={path} onInput={(e) => setPath(e.currentTarget.value)} />
            <button class="button" type="submit" disabled={busy}>{busy ? "Adding…" : "Add"}</button>
          </div>
        )}
      </FormRow>
    </form>
  );
}
