import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { PullProgressSchema } from "../gen/provider/v1/provider_pb";
import { percent } from "../text/words";
import { after } from "./progress";

const begin = { model: "m", status: "", completed: 0, total: 0, wrong: "", finished: false };
const told = (more: object) => create(PullProgressSchema, more);

test("a download keeps its last words and never has more than all of it", () => {
  const one = after(begin, told({ status: "downloading", completedBytes: 10n, totalBytes: 100n }));
  expect(one).toMatchObject({ status: "downloading", completed: 10, total: 100, finished: false });
  expect(after(one, told({ completedBytes: 120n, totalBytes: 100n }))).toMatchObject({ status: "downloading", completed: 120, total: 120 });
  expect(after(one, told({ status: "success", finished: true })).finished).toBe(true);
});

test("only what is all there is 100 %", () => {
  expect([[0, 0], [1, 3], [999, 1000], [1000, 1000]].map(([a, b]) => percent(a, b))).toEqual(["", "33 %", "99 %", "100 %"]);
});
