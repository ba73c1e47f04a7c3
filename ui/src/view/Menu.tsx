import { useLayoutEffect, useRef } from "preact/hooks";

export interface MenuPlace {
  // The button it belongs to.
  at: HTMLElement;
}

interface Item {
  text: string;
  keys?: string;
  danger?: boolean;
  act: () => void;
}

export function Menu({ label, place, items, close }: { label: string; place: MenuPlace; items: Item[]; close: () => void }) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = menu.current;
    if (!el) return;
    const from = place.at.getBoundingClientRect();
    const size = el.getBoundingClientRect();
    el.style.left = `${Math.max(8, Math.min(from.left, innerWidth - size.width - 8))}px`;
    el.style.top = `${from.bottom + size.height + 8 > innerHeight ? from.top - size.height - 4 : from.bottom + 4}px`;
    el.querySelector("button")?.focus();
    const away = (e: PointerEvent) => {
      if (e.target instanceof Node && !el.contains(e.target)) close();
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [place]);
  const moved = (e: KeyboardEvent) => {
    const buttons = [...(menu.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      const by = e.key === "ArrowDown" ? 1 : -1;
      buttons[(at + by + buttons.length) % buttons.length]?.focus();
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
          role="menuitem"
          tabIndex={-1}
          class={item.danger ? "danger" : undefined}
          onClick={() => {
            close();
            item.act();
          }}
        >
          <span>{item.text}</span>
          {item.keys && <kbd>{item.keys}</kbd>}
        </button>
      ))}
    </div>
  );
}
