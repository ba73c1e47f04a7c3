// Answers that replace one another, and those that go on from another: which of a session's turns are shown, and where.
// Pure.
import type { Run } from "../gen/api/v1/api_pb";
import { first, type Turn } from "./journal";
import { neverBegan } from "./rows";

type Runs = ReadonlyMap<string, Run>;

// Version is one of several runs that stand in for each other.
export interface Versions {
  // What the first of them is called; that is how a choice among them is kept.
  readonly chain: string;
  // Oldest first, each with the runs that went on from it left out.
  readonly ids: readonly string[];
  // Which of them is shown.
  readonly at: number;
}

export interface Place {
  readonly turn: Turn;
  // Present where there is more than one.
  readonly versions?: Versions;
  // The run that goes on from this one, if that is what comes next.
  readonly continued: boolean;
}

// headOf is the run that a run goes on from in the end: itself mostly.
export function headOf(runs: Runs, id: string): string {
  for (let n = 0; n < 1000; n++) {
    const before = runs.get(id)?.continuesRunId;
    if (!before) return id;
    id = before;
  }
  return id;
}

// chainOf is the first of the runs that stand in for each other, as far as they are known.
export function chainOf(runs: Runs, id: string): string {
  id = headOf(runs, id);
  for (let n = 0; n < 1000; n++) {
    const before = runs.get(id)?.replacesRunId;
    if (!before) return id;
    id = headOf(runs, before);
  }
  return id;
}

// arranged gives the turns that are shown, in their order: of each chain the newest, or the picked one, in its place.
export function arranged(turns: readonly Turn[], runs: Runs, picked: ReadonlyMap<string, string>): Place[] {
  const chains = new Map<string, string[]>();
  const continued = new Set<string>();
  const linked = [...runs.values()].filter((run) => run.continuesRunId || run.replacesRunId);
  const inOrder = linked.sort((a, b) => Number(a.createdMs - b.createdMs) || Number(a.userSeq - b.userSeq));
  for (const run of inOrder) {
    if (run.continuesRunId) continued.add(run.continuesRunId);
    // A message taken out of the queue stands in for nothing.
    if (!run.replacesRunId || neverBegan(run)) continue;
    const chain = chainOf(runs, run.id);
    const list = chains.get(chain) ?? [chain];
    if (!list.includes(run.id)) list.push(run.id);
    chains.set(chain, list);
  }
  // Where a chain stands: where the earliest of it that is loaded does.
  const places = new Map<string, number>();
  for (const turn of turns) {
    const chain = chainOf(runs, turn.runId);
    places.set(chain, Math.min(places.get(chain) ?? Infinity, first(turn.entries[0])));
  }
  const out: (Place & { at: number; own: number })[] = [];
  for (const turn of turns) {
    const head = headOf(runs, turn.runId);
    const chain = chainOf(runs, turn.runId);
    const ids = chains.get(chain);
    let versions: Versions | undefined;
    if (ids && ids.length > 1) {
      const at = Math.max(0, ids.includes(picked.get(chain) ?? "") ? ids.indexOf(picked.get(chain) ?? "") : ids.length - 1);
      if (ids[at] !== head) continue;
      versions = turn.runId === head ? { chain, ids, at } : undefined;
    }
    out.push({ turn, versions, continued: continued.has(turn.runId), at: places.get(chain) ?? 0, own: first(turn.entries[0]) });
  }
  out.sort((a, b) => a.at - b.at || a.own - b.own);
  return out.map(({ turn, versions, continued: on }) => ({ turn, versions, continued: on }));
}
