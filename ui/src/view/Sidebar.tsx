import { useState } from "preact/hooks";
import { moreSessions } from "../state/load";
import { pin, remove } from "../state/sessions";
import { dialog, link, nextSessions, problem, sessions, sidebar, drawer } from "../state/store";
import { words } from "../api";
import type { Session } from "../gen/api/v1/api_pb";
import { Icon, Mark } from "./icons";
import { Menu, type MenuPlace } from "./Menu";
import { Confirm, isNarrow, NewChatButton, toggleSidebar } from "./parts";
import { SessionItem } from "./SessionItem";

export function Sidebar() {
  const [menu, setMenu] = useState<{ session: Session; place: MenuPlace }>();
  const [renaming, setRenaming] = useState("");
  const [deleting, setDeleting] = useState<Session>();
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
      <ul class="sessions" role="list" aria-label="Chats">
        {sessions.value.map((s) => (
          <SessionItem
            key={s.id}
            session={s}
            renaming={renaming === s.id}
            setRenaming={(on) => setRenaming(on ? s.id : "")}
            onMenu={(place) => setMenu({ session: s, place })}
          />
        ))}
        {sessions.value.length === 0 && link.value === "live" && (
          <li class="no-sessions">Your chats will be listed here.</li>
        )}
        {nextSessions.value && <li><MoreButton /></li>}
      </ul>
      <div class="sidebar-foot">
        <button class="row-button" onClick={() => (dialog.value = "settings")}><Icon name="plug" />Providers</button>
        <button class="bare" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={() => (dialog.value = "help")}>
          <Icon name="keys" />
        </button>
      </div>
      {menu && (
        <Menu
          label={`“${menu.session.title}”`}
          place={menu.place}
          close={() => setMenu(undefined)}
          items={[
            { text: menu.session.pinned ? "Unpin" : "Pin", act: () => void pin(menu.session.id, !menu.session.pinned) },
            { text: "Rename", keys: "F2", act: () => setRenaming(menu.session.id) },
            { text: "Delete…", danger: true, act: () => setDeleting(menu.session) },
          ]}
        />
      )}
      {deleting && (
        <Confirm
          title="Delete this chat?"
          words={`“${deleting.title}” and everything in it will be gone for good.`}
          yes="Delete"
          onYes={() => void remove(deleting.id)}
          close={() => setDeleting(undefined)}
        />
      )}
    </nav>
  );
}

function MoreButton() {
  const [busy, setBusy] = useState(false);
  const load = async () => {
    setBusy(true);
    try {
      await moreSessions();
    } catch (err) {
      problem.value = words(err);
    }
    setBusy(false);
  };
  return <button class="more" disabled={busy} onClick={() => void load()}>{busy ? "Loading…" : "Load more"}</button>;
}

