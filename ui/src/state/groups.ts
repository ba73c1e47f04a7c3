// The list of chats in groups by when they were last active. Pure.
import type { Session } from "../gen/api/v1/api_pb";

export interface Group {
  name: string;
  sessions: Session[];
}

// grouped breaks the list, which is in order, where one day's chats end. Days are those of this machine's calendar: one of
// them may have 23 or 25 hours.
export function grouped(sessions: readonly Session[], now: Date): Group[] {
  const groups: Group[] = [];
  for (const s of sessions) {
    const name = s.pinned ? "Pinned" : nameOf(new Date(Number(s.activeMs)), now);
    const last = groups.at(-1);
    if (last?.name === name) last.sessions.push(s);
    else groups.push({ name, sessions: [s] });
  }
  return groups;
}

function nameOf(at: Date, now: Date): string {
  const daysAgo = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  if (at >= daysAgo(0)) return "Today";
  if (at >= daysAgo(1)) return "Yesterday";
  if (at >= daysAgo(7)) return "Last 7 days";
  if (at >= daysAgo(30)) return "Last 30 days";
  return "Older";
}
