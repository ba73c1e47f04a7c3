// All that the host's facts, numbers and times are in words for people. Pure.
import { AccessMode, Author, Class, Hint_Kind, Profile, Reason, Right, ToolOutput_Outcome, Trust, type Approval, type Decision, type Hint, type ToolOutput } from "../gen/api/v1/api_pb";

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

export interface Tag {
  words: string;
  tone?: "good" | "bad" | "warn";
}

// outcomeWords is how a call ended; nothing where it was simply done.
export function outcomeWords(o: ToolOutput): Tag | undefined {
  switch (o.outcome) {
    case ToolOutput_Outcome.EXITED:
      return { words: `exit ${o.exitCode}`, tone: o.exitCode === 0 ? "good" : "bad" };
    case ToolOutput_Outcome.TIMED_OUT:
      return { words: "timed out", tone: "warn" };
    case ToolOutput_Outcome.FAILED:
      return { words: "failed", tone: "bad" };
    case ToolOutput_Outcome.REFUSED:
      return { words: "not carried out", tone: "warn" };
    case ToolOutput_Outcome.DENIED:
      return { words: "denied", tone: "warn" };
    case ToolOutput_Outcome.UNANSWERED:
      return { words: "nobody answered", tone: "warn" };
    case ToolOutput_Outcome.UNAVAILABLE:
      return { words: "not available", tone: "warn" };
    case ToolOutput_Outcome.CANCELLED:
      return { words: "stopped", tone: "warn" };
    case ToolOutput_Outcome.UNKNOWN:
      return { words: "outcome unknown", tone: "warn" };
    default:
      return undefined;
  }
}

const refusals: Partial<Record<Reason, string>> = {
  [Reason.ARGUMENTS]: "The call could not be understood.",
  [Reason.NO_SUCH_TOOL]: "There is no such tool here.",
  [Reason.NO_PLAN]: "It would have changed something, and there was no plan yet.",
  [Reason.CHANGED_MEANWHILE]: "What it names had changed meanwhile.",
  [Reason.OTHER_RIGHTS]: "It would have happened with other rights than you agreed to.",
  [Reason.AFTER_CHANGE]: "Outside the sandbox nothing runs in the same turn as a change before it.",
  [Reason.TO_BE_ASKED]: "You would have to be asked about it now.",
  [Reason.RUN_ENDED]: "The run ended before it could begin.",
};

// outcomeMore is more about a call that was not carried out; empty where the tag says it all.
export function outcomeMore(o: ToolOutput): string {
  switch (o.outcome) {
    case ToolOutput_Outcome.REFUSED:
    case ToolOutput_Outcome.UNAVAILABLE:
      return o.why || (refusals[o.reason] ?? "");
    case ToolOutput_Outcome.DENIED:
      return o.why && `You said: “${o.why}”`;
    case ToolOutput_Outcome.UNKNOWN:
      return "OpenVibez ended between the call and its result. It may or may not have happened; it is not repeated.";
    default:
      return "";
  }
}

// profileWords say where something would happen.
export const profileWords: Record<Profile, string> = {
  [Profile.UNSPECIFIED]: "",
  [Profile.RO]: "In the sandbox: nothing can be changed, no network",
  [Profile.WORK]: "In the sandbox: the workspace can be changed, but not .git; no network",
  [Profile.GIT]: "In the sandbox: the workspace and .git can be changed, but not git’s hooks and configuration; no network",
  [Profile.NET]: "In the sandbox: the workspace can be changed, and the hosts named here can be reached",
  [Profile.HOST]: "Outside the sandbox, with all that you may do yourself",
};

export const classWords: Record<Class, string> = {
  [Class.UNSPECIFIED]: "",
  [Class.READ]: "only reads",
  [Class.BUILD]: "builds, tests or writes files",
  [Class.GIT]: "changes the repository",
  [Class.NETWORK]: "wants to reach the network",
  [Class.DANGEROUS]: "can do harm that can't be taken back",
  [Class.UNKNOWN]: "nothing is known of this command",
  [Class.OUTSIDE]: "a tool from outside: only its server knows what it does",
};

// reasonWords say why something is asked.
export function reasonWords(a: Approval): string {
  const again = a.reason === Reason.REPEATED ? "It has made exactly this call several times in a row and may be going round in circles." : "";
  return [again, a.why].filter(Boolean).join(" ");
}

const authors: Record<Author, string> = {
  [Author.UNSPECIFIED]: "",
  [Author.POLICY]: "without asking",
  [Author.RULE]: "by a rule made meanwhile",
  [Author.WINDOW]: "you, in this window",
  [Author.CLI]: "you, in a terminal",
  [Author.NOTIFICATION]: "you, from a notification",
  [Author.TIMEOUT]: "nobody answered in time",
  [Author.END]: "the run ended",
  [Author.CANCEL]: "the run was stopped",
  [Author.RESTART]: "OpenVibez was restarted",
};

export const authorWords = (d: Decision): string => authors[d.by] ?? "";

// madeWords say where a rule was made.
export const madeWords: Partial<Record<Author, string>> = { [Author.WINDOW]: "from the window", [Author.CLI]: "from a terminal", [Author.NOTIFICATION]: "from a notification" };

export function hintWords(h: Hint): string {
  switch (h.kind) {
    case Hint_Kind.SERVER:
      return `${h.name} ${h.version} runs at ${h.baseUrl}${h.plugin ? "" : ", but its plugin is not installed"}`;
    case Hint_Kind.KEY:
      return h.plugin ? `${h.env} is set: ${h.name} can be connected with it` : `${h.env} is set, but no plugin for ${h.name} is installed`;
    default:
      return h.problem;
  }
}

export const trustWords: Record<Trust, { name: string; about: string }> = {
  [Trust.UNSPECIFIED]: { name: "Not trusted", about: "" },
  [Trust.TRUSTED]: { name: "Trusted", about: "Models may read, change and build here without asking, in the sandbox." },
  [Trust.READ_ONLY]: { name: "Read only", about: "Models may look at everything here and change nothing." },
  [Trust.UNTRUSTED]: { name: "Not trusted", about: "Reading is allowed. Every change, build or unknown command asks first." },
};

export const accessWords: Record<AccessMode, { name: string; about: string }> = {
  [AccessMode.UNSPECIFIED]: { name: "Workspace", about: "" },
  [AccessMode.READ_ONLY]: { name: "Read only", about: "Look at files, change nothing" },
  [AccessMode.SCOPED]: { name: "Workspace", about: "Work in the folder, inside the sandbox" },
  [AccessMode.ROOT]: { name: "Root", about: "May leave the sandbox, asking each time" },
};

// levelWords says how far the kernel confines commands here; empty where nothing is amiss.
export const levelWords: Record<string, string> = {
  reduced: "The sandbox works only in part on this machine: more is asked, and less is allowed.",
  none: "There is no sandbox on this machine: nearly everything is refused.",
};

// rightWords are what a copy of a chat does not get.
export const rightWords: Record<Right, string> = {
  [Right.UNSPECIFIED]: "something this version does not know",
  [Right.ROOT]: "root access",
  [Right.WORKSPACE]: "its workspace",
  [Right.PARENT]: "the link to the chat it was branched from",
  [Right.PROVIDER_STATE]: "what its providers kept of their own",
  [Right.OPEN]: "what was under way",
};
