// Everything but the journal that Watch tells about, as tables of rows by id. Pure.
import { RunState, Topic, type Approval, type Change, type Consent, type Entry, type Host, type Model, type Plugin, type Provider, type Run, type Rule, type Session, type Setting, type Tombstone, type Workspace } from "../gen/api/v1/api_pb";

type Table<T> = ReadonlyMap<string, T>;
type Row = { rev: bigint };

export interface Tables {
  readonly sessions: Table<Session>;
  readonly runs: Table<Run>;
  readonly approvals: Table<Approval>;
  readonly providers: Table<Provider>;
  readonly models: Table<Model>;
  readonly settings: Table<Setting>;
  readonly workspaces: Table<Workspace>;
  readonly rules: Table<Rule>;
  readonly plugins: Table<Plugin>;
  readonly host: Table<Host>;
  readonly consents: Table<Consent>;
}
type Name = keyof Tables;
type RowOf<T> = T extends Table<infer R> ? R : never;

// Kind is all there is to know of a topic: what a change and a tombstone call it, what its rows are called, and whose
// end is theirs too.
interface Kind<T> {
  topic: Topic;
  row: Change["row"]["case"];
  key: (row: T) => string;
  owner?: { topic: Topic; id: (row: T) => string };
}

export const modelKey = (m: Model): string => `${m.providerId}/${m.model?.id ?? ""}`;

const kinds: { readonly [N in Name]: Kind<RowOf<Tables[N]>> } = {
  sessions: { topic: Topic.SESSIONS, row: "session", key: (r) => r.id },
  runs: { topic: Topic.RUNS, row: "run", key: (r) => r.id, owner: { topic: Topic.SESSIONS, id: (r) => r.sessionId } },
  approvals: { topic: Topic.APPROVALS, row: "approval", key: (r) => r.id, owner: { topic: Topic.SESSIONS, id: (r) => r.sessionId } },
  providers: { topic: Topic.PROVIDERS, row: "provider", key: (r) => r.id },
  models: { topic: Topic.MODELS, row: "model", key: modelKey, owner: { topic: Topic.PROVIDERS, id: (r) => r.providerId } },
  settings: { topic: Topic.SETTINGS, row: "setting", key: (r) => r.key },
  workspaces: { topic: Topic.WORKSPACES, row: "workspace", key: (r) => r.id },
  rules: { topic: Topic.RULES, row: "rule", key: (r) => r.id, owner: { topic: Topic.WORKSPACES, id: (r) => r.workspaceId } },
  plugins: { topic: Topic.PLUGINS, row: "plugin", key: (r) => r.id },
  host: { topic: Topic.HOST, row: "host", key: () => "host" },
  consents: { topic: Topic.CONSENTS, row: "consent", key: (r) => r.id },
};
const names = Object.keys(kinds) as Name[];

// The topics to watch; entries are those of one session.
export const topics: Topic[] = [Topic.ENTRIES, ...names.map((n) => kinds[n].topic)];

export const emptyTables = Object.fromEntries(names.map((n) => [n, new Map()])) as unknown as Tables;

// put adds rows to a table unless it already has newer ones.
export function put<T extends Row>(table: Table<T>, rows: readonly T[], key: (row: T) => string): Table<T> {
  if (rows.length === 0) return table;
  const next = new Map(table);
  for (const row of rows) {
    const old = next.get(key(row));
    if (!old || old.rev <= row.rev) next.set(key(row), row);
  }
  return next;
}

// added puts rows into the table of their name.
export function added<N extends Name>(tables: Tables, name: N, rows: readonly RowOf<Tables[N]>[]): Tables {
  const table = tables[name] as Table<RowOf<Tables[N]>>;
  const next = put(table as Table<Row>, rows, kinds[name].key as (row: Row) => string);
  return next === (table as unknown) ? tables : { ...tables, [name]: next };
}

// applied gives the tables after the changes, and the entries among them, which belong to the journal.
export function applied(tables: Tables, changes: readonly Change[]): { tables: Tables; entries: Entry[] } {
  const entries: Entry[] = [];
  const gone: Tombstone[] = [];
  const found = new Map<Change["row"]["case"], Row[]>();
  for (const { row } of changes) {
    if (row.case === "entry") entries.push(row.value);
    else if (row.case === "tombstone") gone.push(row.value);
    else if (row.case) found.set(row.case, [...(found.get(row.case) ?? []), row.value]);
  }
  let next = tables;
  for (const name of names) next = added(next, name, (found.get(kinds[name].row) ?? []) as never[]);
  for (const stone of gone) next = buried(next, stone);
  return { tables: next, entries };
}

function buried(tables: Tables, stone: Tombstone): Tables {
  const next: Record<string, Table<Row>> = { ...tables };
  for (const name of names) {
    const kind = kinds[name] as unknown as Kind<Row>;
    const own = kind.topic === stone.topic;
    const owner = kind.owner?.topic === stone.topic ? kind.owner : undefined;
    if (!own && !owner) continue;
    const goes = (key: string, row: Row) => row.rev <= stone.rev && ((own && key === stone.id) || owner?.id(row) === stone.id);
    next[name] = new Map([...(tables[name] as Table<Row>)].filter(([key, row]) => !goes(key, row)));
  }
  return next as unknown as Tables;
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
