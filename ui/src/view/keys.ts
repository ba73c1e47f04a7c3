// The keys that work everywhere in the window.
import { step } from "../state/open";
import { dialog } from "../state/store";
import { focusComposer, newChat, toggleSidebar } from "./parts";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const MOD = mac ? "⌘" : "Ctrl";

// What the help shows, in the platform's words.
export const shortcuts: readonly { keys: readonly string[]; what: string }[] = [
  { keys: ["Enter"], what: "Send the message" },
  { keys: [mac ? "⇧" : "Shift", "Enter"], what: "New line" },
  { keys: ["Esc"], what: "Stop the answer, or close what is open" },
  { keys: [MOD, "N"], what: `New chat (in a browser tab: ${mac ? "⌥" : "Alt"} N)` },
  { keys: [MOD, "K"], what: "Choose the model" },
  { keys: [MOD, "B"], what: "Show or hide the list of chats" },
  { keys: [MOD, ","], what: "Providers and settings" },
  { keys: [mac ? "⌥" : "Alt", "↑ ↓"], what: "Previous and next chat" },
  { keys: ["F2"], what: "Rename the chat in focus" },
  { keys: ["/"], what: "Write a message" },
  { keys: ["?"], what: "This list" },
];

export const modelKeys = mac ? "⌘K" : "Ctrl+K";

// keyPressed listens to the whole document.
export function keyPressed(e: KeyboardEvent): void {
  if (e.isComposing || e.defaultPrevented) return;
  const mod = (mac ? e.metaKey && !e.ctrlKey : e.ctrlKey && !e.metaKey) && !e.altKey && !e.shiftKey;
  const done = () => e.preventDefault();
  if (mod && e.key.toLowerCase() === "k") {
    done();
    dialog.value = dialog.value === "models" ? "" : "models";
    return;
  }
  if (dialog.value || document.querySelector("dialog[open]")) return;
  if ((mod && e.key.toLowerCase() === "n") || (e.altKey && !e.ctrlKey && !e.metaKey && e.code === "KeyN")) {
    done();
    newChat();
  } else if (mod && e.key.toLowerCase() === "b") {
    done();
    toggleSidebar();
  } else if (mod && e.key === ",") {
    done();
    dialog.value = "settings";
  } else if (e.altKey && !e.ctrlKey && !e.metaKey && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
    done();
    step(e.key === "ArrowUp" ? -1 : 1);
  } else if (!typing(e.target) && !e.ctrlKey && !e.metaKey && !e.altKey) {
    if (e.key === "/") {
      done();
      focusComposer();
    } else if (e.key === "?") {
      done();
      dialog.value = "help";
    }
  }
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
