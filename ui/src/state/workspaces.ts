// Workspaces: where models work, what is trusted there, and what may run without asking.
import { computed } from "@preact/signals";
import { api, words } from "../api";
import { AccessMode, type Rule, type Trust, type Workspace } from "../gen/api/v1/api_pb";
import { newAccess, newWorkspace } from "./choice";
import { put } from "./rows";
import { acceptedSession } from "./runs";
import { openId, problem, session, setTables, table, tables } from "./store";

// The workspace of the open chat, or of the new one.
export const place = computed<Workspace | undefined>(() => table.workspaces.value.get(openId.value ? (session.value?.workspaceId ?? "") : newWorkspace.value));

export const access = computed<AccessMode>(() => {
  const mode = openId.value ? (session.value?.accessMode ?? AccessMode.SCOPED) : newAccess.value;
  return mode === AccessMode.UNSPECIFIED ? AccessMode.SCOPED : mode;
});

// setPlace has the open chat's commands run in a workspace; "" for none. Root access does not move along.
export async function setPlace(workspaceId: string): Promise<void> {
  const id = openId.value;
  const mode = access.value === AccessMode.ROOT ? AccessMode.SCOPED : access.value;
  if (!id) {
    newWorkspace.value = workspaceId;
    newAccess.value = mode;
    return;
  }
  try {
    acceptedSession((await api.sessions.updateSession({ id, workspaceId, accessMode: mode })).session);
  } catch (err) {
    problem.value = `The workspace was not changed. ${words(err)}`;
  }
}

// setAccess settles how far the open chat's commands may reach. Root is not given here: see AskRoot.
export async function setAccess(mode: AccessMode): Promise<void> {
  const id = openId.value;
  if (!id) {
    newAccess.value = mode;
    return;
  }
  try {
    acceptedSession((await api.sessions.updateSession({ id, accessMode: mode })).session);
  } catch (err) {
    problem.value = `The access was not changed. ${words(err)}`;
  }
}

const keep = (w: Workspace | undefined): void => {
  if (w) setTables({ workspaces: put(tables.value.workspaces, [w], (x) => x.id) });
};
const keepRules = (rules: Rule[]): void => setTables({ rules: put(tables.value.rules, rules, (r) => r.id) });

// said is what went wrong, in words; empty if nothing did.
async function said(what: () => Promise<void>): Promise<string> {
  try {
    await what();
    return "";
  } catch (err) {
    return words(err);
  }
}

export const add = (path: string): Promise<string> => said(async () => keep((await api.workspaces.addWorkspace({ path })).workspace));

interface Change {
  name?: string;
  trust?: Trust;
  systemPrompt?: string;
  runUnknown?: boolean;
}
export const change = (id: string, to: Change): Promise<string> => said(async () => keep((await api.workspaces.updateWorkspace({ id, ...to })).workspace));

export const remove = (id: string): Promise<string> =>
  said(async () => {
    await api.workspaces.removeWorkspace({ id });
    const rest = new Map(tables.value.workspaces);
    rest.delete(id);
    setTables({ workspaces: rest });
  });

// grantRegistries lets commands fetch packages. To name other hosts is not open to a page.
export const grantRegistries = (workspaceId: string): Promise<string> =>
  said(async () => keepRules((await api.workspaces.grantDomains({ workspaceId, registries: true })).rules));

export const revoke = (id: string): Promise<string> =>
  said(async () => {
    await api.workspaces.revokeRule({ id });
    const rest = new Map(tables.value.rules);
    rest.delete(id);
    setTables({ rules: rest });
  });

export const rulesOf = (workspaceId: string): Rule[] =>
  [...table.rules.value.values()].filter((r) => r.workspaceId === workspaceId).sort((a, b) => Number(b.createdMs - a.createdMs));
