// The few pictures there are, drawn in the text's colour, and the program's own icon.
import drawing from "../../icon/app.svg";

const paths = {
  plus: "M12 5v14M5 12h14",
  sidebar: "M4 5h16v14H4zM9.5 5v14",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  stop: "M7 7h10v10H7z",
  dots: "M5 11.6a.4.4 0 1 0 0 .8.4.4 0 0 0 0-.8zM12 11.6a.4.4 0 1 0 0 .8.4.4 0 0 0 0-.8zM19 11.6a.4.4 0 1 0 0 .8.4.4 0 0 0 0-.8z",
  chevron: "M9 6l6 6-6 6",
  expand: "M7 10l5 5 5-5",
  star: "M12 4l2.4 5.1 5.6.7-4.1 3.8 1.1 5.5L12 16.4l-5 2.7 1.1-5.5L4 9.8l5.6-.7z",
  pin: "M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v5",
  gear: "M4 7h9M19 7h1M4 17h1M11 17h9M16 4.5v5M8 14.5v5",
  box: "M4 5h16v4H4zM5.5 9v10h13V9M10 13h4",
  bring: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  folder: "M4 6h6l2 2.5h8V19H4z",
  shield: "M12 4l7 2.5v5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9v-5z",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  bolt: "M13 3L5 14h6l-1 7 8-11h-6z",
  edit: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  fork: "M7 5v14M7 12h6a4 4 0 0 0 4-4V5M17 5l-3 3M17 5l3 3",
  pause: "M8 6v12M16 6v12",
  play: "M8 5l11 7-11 7z",
  left: "M15 6l-6 6 6 6",
  undo: "M4 9h10a5 5 0 0 1 0 10h-4M4 9l4-4M4 9l4 4",
  eye: "M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  copy: "M9 9h10v11H9zM5 15V4h10",
  again: "M19 12a7 7 0 1 1-2.1-5M19 4v4h-4",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  plug: "M9 4v5M15 4v5M7 9h10v3a5 5 0 0 1-10 0zM12 17v4",
  keys: "M4 7h16v10H4zM8 14h8M8 10.5h.01M12 10.5h.01M16 10.5h.01",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM20 20l-4.8-4.8",
  command: "M5 7l5 5-5 5M12.5 17H19",
  clip: "M19 11.5l-7.2 7.2a4.6 4.6 0 0 1-6.5-6.5l7.6-7.6a3.1 3.1 0 0 1 4.4 4.4l-7.5 7.5a1.5 1.5 0 0 1-2.2-2.2l6.9-6.9",
  file: "M7 4h7l4 4v12H7zM14 4v4h4",
  globe: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM4.5 12h15M12 4c-5 5-5 11 0 16 5-5 5-11 0-16z",
  tool: "M14.5 6.5a4 4 0 0 0-5 5L4.5 16.5l3 3 5-5a4 4 0 0 0 5-5l-2.5 2.5-2.5-.5-.5-2.5z",
  warn: "M12 4.5l8.5 15h-17zM12 10v4.5M12 17h.01",
  info: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 11v5M12 8h.01",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" data-filled={filled || undefined}>
      <path d={paths[name]} />
    </svg>
  );
}

export function Mark() {
  return <img class="mark" src={drawing} alt="" />;
}
