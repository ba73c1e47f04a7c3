import { api, words } from "../api";
import { problem } from "../state/store";
import { openable } from "../text/links";

// followLink opens a link of a message in the system's browser. The window itself never leaves the chat.
export function followLink(e: MouseEvent): void {
  if (!(e.target instanceof Element)) return;
  const link = e.target.closest("a[href]");
  if (!link) return;
  e.preventDefault();
  // Of the other buttons only the middle one means "open".
  if (e.type === "auxclick" && e.button !== 1) return;
  const url = openable(link.getAttribute("href"));
  if (!url) return;
  api.host.openLink({ url }).catch((err: unknown) => {
    problem.value = `The link was not opened: ${url}. ${words(err)}`;
  });
}
