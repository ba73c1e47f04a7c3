// The journals that real runs leave (go test ./host/run -run GoldenJournals -update writes them), as the page shows them.
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EntrySchema, type Entry } from "../gen/api/v1/api_pb";
import { authorWords, outcomeMore, outcomeWords } from "../text/words";
import { emptyJournal, withEntries, withPage } from "./journal";
import { shown, type Part } from "./parts";
import { aboutCall, toldByChange } from "./tools";

const files = import.meta.glob<JsonValue[]>("../../../host/run/testdata/journals/*.json", { eager: true, import: "default" });

function journal(name: string): Entry[] {
  const file = Object.entries(files).find(([path]) => path.endsWith(`/${name}.json`));
  if (!file) throw new Error(`there is no journal ${name}`);
  return file[1].map((e) => fromJson(EntrySchema, e));
}

const line = (p: Part): string => {
  switch (p.kind) {
    case "text":
    case "thought":
      return `${p.kind} ${p.text.trim()}`;
    case "tool": {
      const { kind, subject } = aboutCall(p.call);
      const tag = p.output && outcomeWords(p.output);
      return [kind, subject, "=", tag?.words ?? "done", p.output && outcomeMore(p.output)].filter(Boolean).join(" ");
    }
    case "question":
      return `asked ${p.question.subject}: ${p.decision?.allowed ? "allowed" : "denied"} by ${p.decision ? authorWords(p.decision) : "nobody"}`;
    case "change":
      return `change ${p.change.path}`;
    case "plan":
      return `plan ${p.plan.steps.map((s) => `${s.text} ${s.state}`).join(", ")}`;
    default:
      return p.kind;
  }
};

function read(entries: Entry[]): string[] {
  const j = withPage(emptyJournal("session"), entries, false);
  return j.turns.flatMap((t) => shown(t).parts.map(line));
}

test.each([
  [
    "allowed",
    [
      "user", "thought I look.", "read a.txt = done", "search needle = done", "command cat a.txt = exit 0", "command exit 3 = exit 3", "edit b.txt = done",
      "read nowhere = failed", "change b.txt", "text Done.",
    ],
  ],
  [
    "asked",
    [
      "user", "asked a.txt: allowed by you, in a terminal", "edit a.txt = done", "asked b.txt: denied by you, in a terminal",
      "edit b.txt = denied You said: “not this one”", "read = not carried out The call could not be understood.", "change a.txt", "text Done.",
    ],
  ],
  [
    "refused",
    [
      "user", "edit a.txt = not carried out It changes a file of the workspace, and this session is read-only. Set the session to scoped.",
      "other = not available There is no such tool here.", "text I may not.",
    ],
  ],
  ["planned", ["user", "plan = done", "edit a.txt = done", "plan make it 3", "change a.txt", "plan = done", "text Done."]],
])("%s", (name, want) => {
  const entries = journal(name);
  expect(read(entries)).toEqual(want);
  // However the rows arrive, what is shown is the same, and questions stand before what they allowed.
  for (const step of [1, 2, 5]) {
    let j = withPage(emptyJournal("session"), [], false);
    for (let i = 0; i < entries.length; i += step) j = withEntries(j, entries.slice(i, i + step));
    expect(j.turns.flatMap((t) => shown(t).parts.map(line))).toEqual(want);
  }
});

test("only the work is counted, not the wait", () => {
  const outputs = journal("asked").flatMap((e) => (e.body.case === "toolOutput" ? [Number(e.body.value.workedMs)] : []));
  expect(outputs).toEqual([7, 0, 0]);
});

test("an edit is told by its change", () => {
  const { parts } = shown(withPage(emptyJournal("session"), journal("asked"), false).turns[0]);
  expect(parts.filter((p) => toldByChange(p, parts)).map(line)).toEqual(["edit a.txt = done"]);
});
