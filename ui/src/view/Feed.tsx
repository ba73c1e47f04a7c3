import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { letGo, loadOlder } from "../state/open";
import { sent } from "../state/send";
import { journal, loadingOlder, openId, openProblem, opening, replacedRuns, tables, waitingRuns } from "../state/store";
import { followLink } from "./follow";
import { Icon } from "./icons";
import { newChat } from "./parts";
import { TurnView } from "./TurnView";

// Closer than this to the end counts as being there.
const NEAR_END = 60;
// Older messages are fetched before the top comes into view.
const NEAR_TOP = 800;

export function Feed() {
  const scroller = useRef<HTMLDivElement>(null);
  const column = useRef<HTMLDivElement>(null);
  // The reader is at the end and wants to stay there.
  const atEnd = useRef(true);
  const lastTop = useRef(0);
  const [away, setAway] = useState(false);
  const j = journal.value;

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
    toEnd();
  }, [sent.value]);

  useEffect(() => {
    if (atEnd.current) letGo();
  }, [j]);

  // A page may be too short to scroll, so that no scrolling ever asks for the next.
  useEffect(() => {
    const el = scroller.current;
    if (el && j.more && !opening.value && el.scrollHeight <= el.clientHeight + 100) void loadOlder();
  }, [j.oldest, opening.value]);

  const scrolled = () => {
    const el = scroller.current;
    if (!el) return;
    const left = el.scrollHeight - el.clientHeight - el.scrollTop;
    // Content that grows moves the end away without anybody scrolling; only going up leaves it.
    if (left < NEAR_END) atEnd.current = true;
    else if (el.scrollTop < lastTop.current - 1) atEnd.current = false;
    lastTop.current = el.scrollTop;
    setAway(!atEnd.current && left > 200);
    if (el.scrollTop < NEAR_TOP && journal.value.more) void loadOlder();
  };

  if (openProblem.value) return <NotOpened />;
  return (
    <div class="feed-place">
      <div ref={scroller} class="feed" role="log" aria-live="off" aria-label="Conversation" tabIndex={0} onScroll={scrolled} onClick={followLink} onAuxClick={followLink}>
        <div ref={column} class="column" aria-busy={opening.value}>
          {j.turns.map((turn) => (
            <TurnView
              key={turn.runId}
              turn={turn}
              run={tables.value.runs.get(turn.runId)}
              replaced={replacedRuns.value.has(turn.runId)}
              waits={waitingRuns.value.has(turn.runId)}
              last={turn === j.turns[j.turns.length - 1]}
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
            toEnd();
          }}
        >
          <Icon name="down" />
          Jump to latest
        </button>
      )}
    </div>
  );
}

// useAnchor measures the first message just before older ones are put above it, so that it can stay where it is.
function useAnchor(scroller: { current: HTMLElement | null }, oldest: number) {
  const seen = useRef(oldest);
  const anchor = useRef<{ article: Element; top: number } | undefined>(undefined);
  if (seen.current !== oldest) {
    seen.current = oldest;
    const article = scroller.current?.querySelector("article");
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
