// The chat window.
import { effect } from "@preact/signals";
import { render } from "preact";
import { place, signIn } from "./boot";
import { renewPass } from "./pass";
import { loadStatus, loadTables, take } from "./state/load";
import { adopt, followAddress, go, lastSession, reload } from "./state/open";
import { loadDraft, saveDraftNow } from "./state/drafts";
import { journal, openId, problem, sidebar, started, table } from "./state/store";
import { isThere } from "./state/rows";
import { setting } from "./state/settings";
import { watch } from "./state/watch";
import { warmUp } from "./text/warm";
import { App } from "./view/App";
import "./style/base.css";
import "./style/layout.css";
import "./style/text.css";
import "./style/feed.css";
import "./style/dialog.css";
import "./style/files.css";
import "./style/form.css";
import "./style/list.css";
import "./style/work.css";
import "./style/manage.css";
import "./style/queue.css";

// load runs at the start and again when the host turns out to have another database.
async function load(): Promise<bigint> {
  const rev = await loadTables();
  if (!started.value) {
    sidebar.value = setting("window.sidebar") !== false;
    const { session } = place(location.hash);
    const first = session === "new" ? "" : session || lastSession();
    if (first) adopt(first);
    else loadDraft("");
    started.value = true;
  } else if (openId.value) {
    void reload(openId.value);
  }
  return rev;
}

async function start(): Promise<void> {
  await signIn();
  renewPass();
  addEventListener("hashchange", () => {
    if (place(location.hash).token) void signIn().then(() => location.reload());
    else followAddress();
  });
  addEventListener("pagehide", saveDraftNow);
  setTimeout(warmUp, 1000);
  watch.start({ load, take, back: () => void loadStatus(), sessionId: () => journal.value.sessionId });
}

// The open session may be deleted from elsewhere.
let known = "";
effect(() => {
  const id = openId.value;
  const there = id !== "" && isThere(table.sessions.value.get(id));
  if (there) known = id;
  else if (id !== "" && known === id) {
    known = "";
    problem.value = "The chat you were in has been deleted.";
    go("");
  }
});

effect(() => {
  const title = table.sessions.value.get(openId.value)?.title;
  document.title = title ? `${title} – OpenVibez` : "OpenVibez";
});

render(<App />, document.getElementById("app") ?? document.body);
void start();
