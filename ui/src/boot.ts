// What the address of the page says: a one-time token to sign in with, and which session to show.
import { fetchPass } from "./pass";

export interface Place {
  token: string;
  // A session's id, "new", or empty where nothing is said.
  session: string;
}

export function place(hash: string): Place {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  return { token: params.get("token") ?? "", session: params.get("session") ?? "" };
}

export const hashOf = (session: string): string => `#session=${encodeURIComponent(session || "new")}`;

// signIn swaps the token for a pass, and takes it out of the address whatever comes of it. A used or expired token is no
// error here: the pass of an earlier visit may still be good, and the first call tells.
export async function signIn(): Promise<void> {
  const { token, session } = place(location.hash);
  if (!token) return;
  history.replaceState(null, "", session ? hashOf(session) : location.pathname);
  await fetchPass(token);
}
