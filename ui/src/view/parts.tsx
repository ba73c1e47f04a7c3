// Small things that several views use.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { go } from "../state/open";
import { saveWindow } from "../state/settings";
import { dialog, drawer, openId, pendingApprovals, sidebar } from "../state/store";
import { Icon } from "./icons";

const narrow = matchMedia("(max-width: 760px)");

export function toggleSidebar(): void {
  if (narrow.matches) drawer.value = !drawer.value;
  else {
    sidebar.value = !sidebar.value;
    saveWindow("sidebar", sidebar.value ? undefined : false);
  }
}

export const isNarrow = (): boolean => narrow.matches;

export function focusComposer(): void {
  document.querySelector<HTMLTextAreaElement>("#message")?.focus();
}

export function focusSearch(): void {
  const select = () => document.querySelector<HTMLInputElement>("#search")?.select();
  if (narrow.matches ? drawer.value : sidebar.value) {
    select();
    return;
  }
  toggleSidebar();
  requestAnimationFrame(select);
}

// nextQuestion goes to the next question that waits: the one after the one in focus, in this chat or another.
export function nextQuestion(): void {
  const here = [...document.querySelectorAll<HTMLElement>("[data-asks] [data-first]")];
  const at = here.findIndex((el) => el.closest("[data-asks]")?.contains(document.activeElement));
  const next = here[at + 1];
  if (next) {
    next.focus();
    return;
  }
  const other = pendingApprovals.value.find((a) => a.sessionId !== openId.value);
  if (other) go(other.sessionId);
  else here[0]?.focus();
}

export function newChat(): void {
  go("");
  focusComposer();
}

export function NewChatButton({ bare = false }: { bare?: boolean }) {
  return (
    <button class={bare ? "bare" : "new-chat"} onClick={newChat} aria-label={bare ? "Start a new chat" : undefined} title={bare ? "New chat" : undefined}>
      <Icon name="plus" />
      {!bare && <span>New chat</span>}
    </button>
  );
}

interface DialogProps {
  label: string;
  class: string;
  close?: () => void;
  children: ComponentChildren;
}

// Modal is a native dialog: it keeps the focus, closes with Esc or a click beside it, and gives the focus back.
export function Modal({ label, class: name, close = () => (dialog.value = ""), children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={name}
      aria-label={label}
      onClose={close}
      onMouseDown={(e) => {
        if (e.target === ref.current) ref.current?.close();
      }}
    >
      {children}
    </dialog>
  );
}

export function CloseButton({ onClick = () => (dialog.value = "") }: { onClick?: () => void }) {
  return (
    <button class="bare" aria-label="Close" onClick={onClick}>
      <Icon name="close" />
    </button>
  );
}

export function Confirm(props: { title: string; words: string; yes: string; no?: string; onYes: () => void; close: () => void }) {
  return (
    <Modal label={props.title} class="confirm" close={props.close}>
      <div class="confirm-body">
        <h2>{props.title}</h2>
        <p>{props.words}</p>
        <div class="buttons">
          <button class="button" autofocus onClick={props.close}>{props.no ?? "Keep"}</button>
          <button
            class="button danger"
            onClick={() => {
              props.close();
              props.onYes();
            }}
          >
            {props.yes}
          </button>
        </div>
      </div>
    </Modal>
  );
}
