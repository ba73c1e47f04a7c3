import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { FileChange_Kind, FileChangeSchema, type FileChange } from "../gen/api/v1/api_pb";
import { ToolCallSchema } from "../gen/provider/v1/provider_pb";
import type { Part } from "./parts";
import { aboutCall, countsOf, reportOf } from "./tools";

const call = (name: string, args: unknown) => create(ToolCallSchema, { id: "1", name, argumentsJson: typeof args === "string" ? args : JSON.stringify(args) });

test("a call is told by what it is about", () => {
  expect(aboutCall(call("run_shell", { command: "go test ./..." }))).toMatchObject({ kind: "command", subject: "go test ./..." });
  expect(aboutCall(call("read_file", { path: "a.go" }))).toMatchObject({ kind: "read", subject: "a.go" });
  expect(aboutCall(call("run_shell", "not json")).subject).toBe("");
  expect(aboutCall(call("run_shell", { command: ["rm"] })).subject).toBe("");
  expect(aboutCall(call("weather", { city: "Rome" }))).toMatchObject({ kind: "other", verb: "weather" });
});

test("lines of a difference are counted without its head", () => {
  expect(countsOf("--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n+c\n+d\n")).toEqual({ added: 2, removed: 1 });
  expect(countsOf("")).toEqual({ added: 0, removed: 0 });
});

const changed = (seq: number, c: Partial<FileChange>): Part => ({ kind: "change", seq, change: create(FileChangeSchema, c as object) });

test("a report has each file once, those that may run later first", () => {
  const report = reportOf([
    changed(1, { path: "b.go", kind: FileChange_Kind.CREATED, diff: "+a\n", undoable: true }),
    changed(2, { path: "b.go", kind: FileChange_Kind.CHANGED, diff: "+b\n-a\n", undoable: true }),
    changed(3, { path: "a.txt", kind: FileChange_Kind.CHANGED }),
    changed(4, { path: "b.go", kind: FileChange_Kind.CHANGED }),
    changed(5, { path: "Makefile", kind: FileChange_Kind.CHANGED, sensitive: true, why: "runs on make" }),
  ]);
  expect(report.map((f) => f.path)).toEqual(["Makefile", "a.txt", "b.go"]);
  expect(report[2]).toMatchObject({ added: 2, removed: 1, undoable: true });
});
