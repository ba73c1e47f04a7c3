import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { hashOf } from "../boot";
import type { Session } from "../gen/api/v1/api_pb";
import { rename } from "../state/sessions";
import { busySessions, drawer, openId } from "../state/store";
import { Icon } from "./icons";
import type { MenuPlace } from "./Menu";

interface Props {
  session: Session;
  renaming: boolean;
  setRenaming: (on: boolean) => void;
  onMenu: (place: MenuPlace) => void;
}

export function SessionItem({ session: s, renaming, setRenaming, onMenu }: Props) {
  const open = openId.value === s.id;
  const busy = busySessions.value.has(s.id);
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) item.current?.scrollIntoView({ block: "nearest" });
  }, [open]);
  const title = s.title || "Untitled chat";
  return (
    <li ref={item} class="session" data-open={open || undefined}>
      {renaming ? (
        <RenameField title={title} done={(name) => {
          setRenaming(false);
          if (name !== undefined) void rename(s.id, name);
          item.current?.querySelector("a")?.focus();
        }} />
      ) : (
        <>
          <a
            href={hashOf(s.id)}
            title={title}
            aria-current={open ? "page" : undefined}
            onClick={() => (drawer.value = false)}
            onDblClick={() => setRenaming(true)}
            onKeyDown={(e) => {
              if (e.key !== "F2") return;
              e.preventDefault();
              setRenaming(true);
            }}
          >
            {s.pinned && <span class="pinned" role="img" aria-label="Pinned"><Icon name="pin" /></span>}
            <span class="session-title">{title}</span>
            {busy && <span class="dot" role="img" aria-label="Running" />}
          </a>
          <button
            class="bare session-menu"
            aria-label={`What to do with “${title}”`}
            aria-haspopup="menu"
            onClick={(e) => onMenu({ at: e.currentTarget })}
          >
            <Icon name="dots" />
          </button>
        </>
      )}
    </li>
  );
}

function RenameField({ title, done }: { title: string; done: (name?: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const over = useRef(false);
  const finish = (name?: string) => {
    if (over.current) return;
    over.current = true;
    done(name);
  };
  useLayoutEffect(() => input.current?.select(), []);
  return (
    <input
      ref={input}
      class="rename"
      aria-label="New name"
      maxLength={200}
      defaultValue={title}
      autofocus
      onBlur={(e) => finish(e.currentTarget.value)}
      onKeyDown={(e) => {
        if (e.isComposing) return;
        if (e.key === "Enter") finish(e.currentTarget.value);
        if (e.key === "Escape") finish();
        if (e.key !== "Tab") e.stopPropagation();
      }}
    />
  );
}
