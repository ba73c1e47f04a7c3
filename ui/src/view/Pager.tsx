import { pick } from "../state/runs";
import type { Versions } from "../state/versions";
import { Icon } from "./icons";

// Pager goes through the answers that stand in for each other.
export function Pager({ versions: { chain, ids, at } }: { versions: Versions }) {
  return (
    <div class="pager" role="group" aria-label="Versions of this answer">
      <button class="bare" aria-label="Earlier version" title="Earlier version" disabled={at === 0} onClick={() => void pick(chain, ids[at - 1])}>
        <Icon name="left" />
      </button>
      <span aria-live="polite">{at + 1} / {ids.length}</span>
      <button class="bare" aria-label="Later version" title="Later version" disabled={at === ids.length - 1} onClick={() => void pick(chain, ids[at + 1])}>
        <Icon name="chevron" />
      </button>
    </div>
  );
}
