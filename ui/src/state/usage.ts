// What models consumed, summed up. Pure.
import type { UsageSum } from "../gen/api/v1/api_pb";

export interface Line {
  readonly key: string;
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly input: number;
  readonly output: number;
  // In dollars, of the calls whose price is known.
  readonly cost: number;
  // The price of some calls is not known.
  readonly open: boolean;
  // Some calls were counted here, not reported by the provider.
  readonly estimated: boolean;
}

const nothing: Line = { key: "", provider: "", model: "", calls: 0, input: 0, output: 0, cost: 0, open: false, estimated: false };

function plus(a: Line, s: UsageSum): Line {
  return {
    ...a,
    calls: a.calls + Number(s.calls),
    input: a.input + Number(s.usage?.inputTokens ?? 0n),
    output: a.output + Number(s.usage?.outputTokens ?? 0n),
    cost: a.cost + Number(s.costMicrodollars ?? 0n) / 1e6,
    open: a.open || s.costMicrodollars === undefined,
    estimated: a.estimated || s.estimatedCalls > 0n,
  };
}

// byModel is one line a model, the most used first.
export function byModel(sums: readonly UsageSum[]): Line[] {
  const lines = new Map<string, Line>();
  for (const s of sums) {
    const key = `${s.providerId} ${s.model}`;
    lines.set(key, plus(lines.get(key) ?? { ...nothing, key, provider: s.provider, model: s.model }, s));
  }
  return [...lines.values()].sort((a, b) => b.input + b.output - a.input - a.output);
}

export const total = (sums: readonly UsageSum[]): Line => sums.reduce(plus, nothing);

// price is what is known of a cost, in words; empty where nothing is.
export function price({ cost, open }: Line): string {
  if (cost === 0) return open ? "" : "$0";
  const dollars = cost < 0.005 ? "under $0.01" : `$${cost.toFixed(2)}`;
  return open ? `${dollars} +` : dollars;
}
