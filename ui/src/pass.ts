// The page's pass: what lets it speak to the host. It is kept for this origin, port included, and goes out as a header of
// our own, so that no other server on this machine is ever shown it.
import type { Interceptor } from "@connectrpc/connect";

export const passHeader = "Openvibez-Pass";

const KEY = "openvibez.pass";
// The host gives a new pass for one that is older than an hour.
const RENEW_MS = 60 * 60_000;

// Where a browser keeps nothing for pages, the pass lives as long as the tab.
let held = "";

export function pass(): string {
  try {
    // Another tab may have got a new one.
    return localStorage.getItem(KEY) ?? held;
  } catch {
    return held;
  }
}

function keep(secret: string): void {
  held = secret;
  try {
    localStorage.setItem(KEY, secret);
  } catch {
    // As above.
  }
}

export const withPass: Interceptor = (next) => (req) => {
  const secret = pass();
  if (secret) req.header.set(passHeader, secret);
  return next(req);
};

// fetchPass swaps a token for a pass; without one, an old pass for another. Not getting any is no error here: the one
// at hand may still be good, and the first call tells.
export async function fetchPass(token = ""): Promise<void> {
  const secret = pass();
  if (!token && !secret) return;
  try {
    const res = await fetch("/auth", {
      method: "POST",
      body: token,
      headers: { "Content-Type": "text/plain", ...(secret ? { [passHeader]: secret } : {}) },
      credentials: "omit",
    });
    const got = res.status === 200 ? (await res.text()).trim() : "";
    if (got) keep(got);
  } catch {
    // The host is gone; the window says so as soon as it asks for anything.
  }
}

// renewPass keeps the pass fresh for as long as the page is open.
export function renewPass(): void {
  void fetchPass();
  setInterval(() => void fetchPass(), RENEW_MS);
}
