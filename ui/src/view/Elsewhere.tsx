import { go } from "../state/open";
import { asking, openId, table } from "../state/store";
import { Icon } from "./icons";

// Elsewhere tells that other chats wait for an answer.
export function Elsewhere() {
  const others = [...asking.value.keys()].filter((id) => id !== openId.value);
  if (others.length === 0) return null;
  const title = table.sessions.value.get(others[0])?.title || "another chat";
  return (
    <p class="elsewhere" role="status">
      <Icon name="shield" />
      <span class="elsewhere-words">{others.length === 1 ? `“${title}” asks for permission.` : `${others.length} other chats ask for permission.`}</span>
      <button class="text-button" onClick={() => go(others[0])}>{others.length === 1 ? "Look" : "Look at the first"}</button>
    </p>
  );
}
