import { useEffect } from "preact/hooks";
import { keyPressed } from "./keys";
import { dialog, drawer, link, openId, problem, session, sidebar, spoken } from "../state/store";
import { Composer } from "./Composer";
import { DropPlace } from "./DropPlace";
import { Feed } from "./Feed";
import { Help } from "./Help";
import { Icon } from "./icons";
import { ModelPicker } from "./ModelPicker";
import { Settings } from "./Settings";
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
      {dialog.value === "settings" && <Settings />}
      {dialog.value === "help" && <Help />}
      <DropPlace />
      <Problem />
      <div class="offscreen" aria-live="polite">{spoken.value}</div>
    </div>
  );
}

function TopBar() {
  return (
    <header class="top">
      <span class="top-side">
        <button class="bare" aria-label="Show or hide the list of chats" title="List of chats" onClick={toggleSidebar}>
          <Icon name="sidebar" />
        </button>
        <NewChatButton bare />
      </span>
      <h1 class="top-title">{openId.value ? session.value?.title : ""}</h1>
    </header>
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
    <div class="problem-place" role="alert">
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
