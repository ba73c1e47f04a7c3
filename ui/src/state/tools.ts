// What a call of a tool is about, in a few words. Pure.
import { ToolOutput_Outcome, type FileChange } from "../gen/api/v1/api_pb";
import type { ToolCall } from "../gen/provider/v1/provider_pb";
import type { Part } from "./parts";

export type ToolKind = "command" | "read" | "edit" | "search" | "plan" | "other";

export interface About {
  kind: ToolKind;
  verb: string;
  // The command, path or words it is about.
  subject: string;
}

type Json = Record<string, unknown>;

export function argumentsOf(call: ToolCall): Json {
  try {
    const v: unknown = JSON.parse(call.argumentsJson || "{}");
    return typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Json) : {};
  } catch {
    return {};
  }
}

const str = (v: unknown): string => (typeof v === "string" ? v : "");

export function aboutCall(call: ToolCall): About {
  const args = argumentsOf(call);
  switch (call.name) {
    case "run_shell":
      return { kind: "command", verb: "Ran", subject: str(args.command) };
    case "read_file":
      return { kind: "read", verb: "Read", subject: str(args.path) };
    case "edit_file":
      return { kind: "edit", verb: "Edited", subject: str(args.path) };
    case "search_files":
      return { kind: "search", verb: "Searched", subject: [str(args.pattern) || str(args.query) || str(args.text), str(args.path)].filter(Boolean).join(" in ") };
    case "update_plan":
      return { kind: "plan", verb: "Updated the plan", subject: "" };
    default:
      return { kind: "other", verb: call.name, subject: call.argumentsJson === "{}" ? "" : call.argumentsJson };
  }
}

// toldByChange: the call edited a file, and the row of that change says all there is to say about it.
export function toldByChange(part: Part, parts: readonly Part[]): boolean {
  if (part.kind !== "tool" || part.output?.outcome !== ToolOutput_Outcome.DONE) return false;
  const { kind, subject } = aboutCall(part.call);
  if (kind !== "edit" || subject === "") return false;
  return parts.some((p) => p.kind === "change" && p.change.diff !== "" && sameFile(p.change.path, subject));
}

// One of the two may be relative to the workspace.
const sameFile = (a: string, b: string): boolean => a === b || a.endsWith(`/${b.replace(/^\.\//, "")}`) || b.endsWith(`/${a}`);

export interface Counts {
  added: number;
  removed: number;
}

// countsOf is how many lines a difference adds and removes.
export function countsOf(diff: string): Counts {
  let added = 0;
  let removed = 0;
  for (const line of diff.split("\n")) {
    if (/^\+(?!\+\+ )/.test(line)) added++;
    else if (/^-(?!-- )/.test(line)) removed++;
  }
  return { added, removed };
}

// Changed is one file of a run's report.
export interface Changed extends Counts {
  path: string;
  // The newest fact about it.
  change: FileChange;
  // Some change of it can be put back.
  undoable: boolean;
}

// reportOf is the files that a turn has changed, those first that may run later.
export function reportOf(parts: readonly Part[]): Changed[] {
  const files = new Map<string, Changed>();
  for (const p of parts) {
    if (p.kind !== "change") continue;
    const c = p.change;
    const old = files.get(c.path);
    const n = countsOf(c.diff);
    const why = c.why || old?.change.why || "";
    const sensitive = c.sensitive || (old?.change.sensitive ?? false);
    files.set(c.path, {
      path: c.path,
      change: { ...c, kind: old && c.diff === "" ? old.change.kind : c.kind, why, sensitive, undone: c.undone },
      added: (old?.added ?? 0) + n.added,
      removed: (old?.removed ?? 0) + n.removed,
      undoable: (c.undoable && !c.undone) || (old?.undoable ?? false),
    });
  }
  return [...files.values()].sort((a, b) => Number(b.change.sensitive) - Number(a.change.sensitive) || a.path.localeCompare(b.path));
}
