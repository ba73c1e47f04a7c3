// The one stream by which everything that changes arrives, kept alive.
import { api, refused } from "../api";
import type { WatchResponse } from "../gen/api/v1/api_pb";
import { topics } from "./rows";
import { link } from "./store";

// The host gives a sign of life every 10 s; a hung one gives no error.
const SILENCE_MS = 25_000;
const BANNER_MS = 1_000;
const DOWN_MS = 30_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

const REOPEN = "reopened";

export interface Hooks {
  // Reads everything anew and says at which rev it was; called first, and when the host has another database.
  load(): Promise<bigint>;
  // Whose entries are wanted.
  sessionId(): string;
  take(answer: WatchResponse): void;
  // The host was away and is there again; it may be another one.
  back(): void;
}

class Watch {
  private hooks?: Hooks;
  // Everything up to here is in the store; -1: nothing is.
  private rev = -1n;
  private control = new AbortController();
  private wake?: () => void;
  private wait = 0;
  private lostAt = 0;

  start(hooks: Hooks): void {
    if (this.hooks) return;
    this.hooks = hooks;
    void this.keep(hooks);
  }

  // reopen begins again for the session now shown, whose page of entries was true at rev. Seeing a row twice does no
  // harm, missing one would.
  reopen(rev?: bigint): void {
    if (rev !== undefined && rev < this.rev) this.rev = rev;
    this.control.abort(REOPEN);
    this.wake?.();
  }

  // retry does not wait for the next attempt's time.
  retry(): void {
    this.wait = 0;
    this.wake?.();
  }

  private async keep(hooks: Hooks): Promise<void> {
    for (;;) {
      const control = new AbortController();
      this.control = control;
      try {
        if (this.rev < 0n) this.rev = await hooks.load();
        if (!control.signal.aborted) await this.listen(hooks, control);
      } catch (err) {
        if (refused(err)) {
          link.value = "signed-out";
          return;
        }
      }
      if (control.signal.reason === REOPEN) continue;
      this.lost();
      this.wait = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, this.wait * 2));
      await this.pause(this.wait * (0.75 + Math.random() / 2));
    }
  }

  private async listen(hooks: Hooks, control: AbortController): Promise<void> {
    let watchdog = 0;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = window.setTimeout(() => control.abort("no sign of life"), SILENCE_MS);
    };
    alive();
    try {
      const request = { afterRev: this.rev, topics, sessionId: hooks.sessionId() };
      for await (const answer of api.host.watch(request, { signal: control.signal })) {
        if (control.signal.aborted) return;
        alive();
        this.found(hooks);
        if (answer.changes.length === 0 && answer.rev < request.afterRev) {
          this.rev = -1n;
          control.abort(REOPEN);
          return;
        }
        hooks.take(answer);
        if (answer.rev > this.rev) this.rev = answer.rev;
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  private found(hooks: Hooks): void {
    if (this.lostAt !== 0) hooks.back();
    this.lostAt = 0;
    this.wait = 0;
    link.value = "live";
  }

  private lost(): void {
    if (this.lostAt === 0) {
      this.lostAt = Date.now();
      setTimeout(() => this.judge(), BANNER_MS);
      setTimeout(() => this.judge(), DOWN_MS);
    }
    this.judge();
  }

  private judge(): void {
    if (this.lostAt === 0) return;
    const since = Date.now() - this.lostAt;
    // Timers may ring a little early.
    if (since >= DOWN_MS - 50) link.value = "down";
    else if (since >= BANNER_MS - 50) link.value = "reconnecting";
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wake = done;
    });
  }
}

export const watch = new Watch();
