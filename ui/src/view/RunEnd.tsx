import type { Run } from "../gen/api/v1/api_pb";
import { RunState } from "../gen/api/v1/api_pb";
import { Done_Reason, ErrorCode } from "../gen/provider/v1/provider_pb";
import { goOn, retry } from "../state/runs";
import { dialog } from "../state/store";
import { retryWith } from "./ModelPicker";
import { Icon } from "./icons";
import { Words } from "./Words";

interface Props {
  run: Run;
  // It said or did something before it ended.
  answered: boolean;
  // Another run goes on from it, so that nothing is to be offered.
  continued: boolean;
}

// RunEnd says how a run ended where it did not simply succeed.
export function RunEnd({ run, answered, continued }: Props) {
  const on = answered && !continued;
  switch (run.state) {
    case RunState.FAILED:
      return continued ? <Quiet words={run.error?.message || "This failed."} run={run} /> : <ErrorCard run={run} answered={answered} />;
    case RunState.CANCELLED:
      return <Quiet words="Stopped." run={run} goOn={on} again={!continued} />;
    case RunState.INTERRUPTED:
      return <Quiet words={run.error?.message || "Interrupted: OpenVibez ended while this was running."} run={run} goOn={on} again={!continued} />;
    case RunState.COMPLETED:
      if (run.finishReason === Done_Reason.LENGTH) return <Quiet words="The answer reached the model's length limit and ends here." run={run} goOn={on} />;
      if (run.finishReason === Done_Reason.CONTENT_FILTER) return <Quiet words="The provider's content filter ended this answer." run={run} again={!continued} />;
      return null;
    default:
      return null;
  }
}

function Quiet(props: { words: string; run: Run; goOn?: boolean; again?: boolean }) {
  return (
    <p class="quiet-end" data-testid="run-end">
      <Words text={props.words} />
      {props.goOn && <button class="text-button" onClick={() => void goOn(props.run)}>Continue</button>}
      {props.again && <button class="text-button" onClick={() => void retry(props.run)}>Try again</button>}
    </p>
  );
}

// Errors that another model would mend.
const modelErrors = new Set([ErrorCode.UNSUPPORTED_PARAMETER, ErrorCode.UNSUPPORTED, ErrorCode.CONTEXT_TOO_LONG, ErrorCode.OVERLOADED, ErrorCode.RATE_LIMITED]);
// Errors that another model or a changed connection would mend.
const connection = new Set([
  ErrorCode.AUTH, ErrorCode.QUOTA, ErrorCode.UNKNOWN_MODEL, ErrorCode.UNREACHABLE, ErrorCode.TLS, ErrorCode.PROXY, ErrorCode.DENIED,
]);

function ErrorCard({ run, answered }: { run: Run; answered: boolean }) {
  const error = run.error;
  const code = error ? (ErrorCode[error.code] ?? "") : "";
  const request = error?.requestId || run.requestId;
  const facts: [string, string][] = [
    ["Kind", code.toLowerCase().replace(/_/g, " ")],
    ["HTTP status", error?.httpStatus ? String(error.httpStatus) : ""],
    ["Parameter", error?.parameter ?? ""],
    ["Request", request],
    ["Run", run.id],
  ];
  return (
    <article data-kind="error" class="card" data-tone="bad" aria-label="Error">
      <p class="card-title"><Icon name="warn" /><Words text={error?.message || "This did not work, and nobody said why."} /></p>
      <details class="fold">
        <summary><Icon name="chevron" /><span>Details</span></summary>
        <div class="fold-body">
          <dl class="facts">
            {facts.filter(([, v]) => v).map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}
          </dl>
          {error?.detail && <pre tabIndex={0}>{error.detail}</pre>}
        </div>
      </details>
      <div class="buttons">
        {answered && <button class="button" onClick={() => void goOn(run)}>Continue</button>}
        <button class="button" onClick={() => void retry(run)}>Try again</button>
        {error && (connection.has(error.code) || modelErrors.has(error.code)) && <button class="button" onClick={() => retryWith(run)}>Try another model</button>}
        {error && connection.has(error.code) && <button class="button" onClick={() => (dialog.value = "settings")}>Providers</button>}
      </div>
    </article>
  );
}
