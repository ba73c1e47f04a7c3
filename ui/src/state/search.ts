// Looking for messages in all sessions.
import { batch, computed, effect, signal } from "@preact/signals";
import { api, words } from "../api";
import type { SearchHit } from "../gen/api/v1/api_pb";
import { sessions } from "./store";

// What is looked for; empty: nothing, and the list of sessions is shown.
export const query = signal("");

export interface Filter {
  provider: string;
  workspaceId: string;
  // Days back; 0: ever.
  days: number;
}
export const anything: Filter = { provider: "", workspaceId: "", days: 0 };
export const filter = signal<Filter>(anything);

export const hits = signal<readonly SearchHit[]>([]);
export const nextHits = signal("");
export const searching = signal(false);
export const searchProblem = signal("");

// Sessions that are called so; those the list has are enough, since the messages of the others are searched.
export const titleHits = computed(() => {
  const parts = query.value.toLowerCase().replace(/["*]/g, "").split(/\s+/).filter(Boolean);
  if (parts.length === 0) return [];
  return sessions.value.filter((s) => parts.every((p) => s.title.toLowerCase().includes(p))).slice(0, 5);
});

const PAUSE_MS = 120;
const DAY_MS = 86_400_000;

// Each question has a number, so that a late answer does not replace a newer one.
let asked = 0;
let timer = 0;

effect(() => {
  const text = query.value.trim();
  const by = filter.value;
  clearTimeout(timer);
  asked++;
  if (!text) {
    batch(() => {
      hits.value = [];
      nextHits.value = "";
      searching.value = false;
      searchProblem.value = "";
    });
    return;
  }
  searching.value = true;
  timer = window.setTimeout(() => void ask(text, by, ""), PAUSE_MS);
});

export const moreHits = (): Promise<void> => ask(query.value.trim(), filter.value, nextHits.value);

async function ask(text: string, by: Filter, pageToken: string): Promise<void> {
  const mine = ++asked;
  const since = by.days > 0 ? BigInt(Date.now() - by.days * DAY_MS) : 0n;
  try {
    const page = await api.sessions.searchSessions({ query: text, provider: by.provider, workspaceId: by.workspaceId, sinceMs: since, limit: 30, pageToken });
    if (mine !== asked) return;
    batch(() => {
      hits.value = pageToken ? [...hits.value, ...page.hits] : page.hits;
      nextHits.value = page.nextPageToken;
      searchProblem.value = "";
      searching.value = false;
    });
  } catch (err) {
    if (mine !== asked) return;
    batch(() => {
      searchProblem.value = words(err);
      searching.value = false;
      if (!pageToken) hits.value = [];
    });
  }
}
