import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { UsageSumSchema } from "../gen/api/v1/api_pb";
import { byModel, price, total } from "./usage";

const sum = (model: string, input: number, output: number, cost?: number, estimated = 0) =>
  create(UsageSumSchema, {
    providerId: "p", provider: "Acme", model, calls: 2n, estimatedCalls: BigInt(estimated),
    usage: { inputTokens: BigInt(input), outputTokens: BigInt(output) },
    costMicrodollars: cost === undefined ? undefined : BigInt(cost),
  });

const sums = [sum("small", 10, 5, 1000), sum("large", 1000, 500, 2_500_000), sum("small", 20, 5, 0), sum("unknown", 1, 1, undefined, 1)];

test("usage is summed up by model, the most used first", () => {
  expect(byModel(sums).map((l) => [l.model, l.calls, l.input, l.output, price(l)])).toEqual([
    ["large", 2, 1000, 500, "$2.50"],
    ["small", 4, 30, 10, "under $0.01"],
    ["unknown", 2, 1, 1, ""],
  ]);
});

test("a total says that some of it is not known", () => {
  const all = total(sums);
  expect([all.calls, all.input, all.output, price(all), all.estimated]).toEqual([8, 1031, 511, "$2.50 +", true]);
  expect(price(total([sum("free", 1, 1, 0)]))).toBe("$0");
});
