// One provider's connection as it is being entered or edited. Pure.
import { ConnectError } from "@connectrpc/connect";
import type { Provider } from "../gen/api/v1/api_pb";
import { ErrorCode, ErrorSchema, type DescribeResponse, type Error as ProviderError } from "../gen/provider/v1/provider_pb";
import { formOf, settingsOf, valuesOf, type Values } from "./schema";

// Where a key is: nowhere, with the system, in an environment variable, or printed by a command.
export type KeyPlace = "" | "keychain" | "env" | "command";

export interface Draft {
  readonly name: string;
  readonly baseUrl: string;
  readonly keyPlace: KeyPlace;
  // A key just typed; one that is kept is never shown.
  readonly key: string;
  readonly keyEnv: string;
  // The command that prints it; it can only be set in a terminal.
  readonly keyCommand: string;
  readonly values: Values;
  readonly defaultModel: string;
}

export function keyPlaceOf(source: string): KeyPlace {
  if (source.startsWith("env:")) return "env";
  if (source.startsWith("command:")) return "command";
  return source === "keychain" ? source : "";
}

// newDraft is a connection nobody has entered anything for. A service elsewhere usually wants a key, even where some
// servers of its kind do without.
export function newDraft(about: DescribeResponse): Draft {
  const elsewhere = about.defaultBaseUrl.startsWith("https://");
  const keyPlace = about.key && (!about.key.optional || elsewhere) ? "keychain" : "";
  return { name: "", baseUrl: "", keyPlace, key: "", keyEnv: about.key?.env ?? "", keyCommand: "", values: {}, defaultModel: "" };
}

export function draftOf(p: Provider, about: DescribeResponse | undefined): Draft {
  return {
    name: p.name,
    baseUrl: p.baseUrl,
    keyPlace: keyPlaceOf(p.keySource),
    key: "",
    keyEnv: p.keySource.startsWith("env:") ? p.keySource.slice(4) : (about?.key?.env ?? ""),
    keyCommand: p.keySource.startsWith("command:") ? p.keySource.slice(8) : "",
    values: valuesOf(formOf(about?.settingsSchema ?? ""), p.settingsJson),
    defaultModel: p.defaultModel,
  };
}

const address = (url: string): string => url.trim().replace(/\/+$/, "");

// withKey is a new connection as it is sent: no key typed where none is needed is no key.
export function withKey(d: Draft, about: DescribeResponse): Draft {
  return d.keyPlace === "keychain" && d.key.trim() === "" && about.key?.optional ? { ...d, keyPlace: "" } : d;
}

// keySource is what the host is told about where the key is.
export function keySource(d: Draft): string {
  if (d.keyPlace === "env") return d.keyEnv.trim() ? `env:${d.keyEnv.trim()}` : "";
  return d.keyPlace === "command" ? `command:${d.keyCommand}` : d.keyPlace;
}

export interface Changes {
  name?: string;
  baseUrl?: string;
  settingsJson?: string;
  keySource?: string;
  key?: string;
  defaultModel?: string;
}

export interface Reading {
  changes: Changes;
  // What is wrong, by field.
  problems: Record<string, string>;
}

// changesOf is how a draft differs from what the host has.
export function changesOf(d: Draft, p: Provider, about: DescribeResponse | undefined): Reading {
  const was = draftOf(p, about);
  const form = formOf(about?.settingsSchema ?? "");
  const { settingsJson, problems } = settingsOf(form, d.values, p.settingsJson);
  const changes: Changes = {};
  if (d.name.trim() !== p.name) changes.name = d.name.trim();
  if (address(d.baseUrl) !== address(p.baseUrl)) changes.baseUrl = d.baseUrl.trim();
  if (!sameValues(d.values, was.values)) changes.settingsJson = settingsJson;
  if (d.defaultModel !== p.defaultModel) changes.defaultModel = d.defaultModel;
  const key = d.keyPlace === "keychain" ? d.key.trim() : "";
  if (key) changes.key = key;
  else if (keySource(d) !== p.keySource) {
    if (d.keyPlace === "keychain") problems.key = "Enter the key.";
    else changes.keySource = keySource(d);
  }
  return { changes, problems: { ...missing(d), ...problems } };
}

// missing says what a draft lacks in any case.
export function missing(d: Draft): Record<string, string> {
  return d.keyPlace === "env" && d.keyEnv.trim() === "" ? { key: "Enter the variable's name." } : {};
}

function sameValues(a: Values, b: Values): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => (a[name] ?? "").trim() === (b[name] ?? "").trim());
}

export function changed(d: Draft, p: Provider, about: DescribeResponse | undefined): boolean {
  const { changes, problems } = changesOf(d, p, about);
  return Object.keys(changes).length > 0 || (problems.key !== undefined && keySource(d) !== p.keySource);
}

// dropsKey: a key belongs to the address it was entered for and does not move with it.
export function dropsKey(d: Draft, p: Provider): boolean {
  return p.keySource !== "" && keySource(d) === p.keySource && d.key.trim() === "" && movesAway(d, p);
}

// movesAway: requests go to another address.
export const movesAway = (d: Draft, p: Provider): boolean => address(d.baseUrl) !== address(p.baseUrl);

export interface Blame {
  // "name", "baseUrl", "key", a setting's name, or "" for the whole.
  field: string;
  words: string;
}

const ours: Record<string, string> = { base_url: "baseUrl", key: "key", name: "name" };

// blamed finds the field that an answer of the host is about.
export function blamed(err: unknown, words: string, about: DescribeResponse | undefined): Blame {
  const known = new Set(formOf(about?.settingsSchema ?? "").fields.map((f) => f.name));
  for (const detail of ConnectError.from(err).findDetails(ErrorSchema)) {
    const field = fieldOf(detail, known);
    if (field) return { field, words };
  }
  return { field: "", words };
}

// fieldOf finds the field that a failed test is about.
export function fieldOf(error: ProviderError, known: ReadonlySet<string>): string {
  if (known.has(error.field)) return error.field;
  if (ours[error.field]) return ours[error.field];
  switch (error.code) {
    case ErrorCode.AUTH:
      return "key";
    case ErrorCode.UNREACHABLE:
    case ErrorCode.TLS:
      return "baseUrl";
    default:
      return "";
  }
}
