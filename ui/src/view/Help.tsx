import { shortcuts } from "./keys";
import { CloseButton, Modal } from "./parts";

export function Help() {
  return (
    <Modal label="Keyboard" class="help">
      <div class="sheet">
        <header class="sheet-head">
          <h2>Keyboard</h2>
          <CloseButton />
        </header>
        <dl class="shortcuts">
          {shortcuts.map((s) => (
            <div key={s.what}>
              <dt>{s.what}</dt>
              <dd>{s.keys.map((k) => <kbd key={k}>{k}</kbd>)}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Modal>
  );
}
