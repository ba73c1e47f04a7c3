import { useState } from "preact/hooks";
import { api } from "../api";
import type { Consent } from "../gen/api/v1/api_pb";
import { host, openConsent } from "../state/store";
import { copy } from "../text/copy";
import { useNow } from "./useNow";
import { Modal } from "./parts";

// AskedElsewhere says that what was just asked for waits for an answer that no page can give, and where to give it.
export function AskedElsewhere() {
  const now = useNow(openConsent.value !== undefined);
  const asked = openConsent.value;
  return asked && Number(asked.expiresMs) > now ? <Asked key={asked.id} asked={asked} /> : null;
}

function Asked({ asked }: { asked: Consent }) {
  const [copied, setCopied] = useState(false);
  const command = `openvibez approval allow ${asked.id}`;
  const takeBack = () => {
    // It may have been answered meanwhile, which is as good.
    void api.host.answerConsent({ id: asked.id, allow: false }).catch(() => {});
  };
  return (
    <Modal label="Confirm this outside of the page" class="confirm" close={takeBack}>
      <div class="confirm-body">
        <h2>Confirm this outside of the page</h2>
        <p>{asked.text}</p>
        <pre class="type-this"><code>{asked.subject}</code></pre>
        <p>
          Nothing that a chat shows can answer this. Answer in the dialog of OpenVibez’s own window, if that is open
          {host.value?.tray ? <>, under “The chat page asks you” in the tray’s menu,</> : ","} or type in a terminal:
        </p>
        <pre class="type-this"><code>{command}</code></pre>
        <div class="buttons">
          <button class="button" onClick={takeBack}>Take it back</button>
          <button class="button" autofocus onClick={() => void copy(command).then(setCopied)}>{copied ? "Copied" : "Copy the command"}</button>
        </div>
      </div>
    </Modal>
  );
}
