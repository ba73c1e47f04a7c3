// The quiet rows between the texts: what was planned, done by the provider, summarised and noticed.
import type { Summary } from "../gen/api/v1/api_pb";
import { Action_Kind, Action_State, Notice_Level, Plan_Step_State, type Action, type Notice, type Plan } from "../gen/provider/v1/provider_pb";
import { Fold, Output, type Tag } from "./Fold";
import { Icon, type IconName } from "./icons";

const kinds: Record<Action_Kind, [IconName, string]> = {
  [Action_Kind.UNSPECIFIED]: ["tool", "Did"],
  [Action_Kind.COMMAND]: ["command", "Ran"],
  [Action_Kind.FILE_READ]: ["file", "Read"],
  [Action_Kind.FILE_EDIT]: ["file", "Edited"],
  [Action_Kind.FILE_CREATE]: ["file", "Created"],
  [Action_Kind.FILE_DELETE]: ["file", "Deleted"],
  [Action_Kind.SEARCH]: ["search", "Searched"],
  [Action_Kind.WEB]: ["globe", "Looked up"],
  [Action_Kind.TOOL]: ["tool", "Used"],
};

export function ActionRow({ action, live }: { action: Action; live: boolean }) {
  const [icon, verb] = kinds[action.kind] ?? kinds[Action_Kind.UNSPECIFIED];
  return (
    <Fold kind="action" icon={icon} verb={verb} subject={action.title} tag={actionTag(action, live)}>
      {() => <Output text={action.detail} command={action.kind === Action_Kind.COMMAND ? action.title : ""} />}
    </Fold>
  );
}

function actionTag(a: Action, live: boolean): Tag | undefined {
  if (a.state === Action_State.DECLINED) return { words: "declined", tone: "warn" };
  if (a.exitCode !== undefined) return { words: `exit ${a.exitCode}`, tone: a.exitCode === 0 ? "good" : "bad" };
  if (a.state === Action_State.FAILED) return { words: "failed", tone: "bad" };
  if (a.state === Action_State.RUNNING) return { words: live ? "running" : "not finished", tone: live ? undefined : "warn" };
  return undefined;
}

const steps: Record<Plan_Step_State, string> = {
  [Plan_Step_State.UNSPECIFIED]: "open",
  [Plan_Step_State.OPEN]: "open",
  [Plan_Step_State.ACTIVE]: "in progress",
  [Plan_Step_State.DONE]: "done",
};

export function PlanList({ plan }: { plan: Plan }) {
  const done = plan.steps.filter((s) => s.state === Plan_Step_State.DONE).length;
  return (
    <article data-kind="plan" class="card" aria-label={`Plan, ${done} of ${plan.steps.length} done`}>
      <p class="plan-head faint">Plan · {done} of {plan.steps.length} done</p>
      <ol class="plan">
        {plan.steps.map((s, i) => (
          <li key={i} data-state={steps[s.state]}>
            <span class="plan-box" role="img" aria-label={steps[s.state]}>{s.state === Plan_Step_State.DONE && <Icon name="check" />}</span>
            <span>{s.text}</span>
          </li>
        ))}
      </ol>
    </article>
  );
}

export function NoticeRow({ notice }: { notice: Notice }) {
  const warns = notice.level === Notice_Level.WARNING;
  return (
    <article data-kind="notice" class="notice" data-warn={warns || undefined}>
      <Icon name={warns ? "warn" : "info"} />
      <span>{notice.text}</span>
    </article>
  );
}

export function SummaryRow({ summary }: { summary: Summary }) {
  return (
    <Fold kind="summary" icon="info" verb="Earlier messages were summarised" subject="">
      {() => (
        <>
          <p class="faint">The model now sees this in their place. The messages themselves are kept, above.</p>
          <p class="plain">{summary.text}</p>
        </>
      )}
    </Fold>
  );
}
