// How far a download is. Pure.
import type { PullProgress } from "../gen/provider/v1/provider_pb";

export interface Pull {
  readonly model: string;
  // What it is doing, in the provider's words.
  readonly status: string;
  readonly completed: number;
  // 0: not known yet.
  readonly total: number;
  // Why it ended before its time; empty while it runs and when it is done.
  readonly wrong: string;
  readonly finished: boolean;
}

// after is a download once its provider has told of its progress.
export function after(pull: Pull, p: PullProgress): Pull {
  return {
    ...pull,
    status: p.status || pull.status,
    completed: Number(p.completedBytes),
    total: Math.max(Number(p.totalBytes), Number(p.completedBytes)),
    finished: p.finished,
  };
}
