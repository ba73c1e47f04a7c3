// What the composer decides, without the composer. Pure.

// The host takes no more in one message.
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

export type KeyAction = "send" | "stop" | "none";

interface Key {
  key: string;
  shiftKey: boolean;
  altKey: boolean;
  isComposing: boolean;
  keyCode: number;
}

// keyAction says what a key pressed in the composer does beside typing. While an input method composes a word, Enter
// belongs to it; WebKit ends the composition before keydown and tells only by the key code 229.
export function keyAction(e: Key, running: boolean): KeyAction {
  if (e.isComposing || e.keyCode === 229) return "none";
  if (e.key === "Enter" && !e.shiftKey && !e.altKey) return "send";
  if (e.key === "Escape" && running) return "stop";
  return "none";
}

// tooBig says in words why a text can't be sent, or nothing.
export function tooBig(text: string): string {
  if (text.length * 3 <= MAX_MESSAGE_BYTES) return "";
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_MESSAGE_BYTES) return "";
  return `This message is ${megabytes(bytes)} MB long and 10 MB is the most one message can hold. Shorten it, or send it in parts.`;
}

const megabytes = (bytes: number): string => (Math.ceil(bytes / 104857.6) / 10).toFixed(1);

// Attempt is one message on its way: sending it again after a failure is the same request, so that it is never
// accepted twice.
export interface Attempt {
  readonly id: string;
  readonly sessionId: string;
  readonly text: string;
  readonly model: string;
  // The workspace and access of a new chat.
  readonly place: string;
  // The ids of what is attached.
  readonly files: string;
}

export function attempt(before: Attempt | undefined, now: Omit<Attempt, "id">): Attempt {
  const same = before && before.sessionId === now.sessionId && before.text === now.text && before.model === now.model && before.place === now.place && before.files === now.files;
  return same ? before : { id: crypto.randomUUID(), ...now };
}

// afterSent is what stays in the composer once `sent` has been accepted: what was typed behind it meanwhile.
export function afterSent(now: string, sent: string): string {
  if (now === sent) return "";
  return now.startsWith(sent) ? now.slice(sent.length).trimStart() : now;
}
