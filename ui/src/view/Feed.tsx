import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { letGo, loadLater, loadOlder, toLatest } from "../state/open";
import { sent } from "../state/send";
import { fetched, picked } from "../state/runs";
import { journal, loadingOlder, openId, openProblem, opening, sessionRuns, sought, table, waitingRuns } from "../state/store";
import { arranged } from "../state/versions";
import { followLink } from "./follow";
import { Icon } from "./icons";
import { newChat } from "./parts";
import { TurnView } from "./TurnView";

// Closer than this to the end counts as being there.
const NEAR_END = 60;
// Older messages are fetched before the top comes into view.
const NEAR_TOP = 1600;
const SOUGHT_MS = 2500;

export function Feed() {
  const scroller = useRef<HTMLDivElement>(null);
  const column = useRef<HTMLDivElement>(null);
  // The reader is at the end and wants to stay there.
  const atEnd = useRef(true);
  const lastTop = useRef(0);
  const [away, setAway] = useState(false);
  const j = journal.value;
  const places = usePlaces();
  const detached = j.newest !== Infinity;

  const toEnd = () => {
    const el = scroller.current;
    if (el) el.scrollTop = el.scrollHeight;
  };
  const anchor = useAnchor(scroller, j.oldest);

  useLayoutEffect(() => {
    const el = scroller.current;
    if (!el || !anchor) return;
    if (atEnd.current) toEnd();
    else if (anchor.article.isConnected) el.scrollTop += anchor.article.getBoundingClientRect().top - anchor.top;
  }, [j.oldest]);

  useLayoutEffect(() => {
    const watching = new ResizeObserver(() => {
      if (atEnd.current) toEnd();
    });
    if (column.current) watching.observe(column.current);
    if (scroller.current) watching.observe(scroller.current);
    toEnd();
    return () => watching.disconnect();
  }, []);

  useEffect(() => {
    atEnd.current = true;
    setAway(false);
    void toLatest().then(toEnd);
  }, [sent.value]);

  // What was looked for comes into the middle and is marked for a moment.
  useLayoutEffect(() => {
    const seq = sought.value?.seq;
    if (seq === undefined || opening.value) return;
    const place = [...(column.current?.querySelectorAll<HTMLElement>("[data-seq]") ?? [])].findLast((el) => Number(el.dataset.seq) <= seq);
    if (!place) return;
    atEnd.current = false;
    place.scrollIntoView({ block: "center" });
    place.dataset.sought = "";
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
    setAway(true);
    sought.value = undefined;
    setTimeout(() => delete place.dataset.sought, SOUGHT_MS);
  }, [sought.value, j]);

  // A page may be too short to scroll, so that no scrolling ever asks for the next. What had to be fetched for that is
  // not let go again.
  const scant = useRef(false);
  useEffect(() => {
    const el = scroller.current;
    if (!el || !j.more || opening.value || el.scrollHeight > el.clientHeight + 100) return;
    scant.current = true;
    void loadOlder();
  }, [j.oldest, opening.value]);

  useEffect(() => {
    if (atEnd.current && !scant.current) letGo();
  }, [j]);

  const scrolled = () => {
    const el = scroller.current;
    if (!el) return;
    const left = el.scrollHeight - el.clientHeight - el.scrollTop;
    // Content that grows moves the end away without anybody scrolling; only going up leaves it.
    if (detached) atEnd.current = false;
    else if (left < NEAR_END) atEnd.current = true;
    else if (el.scrollTop < lastTop.current - 1) atEnd.current = false;
    lastTop.current = el.scrollTop;
    setAway(detached || (!atEnd.current && left > 200));
    if (detached && left < NEAR_TOP) void loadLater();
    if (el.scrollTop < NEAR_TOP && journal.value.more) void loadOlder();
  };

  if (openProblem.value) return <NotOpened />;
  return (
    <div class="feed-place">
      <div ref={scroller} class="feed" role="log" aria-live="off" aria-label="Conversation" tabIndex={0} onScroll={scrolled} onClick={followLink} onAuxClick={followLink}>
        <div ref={column} class="column" aria-busy={opening.value}>
          {places.map(({ turn, versions, continued }, i) => (
            <TurnView
              key={turn.runId}
              turn={turn}
              run={table.runs.value.get(turn.runId)}
              versions={versions}
              continued={continued}
              last={i === places.length - 1}
            />
          ))}
          {j.turns.length === 0 && !opening.value && <p class="older">Nothing has been written here yet.</p>}
        </div>
      </div>
      {loadingOlder.value && <p class="loading-older">Loading earlier messages…</p>}
      {away && (
        <button
          class="jump"
          onClick={() => {
            atEnd.current = true;
            setAway(false);
            void toLatest().then(toEnd);
          }}
        >
          <Icon name="down" />
          Jump to latest
        </button>
      )}
    </div>
  );
}

// usePlaces is what is shown, in order: without the messages that wait, which the queue shows.
function usePlaces() {
  const j = journal.value;
  const runs = sessionRuns.value;
  return useMemo(() => {
    const turns = j.turns.filter((t) => !waitingRuns.value.has(t.runId));
    const have = new Set(turns.map((t) => t.runId));
    for (const [id, turn] of fetched.value) if (!have.has(id) && turn.entries[0]?.sessionId === j.sessionId) turns.push(turn);
    return arranged(turns, new Map(runs.map((r) => [r.id, r])), picked.value);
  }, [j, runs, waitingRuns.value, fetched.value, picked.value]);
}

// useAnchor measures the first thing in view just before something is put above it or taken away there, so that it can
// stay where it is.
function useAnchor(scroller: { current: HTMLElement | null }, oldest: number) {
  const seen = useRef(oldest);
  const anchor = useRef<{ article: Element; top: number } | undefined>(undefined);
  if (seen.current !== oldest) {
    seen.current = oldest;
    const top = scroller.current?.getBoundingClientRect().top ?? 0;
    const article = [...(scroller.current?.querySelectorAll("article") ?? [])].find((el) => el.getBoundingClientRect().bottom > top);
    anchor.current = article ? { article, top: article.getBoundingClientRect().top } : undefined;
  }
  return anchor.current;
}

function NotOpened() {
  return (
    <div class="welcome" role="alert">
      <h2>This chat can't be shown</h2>
      <p>{openProblem.value}</p>
      <div class="buttons">
        <button class="button" onClick={newChat}>New chat</button>
        <button class="button" onClick={() => location.reload()}>Try again</button>
      </div>
      <p class="faint">{openId.value}</p>
    </div>
  );
}
