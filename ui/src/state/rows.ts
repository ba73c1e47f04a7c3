// Everything but the journal that Watch tells about, as tables of rows by id. Pure.
import { RunState, Topic, type Approval, type Change, type Entry, type Model, type Provider, type Run, type Rule, type Session, type Setting, type Tombstone, type Workspace } from "../gen/api/v1/api_pb";

type Table<T> = ReadonlyMap<string, T>;

export interface Tables {
  readonly sessions: Table<Session>;
  readonly runs: Table<Run>;
  readonly approvals: Table<Approval>;
  readonly providers: Table<Provider>;
  readonly models: Table<Model>;
  readonly settings: Table<Setting>;
  readonly workspaces: Table<Workspace>;
  readonly rules: Table<Rule>;
}

export const emptyTables: Tables = {
  sessions: new Map(),
  runs: new Map(),
  approvals: new Map(),
  providers: new Map(),
  models: new Map(),
  settings: new Map(),
  workspaces: new Map(),
  rules: new Map(),
};

export const modelKey = (m: Model): string => `${m.providerId}/${m.model?.id ?? ""}`;

// put adds rows to a table unless it already has newer ones.
export function put<T extends { rev: bigint }>(table: Table<T>, rows: readonly T[], key: (row: T) => string): Table<T> {
  if (rows.length === 0) return table;
  const next = new Map(table);
  for (const row of rows) {
    const old = next.get(key(row));
    if (!old || old.rev <= row.rev) next.set(key(row), row);
  }
  return next;
}

// applied gives the tables after the changes, and the entries among them, which belong to the journal.
export function applied(tables: Tables, changes: readonly Change[]): { tables: Tables; entries: Entry[] } {
  const sessions: Session[] = [];
  const runs: Run[] = [];
  const approvals: Approval[] = [];
  const providers: Provider[] = [];
  const models: Model[] = [];
  const settings: Setting[] = [];
  const workspaces: Workspace[] = [];
  const rules: Rule[] = [];
  const entries: Entry[] = [];
  const gone: Tombstone[] = [];
  for (const { row } of changes) {
    switch (row.case) {
      case "session": sessions.push(row.value); break;
      case "run": runs.push(row.value); break;
      case "entry": entries.push(row.value); break;
      case "approval": approvals.push(row.value); break;
      case "provider": providers.push(row.value); break;
      case "model": models.push(row.value); break;
      case "setting": settings.push(row.value); break;
      case "workspace": workspaces.push(row.value); break;
      case "rule": rules.push(row.value); break;
      case "tombstone": gone.push(row.value); break;
    }
  }
  let next: Tables = {
    sessions: put(tables.sessions, sessions, (r) => r.id),
    runs: put(tables.runs, runs, (r) => r.id),
    approvals: put(tables.approvals, approvals, (r) => r.id),
    providers: put(tables.providers, providers, (r) => r.id),
    models: put(tables.models, models, modelKey),
    settings: put(tables.settings, settings, (r) => r.key),
    workspaces: put(tables.workspaces, workspaces, (r) => r.id),
    rules: put(tables.rules, rules, (r) => r.id),
  };
  for (const stone of gone) next = buried(next, stone);
  return { tables: next, entries };
}

function buried(tables: Tables, stone: Tombstone): Tables {
  const older = (row: { rev: bigint }) => row.rev <= stone.rev;
  const drop = <T extends { rev: bigint }>(table: Table<T>, is: (row: T, key: string) => boolean): Table<T> =>
    new Map([...table].filter(([key, row]) => !(older(row) && is(row, key))));
  switch (stone.topic) {
    case Topic.SESSIONS:
      return {
        ...tables,
        sessions: drop(tables.sessions, (s) => s.id === stone.id),
        runs: drop(tables.runs, (r) => r.sessionId === stone.id),
        approvals: drop(tables.approvals, (a) => a.sessionId === stone.id),
      };
    case Topic.RUNS:
      return { ...tables, runs: drop(tables.runs, (r) => r.id === stone.id) };
    case Topic.APPROVALS:
      return { ...tables, approvals: drop(tables.approvals, (a) => a.id === stone.id) };
    case Topic.PROVIDERS:
      return {
        ...tables,
        providers: drop(tables.providers, (p) => p.id === stone.id),
        models: drop(tables.models, (m) => m.providerId === stone.id),
      };
    case Topic.MODELS:
      return { ...tables, models: drop(tables.models, (m, key) => key === stone.id || m.model?.id === stone.id) };
    case Topic.SETTINGS:
      return { ...tables, settings: drop(tables.settings, (s) => s.key === stone.id) };
    case Topic.WORKSPACES:
      return {
        ...tables,
        workspaces: drop(tables.workspaces, (w) => w.id === stone.id),
        rules: drop(tables.rules, (r) => r.workspaceId === stone.id),
      };
    case Topic.RULES:
      return { ...tables, rules: drop(tables.rules, (r) => r.id === stone.id) };
    default:
      return tables;
  }
}

// isThere: the session is not on its way out. A deleted one can be brought back for a minute, but is not shown.
export const isThere = (s: Session | undefined): s is Session => s !== undefined && s.deletedMs === 0n;

// ordered is the list of sessions as people see it: pinned ones, then the newest. The archived ones are another list.
export function ordered(sessions: Table<Session>, archived = false): Session[] {
  return [...sessions.values()]
    .filter((s) => isThere(s) && (s.archivedMs > 0n) === archived)
    .sort((a, b) => Number(b.pinned) - Number(a.pinned) || Number(b.activeMs - a.activeMs) || (a.id < b.id ? -1 : 1));
}

// isActive: the run is under way; at most one of a session is.
export const isActive = (run: Run): boolean => run.state >= RunState.RUNNING && run.state <= RunState.PAUSED;
export const isQueued = (run: Run): boolean => run.state === RunState.QUEUED;
// waiting gives the queued runs that an earlier one of their session holds up: the others start at once.
export function waiting(runs: Iterable<Run>): ReadonlySet<string> {
  const open = [...runs].filter((r) => !isOver(r));
  return new Set(
    open
      .filter((run) => isQueued(run) && open.some((r) => r !== run && r.sessionId === run.sessionId && (!isQueued(r) || r.queueOrder < run.queueOrder)))
      .map((run) => run.id),
  );
}
// neverBegan: it was taken back before any model saw its message.
export const neverBegan = (run: Run): boolean => run.state === RunState.CANCELLED && run.startedMs === 0n;
export const isOver = (run: Run): boolean => run.state >= RunState.COMPLETED;
