import { useEffect } from "preact/hooks";
import { rename } from "../state/sessions";
import { keyPressed, undoKeys } from "./keys";
import { dialog, drawer, link, openId, problem, session, sidebar, spoken, toast } from "../state/store";
import { RootMark, SandboxMark } from "./AccessBar";
import { AskedElsewhere } from "./AskedElsewhere";
import { Composer } from "./Composer";
import { DropPlace } from "./DropPlace";
import { Feed } from "./Feed";
import { Help } from "./Help";
import { Icon } from "./icons";
import { ShownMenu } from "./Menu";
import { ModelPicker } from "./ModelPicker";
import { RenameField } from "./SessionItem";
import { InstructionsPlace, openInstructions, openMenu, renaming } from "./SessionMenu";
import { isSettings, Settings } from "./Settings";
import { Sidebar } from "./Sidebar";
import { LinkBanner, SignedOut } from "./Trouble";
import { Words } from "./Words";
import { Welcome } from "./Welcome";
import { NewChatButton, toggleSidebar } from "./parts";

export function App() {
  useEffect(() => {
    document.addEventListener("keydown", keyPressed);
    return () => document.removeEventListener("keydown", keyPressed);
  }, []);
  if (link.value === "signed-out") return <SignedOut />;
  return (
    <div class="app" data-sidebar={sidebar.value || undefined} data-drawer={drawer.value || undefined}>
      <Sidebar />
      {drawer.value && <div class="shade" onClick={() => (drawer.value = false)} />}
      <main class="main">
        <TopBar />
        <LinkBanner />
        {openId.value === "" ? <Welcome /> : <Feed key={openId.value} />}
        <Composer />
      </main>
      {dialog.value === "models" && <ModelPicker />}
      {isSettings(dialog.value) && <Settings />}
      {dialog.value === "help" && <Help />}
      <DropPlace />
      <div class="notes">
        <Problem />
        <ToastPlace />
      </div>
      <AskedElsewhere />
      <ShownMenu />
      <InstructionsPlace />
      <div class="offscreen" aria-live="polite">{spoken.value}</div>
    </div>
  );
}

function TopBar() {
  const s = openId.value ? session.value : undefined;
  return (
    <header class="top">
      <span class="top-side">
        <button class="bare" aria-label="Show or hide the list of chats" title="List of chats" onClick={toggleSidebar}>
          <Icon name="sidebar" />
        </button>
        <NewChatButton bare />
      </span>
      {s && renaming.value?.id === s.id && renaming.value.where === "top" ? (
        <RenameField
          title={s.title}
          done={(name) => {
            renaming.value = undefined;
            if (name !== undefined) void rename(s.id, name);
          }}
        />
      ) : (
        <h1 class="top-title">{s?.title ?? ""}</h1>
      )}
      <SandboxMark />
      <RootMark />
      <button
        class="bare"
        aria-label={s ? "What to do with this chat" : "Instructions for this chat"}
        title={s ? "What to do with this chat" : "Instructions for this chat"}
        aria-haspopup={s ? "menu" : "dialog"}
        onClick={(e) => (s ? openMenu(s, "top", e.currentTarget) : openInstructions(""))}
      >
        <Icon name={s ? "dots" : "edit"} />
      </button>
    </header>
  );
}

// ToastPlace tells what was done and how to take it back.
function ToastPlace() {
  const now = toast.value;
  useEffect(() => {
    if (!now) return;
    const timer = setTimeout(() => (toast.value = undefined), now.ms);
    return () => clearTimeout(timer);
  }, [now]);
  return (
    <div role="status">
      {now && (
        <div class="toast">
          <span>{now.text}</span>
          {now.action && (
            <button
              class="text-button"
              title={undoKeys}
              onClick={() => {
                toast.value = undefined;
                now.action?.act();
              }}
            >
              {now.action.text}
            </button>
          )}
          <button class="bare" aria-label="Dismiss" onClick={() => (toast.value = undefined)}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}

function Problem() {
  const text = problem.value;
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => (problem.value = ""), 12_000);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div role="alert">
      {text && (
        <div class="problem">
          <Icon name="warn" />
          <Words text={text} />
          <button class="bare" aria-label="Dismiss" onClick={() => (problem.value = "")}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}
