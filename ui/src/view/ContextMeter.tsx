import { latestContext } from "../state/store";
import { count } from "../text/words";

const AROUND = 2 * Math.PI * 6;

// ContextMeter shows how full the model's window was at the last call.
export function ContextMeter() {
  const now = latestContext.value;
  if (!now) return null;
  const part = Math.min(1, now.used / now.size);
  const percent = part > 0 && part < 0.01 ? "<1" : Math.round(part * 100);
  const words = `The model's window is ${percent} % full: about ${count(now.used)} of ${count(now.size)} tokens. Before it overflows, earlier messages are summarised.`;
  return (
    <span class="context" data-full={part >= 0.8 || undefined} role="img" tabIndex={0} aria-label={words} title={words}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6" class="context-all" />
        <circle cx="8" cy="8" r="6" class="context-used" stroke-dasharray={`${part * AROUND} ${AROUND}`} />
      </svg>
      <span class="context-words">{percent} %</span>
    </span>
  );
}
