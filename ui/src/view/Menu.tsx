import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icons";

export interface MenuPlace {
  // The button it belongs to.
  at: HTMLElement;
}

export interface Item {
  text: string;
  // A line of explanation under it.
  about?: string;
  // Present where one of several is chosen: whether this is it.
  chosen?: boolean;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  act: () => void;
}

interface Content {
  label: string;
  place: MenuPlace;
  items: Item[];
}

const shown = signal<Content | undefined>(undefined);

// showMenu opens a menu that is drawn outside of the button's surroundings, which may cut off what leaves them.
export const showMenu = (content: Content): void => {
  shown.value = content;
};

export const ShownMenu = () => shown.value && <Menu {...shown.value} close={() => (shown.value = undefined)} />;

export function Menu({ label, place, items, close }: Content & { close: () => void }) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = menu.current;
    if (!el) return;
    const from = place.at.getBoundingClientRect();
    const size = el.getBoundingClientRect();
    el.style.left = `${Math.max(8, Math.min(from.left, innerWidth - size.width - 8))}px`;
    const below = from.bottom + size.height + 8 <= innerHeight;
    el.style.top = `${Math.max(8, below ? from.bottom + 4 : from.top - size.height - 4)}px`;
    (el.querySelector<HTMLElement>("[aria-checked=true]") ?? el.querySelector("button"))?.focus();
    const away = (e: PointerEvent) => {
      if (e.target instanceof Node && !el.contains(e.target)) close();
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [place]);
  const moved = (e: KeyboardEvent) => {
    const buttons = [...(menu.current?.querySelectorAll<HTMLButtonElement>("button:enabled") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      const by = e.key === "ArrowDown" ? 1 : -1;
      buttons[(at + by + buttons.length) % buttons.length]?.focus();
    } else if (e.key === "Home" || e.key === "End") {
      buttons[e.key === "Home" ? 0 : buttons.length - 1]?.focus();
    } else if (e.key === "Escape" || e.key === "Tab") {
      close();
      place.at.focus();
    } else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div ref={menu} class="menu" role="menu" aria-label={label} onKeyDown={moved}>
      {items.map((item) => (
        <button
          key={item.text}
          role={item.chosen === undefined ? "menuitem" : "menuitemradio"}
          aria-checked={item.chosen}
          disabled={item.disabled}
          tabIndex={-1}
          class={item.danger ? "danger" : undefined}
          onClick={() => {
            close();
            if (place.at.isConnected) place.at.focus();
            item.act();
          }}
        >
          <span class="menu-words">
            <span>{item.text}</span>
            {item.about && <span class="faint">{item.about}</span>}
          </span>
          {item.chosen && <Icon name="check" />}
          {item.keys && <kbd>{item.keys}</kbd>}
        </button>
      ))}
    </div>
  );
}
