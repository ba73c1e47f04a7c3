import { useEffect, useRef, useState } from "preact/hooks";
import type { Approval } from "../gen/api/v1/api_pb";
import { draft } from "../state/drafts";
import { decide } from "../state/runs";
import { pendingApprovals } from "../state/store";

// A click or key meant for what was there before must not answer.
const DEAF_MS = 500;

// When any question was last answered: the next one slides under the same finger.
let lastAnswer = -Infinity;

// useAnswer answers a question, but nothing too early: not before it has been seen for half a second.
export function useAnswer(approval: Approval) {
  const box = useRef<HTMLDivElement>(null);
  const shownAt = useRef(performance.now());
  const [busy, setBusy] = useState(false);
  const here = pendingApprovals.value.filter((a) => a.sessionId === approval.sessionId);
  const first = here[0]?.id === approval.id;

  useEffect(() => {
    // Seen means seen: a window that comes to the front begins anew.
    const again = () => (shownAt.current = performance.now());
    document.addEventListener("visibilitychange", again);
    window.addEventListener("focus", again);
    return () => {
      document.removeEventListener("visibilitychange", again);
      window.removeEventListener("focus", again);
    };
  }, []);

  useEffect(() => {
    // Who is in the middle of writing keeps the focus.
    const writing = draft.peek() !== "" || (document.activeElement instanceof HTMLElement && /^(TEXTAREA|INPUT)$/.test(document.activeElement.tagName) && document.activeElement.id !== "message");
    if (!first) return;
    shownAt.current = performance.now();
    if (writing || document.querySelector("dialog[open]")) return;
    box.current?.querySelector<HTMLElement>("[data-first]")?.focus({ preventScroll: true });
    // The buttons and, if it fits, all of what they are about.
    const card = box.current?.closest("article");
    card?.scrollIntoView({ block: "nearest" });
    box.current?.scrollIntoView({ block: "nearest" });
  }, [first]);

  const deaf = () => performance.now() - Math.max(shownAt.current, lastAnswer) < DEAF_MS;
  const answer = async (choiceId: string, words: string) => {
    if (busy || deaf()) return;
    setBusy(true);
    lastAnswer = performance.now();
    if (!(await decide(approval.id, choiceId, words))) setBusy(false);
  };
  return { box, busy, deaf, answer, first, others: here.length - 1 };
}
