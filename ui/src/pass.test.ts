import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fetchPass, pass, passHeader } from "./pass";

const kept = new Map<string, string>();
const sent: { body: unknown; header: string | undefined; credentials: unknown }[] = [];

const answers = (status: number, text: string) =>
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    sent.push({ body: init.body, header: (init.headers as Record<string, string>)[passHeader], credentials: init.credentials });
    return new Response(status === 204 ? null : text, { status });
  });

beforeEach(() => {
  kept.clear();
  sent.length = 0;
  vi.stubGlobal("localStorage", { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => kept.set(k, v) });
});
afterEach(() => vi.unstubAllGlobals());

describe("the pass", () => {
  it("comes for a token and is renewed with itself, never with a cookie", async () => {
    answers(200, "first");
    await fetchPass("token");
    expect(pass()).toBe("first");
    answers(200, "second");
    await fetchPass();
    expect(pass()).toBe("second");
    expect(sent).toEqual([
      { body: "token", header: undefined, credentials: "omit" },
      { body: "", header: "first", credentials: "omit" },
    ]);
  });

  it("stays when the host has no other or refuses the token", async () => {
    answers(200, "first");
    await fetchPass("token");
    answers(204, "");
    await fetchPass();
    answers(401, "this link has been used");
    await fetchPass("token");
    expect(pass()).toBe("first");
  });

  it("is read where another tab has left it", async () => {
    answers(200, "mine");
    await fetchPass("token");
    kept.set("openvibez.pass", "of the other tab");
    expect(pass()).toBe("of the other tab");
  });
});
