import { useEffect, useRef, useState } from "preact/hooks";
import { moreSessions } from "../state/load";
import { grouped } from "../state/groups";
import { query } from "../state/search";
import { take } from "../state/sessions";
import { archive, archivedSessions, dialog, drawer, link, nextArchived, nextSessions, problem, sessions, sidebar } from "../state/store";
import { words } from "../api";
import { Icon, Mark } from "./icons";
import { isNarrow, NewChatButton, toggleSidebar } from "./parts";
import { Found, SearchField } from "./Search";
import { SessionItem } from "./SessionItem";

export function Sidebar() {
  const visible = isNarrow() ? drawer.value : sidebar.value;
  return (
    <nav class="sidebar" aria-label="Chats and settings" inert={!visible}>
      <div class="sidebar-top">
        <span class="brand"><Mark />OpenVibez</span>
        <button class="bare" aria-label="Hide the list of chats" title="Hide the list of chats" onClick={toggleSidebar}>
          <Icon name="sidebar" />
        </button>
      </div>
      <NewChatButton />
      <SearchField />
      {query.value.trim() ? <Found /> : archive.value ? <Archived /> : <Chats />}
      <div class="sidebar-foot">
        <button class="row-button" onClick={() => (dialog.value = "settings")}><Icon name="gear" />Settings</button>
        <ImportButton />
        <button class="bare" aria-label="Archived chats" title="Archived chats" aria-pressed={archive.value} onClick={() => void toggleArchive()}>
          <Icon name="box" />
        </button>
        <button class="bare" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={() => (dialog.value = "help")}>
          <Icon name="keys" />
        </button>
      </div>
    </nav>
  );
}

const groupId = (name: string): string => `chats-${name.toLowerCase().replaceAll(" ", "-")}`;

function Chats() {
  return (
    <ul class="sessions" role="list" aria-label="Chats">
      {grouped(sessions.value, new Date()).map((g) => (
        <li key={g.name}>
          <h2 class="group-name" id={groupId(g.name)}>{g.name}</h2>
          <ul role="list" class="group" aria-labelledby={groupId(g.name)}>
            {g.sessions.map((s) => <SessionItem key={s.id} session={s} />)}
          </ul>
        </li>
      ))}
      {sessions.value.length === 0 && link.value === "live" && <li class="no-sessions">Your chats will be listed here.</li>}
      {nextSessions.value && <li><MoreButton /></li>}
    </ul>
  );
}

function Archived() {
  return (
    <>
      <p class="list-head">
        <span>Archived</span>
        <button class="text-button" onClick={() => (archive.value = false)}>Back to all chats</button>
      </p>
      <ul class="sessions" role="list" aria-label="Archived chats">
        {archivedSessions.value.map((s) => <SessionItem key={s.id} session={s} />)}
        {archivedSessions.value.length === 0 && <li class="no-sessions">Nothing is archived. Archiving takes a chat out of the list and keeps it: choose it in the chat's menu.</li>}
        {nextArchived.value && <li><MoreButton archived /></li>}
      </ul>
    </>
  );
}

async function toggleArchive(): Promise<void> {
  query.value = "";
  archive.value = !archive.value;
  if (!archive.value) return;
  try {
    nextArchived.value = "";
    await moreSessions(true);
  } catch (err) {
    problem.value = words(err);
  }
}

function ImportButton() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button class="bare" aria-label="Import a chat" title="Import a chat (a file that an export as JSON Lines wrote)" onClick={() => input.current?.click()}>
        <Icon name="bring" />
      </button>
      <input
        ref={input}
        type="file"
        accept=".jsonl,application/jsonl"
        hidden
        data-testid="import"
        onChange={(e) => {
          const file = e.currentTarget.files?.[0];
          if (file) void take(file);
          e.currentTarget.value = "";
        }}
      />
    </>
  );
}

function MoreButton({ archived = false }: { archived?: boolean }) {
  const [busy, setBusy] = useState(false);
  const load = async () => {
    setBusy(true);
    try {
      await moreSessions(archived);
    } catch (err) {
      problem.value = words(err);
    }
    setBusy(false);
  };
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // Scrolling near it is enough.
    const near = new IntersectionObserver(([seen]) => seen.isIntersecting && void load(), { rootMargin: "300px" });
    if (button.current) near.observe(button.current);
    return () => near.disconnect();
  }, [(archived ? nextArchived : nextSessions).value]);
  return <button ref={button} class="more" disabled={busy} onClick={() => void load()}>{busy ? "Loading…" : "Load more"}</button>;
}
