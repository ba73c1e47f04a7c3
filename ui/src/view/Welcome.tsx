import { onlyCanned } from "../state/choice";
import { typed } from "../state/drafts";
import { hints } from "../state/providers";
import { dialog, link, table } from "../state/store";
import { HintLine } from "./HintLine";
import { Icon, Mark } from "./icons";
import { focusComposer } from "./parts";

const suggestions = [
  { title: "Explain something", text: "Explain how a hash map works, with a short example in Go." },
  { title: "Draft some text", text: "Write a friendly note that moves our Friday meeting to Monday at ten." },
  { title: "Plan a task", text: "Give me a checklist for moving a small website to a new server." },
] as const;

// Welcome is what a new chat shows before its first message.
export function Welcome() {
  const none = link.value === "live" && table.providers.value.size === 0;
  const found = hints();
  return (
    <div class="welcome">
      <Mark />
      <h2>What are you working on?</h2>
      <div class="suggestions">
        {suggestions.map((s) => (
          <button
            key={s.title}
            class="suggestion"
            onClick={() => {
              typed(s.text);
              focusComposer();
            }}
          >
            <strong>{s.title}</strong>
            <span>{s.text}</span>
          </button>
        ))}
      </div>
      {(onlyCanned.value || none) && (
        <div class="first-run">
          <p>
            {none
              ? "No model is connected yet."
              : "You are talking to the demo: its answers are canned, to show how everything works. For real answers, connect a model."}
          </p>
          {found.map((h) => <HintLine key={`${h.kind} ${h.name} ${h.env} ${h.problem}`} hint={h} />)}
          <button class="button" onClick={() => (dialog.value = "settings")}>
            <Icon name="plug" />
            Connect a model
          </button>
        </div>
      )}
    </div>
  );
}
