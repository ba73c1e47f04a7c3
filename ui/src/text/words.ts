// Numbers and times in words for people.

// Made once: to make one takes a hundred times as long as to use it.
const numbers = new Intl.NumberFormat("en-US");
const times = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dates = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

export const count = (n: number): string => numbers.format(n);

export function seconds(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s > 0 && s < 0.05) return "under 0.1 s";
  if (s < 10) return `${Number(s.toFixed(1))} s`;
  if (s < 60) return `${Math.round(s)} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min ${Math.round(s % 60)} s`;
  return `${Math.floor(m / 60)} h ${m % 60} min`;
}

// countdown is a time to wait as a clock counts it down: 0:07, 12:30, 1:02:03.
export function countdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600);
  const m = Math.floor(s / 60) % 60;
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  let unit = -1;
  do {
    n /= 1000;
    unit++;
  } while (n >= 999.5 && unit < units.length - 1);
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

// percent is how much of something is there; 100 only if all of it is.
export function percent(part: number, whole: number): string {
  return whole > 0 ? `${Math.floor((part / whole) * 100)} %` : "";
}

// clock is a time of today, or the date with it.
export function clock(ms: number, now: number): string {
  const date = new Date(ms);
  const time = times.format(date);
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${dates.format(date)}, ${time}`;
}

// ago tells how long something is past, roughly.
export function ago(ms: number, now: number): string {
  const min = Math.floor((now - ms) / 60_000);
  if (min < 1) return "just now";
  if (min < 60) return `${min} min ago`;
  const h = Math.floor(min / 60);
  if (h < 24) return h === 1 ? "an hour ago" : `${h} hours ago`;
  const d = Math.floor(h / 24);
  return d === 1 ? "yesterday" : `${d} days ago`;
}

// sentence begins with a capital letter, as an error that is read alone should.
export function sentence(text: string): string {
  return text && text[0].toUpperCase() + text.slice(1);
}

// oneLine is a text's beginning on one line.
export function oneLine(text: string, most: number): string {
  const line = text.slice(0, most * 4).replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

// fileName makes a name that every file system takes of a title.
export function fileName(title: string): string {
  const name = title.replace(/[\p{C}\s<>:"/\\|?*]+/gu, " ").trim().slice(0, 80).replace(/^\.+|[. ]+$/g, "");
  return name || "chat";
}
