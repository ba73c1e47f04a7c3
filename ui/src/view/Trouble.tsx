import { link } from "../state/store";
import { watch } from "../state/watch";
import { Mark } from "./icons";

// LinkBanner says when the host can't be heard, and nothing otherwise.
export function LinkBanner() {
  return (
    <div class="banner-place" role="status">
      {link.value === "reconnecting" && <div class="banner">Reconnecting…</div>}
      {link.value === "down" && (
        <div class="banner" data-down>
          <span>
            <strong>OpenVibez is not running.</strong> Your chats are safe. Start it again from your menu or with <code>openvibez</code>.
          </span>
          <button class="button" onClick={() => watch.retry()}>Try again</button>
        </div>
      )}
    </div>
  );
}

// SignedOut is all there is to see without a pass that the host knows.
export function SignedOut() {
  return (
    <main class="signed-out">
      <Mark />
      <h1>Open this window again</h1>
      <p>
        For your safety, only a window that OpenVibez itself has opened may read your chats. This one is not signed in, or no longer.
      </p>
      <p>
        Choose <strong>Open</strong> from the tray icon, or type this in a terminal:
      </p>
      <pre>openvibez open</pre>
      <button class="button" onClick={() => location.reload()}>Try again</button>
    </main>
  );
}
