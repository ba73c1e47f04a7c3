import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { attachments } from "../state/attachments";
import { choice, chosenProvider, label } from "../state/choice";
import { keyAction } from "../state/compose";
import { draft, typed } from "../state/drafts";
import { cancel } from "../state/runs";
import { send, sending, sendProblem } from "../state/send";
import { activeRun, busyRun, dialog, link, openId, openProblem, started, table } from "../state/store";
import { AccessMode } from "../gen/api/v1/api_pb";
import { access, place } from "../state/workspaces";
import { AccessBar, RootMark } from "./AccessBar";
import { AttachButton, Attached, pasted } from "./Attached";
import { ContextMeter } from "./ContextMeter";
import { Elsewhere } from "./Elsewhere";
import { Icon } from "./icons";
import { modelKeys } from "./keys";
import { isNarrow } from "./parts";
import { Queue } from "./Queue";
import { Words } from "./Words";

// A text of this length fills the composer in any case; measuring it would only take time.
const SURELY_FULL = 20_000;

// fit makes the composer as high as its text; the style sheet says how high it may get.
function fit(area: HTMLTextAreaElement): void {
  if (area.value.length > SURELY_FULL) {
    area.style.height = "40vh";
    return;
  }
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}

export function Composer() {
  const area = useRef<HTMLTextAreaElement>(null);
  const text = draft.value;
  const active = activeRun.value;
  const empty = text.trim() === "" && attachments.value.length === 0;
  // Before the last chat is there, nobody knows what the text belongs to.
  const ready = started.value && openProblem.value === "";

  useLayoutEffect(() => {
    if (area.current) fit(area.current);
  }, [text]);

  useEffect(() => {
    // The same text takes other lines in another width.
    const again = () => area.current && fit(area.current);
    addEventListener("resize", again);
    return () => removeEventListener("resize", again);
  }, []);

  useEffect(() => {
    sendProblem.value = "";
    if (!isNarrow() || matchMedia("(pointer: fine)").matches) area.current?.focus();
  }, [openId.value, ready]);

  useEffect(() => {
    // What was said of a host that did not answer holds no longer.
    if (link.value === "live") sendProblem.value = "";
  }, [link.value]);

  const stop = () => {
    if (active && !active.cancelRequested) void cancel(active.id);
  };
  const pressed = (e: KeyboardEvent) => {
    const action = keyAction(e, active !== undefined);
    if (action === "none") return;
    e.preventDefault();
    if (action === "send") void send();
    else stop();
  };

  return (
    <form
      class="composer"
      aria-busy={sending.value}
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      {sendProblem.value && (
        <p class="send-problem" role="alert">
          <Icon name="warn" /> <Words text={sendProblem.value} />
        </p>
      )}
      <Elsewhere />
      <Queue />
      <div class="composer-box" data-root={(access.value === AccessMode.ROOT && place.value !== undefined) || undefined}>
        <RootMark />
        <Attached />
        <textarea
          ref={area}
          id="message"
          rows={1}
          dir="auto"
          aria-label="Message"
          placeholder={busyRun.value ? "Write the next message" : "Write a message"}
          value={text}
          disabled={!ready}
          onInput={(e) => typed(e.currentTarget.value)}
          onKeyDown={pressed}
          onPaste={pasted}
        />
        <div class="composer-row">
          <span class="composer-side">
            <AttachButton disabled={!ready} />
            <ModelButton />
            <AccessBar />
          </span>
          <span class="composer-keys">
            <ContextMeter />
            {active && (
              <button type="button" class="round" data-stop aria-label="Stop" title="Stop (Esc)" disabled={active.cancelRequested} onClick={stop}>
                <Icon name="stop" filled />
              </button>
            )}
            {(!active || !empty) && (
              <button type="submit" class="round" aria-label="Send" title={active ? "Send when this answer is finished (Enter)" : "Send (Enter)"} disabled={empty || sending.value}>
                <Icon name="up" />
              </button>
            )}
          </span>
        </div>
      </div>
    </form>
  );
}

function ModelButton() {
  const { providerId, model } = choice.value;
  const provider = chosenProvider.value;
  const known = table.models.value.get(`${providerId}/${model}`);
  const name = known ? label(known) : model;
  const words = provider ? [provider.name, name === provider.name ? "" : name].filter(Boolean).join(" · ") : "choose one";
  return (
    <button
      type="button"
      class="model-button"
      aria-label={`Model: ${words}`}
      aria-haspopup="dialog"
      title={`Choose the model (${modelKeys})`}
      onClick={() => (dialog.value = "models")}
    >
      <span class="model-name">{provider ? words : "Choose a model"}</span>
      {provider?.canned && !/canned/i.test(words) && <span class="tag">canned</span>}
      {provider?.error && <span class="tag" data-warn>not working</span>}
      <Icon name="expand" />
    </button>
  );
}
