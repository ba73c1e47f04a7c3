// The host's API as this page reaches it: same origin, with the pass from pass.ts.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { HostService, PluginService, ProviderService, RunService, SessionService, WorkspaceService } from "./gen/api/v1/api_pb";
import { withPass } from "./pass";
import { sentence } from "./text/words";

const transport = createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true, interceptors: [withPass] });

export const api = {
  sessions: createClient(SessionService, transport),
  runs: createClient(RunService, transport),
  workspaces: createClient(WorkspaceService, transport),
  plugins: createClient(PluginService, transport),
  providers: createClient(ProviderService, transport),
  host: createClient(HostService, transport),
};

export const refused = (err: unknown): boolean => ConnectError.from(err).code === Code.Unauthenticated;

export const missing = (err: unknown): boolean => ConnectError.from(err).code === Code.NotFound;

// words is an error as a person may read it.
export function words(err: unknown): string {
  const e = ConnectError.from(err);
  if (refused(e)) return "This window is no longer signed in. Open it again from the tray or with “openvibez open”.";
  // The engines' own words for a host that does not answer differ and help nobody.
  if (err instanceof TypeError || e.cause instanceof TypeError || e.code === Code.Unavailable || e.code === Code.Unknown) {
    if (/fetch|network|load failed|connection/i.test(e.rawMessage)) {
      return "OpenVibez did not answer. It may be restarting: try again in a moment.";
    }
  }
  const text = e.rawMessage.trim();
  if (!text) return "Something went wrong, and OpenVibez did not say what.";
  return sentence(text);
}
