import { useState } from "preact/hooks";
import { hashOf } from "../boot";
import type { SearchHit } from "../gen/api/v1/api_pb";
import { providers } from "../state/choice";
import { showAt } from "../state/open";
import { anything, filter, hits, moreHits, nextHits, query, searching, searchProblem, titleHits, type Filter } from "../state/search";
import { table, workspaces } from "../state/store";
import { ago } from "../text/words";
import { Icon } from "./icons";
import { searchKeys } from "./keys";
import { focusComposer } from "./parts";
import { SessionItem } from "./SessionItem";

export function SearchField() {
  const pressed = (e: KeyboardEvent) => {
    if (e.isComposing) return;
    if (e.key === "Escape" && query.value) query.value = "";
    else if (e.key === "Escape") focusComposer();
    else if (e.key === "ArrowDown" || e.key === "Enter") {
      const first = document.querySelector<HTMLElement>(".found a");
      if (e.key === "Enter") first?.click();
      else first?.focus();
    } else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div class="search-field" role="search">
      <Icon name="search" />
      <input
        id="search"
        type="text"
        aria-label="Search in all chats"
        title={`Search in all chats (${searchKeys}). Words must all occur; "in quotes" is a phrase; inter* is a beginning.`}
        placeholder="Search"
        autocomplete="off"
        spellcheck={false}
        value={query.value}
        onInput={(e) => (query.value = e.currentTarget.value)}
        onKeyDown={pressed}
      />
      {query.value && (
        <button class="bare" aria-label="Clear the search" onClick={() => {
          query.value = "";
          document.getElementById("search")?.focus();
        }}>
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}

const spans: readonly [number, string][] = [[0, "Any time"], [1, "Last 24 hours"], [7, "Last 7 days"], [30, "Last 30 days"], [365, "Last year"]];

function Filters() {
  const now = filter.value;
  const set = (change: Partial<Filter>) => (filter.value = { ...now, ...change });
  return (
    <div class="filters" role="group" aria-label="Narrow the search">
      <select aria-label="When" value={String(now.days)} onChange={(e) => set({ days: Number(e.currentTarget.value) })}>
        {spans.map(([days, text]) => <option key={days} value={String(days)}>{text}</option>)}
      </select>
      {providers.value.length > 1 && (
        <select aria-label="Provider" value={now.provider} onChange={(e) => set({ provider: e.currentTarget.value })}>
          <option value="">Any provider</option>
          {providers.value.map((p) => <option key={p.id} value={p.id}>{p.name}</option>)}
        </select>
      )}
      {workspaces.value.length > 0 && (
        <select aria-label="Workspace" value={now.workspaceId} onChange={(e) => set({ workspaceId: e.currentTarget.value })}>
          <option value="">Any workspace</option>
          {workspaces.value.map((w) => <option key={w.id} value={w.id}>{w.name}</option>)}
        </select>
      )}
    </div>
  );
}

// moved goes up and down among what was found.
function moved(e: KeyboardEvent): void {
  if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
  const all = [...document.querySelectorAll<HTMLElement>(".found a")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  e.preventDefault();
  e.stopPropagation();
  const next = all[at + (e.key === "ArrowDown" ? 1 : -1)];
  if (next) next.focus();
  else if (at === 0) document.getElementById("search")?.focus();
}

// Found is what the search has found, in the place of the list.
export function Found() {
  const narrowed = filter.value !== anything && JSON.stringify(filter.value) !== JSON.stringify(anything);
  const none = hits.value.length === 0 && titleHits.value.length === 0 && !searching.value && !searchProblem.value;
  return (
    <div class="sessions found" onKeyDown={moved}>
      <Filters />
      <div role="status" class="found-words">
        {searchProblem.value && <p class="form-problem"><Icon name="warn" /><span>{searchProblem.value}</span></p>}
        {none && <p class="no-sessions">Nothing was found.{narrowed ? " " : ""}{narrowed && <button class="text-button" onClick={() => (filter.value = anything)}>Search everywhere</button>}</p>}
        {searching.value && hits.value.length === 0 && <p class="no-sessions">Searching…</p>}
      </div>
      {titleHits.value.length > 0 && <ul role="list" aria-label="Chats called so">{titleHits.value.map((s) => <SessionItem key={s.id} session={s} />)}</ul>}
      <ul role="list" aria-label="Messages found">
        {hits.value.map((h) => <Hit key={`${h.session?.id} ${h.seq}`} hit={h} />)}
        {nextHits.value && <li><MoreHits /></li>}
      </ul>
    </div>
  );
}

function MoreHits() {
  const [busy, setBusy] = useState(false);
  return (
    <button class="more" disabled={busy} onClick={() => {
      setBusy(true);
      void moreHits().finally(() => setBusy(false));
    }}>
      {busy ? "Searching…" : "More"}
    </button>
  );
}

function Hit({ hit }: { hit: SearchHit }) {
  const id = hit.session?.id ?? "";
  const title = table.sessions.value.get(id)?.title || hit.session?.title || "Untitled chat";
  return (
    <li class="hit">
      <a href={hashOf(id)} onClick={(e) => {
        if (e.ctrlKey || e.metaKey || e.shiftKey) return;
        e.preventDefault();
        void showAt(id, Number(hit.seq), hit.runId);
      }}>
        <span class="hit-head">
          <span class="session-title">{title}</span>
          <span class="faint">{ago(Number(hit.createdMs), Date.now())}</span>
        </span>
        <span class="hit-text">
          {hit.user && <span class="hit-who">You: </span>}
          {hit.pieces.map((p, i) => (p.found ? <mark key={i}>{p.text}</mark> : p.text))}
        </span>
      </a>
    </li>
  );
}
