import { useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { hashOf } from "../boot";
import type { Session } from "../gen/api/v1/api_pb";
import { rename } from "../state/sessions";
import { asking, busySessions, drawer, openId } from "../state/store";
import { Icon } from "./icons";
import { openMenu, renaming } from "./SessionMenu";

interface Props {
  session: Session;
}

export function SessionItem({ session: s }: Props) {
  const edited = useComputed(() => renaming.value?.id === s.id && renaming.value.where === "list").value;
  // Computed, so that of thousands of items only those are drawn again of which it changes.
  const asks = useComputed(() => asking.value.get(s.id) ?? 0).value;
  const open = useComputed(() => openId.value === s.id).value;
  const busy = useComputed(() => busySessions.value.has(s.id)).value;
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) item.current?.scrollIntoView({ block: "nearest" });
  }, [open]);
  const title = s.title || "Untitled chat";
  return (
    <li ref={item} class="session" data-open={open || undefined}>
      {edited ? (
        <RenameField title={title} done={(name) => {
          renaming.value = undefined;
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
            onDblClick={() => (renaming.value = { id: s.id, where: "list" })}
            onKeyDown={(e) => {
              if (e.key !== "F2") return;
              e.preventDefault();
              renaming.value = { id: s.id, where: "list" };
            }}
          >
            {s.pinned && <span class="pinned" role="img" aria-label="Pinned"><Icon name="pin" /></span>}
            <span class="session-title">{title}</span>
            {asks > 0 && <span class="badge" role="img" aria-label={asks === 1 ? "Asks a question" : `Asks ${asks} questions`} title={asks === 1 ? "Asks a question" : `Asks ${asks} questions`}>{asks}</span>}
            {busy && asks === 0 && <span class="dot" role="img" aria-label="Running" />}
          </a>
          <button
            class="bare session-menu"
            aria-label={`What to do with “${title}”`}
            aria-haspopup="menu"
            onClick={(e) => openMenu(s, "list", e.currentTarget)}
          >
            <Icon name="dots" />
          </button>
        </>
      )}
    </li>
  );
}

export function RenameField({ title, done }: { title: string; done: (name?: string) => void }) {
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
