// The keys that work everywhere in the window.
import { step } from "../state/open";
import { cancel } from "../state/runs";
import { activeRun, dialog, toast } from "../state/store";
import { focusComposer, focusSearch, newChat, nextQuestion, toggleSidebar } from "./parts";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const MOD = mac ? "⌘" : "Ctrl";

// What the help shows, in the platform's words.
export const shortcuts: readonly { keys: readonly string[]; what: string }[] = [
  { keys: ["Enter"], what: "Send the message" },
  { keys: [mac ? "⇧" : "Shift", "Enter"], what: "New line" },
  { keys: ["Esc"], what: "Stop the answer, or close what is open" },
  { keys: [MOD, "N"], what: `New chat (in a browser tab: ${mac ? "⌥" : "Alt"} N)` },
  { keys: [MOD, "K"], what: "Search in all chats" },
  { keys: [mac ? "⌥" : "Alt", "A"], what: "The next question that waits for you" },
  { keys: [MOD, "Z"], what: "Take back what was just deleted or archived" },
  { keys: [mac ? "⌥" : "Alt", "M"], what: "Choose the model" },
  { keys: [MOD, "B"], what: "Show or hide the list of chats" },
  { keys: [MOD, ","], what: "Providers and settings" },
  { keys: [mac ? "⌥" : "Alt", "↑ ↓"], what: "Previous and next chat" },
  { keys: ["F2"], what: "Rename the chat in focus" },
  { keys: ["/"], what: "Write a message" },
  { keys: ["?"], what: "This list" },
];

export const modelKeys = mac ? "⌥M" : "Alt+M";
export const searchKeys = mac ? "⌘K" : "Ctrl+K";
export const undoKeys = mac ? "⌘Z" : "Ctrl+Z";

// keyPressed listens to the whole document.
export function keyPressed(e: KeyboardEvent): void {
  if (e.isComposing || e.defaultPrevented) return;
  const mod = (mac ? e.metaKey && !e.ctrlKey : e.ctrlKey && !e.metaKey) && !e.altKey && !e.shiftKey;
  const done = () => e.preventDefault();
  const alt = e.altKey && !e.ctrlKey && !e.metaKey;
  if (alt && e.code === "KeyM" && (dialog.value === "" || dialog.value === "models")) {
    done();
    dialog.value = dialog.value ? "" : "models";
    return;
  }
  if (dialog.value || document.querySelector("dialog[open]")) return;
  if ((mod && e.key.toLowerCase() === "k") || ((mac ? e.metaKey : e.ctrlKey) && e.shiftKey && !e.altKey && e.code === "KeyF")) {
    done();
    focusSearch();
  } else if (alt && e.code === "KeyA") {
    done();
    nextQuestion();
  } else if (mod && e.key.toLowerCase() === "z" && toast.value?.action && !(typing(e.target) && hasText(e.target))) {
    done();
    const { act } = toast.value.action;
    toast.value = undefined;
    act();
  } else if ((mod && e.key.toLowerCase() === "n") || (alt && e.code === "KeyN")) {
    done();
    newChat();
  } else if (mod && e.key.toLowerCase() === "b") {
    done();
    toggleSidebar();
  } else if (mod && e.key === ",") {
    done();
    dialog.value = "settings";
  } else if (alt && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
    done();
    step(e.key === "ArrowUp" ? -1 : 1);
  } else if (!typing(e.target) && !e.ctrlKey && !e.metaKey && !e.altKey) {
    if (e.key === "/") {
      done();
      focusComposer();
    } else if (e.key === "?") {
      done();
      dialog.value = "help";
    } else if (e.key === "Escape" && activeRun.value && !activeRun.value.cancelRequested && !asksHere(e.target)) {
      done();
      void cancel(activeRun.value.id);
    }
  }
}

// Who is looking at a question does not mean all of the answer.
const asksHere = (target: EventTarget | null): boolean => target instanceof Element && target.closest("[data-asks]") !== null;

// Who has something written means that.
const hasText = (target: EventTarget | null): boolean => (target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement) && target.value !== "";

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
